//! Where each byte is.
//!
//! The record, 13 bytes:
//!
//! | offset | bytes | field | type |
//! |---|---|---|---|
//! | 0x00 | 1 | version | u8 |
//! | 0x01 | 4 | registry_hash | u32, little-endian |
//! | 0x05 | 4 | feature_flags | u32, little-endian |
//! | 0x09 | 1 | terminal_mode | u8: 0, 1, 2 |
//! | 0x0A | 1 | rows | u8 |
//! | 0x0B | 1 | cols | u8 |
//! | 0x0C | 1 | reserved | u8, kept as found |
//!
//! A slot, 32 bytes:
//!
//! | offset | bytes | field | type |
//! |---|---|---|---|
//! | 0x00 | 13 | record | as above |
//! | 0x0D | 3 | padding | zero |
//! | 0x10 | 8 | sequence | u64, little-endian |
//! | 0x18 | 8 | checksum | u64, little-endian: CRC-64/XZ of the 24 bytes before |
//!
//! The file, 64 bytes, one cache line: slot 0, slot 1.

use core::ops::Range;

/// The version of the record that this program writes.
pub const VERSION: u8 = 1;

/// Bytes of a record.
pub const CONFIG_BYTES: usize = 13;
/// Bytes of a slot.
pub const SLOT_BYTES: usize = 32;
/// Slots of a file.
pub const SLOTS: usize = 2;
/// Bytes of a file.
pub const IMAGE_BYTES: usize = SLOTS * SLOT_BYTES;

// Offsets in a record.

/// `version`
pub const VERSION_AT: usize = 0;
/// `registry_hash`
pub const REGISTRY_HASH: Range<usize> = VERSION_AT + 1..5;
/// `feature_flags`
pub const FEATURE_FLAGS: Range<usize> = REGISTRY_HASH.end..9;
/// `terminal_mode`
pub const TERMINAL_MODE: usize = FEATURE_FLAGS.end;
/// `rows`
pub const ROWS: usize = TERMINAL_MODE + 1;
/// `cols`
pub const COLS: usize = ROWS + 1;
/// `reserved`
pub const RESERVED: usize = COLS + 1;

// Offsets in a slot.

/// The record.
pub const RECORD: Range<usize> = 0..CONFIG_BYTES;
/// Zero.
pub const PADDING: Range<usize> = RECORD.end..16;
/// The sequence number.
pub const SEQUENCE: Range<usize> = PADDING.end..24;
/// The checksum of everything before it.
pub const CHECKSUM: Range<usize> = SEQUENCE.end..32;

const _: () = assert!(RESERVED + 1 == CONFIG_BYTES);
const _: () = assert!(CHECKSUM.end == SLOT_BYTES);
const _: () = assert!(IMAGE_BYTES == 64);
const _: () = assert!(core::mem::size_of::<super::Config>() == CONFIG_BYTES);
const _: () = assert!(core::mem::align_of::<super::Config>() == 1);
const _: () = assert!(core::mem::offset_of!(super::Config, registry_hash) == REGISTRY_HASH.start);
const _: () = assert!(core::mem::offset_of!(super::Config, feature_flags) == FEATURE_FLAGS.start);
const _: () = assert!(core::mem::offset_of!(super::Config, terminal_mode) == TERMINAL_MODE);
const _: () = assert!(core::mem::offset_of!(super::Config, reserved) == RESERVED);
