//! CRC-64/XZ of a slot and CRC-8/SMBUS of a frame.
//!
//! **CRC-64, six bits at a time.** A CRC is linear: the checksum of a message is the XOR of what each part of it
//! gives alone. So all parts are looked up at once and none waits for the one before. Of six bits each, 29 look-ups
//! in 11 KB take two thirds of the time of 42 in 4 KB; of eight, 21 would want 32 KB. The tables come from the `crc`
//! crate while compiling; every index has six bits, so no look-up can panic. Built alone, the config is to be small:
//! then bits are done one after the other, without a table.
//!
//! **CRC-8, without a table or a loop.** It is what remains of the message, as a polynomial over two values, after
//! a division by x⁸ + x² + x + 1. So x⁸ may stand for x² + x + 1, and as squaring is linear there, x¹⁶ for
//! x⁴ + x² + 1, x³² for x⁸ + x⁴ + 1, and x⁶⁴ for x¹⁶ + x⁸ + 1: what stands above such a power is added to what
//! stands below it at three places, until eight bits are left.

use crc::{CRC_8_SMBUS, CRC_64_XZ, Crc};

const CRC_64: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);

/// Bytes of a frame before its checksum.
const FRAME_BYTES: usize = 13;

/// The checksum of 24 zero bytes.
const NOTHING: u64 = CRC_64.checksum(&[0; 24]);

/// Bits of an index.
const WIDTH: u32 = 6;
/// Rows for eight bytes, and for five. The last one's uppermost entries are for bits that are not there.
const ROWS: usize = u64::BITS.div_ceil(WIDTH) as usize;
const MIDDLE_ROWS: usize = 40_u32.div_ceil(WIDTH) as usize;

/// What each value gives of six bits that stand at one place.
type Row = [u64; 1 << WIDTH];

/// Those of the last eight bytes, and of the first of 24. Rows for the places between would be no faster.
static LAST: [Row; ROWS] = rows_64::<8>();
static FIRST: [Row; ROWS] = rows_64::<24>();

/// What the bit that leaves a sum does to the rest: the polynomials, that of CRC-64 from the other end.
const BIT_64: u64 = CRC_64_XZ.poly.reverse_bits();
const BIT_8: u8 = CRC_8_SMBUS.poly;

const fn rows_64<const BYTES: usize>() -> [Row; ROWS] {
    let zero = CRC_64.checksum(&[0; BYTES]);
    let mut rows = [[0; 1 << WIDTH]; ROWS];
    let mut at = 0;
    while at < ROWS << WIDTH {
        let (row, value) = (at >> WIDTH, at % (1 << WIDTH));
        let word = ((value as u128) << (row * WIDTH as usize)).to_le_bytes();
        let mut message = [0; BYTES];
        let mut byte = 0;
        while byte < size_of::<u64>() {
            message[byte] = word[byte];
            byte += 1;
        }
        rows[row][value] = CRC_64.checksum(&message) ^ zero;
        at += 1;
    }
    rows
}

/// CRC-64/XZ of a slot before its checksum: eight bytes, five and three of zero, eight; each as a
/// little-endian number. Bits of the second above the fortieth are zero.
#[inline]
pub(super) fn crc_64(words: &[u64; 3]) -> u64 {
    if cfg!(feature = "node") { crc_64_at_once(words) } else { crc_64_in_steps(words) }
}

#[inline]
fn crc_64_at_once(&[first, middle, last]: &[u64; 3]) -> u64 {
    let (middle_rows, _) = LAST.split_at(MIDDLE_ROWS);
    NOTHING ^ fold_64(&FIRST, first) ^ fold_64(&LAST, fold_64(middle_rows, middle) ^ last)
}

#[cfg_attr(not(feature = "node"), inline(never))]
fn crc_64_in_steps(words: &[u64; 3]) -> u64 {
    let mut sum = u64::MAX;
    for word in words {
        sum ^= word;
        for _ in 0..u64::BITS {
            sum = sum >> 1 ^ BIT_64 & (sum & 1).wrapping_neg();
        }
    }
    !sum
}

/// CRC-8/SMBUS of a frame before its checksum.
#[inline]
pub(super) fn crc_8(bytes: &[u8; FRAME_BYTES]) -> u8 {
    if cfg!(feature = "node") { crc_8_at_once(bytes) } else { crc_8_in_steps(bytes) }
}

#[inline]
fn crc_8_at_once(&[a, b, c, d, e, ref last @ ..]: &[u8; FRAME_BYTES]) -> u8 {
    let (first, last) = (u64::from_be_bytes([0, 0, 0, a, b, c, d, e]), u64::from_be_bytes(*last));
    // The checksum's place is the lowest byte: the first stand 56 and 64 bits above it.
    let low = last << 8 ^ instead_of(64, first << 8 | last >> 56);
    // Four powers, two of them twice: what is added may reach above the power again.
    let low = folded(16, folded(16, folded(32, low)));
    folded(8, folded(8, low)) as u8
}

#[cfg_attr(not(feature = "node"), inline(never))]
fn crc_8_in_steps(bytes: &[u8; FRAME_BYTES]) -> u8 {
    let mut sum = 0;
    for byte in bytes {
        sum ^= byte;
        for _ in 0..u8::BITS {
            sum = sum << 1 ^ BIT_8 & (sum >> 7).wrapping_neg();
        }
    }
    sum
}

/// The same remainder, with what stands above x to this power brought below.
#[inline]
fn folded(power: u32, sum: u64) -> u64 {
    sum & ((1 << power) - 1) ^ instead_of(power, sum >> power)
}

/// What may stand for x to this power times `above`: three terms, an eighth and a quarter of the power apart.
#[inline]
fn instead_of(power: u32, above: u64) -> u64 {
    above ^ above << (power / 8) ^ above << (power / 4)
}

#[inline]
fn fold_64(rows: &[Row], mut bits: u64) -> u64 {
    let mut sum = 0;
    for row in rows {
        sum ^= row[bits as usize % row.len()];
        bits >>= WIDTH;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRC_8: Crc<u8> = Crc::<u8>::new(&CRC_8_SMBUS);

    #[test]
    fn both_are_the_checksums_of_their_names() {
        assert_eq!(CRC_64.checksum(b"123456789"), 0x995d_c9bb_df19_39fa);
        assert_eq!(CRC_8.checksum(b"123456789"), 0xf4);
    }

    /// Bytes without a pattern.
    fn bytes<const BYTES: usize>(seed: u64) -> [u8; BYTES] {
        let mut state = seed;
        core::array::from_fn(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
    }

    #[test]
    fn six_bits_at_a_time_are_byte_by_byte() {
        let single = (0..24 * 8).map(|bit| core::array::from_fn(|byte| u8::from(byte == bit / 8) << (bit % 8)));
        for mut slot in single.chain((0..2000).map(bytes::<24>)) {
            slot[13..16].fill(0);
            let word = |at: usize| u64::from_le_bytes(*slot[at..].first_chunk().unwrap());
            for crc_64 in [crc_64_at_once, crc_64_in_steps] {
                assert_eq!(crc_64(&[word(0), word(8), word(16)]), CRC_64.checksum(&slot), "{slot:x?}");
            }
        }
    }

    #[test]
    fn a_division_by_its_powers_is_byte_by_byte() {
        let single = (0..104).map(|bit| (1_u128 << bit).to_le_bytes());
        let random = (0..2000).map(bytes::<16>);
        for message in single.chain(random) {
            let message = message.first_chunk().unwrap();
            for crc_8 in [crc_8_at_once, crc_8_in_steps] {
                assert_eq!(crc_8(message), CRC_8.checksum(message), "{message:x?}");
            }
        }
    }
}
