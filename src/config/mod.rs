//! The live config: 13 bytes, and the 64 bytes of its file.
//!
//! Bytes in, values out, and back. No clock, no allocation; builds alone, without `std`. The layout is
//! in [`layout`], what the bytes mean is here, how an update survives a torn write is in [`slot`], what
//! goes over a WebSocket in [`frame`], how the 64 bytes are shared in [`mod@line`]; the rest is the file
//! itself ([`ConfigFile`]), on 64-bit Linux, and all of it for other languages (`cabi`, a feature). A record of
//! a version this page does not know can be read, field by field, and is never written.

mod change;
mod checksum;
mod error;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod fault;
pub mod frame;
pub mod fuzz;
pub mod layout;
pub mod line;
pub mod slot;

#[cfg(all(target_os = "linux", target_pointer_width = "64", any(feature = "cabi", test)))]
mod cabi;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod create;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod file;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod kernel;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub mod sigbus;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod sys;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod writer;

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub use change::Refusal;
pub use error::Error;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub use file::ConfigFile;
pub use layout::{CONFIG_BYTES, IMAGE_BYTES, SLOT_BYTES, VERSION};
pub use line::Cache;
pub use slot::{Image, Slot};
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub use writer::{LOCK_WAIT_MS, Locked, Publisher};

/// The record, byte for byte as [`layout`] has it. Any 13 bytes are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Config {
    version: u8,
    registry_hash: U32,
    feature_flags: U32,
    terminal_mode: u8,
    rows: u8,
    cols: u8,
    reserved: u8,
}

impl Config {
    /// A record of the current version with everything off and zero.
    pub const fn new() -> Self {
        Self {
            version: VERSION,
            registry_hash: U32::ZERO,
            feature_flags: U32::ZERO,
            terminal_mode: TerminalMode::Zero as u8,
            rows: 0,
            cols: 0,
            reserved: 0,
        }
    }

    /// The record these bytes are.
    pub fn from_bytes(bytes: [u8; CONFIG_BYTES]) -> Self {
        zerocopy::transmute!(bytes)
    }

    /// The bytes this record is.
    pub fn to_bytes(self) -> [u8; CONFIG_BYTES] {
        zerocopy::transmute!(self)
    }

    /// The version of its layout.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Whether this program knows what the bytes mean, and so may write the record.
    pub fn is_known(&self) -> bool {
        self.version == VERSION
    }

    /// Which registry the record is for.
    pub fn registry_hash(&self) -> u32 {
        self.registry_hash.get()
    }

    /// The feature bits, with those that have no name yet.
    pub fn flags(&self) -> Flags {
        Flags(self.feature_flags.get())
    }

    /// The terminal mode, or the byte that is none.
    pub fn terminal_mode(&self) -> Result<TerminalMode, u8> {
        TerminalMode::from_byte(self.terminal_mode).ok_or(self.terminal_mode)
    }

    /// Rows of the terminal.
    pub fn rows(&self) -> u8 {
        self.rows
    }

    /// Columns of the terminal.
    pub fn cols(&self) -> u8 {
        self.cols
    }

    /// The byte without a meaning, kept as found.
    pub fn reserved(&self) -> u8 {
        self.reserved
    }

    /// The same record for another registry.
    pub fn with_registry_hash(mut self, hash: u32) -> Self {
        self.registry_hash = U32::new(hash);
        self
    }

    /// The same record with these feature bits.
    pub fn with_flags(mut self, flags: Flags) -> Self {
        self.feature_flags = U32::new(flags.0);
        self
    }

    /// The same record with this terminal mode.
    pub fn with_terminal_mode(mut self, mode: TerminalMode) -> Self {
        self.terminal_mode = mode as u8;
        self
    }

    /// The same record with this size of the terminal.
    pub fn with_size(mut self, rows: u8, cols: u8) -> Self {
        (self.rows, self.cols) = (rows, cols);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// The feature bits. Those without a name survive whatever is done to the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u32);

impl Flags {
    /// Types of the paid plan.
    pub const PREMIUM_TYPES: Flags = Flags(1 << 0);
    /// The registry is private.
    pub const PRIVATE_REGISTRY: Flags = Flags(1 << 1);
    /// Debug output.
    pub const DEBUG: Flags = Flags(1 << 2);
    /// Packages of other registries are passed on.
    pub const PROXY_MODE: Flags = Flags(1 << 3);
    /// The binary protocol is open.
    pub const BINARY_PROTOCOL: Flags = Flags(1 << 4);
    /// Answers are cached.
    pub const CACHE_ENABLED: Flags = Flags(1 << 5);
    /// Metrics are collected.
    pub const METRICS: Flags = Flags(1 << 6);
    /// Requests are logged.
    pub const LOGGING: Flags = Flags(1 << 7);
    /// Every bit that has a name.
    pub const NAMED: Flags = Flags(0xff);
    /// The names, by bit.
    pub const NAMES: [&str; 8] = [
        "PREMIUM_TYPES",
        "PRIVATE_REGISTRY",
        "DEBUG",
        "PROXY_MODE",
        "BINARY_PROTOCOL",
        "CACHE_ENABLED",
        "METRICS",
        "LOGGING",
    ];

    /// Whether all bits of `flags` are on.
    pub const fn contains(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These bits with those of `flags` on or off.
    pub const fn with(self, flags: Flags, on: bool) -> Flags {
        if on { Flags(self.0 | flags.0) } else { Flags(self.0 & !flags.0) }
    }

    /// The bits that have no name.
    pub const fn unnamed(self) -> Flags {
        Flags(self.0 & !Flags::NAMED.0)
    }
}

/// How the terminal is driven. The format numbers the modes and does not name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TerminalMode {
    /// 0
    Zero = 0,
    /// 1
    One = 1,
    /// 2
    Two = 2,
}

impl TerminalMode {
    /// The mode of this byte, if it is one.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(TerminalMode::Zero),
            1 => Some(TerminalMode::One),
            2 => Some(TerminalMode::Two),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; CONFIG_BYTES] = [1, 0x78, 0x56, 0x34, 0x12, 0xa5, 0, 0, 0xc0, 2, 24, 80, 0xee];

    #[test]
    fn the_bytes_stand_where_the_table_says() {
        let config = Config::from_bytes(BYTES);
        assert_eq!(config.version(), 1);
        assert_eq!(config.registry_hash(), 0x1234_5678);
        assert_eq!(config.flags(), Flags(0xc000_00a5));
        assert_eq!(config.terminal_mode(), Ok(TerminalMode::Two));
        assert_eq!((config.rows(), config.cols(), config.reserved()), (24, 80, 0xee));
        assert_eq!(config.to_bytes(), BYTES);
    }

    #[test]
    fn a_change_touches_its_own_bytes_only() {
        let config = Config::from_bytes(BYTES);
        let changed = |config: Config| {
            let mut differ = (0..CONFIG_BYTES).filter(|&at| config.to_bytes()[at] != BYTES[at]);
            (differ.next().unwrap_or(CONFIG_BYTES), differ.next_back())
        };
        assert_eq!(changed(config.with_registry_hash(0)), (layout::REGISTRY_HASH.start, Some(4)));
        assert_eq!(changed(config.with_flags(Flags(!0xc000_00a5))), (layout::FEATURE_FLAGS.start, Some(8)));
        assert_eq!(changed(config.with_terminal_mode(TerminalMode::One)), (layout::TERMINAL_MODE, None));
        assert_eq!(changed(config.with_size(1, 2)), (layout::ROWS, Some(layout::COLS)));
    }

    #[test]
    fn unnamed_bits_survive() {
        let flags = Flags(0xc000_00a5);
        let toggled = flags.with(Flags::DEBUG, false).with(Flags::METRICS, true);
        assert_eq!(toggled, Flags(0xc000_00e1));
        assert_eq!(toggled.unnamed(), flags.unnamed());
        assert!(toggled.contains(Flags::METRICS) && !toggled.contains(Flags::DEBUG));
        assert!(!Flags::default().contains(Flags::LOGGING));
    }

    #[test]
    fn each_bit_has_one_name() {
        let named = [
            Flags::PREMIUM_TYPES,
            Flags::PRIVATE_REGISTRY,
            Flags::DEBUG,
            Flags::PROXY_MODE,
            Flags::BINARY_PROTOCOL,
            Flags::CACHE_ENABLED,
            Flags::METRICS,
            Flags::LOGGING,
        ];
        for (bit, flag) in named.into_iter().enumerate() {
            assert_eq!(flag, Flags(1 << bit), "{}", Flags::NAMES[bit]);
        }
    }

    #[test]
    fn a_byte_that_is_no_mode_is_shown_as_it_is() {
        for byte in 0..=255u8 {
            let mut bytes = BYTES;
            bytes[layout::TERMINAL_MODE] = byte;
            let mode = Config::from_bytes(bytes).terminal_mode();
            assert_eq!(mode.map_or_else(|byte| byte, |mode| mode as u8), byte);
            assert_eq!(mode.is_ok(), byte < 3);
        }
    }

    #[test]
    fn every_byte_of_every_record_survives() {
        for at in 0..CONFIG_BYTES {
            for byte in 0..=255u8 {
                let mut bytes = BYTES;
                bytes[at] = byte;
                assert_eq!(Config::from_bytes(bytes).to_bytes(), bytes);
                assert_eq!(Config::from_bytes(bytes).is_known(), bytes[0] == VERSION);
            }
        }
    }
}
