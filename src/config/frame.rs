//! A frame of `lattice.config.v1`: 14 bytes in, a [`Frame`] out, and back.
//!
//! | offset | bytes | field | type |
//! |---|---|---|---|
//! | 0x00 | 1 | type | u8 |
//! | 0x01 | 4 | offset | u32, little-endian |
//! | 0x05 | 8 | value | u64, little-endian |
//! | 0x0D | 1 | checksum | u8: CRC-8/SMBUS of the 13 bytes before |
//!
//! | type | meaning | offset | value |
//! |---|---|---|---|
//! | 0x01 | a byte of the config | 0 to 12 | 0 to 255 |
//! | 0x02 | a feature | its bit, 0 to 31 | 0, 1 |
//! | 0x03 | heartbeat | any | any: both come back |
//! | 0x04 | error | bytes of the payload | the code |
//! | 0x05 | broadcast | bytes of the payload | any |
//!
//! The payload of an error or a broadcast follows the 14 bytes; how long it may be is for whoever
//! receives it to say. A frame that decodes encodes to the same bytes.

use zerocopy::byteorder::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::checksum::crc_8;
use super::layout::CONFIG_BYTES;

/// Bytes of a frame.
pub const FRAME_BYTES: usize = 14;

const BYTE: u8 = 1;
const FEATURE: u8 = 2;
const HEARTBEAT: u8 = 3;
const ERROR: u8 = 4;
const BROADCAST: u8 = 5;

/// A frame, byte for byte.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Stored {
    kind: u8,
    offset: U32,
    value: U64,
    checksum: u8,
}

const _: () = assert!(size_of::<Stored>() == FRAME_BYTES);
const _: () = assert!(core::mem::offset_of!(Stored, offset) == 0x01);
const _: () = assert!(core::mem::offset_of!(Stored, value) == 0x05);
const _: () = assert!(core::mem::offset_of!(Stored, checksum) == 0x0d);

impl Stored {
    #[inline]
    fn expected_checksum(&self) -> u8 {
        let [before @ .., _]: &[u8; FRAME_BYTES] = zerocopy::transmute_ref!(self);
        crc_8(before)
    }
}

/// What a peer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// The config changed; a payload follows.
    Broadcast {
        /// Bytes of the payload.
        payload_bytes: u32,
        /// What the sender put there.
        value: u64,
    },
    /// One byte of the config.
    Byte {
        /// Which, from 0 to 12.
        offset: u8,
        /// What it is to be.
        value: u8,
    },
    /// Something was refused; a payload follows.
    Error {
        /// Bytes of the payload.
        payload_bytes: u32,
        /// What.
        code: u64,
    },
    /// One feature.
    Feature {
        /// Its bit, from 0 to 31.
        bit: u8,
        /// Whether it is to be on.
        on: bool,
    },
    /// Is anybody there? The answer is the same frame.
    Heartbeat {
        /// Comes back.
        offset: u32,
        /// Comes back.
        value: u64,
    },
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The checksum is not that of the bytes before.
    Checksum,
    /// No frame has this type.
    Kind,
    /// Frames of this type have no such offset.
    Offset,
    /// Frames of this type have no such value.
    Value,
}

impl Frame {
    /// The frame these bytes are.
    #[inline]
    pub fn decode(bytes: &[u8; FRAME_BYTES]) -> Result<Self, FrameError> {
        let (kind, offset, value) = decode_parts(bytes)?;
        Self::from_parts(kind, offset, value)
    }

    /// The frame of this type, offset and value.
    #[inline]
    pub fn from_parts(kind: u8, offset: u32, value: u64) -> Result<Self, FrameError> {
        match kind {
            BYTE => {
                let offset = below(offset, CONFIG_BYTES as u32)?;
                u8::try_from(value).map(|value| Frame::Byte { offset, value }).map_err(|_| FrameError::Value)
            }
            FEATURE if value > 1 => Err(FrameError::Value),
            FEATURE => Ok(Frame::Feature { bit: below(offset, u32::BITS)?, on: value == 1 }),
            HEARTBEAT => Ok(Frame::Heartbeat { offset, value }),
            ERROR => Ok(Frame::Error { payload_bytes: offset, code: value }),
            BROADCAST => Ok(Frame::Broadcast { payload_bytes: offset, value }),
            _ => Err(FrameError::Kind),
        }
    }

    /// The bytes of this frame. An offset that is out of range is sent as it is, for the peer to refuse.
    #[inline]
    pub fn encode(&self) -> [u8; FRAME_BYTES] {
        let (kind, offset, value) = self.to_parts();
        encode_parts(kind, offset, value)
    }

    /// Its type, offset and value.
    #[inline]
    pub fn to_parts(&self) -> (u8, u32, u64) {
        match *self {
            Frame::Byte { offset, value } => (BYTE, offset.into(), value.into()),
            Frame::Feature { bit, on } => (FEATURE, bit.into(), on.into()),
            Frame::Heartbeat { offset, value } => (HEARTBEAT, offset, value),
            Frame::Error { payload_bytes, code } => (ERROR, payload_bytes, code),
            Frame::Broadcast { payload_bytes, value } => (BROADCAST, payload_bytes, value),
        }
    }

    /// How many bytes follow the frame.
    pub fn payload_bytes(&self) -> u32 {
        match *self {
            Frame::Error { payload_bytes, .. } | Frame::Broadcast { payload_bytes, .. } => payload_bytes,
            Frame::Byte { .. } | Frame::Feature { .. } | Frame::Heartbeat { .. } => 0,
        }
    }
}

/// Type, offset and value of a frame whose checksum holds, whatever they are.
#[inline]
pub fn decode_parts(bytes: &[u8; FRAME_BYTES]) -> Result<(u8, u32, u64), FrameError> {
    let stored: Stored = zerocopy::transmute!(*bytes);
    let is_whole = stored.checksum == stored.expected_checksum();
    is_whole.then_some((stored.kind, stored.offset.get(), stored.value.get())).ok_or(FrameError::Checksum)
}

/// The bytes of a frame of these, whatever they are.
#[inline]
pub fn encode_parts(kind: u8, offset: u32, value: u64) -> [u8; FRAME_BYTES] {
    let mut stored = Stored { kind, offset: U32::new(offset), value: U64::new(value), checksum: 0 };
    stored.checksum = stored.expected_checksum();
    zerocopy::transmute!(stored)
}

#[inline]
fn below(offset: u32, end: u32) -> Result<u8, FrameError> {
    if offset < end { Ok(offset as u8) } else { Err(FrameError::Offset) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by hand; the checksums are those of an independent CRC-8/SMBUS.
    const VECTORS: [([u8; FRAME_BYTES], Frame); 5] = [
        ([1, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x09], Frame::Byte { offset: 9, value: 2 }),
        ([2, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xf5], Frame::Feature { bit: 6, on: true }),
        (
            [3, 4, 3, 2, 1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x83],
            Frame::Heartbeat { offset: 0x0102_0304, value: 0x1122_3344_5566_7788 },
        ),
        ([4, 0, 1, 0, 0, 0x95, 1, 0, 0, 0, 0, 0, 0, 0x49], Frame::Error { payload_bytes: 256, code: 405 }),
        ([5, 13, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0x7b], Frame::Broadcast { payload_bytes: 13, value: 7 }),
    ];

    #[test]
    fn frames_by_hand() {
        for (bytes, frame) in VECTORS {
            assert_eq!(Frame::decode(&bytes), Ok(frame), "{bytes:x?}");
            assert_eq!(frame.encode(), bytes);
        }
        assert_eq!(VECTORS.map(|(_, frame)| frame.payload_bytes()), [0, 0, 0, 256, 13]);
    }

    #[test]
    fn no_bit_of_a_frame_may_flip() {
        for (bytes, _) in VECTORS {
            for bit in 0..FRAME_BYTES * 8 {
                let mut bytes = bytes;
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Frame::decode(&bytes), Err(FrameError::Checksum), "bit {bit}");
            }
        }
    }

    #[test]
    fn five_types_are_known() {
        for kind in 0..=255 {
            let known = Frame::decode(&encode_parts(kind, 0, 0)).is_ok();
            assert_eq!(known, (1..=5).contains(&kind), "{kind}");
            assert!(known || Frame::decode(&encode_parts(kind, 0, 0)) == Err(FrameError::Kind));
        }
    }

    #[test]
    fn a_byte_is_within_the_config() {
        for (offset, value, refused) in [
            (12, 255, None),
            (13, 255, Some(FrameError::Offset)),
            (u32::MAX, 0, Some(FrameError::Offset)),
            (256, 0, Some(FrameError::Offset)),
            (0, 256, Some(FrameError::Value)),
            (0, u64::MAX, Some(FrameError::Value)),
        ] {
            assert_eq!(Frame::decode(&encode_parts(BYTE, offset, value)).err(), refused, "{offset} {value}");
        }
    }

    #[test]
    fn a_feature_is_a_bit_that_is_on_or_off() {
        for (offset, value, refused) in [
            (31, 0, None),
            (0, 1, None),
            (32, 1, Some(FrameError::Offset)),
            (256, 1, Some(FrameError::Offset)),
            (0, 2, Some(FrameError::Value)),
            (0, 1 << 32 | 1, Some(FrameError::Value)),
        ] {
            assert_eq!(Frame::decode(&encode_parts(FEATURE, offset, value)).err(), refused, "{offset} {value}");
        }
    }

    #[test]
    fn what_has_no_range_keeps_every_bit() {
        for kind in [HEARTBEAT, ERROR, BROADCAST] {
            let bytes = encode_parts(kind, u32::MAX, u64::MAX);
            assert_eq!(Frame::decode(&bytes).map(|frame| frame.encode()), Ok(bytes));
        }
    }
}
