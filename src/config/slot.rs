//! Two slots, so that a torn write loses an update and never the config.
//!
//! The valid slot with the higher sequence holds the config; an update goes into the other one, in
//! one write. Until that write is whole its checksum does not hold, and the slot before it stands.

use core::mem::size_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Config;
pub use super::change::Refusal;
use super::checksum::crc_64;
use super::layout::{CHECKSUM, IMAGE_BYTES, PADDING, SEQUENCE, SLOT_BYTES, SLOTS};

/// A slot as four numbers, each eight bytes, little-endian: twice record and padding, sequence, checksum.
pub type Words = [u64; 4];

/// Bits of the second word that are padding.
const PADDING_BITS: u32 = (PADDING.end - PADDING.start) as u32 * 8;
/// From here on, a sequence in a slot that is not whole is taken for garbage. Nobody writes so often.
const PLAUSIBLE_END: u64 = 1 << 63;

const _: () = assert!(PADDING.start == 8 + 5 && PADDING.end == 16);
const _: () = assert!(SEQUENCE.start == 16 && CHECKSUM.start == 24);

/// The first two words, byte for byte.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Padded {
    pub(super) record: Config,
    padding: [u8; 3],
}

impl Padded {
    #[inline]
    pub(super) fn new(record: Config) -> Self {
        Self { record, padding: [0; 3] }
    }

    #[inline]
    pub(super) fn from_words(first: u64, middle: u64) -> Self {
        zerocopy::transmute!([first.to_le_bytes(), middle.to_le_bytes()])
    }

    #[inline]
    pub(super) fn to_words(self) -> [u64; 2] {
        let [first, middle]: [[u8; 8]; 2] = zerocopy::transmute!(self);
        [u64::from_le_bytes(first), u64::from_le_bytes(middle)]
    }
}

const _: () = assert!(size_of::<Padded>() == SEQUENCE.start);

/// A record and its place in the order of updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The record.
    pub config: Config,
    /// Rises with each update; the first is 1.
    pub sequence: u64,
}

impl Slot {
    /// The slot these bytes are. `None` if they are none: torn, damaged or never written.
    pub fn decode(bytes: [u8; SLOT_BYTES]) -> Option<Self> {
        Self::from_words(words_of(bytes))
    }

    /// The bytes of this slot.
    pub fn encode(&self) -> [u8; SLOT_BYTES] {
        bytes_of(self.to_words())
    }

    /// The slot these numbers are, if they are one.
    #[inline]
    pub fn from_words(words: Words) -> Option<Self> {
        let [first, middle, sequence, checksum] = words;
        let is_whole = middle >> (u64::BITS - PADDING_BITS) == 0 && checksum == crc_64(&[first, middle, sequence]);
        is_whole.then_some(Self::from_whole(words))
    }

    /// The slot these numbers are. They are one.
    #[inline]
    pub(super) fn from_whole([first, middle, sequence, _]: Words) -> Self {
        Self { config: Padded::from_words(first, middle).record, sequence }
    }

    /// The numbers of this slot.
    #[inline]
    pub fn to_words(&self) -> Words {
        let [first, middle] = Padded::new(self.config).to_words();
        with_checksum([first, middle, self.sequence])
    }
}

fn words_of(bytes: [u8; SLOT_BYTES]) -> Words {
    let [first, middle, sequence, checksum]: [[u8; 8]; 4] = zerocopy::transmute!(bytes);
    [u64::from_le_bytes(first), u64::from_le_bytes(middle), u64::from_le_bytes(sequence), u64::from_le_bytes(checksum)]
}

#[inline]
pub(super) fn bytes_of([first, middle, sequence, checksum]: Words) -> [u8; SLOT_BYTES] {
    zerocopy::transmute!([first.to_le_bytes(), middle.to_le_bytes(), sequence.to_le_bytes(), checksum.to_le_bytes()])
}

/// The numbers of a slot.
#[inline]
pub(super) fn with_checksum(words: [u64; 3]) -> Words {
    let [first, middle, sequence] = words;
    [first, middle, sequence, crc_64(&words)]
}

/// Whether the checksum holds and the padding is zero.
#[cfg_attr(feature = "node", inline)]
#[cfg_attr(not(feature = "node"), inline(never))]
pub(super) fn is_whole([before @ .., checksum]: &Words) -> bool {
    let [_, middle, _] = before;
    middle >> (u64::BITS - PADDING_BITS) == 0 && *checksum == crc_64(before)
}

/// Which slot to write, and with which sequence, so that `config` becomes the current one after `newest`.
#[inline]
pub(super) fn plan(newest: Option<&(usize, Slot)>, stored: [u64; 2], config: &Config) -> Result<(usize, u64), Refusal> {
    config.may_follow(newest.map(|(_, slot)| &slot.config))?;
    next(newest.map(|&(index, slot)| (index, slot.sequence)), stored)
}

/// The slot and the sequence that come after these.
///
/// The sequence passes those that stand in the file, whether their slots are whole or not: so each
/// update changes a sequence that readers look at, even one that follows a torn write.
#[inline]
pub(super) fn next(newest: Option<(usize, u64)>, [first, second]: [u64; 2]) -> Result<(usize, u64), Refusal> {
    let (index, last) = newest.map_or((0, 0), |(index, last)| (usize::from(index == 0), last));
    let plausible = |sequence: u64| if sequence < PLAUSIBLE_END { sequence } else { 0 };
    let last = last.max(plausible(first)).max(plausible(second));
    Ok((index, last.checked_add(1).ok_or(Refusal::SequenceExhausted)?))
}

/// The index of the config's slot, its words in `words`: the valid one with the higher sequence. Two numbers that
/// are `stored` say which to look at first, so that the other is looked at only if that one is not whole.
#[inline]
pub(super) fn newest([first, second]: [u64; 2], slot: impl Fn(usize) -> Words, words: &mut Words) -> Option<usize> {
    let mut index = usize::from(second > first);
    for _ in 0..SLOTS {
        *words = slot(index);
        if is_whole(words) {
            return Some(index);
        }
        index ^= 1;
    }
    None
}

/// The bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Image {
    slots: [[u8; SLOT_BYTES]; SLOTS],
}

const _: () = assert!(size_of::<Image>() == IMAGE_BYTES);

impl Image {
    /// A fresh file: `config` in the first slot, nothing in the other. Also how a bare record of 13
    /// bytes is imported, whatever its version.
    pub fn new(config: Config) -> Self {
        Self { slots: [Slot { config, sequence: 1 }.encode(), [0; SLOT_BYTES]] }
    }

    /// The file these bytes are.
    pub fn from_bytes(bytes: [u8; IMAGE_BYTES]) -> Self {
        zerocopy::transmute!(bytes)
    }

    /// The bytes of this file.
    pub fn to_bytes(self) -> [u8; IMAGE_BYTES] {
        zerocopy::transmute!(self)
    }

    /// The slot that holds the config. `None` if neither is whole.
    pub fn current(&self) -> Option<Slot> {
        self.newest().map(|(_, slot)| slot)
    }

    /// Which slot to write, and with which bytes, so that `config` becomes the current one.
    ///
    /// The file itself is not changed: what is written to it must be read back from it.
    pub fn update(&self, config: Config) -> Result<(usize, [u8; SLOT_BYTES]), Refusal> {
        let (index, sequence) = plan(self.newest().as_ref(), self.sequences(), &config)?;
        Ok((index, Slot { config, sequence }.encode()))
    }

    fn newest(&self) -> Option<(usize, Slot)> {
        let [first, second] = self.slots.map(words_of);
        let mut words = [0; 4];
        newest(self.sequences(), |index| if index == 0 { first } else { second }, &mut words)
            .map(|index| (index, Slot::from_whole(words)))
    }

    fn sequences(&self) -> [u64; 2] {
        self.slots.map(|slot| {
            let [_, _, sequence, _] = words_of(slot);
            sequence
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CONFIG_BYTES, Flags};

    /// Written by hand; the checksum is that of an independent CRC-64/XZ.
    const VECTOR: [u8; SLOT_BYTES] = [
        1, 0x78, 0x56, 0x34, 0x12, 0xa5, 0, 0, 0xc0, 2, 24, 80, 0xee, // record
        0, 0, 0, // padding
        7, 0, 0, 0, 0, 0, 0, 0, // sequence
        0x66, 0x52, 0x35, 0xba, 0xb8, 0x58, 0x10, 0x42, // checksum
    ];

    fn config(hash: u32) -> Config {
        Config::new().with_registry_hash(hash).with_flags(Flags(hash))
    }

    /// A file after `count` updates.
    fn image(count: u32) -> Image {
        (1..=count).fold(Image::new(config(0)), |image, hash| written(image, image.update(config(hash)).unwrap()))
    }

    fn written(mut image: Image, (index, bytes): (usize, [u8; SLOT_BYTES])) -> Image {
        image.slots[index] = bytes;
        image
    }

    #[test]
    fn a_slot_by_hand() {
        let slot = Slot::decode(VECTOR).unwrap();
        assert_eq!(slot.sequence, 7);
        assert_eq!(slot.config.to_bytes(), VECTOR[..CONFIG_BYTES]);
        assert_eq!(slot.encode(), VECTOR);
    }

    #[test]
    fn no_bit_of_a_slot_may_flip() {
        for bit in 0..SLOT_BYTES * 8 {
            let mut bytes = VECTOR;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Slot::decode(bytes), None, "bit {bit}");
        }
        assert_eq!(Slot::decode([0; SLOT_BYTES]), None);
        assert_eq!(Slot::decode([0xff; SLOT_BYTES]), None);
    }

    #[test]
    fn words_are_little_endian() {
        let words = [0xa512_3456_7801, 0x00ee_5018_02c0, 7, 0x4210_58b8_ba35_5266];
        assert_eq!(words_of(VECTOR), words);
        assert_eq!(Slot::decode(VECTOR).map(|slot| slot.to_words()), Some(words));
    }

    #[test]
    fn padding_is_zero() {
        for at in PADDING {
            let mut bytes = VECTOR;
            bytes[at] = 1;
            let crc = crc::Crc::<u64>::new(&crc::CRC_64_XZ).checksum(&bytes[..CHECKSUM.start]);
            bytes[CHECKSUM].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(Slot::decode(bytes), None, "byte {at}");
        }
    }

    #[test]
    fn a_fresh_file_begins_with_the_record() {
        let image = Image::new(config(5));
        assert_eq!(image.to_bytes()[..CONFIG_BYTES], config(5).to_bytes());
        assert_eq!(image.to_bytes()[SLOT_BYTES..], [0; SLOT_BYTES]);
        assert_eq!(image.current(), Some(Slot { config: config(5), sequence: 1 }));
        assert_eq!(Image::from_bytes(image.to_bytes()), image);
    }

    #[test]
    fn updates_take_turns() {
        for count in 0..5u32 {
            let image = image(count);
            assert_eq!(image.current(), Some(Slot { config: config(count), sequence: u64::from(count) + 1 }));
            let (index, bytes) = image.update(config(99)).unwrap();
            assert_eq!(index as u32, (count + 1) % 2);
            assert_eq!(Slot::decode(bytes), Some(Slot { config: config(99), sequence: u64::from(count) + 2 }));
        }
    }

    #[test]
    fn a_torn_write_leaves_the_old_record_or_the_new_one() {
        for count in 0..4 {
            let before = image(count);
            let (index, new) = before.update(config(99)).unwrap();
            for torn in 0..=SLOT_BYTES {
                for front_first in [true, false] {
                    let range = if front_first { 0..torn } else { torn..SLOT_BYTES };
                    let mut after = before;
                    after.slots[index][range.clone()].copy_from_slice(&new[range]);
                    let current = after.current().unwrap().config;
                    let is_whole = after.slots[index] == new;
                    assert_eq!(current, if is_whole { config(99) } else { config(count) }, "torn at {torn}");
                }
            }
        }
    }

    #[test]
    fn one_damaged_slot_leaves_the_other() {
        for count in 1..4 {
            for at in 0..IMAGE_BYTES {
                let mut bytes = image(count).to_bytes();
                bytes[at] ^= 0x40;
                let current = Image::from_bytes(bytes).current().unwrap().config;
                let newest = (count % 2) as usize;
                let expected = if at / SLOT_BYTES == newest { count - 1 } else { count };
                assert_eq!(current, config(expected), "byte {at}");
            }
        }
    }

    #[test]
    fn a_file_without_a_whole_slot_can_be_written_again() {
        let image = Image::from_bytes([0; IMAGE_BYTES]);
        assert_eq!(image.current(), None);
        let image = written(image, image.update(config(3)).unwrap());
        assert_eq!(image, Image::new(config(3)));
    }

    #[test]
    fn an_unknown_version_is_read_and_never_written() {
        let mut bytes = config(4).to_bytes();
        bytes[0] = 2;
        let unknown = Config::from_bytes(bytes);
        let image = Image::new(unknown);
        assert_eq!(image.current().map(|slot| slot.config.registry_hash()), Some(4));
        assert_eq!(image.update(config(5)), Err(Refusal::UnknownVersion));
        assert_eq!(Image::new(config(5)).update(unknown), Err(Refusal::UnknownVersion));
    }

    #[test]
    fn an_update_passes_the_sequence_of_a_slot_that_is_not_whole() {
        for (stands, next) in [(0, 2), (1, 2), (2, 3), (9, 10), (PLAUSIBLE_END - 1, PLAUSIBLE_END), (u64::MAX, 2)] {
            let mut image = Image::new(config(1));
            image.slots[1][SEQUENCE].copy_from_slice(&u64::to_le_bytes(stands));
            let (index, bytes) = image.update(config(2)).unwrap();
            assert_eq!((index, Slot::decode(bytes).unwrap().sequence), (1, next));
        }
    }

    #[test]
    fn the_last_sequence_is_the_last() {
        let image = |sequence| Image { slots: [[0; SLOT_BYTES], Slot { config: config(1), sequence }.encode()] };
        assert_eq!(image(u64::MAX - 1).update(config(2)).map(|(index, _)| index), Ok(0));
        assert_eq!(image(u64::MAX).update(config(2)), Err(Refusal::SequenceExhausted));
    }
}
