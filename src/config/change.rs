//! What may be changed in a record: bytes within the range of their field.

use zerocopy::IntoBytes;

use super::layout::{TERMINAL_MODE, VERSION_AT};
use super::{Config, Flags, TerminalMode, VERSION};

/// Why a record may not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The record has no such byte.
    Offset,
    /// The file was written so often that no sequence is left.
    SequenceExhausted,
    /// The current record, or the new one, is of a version this program does not know.
    UnknownVersion,
    /// The field has no such value.
    Value,
}

impl Refusal {
    /// The refusal in words.
    pub const fn sentence(self) -> &'static str {
        match self {
            Refusal::Offset => "the config has the bytes 0 to 12 and no other",
            Refusal::SequenceExhausted => "the file was written so often that no sequence number is left",
            Refusal::UnknownVersion => "the config is of a version that this program can read but not write",
            Refusal::Value => "the terminal mode is 0, 1 or 2",
        }
    }
}

impl Config {
    /// The same record with another byte. The reserved byte and bits without a name take any value:
    /// who names them by their number knows what they are for.
    pub fn with_byte(mut self, offset: u32, value: u8) -> Result<Self, Refusal> {
        self.edit(offset, |_| value).map(|()| self)
    }

    /// Makes another byte of one. If that is refused, the record is of no use any more.
    pub(super) fn edit(&mut self, offset: u32, edit: impl FnOnce(u8) -> u8) -> Result<(), Refusal> {
        let byte = self.as_mut_bytes().get_mut(offset as usize).ok_or(Refusal::Offset)?;
        *byte = edit(*byte);
        match offset as usize {
            VERSION_AT if *byte != VERSION => Err(Refusal::UnknownVersion),
            TERMINAL_MODE if TerminalMode::from_byte(*byte).is_none() => Err(Refusal::Value),
            _ => Ok(()),
        }
    }

    /// The same record with these feature bits on or off, and the others as they are.
    pub fn with_features(self, features: Flags, on: bool) -> Self {
        self.with_flags(self.flags().with(features, on))
    }

    /// The same record with these feature bits turned over.
    pub fn with_toggled(self, features: Flags) -> Self {
        self.with_flags(Flags(self.flags().0 ^ features.0))
    }

    /// Whether this record may follow `last`. An odd terminal mode that was there may stay.
    #[cfg_attr(not(feature = "node"), inline(never))]
    pub(super) fn may_follow(&self, last: Option<&Config>) -> Result<(), Refusal> {
        if !self.is_known() || last.is_some_and(|last| !last.is_known()) {
            return Err(Refusal::UnknownVersion);
        }
        let stays = last.is_some_and(|last| last.terminal_mode() == self.terminal_mode());
        if self.terminal_mode().is_ok() || stays { Ok(()) } else { Err(Refusal::Value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CONFIG_BYTES;

    const BYTES: [u8; CONFIG_BYTES] = [1, 0x78, 0x56, 0x34, 0x12, 0xa5, 0, 0, 0xc0, 2, 24, 80, 0xee];

    #[test]
    fn each_byte_has_its_range() {
        let config = Config::from_bytes(BYTES);
        for offset in 0..CONFIG_BYTES {
            for value in 0..=255 {
                let mut bytes = BYTES;
                bytes[offset] = value;
                let expected = match offset {
                    0 if value != 1 => Err(Refusal::UnknownVersion),
                    9 if value > 2 => Err(Refusal::Value),
                    _ => Ok(bytes),
                };
                assert_eq!(config.with_byte(offset as u32, value).map(Config::to_bytes), expected);
            }
        }
    }

    #[test]
    fn there_is_no_fourteenth_byte() {
        for offset in [13, 14, 255, 256, u32::MAX] {
            assert_eq!(Config::from_bytes(BYTES).with_byte(offset, 0), Err(Refusal::Offset));
        }
    }

    #[test]
    fn features_leave_the_others_alone() {
        let config = Config::from_bytes(BYTES);
        let both = Flags(Flags::DEBUG.0 | Flags::METRICS.0);
        assert_eq!(config.with_features(both, true).flags(), Flags(0xc000_00e5));
        assert_eq!(config.with_features(both, false).flags(), Flags(0xc000_00a1));
        assert_eq!(config.with_toggled(both).flags(), Flags(0xc000_00e1));
        assert_eq!(config.with_toggled(both).with_toggled(both), config);
    }

    #[test]
    fn an_odd_terminal_mode_may_stay_and_not_come() {
        let mut bytes = BYTES;
        bytes[TERMINAL_MODE] = 7;
        let (plain, odd) = (Config::from_bytes(BYTES), Config::from_bytes(bytes));
        assert_eq!(odd.with_size(1, 1).may_follow(Some(&odd)), Ok(()));
        assert_eq!(plain.may_follow(Some(&odd)), Ok(()));
        assert_eq!(odd.may_follow(Some(&plain)), Err(Refusal::Value));
        assert_eq!(odd.may_follow(None), Err(Refusal::Value));
    }
}
