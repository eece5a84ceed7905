//! The structs of the header, by the same offsets.
//!
//! Here they are aligned to single bytes, so that what a caller's language calls a buffer may stand anywhere.

use core::mem::{align_of, size_of};

use zerocopy::byteorder::native_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::handle::{Handle, Seen};
use crate::config::fault::Fault;
use crate::config::frame::{self, FRAME_BYTES, Frame};
use crate::config::{CONFIG_BYTES, Config};

/// `lattice_config_snapshot`
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Snapshot {
    pub(super) sequence: U64,
    pub(super) bytes: [u8; CONFIG_BYTES],
    pub(super) padding: [u8; 3],
}

/// `lattice_config_cache`
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Cached {
    pub(super) snapshot: Snapshot,
    pub(super) seen: [U64; 2],
}

/// `lattice_config_record`
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Record {
    pub(super) registry_hash: U32,
    pub(super) feature_flags: U32,
    pub(super) version: u8,
    pub(super) terminal_mode: u8,
    pub(super) rows: u8,
    pub(super) cols: u8,
    pub(super) reserved: u8,
    pub(super) padding: [u8; 3],
}

/// `lattice_config_frame`
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Parts {
    pub(super) value: U64,
    pub(super) offset: U32,
    pub(super) kind: u8,
    pub(super) padding: [u8; 3],
}

/// Where a caller's `lattice_config *` stands.
#[derive(Clone, Copy)]
#[repr(C, packed)]
pub(super) struct Place(pub(super) *mut Handle);

const _: () = assert!(size_of::<Snapshot>() == 24 && align_of::<Snapshot>() == 1);
const _: () = assert!(size_of::<Cached>() == 40 && align_of::<Cached>() == 1);
const _: () = assert!(size_of::<Record>() == 16 && align_of::<Record>() == 1);
const _: () = assert!(size_of::<Parts>() == 16 && align_of::<Parts>() == 1);

impl Snapshot {
    /// Of a sequence and the first two words of a slot, which end with the padding.
    pub(super) fn of([sequence, first, middle]: [u64; 3]) -> Self {
        let bytes: [u8; size_of::<Self>()] = zerocopy::transmute!([sequence, first.to_le(), middle.to_le()]);
        zerocopy::transmute!(bytes)
    }
}

impl Cached {
    pub(super) fn of(seen: &Seen) -> Self {
        let [first, second] = seen.sequences;
        Self { snapshot: Snapshot::of(seen.snapshot), seen: [U64::new(first), U64::new(second)] }
    }

    pub(super) fn seen(&self) -> Seen {
        let [sequence, first, middle, seen @ ..]: [u64; 5] = zerocopy::transmute!(*self);
        Seen { snapshot: [sequence, u64::from_le(first), u64::from_le(middle)], sequences: seen }
    }
}

impl From<Config> for Record {
    fn from(config: Config) -> Self {
        Self {
            registry_hash: U32::new(config.registry_hash()),
            feature_flags: U32::new(config.flags().0),
            version: config.version(),
            terminal_mode: config.terminal_mode().map_or_else(|byte| byte, |mode| mode as u8),
            rows: config.rows(),
            cols: config.cols(),
            reserved: config.reserved(),
            padding: [0; 3],
        }
    }
}

impl Record {
    /// The bytes of this record, whatever its fields hold.
    pub(super) fn to_bytes(self) -> [u8; CONFIG_BYTES] {
        let [a, b, c, d] = self.registry_hash.get().to_le_bytes();
        let [e, f, g, h] = self.feature_flags.get().to_le_bytes();
        [self.version, a, b, c, d, e, f, g, h, self.terminal_mode, self.rows, self.cols, self.reserved]
    }
}

impl Parts {
    /// The fields of a frame, if it is one.
    pub(super) fn decode(bytes: &[u8; FRAME_BYTES]) -> Result<Self, Fault> {
        let (kind, offset, value) = frame::decode_parts(bytes)?;
        check(kind, offset, value)?;
        Ok(Self { value: U64::new(value), offset: U32::new(offset), kind, padding: [0; 3] })
    }

    /// The frame of these fields, if there is such a frame.
    pub(super) fn encode(self) -> Result<[u8; FRAME_BYTES], Fault> {
        let (kind, offset, value) = (self.kind, self.offset.get(), self.value.get());
        check(kind, offset, value)?;
        Ok(frame::encode_parts(kind, offset, value))
    }
}

/// Whether there is such a frame.
#[inline(never)]
fn check(kind: u8, offset: u32, value: u64) -> Result<(), Fault> {
    Frame::from_parts(kind, offset, value)?;
    Ok(())
}
