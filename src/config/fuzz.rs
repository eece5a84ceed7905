//! What holds for any bytes of a file or of a frame. Panics where it does not.

use super::frame::{FRAME_BYTES, Frame, FrameError};
use super::layout::{CONFIG_BYTES, IMAGE_BYTES, SLOT_BYTES};
use super::{Config, Image, Refusal, Slot};

/// The bytes of a file; missing ones are zero.
///
/// A record is the same again after it was read and written. A slot that is whole is written as it was
/// found. An update becomes the config, leaves the slot before it alone and has a higher sequence.
pub fn file(data: &[u8]) {
    let bytes: [u8; IMAGE_BYTES] = core::array::from_fn(|at| data.get(at).copied().unwrap_or(0));
    let image = Image::from_bytes(bytes);
    assert_eq!(image.to_bytes(), bytes);
    if let Some(record) = data.first_chunk::<CONFIG_BYTES>() {
        let config = Config::from_bytes(*record);
        assert_eq!(config.to_bytes(), *record);
        assert_eq!(Image::new(config).current(), Some(Slot { config, sequence: 1 }));
        bytes_of(config);
    }
    let current = image.current();
    let [first, second] =
        [0, SLOT_BYTES].map(|at| bytes[at..].first_chunk::<SLOT_BYTES>().copied().unwrap_or_default());
    for slot in [first, second] {
        if let Some(whole) = Slot::decode(slot) {
            assert_eq!(whole.encode(), slot);
            assert!(current.is_some_and(|current| current.sequence >= whole.sequence));
        }
    }
    match image.update(Config::new()) {
        Ok((index, new)) => check_update(image, index, &new),
        Err(Refusal::SequenceExhausted) => assert!(current.is_some_and(|slot| slot.sequence == u64::MAX)),
        Err(refusal) => {
            assert_eq!(refusal, Refusal::UnknownVersion);
            assert!(current.is_some_and(|slot| !slot.config.is_known()));
        }
    }
}

fn check_update(image: Image, index: usize, new: &[u8; SLOT_BYTES]) {
    let last = image.current();
    let mut bytes = image.to_bytes();
    bytes[index * SLOT_BYTES..][..SLOT_BYTES].copy_from_slice(new);
    let updated = Image::from_bytes(bytes).current();
    assert_eq!(updated, Slot::decode(*new));
    assert!(updated.is_some_and(|slot| slot.config == Config::new()));
    assert!(updated.map(|slot| slot.sequence) > last.map(|slot| slot.sequence));
    // A write that does not take place leaves what was there.
    bytes[index * SLOT_BYTES..][..SLOT_BYTES].fill(0xff);
    assert_eq!(Image::from_bytes(bytes).current(), last);
}

/// Each byte of the record may be put again as it is, if its field has such a value.
fn bytes_of(config: Config) {
    for (offset, byte) in (0..).zip(config.to_bytes()) {
        match config.with_byte(offset, byte) {
            Ok(same) => assert_eq!(same, config),
            Err(Refusal::UnknownVersion) => assert!(offset == 0 && !config.is_known()),
            Err(Refusal::Value) => assert!(config.terminal_mode().is_err()),
            Err(refusal) => unreachable!("byte {offset}: {refusal:?}"),
        }
    }
}

/// The bytes of a frame; missing ones are zero.
///
/// A frame that decodes is the same bytes again. With the right checksum, only its type, offset or value
/// can be wrong; with any other, nothing else is looked at.
pub fn frame(data: &[u8]) {
    let mut bytes: [u8; FRAME_BYTES] = core::array::from_fn(|at| data.get(at).copied().unwrap_or(0));
    let [before @ .., _] = &bytes;
    let checksum = crc::Crc::<u8>::new(&crc::CRC_8_SMBUS).checksum(before);
    let decoded = Frame::decode(&bytes);
    assert_eq!(decoded == Err(FrameError::Checksum), bytes[FRAME_BYTES - 1] != checksum);
    bytes[FRAME_BYTES - 1] = checksum;
    match Frame::decode(&bytes) {
        Ok(frame) => {
            assert_eq!(frame.encode(), bytes);
            assert!((1..=5).contains(&bytes[0]));
            assert!(frame.payload_bytes() == 0 || bytes[0] > 3);
        }
        Err(FrameError::Kind) => assert!(!(1..=5).contains(&bytes[0])),
        Err(error) => assert!(bytes[0] < 3 && error != FrameError::Checksum),
    }
}
