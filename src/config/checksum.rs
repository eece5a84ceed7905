//! CRC-64/XZ of a slot and CRC-8/SMBUS of a frame, four bits at a time.
//!
//! A CRC is linear: the checksum of a message is the XOR of what each of its nibbles gives alone.
//! So all nibbles are looked up at once and none waits for the one before. The tables come from the
//! `crc` crate while compiling; every index has four bits, so no look-up can panic. Built alone, the
//! config is to be small: then bits are done one after the other, without a table.

use crc::{CRC_8_SMBUS, CRC_64_XZ, Crc};

const CRC_64: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);
const CRC_8: Crc<u8> = Crc::<u8>::new(&CRC_8_SMBUS);

/// Bytes of a frame before its checksum.
const FRAME_BYTES: usize = 13;

/// The checksum of 24 zero bytes.
const NOTHING: u64 = CRC_64.checksum(&[0; 24]);

/// What each nibble gives that stands in the last eight bytes, and in the first of 24. A row for each of
/// the 42 nibbles would be no faster.
static LAST: [[u64; 16]; 16] = rows_64::<8>();
static FIRST: [[u64; 16]; 16] = rows_64::<24>();

/// The same for a frame's first eight bytes and for its other five.
static FRAME_FIRST: [[u8; 16]; 16] = rows_8::<16>(0);
static FRAME_LAST: [[u8; 16]; 10] = rows_8::<10>(8);

/// What the bit that leaves a sum does to the rest: the polynomials, that of CRC-64 from the other end.
const BIT_64: u64 = CRC_64_XZ.poly.reverse_bits();
const BIT_8: u8 = CRC_8_SMBUS.poly;

const fn rows_64<const BYTES: usize>() -> [[u64; 16]; 16] {
    let zero = CRC_64.checksum(&[0; BYTES]);
    let mut rows = [[0; 16]; 16];
    let mut at = 0;
    while at < 256 {
        let mut message = [0; BYTES];
        message[at / 32] = ((at % 16) << (at / 16 % 2 * 4)) as u8;
        rows[at / 16][at % 16] = CRC_64.checksum(&message) ^ zero;
        at += 1;
    }
    rows
}

const fn rows_8<const ROWS: usize>(first: usize) -> [[u8; 16]; ROWS] {
    let mut rows = [[0; 16]; ROWS];
    let mut at = 0;
    while at < ROWS * 16 {
        let mut message = [0; FRAME_BYTES];
        message[first + at / 32] = ((at % 16) << (at / 16 % 2 * 4)) as u8;
        rows[at / 16][at % 16] = CRC_8.checksum(&message);
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
    let [middle_rows @ .., _, _, _, _, _, _] = &LAST;
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

/// CRC-8/SMBUS of a frame before its checksum: eight bytes and five, as little-endian numbers.
#[inline]
pub(super) fn crc_8_at_once(first: u64, last: u64) -> u8 {
    fold_8(&FRAME_FIRST, first) ^ fold_8(&FRAME_LAST, last)
}

/// The same of its bytes.
#[cfg_attr(not(feature = "node"), inline(never))]
pub(super) fn crc_8_in_steps(bytes: &[u8; FRAME_BYTES]) -> u8 {
    let mut sum = 0;
    for byte in bytes {
        sum ^= byte;
        for _ in 0..u8::BITS {
            sum = sum << 1 ^ BIT_8 & (sum >> 7).wrapping_neg();
        }
    }
    sum
}

#[inline]
fn fold_64(rows: &[[u64; 16]], mut bits: u64) -> u64 {
    let mut sum = 0;
    for row in rows {
        sum ^= row[(bits & 15) as usize];
        bits >>= 4;
    }
    sum
}

#[inline]
fn fold_8(rows: &[[u8; 16]], mut bits: u64) -> u8 {
    let mut sum = 0;
    for row in rows {
        sum ^= row[(bits & 15) as usize];
        bits >>= 4;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn nibble_by_nibble_is_byte_by_byte() {
        for seed in 0..2000 {
            let mut slot = bytes::<24>(seed);
            slot[13..16].fill(0);
            let word = |at: usize| u64::from_le_bytes(*slot[at..].first_chunk().unwrap());
            for crc_64 in [crc_64_at_once, crc_64_in_steps] {
                assert_eq!(crc_64(&[word(0), word(8), word(16)]), CRC_64.checksum(&slot), "{slot:x?}");
            }
            let frame = bytes::<FRAME_BYTES>(seed);
            let (first, last) = (u64::from_le_bytes(*frame.first_chunk().unwrap()), &frame[8..]);
            let last = last.iter().rev().fold(0, |last, &byte| last << 8 | u64::from(byte));
            for crc_8 in [crc_8_at_once(first, last), crc_8_in_steps(&frame)] {
                assert_eq!(crc_8, CRC_8.checksum(&frame), "{frame:x?}");
            }
        }
    }
}
