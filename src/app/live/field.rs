//! The fields of the config by name: what they may be, and what is wrong with a value.
//!
//! In come names and values as a person or a program writes them, out comes another [`Config`] or a
//! [`Mistake`] that names the field, the value and what is allowed.

use std::fmt;
use std::ops::Range;

use crate::config::layout::{COLS, FEATURE_FLAGS, REGISTRY_HASH, RESERVED, ROWS, TERMINAL_MODE, VERSION_AT};
use crate::config::{CONFIG_BYTES, Config, Flags, VERSION};

/// A field of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// As it is written everywhere.
    pub name: &'static str,
    /// First byte in the record.
    pub offset: usize,
    /// How many bytes it has, 1 or 4.
    pub bytes: usize,
}

/// All fields, in the order of their bytes.
pub static FIELDS: [Field; 7] = [
    Field { name: "version", offset: VERSION_AT, bytes: 1 },
    Field { name: "registry_hash", offset: REGISTRY_HASH.start, bytes: 4 },
    Field { name: "feature_flags", offset: FEATURE_FLAGS.start, bytes: 4 },
    Field { name: "terminal_mode", offset: TERMINAL_MODE, bytes: 1 },
    Field { name: "rows", offset: ROWS, bytes: 1 },
    Field { name: "cols", offset: COLS, bytes: 1 },
    Field { name: "reserved", offset: RESERVED, bytes: 1 },
];

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands: a field, or a part of a request.
    pub field: String,
    /// As it was written.
    pub value: String,
    /// What may stand there.
    pub allowed: String,
}

impl Mistake {
    /// A mistake in `field`.
    pub fn new(field: impl Into<String>, value: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.into(), allowed: allowed.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} may not be {}: allowed is {}", self.field, self.value, self.allowed)
    }
}

impl Field {
    /// The field of this name.
    pub fn find(name: &str) -> Result<&'static Field, Mistake> {
        let found = FIELDS.iter().find(|field| field.name == name);
        found.ok_or_else(|| Mistake::new("field", excerpt(name), FIELDS.map(|field| field.name).join(", ")))
    }

    /// The field that this byte of the record belongs to.
    pub fn at(offset: u64) -> Result<&'static Field, Mistake> {
        let found = FIELDS.iter().find(|field| field.range().any(|byte| byte as u64 == offset));
        found.ok_or_else(|| Mistake::new("offset", offset.to_string(), "0 to 12"))
    }

    /// Its bytes in the record.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.bytes
    }

    /// What it may be, for people.
    pub fn allowed(&self) -> String {
        match (self.offset, self.bytes) {
            (VERSION_AT, _) => format!("{VERSION}, the only version there is"),
            (TERMINAL_MODE, _) => "0, 1 or 2".to_owned(),
            (_, 4) => "0 to 4294967295 (0xffffffff)".to_owned(),
            _ => "0 to 255".to_owned(),
        }
    }

    /// Its value.
    pub fn value(&self, config: &Config) -> u32 {
        let little_endian = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        config.to_bytes()[self.range()].iter().rev().fold(0, little_endian)
    }

    /// The same record with another value in this field.
    pub fn set(&self, config: Config, value: u64) -> Result<Config, Mistake> {
        let mistake = || Mistake::new(self.name, value.to_string(), self.allowed());
        let bytes = value.to_le_bytes();
        if bytes[self.bytes..].iter().any(|byte| *byte != 0) {
            return Err(mistake());
        }
        let set = |config: Config, (offset, byte): (usize, &u8)| config.with_byte(offset as u32, *byte);
        self.range().zip(&bytes).try_fold(config, set).map_err(|_| mistake())
    }

    /// The same with a value as text, decimal or with `0x`.
    pub fn set_text(&self, config: Config, text: &str) -> Result<Config, Mistake> {
        let value = parse_number(text);
        let value = value.ok_or_else(|| Mistake::new(self.name, excerpt(text), self.allowed()))?;
        self.set(config, value)
    }
}

/// The flag of this name, in any case.
pub fn flag(name: &str) -> Result<Flags, Mistake> {
    let found = Flags::NAMES.iter().position(|known| known.eq_ignore_ascii_case(name));
    let bit = found.ok_or_else(|| Mistake::new("flag", excerpt(name), Flags::NAMES.join(", ")))?;
    Ok(Flags(1 << bit))
}

/// A record from 26 hexadecimal digits, each field within its range.
pub fn record(digits: &str) -> Result<Config, Mistake> {
    let mistake = || Mistake::new("hex", excerpt(digits), "26 hexadecimal digits, two for each of the 13 bytes");
    if digits.len() != 2 * CONFIG_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(mistake());
    }
    let mut bytes = [0; CONFIG_BYTES];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| mistake())?;
    }
    check(Config::from_bytes(bytes))
}

/// A record whose fields all are within their range.
pub fn check(config: Config) -> Result<Config, Mistake> {
    FIELDS.iter().try_fold(config, |config, field| field.set(config, field.value(&config).into()))
}

fn parse_number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // `from_str_radix` takes a sign.
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_number.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// Longest text that is told back.
const EXCERPT_CHARS: usize = 40;

/// A text in quotes, short, without what could do something to a terminal.
pub fn excerpt(text: &str) -> String {
    let short: String = text.chars().take(EXCERPT_CHARS).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: [u8; CONFIG_BYTES] = [1, 0x78, 0x56, 0x34, 0x12, 0xa5, 0, 0, 0xc0, 2, 24, 80, 0xee];

    #[test]
    fn the_fields_are_all_bytes_in_their_order() {
        let covered: Vec<usize> = FIELDS.iter().flat_map(Field::range).collect();
        assert_eq!(covered, (0..CONFIG_BYTES).collect::<Vec<_>>());
        let values = FIELDS.map(|field| field.value(&Config::from_bytes(CONFIG)));
        assert_eq!(values, [1, 0x1234_5678, 0xc000_00a5, 2, 24, 80, 0xee]);
        for field in FIELDS {
            assert_eq!(Field::find(field.name), Ok(&field));
            assert!(field.range().all(|byte| Field::at(byte as u64) == Ok(&field)));
        }
        assert!(Field::at(13).is_err() && Field::at(u64::MAX).is_err());
    }

    #[test]
    fn a_value_at_its_bound_is_taken_and_one_above_it_is_not() {
        for (name, most, bytes) in [("rows", 255, 1), ("cols", 255, 1), ("reserved", 255, 1), ("terminal_mode", 2, 1)]
            .into_iter()
            .chain([("registry_hash", u64::from(u32::MAX), 4), ("feature_flags", u64::from(u32::MAX), 4)])
        {
            let field = Field::find(name).unwrap();
            for value in [0, 1, most] {
                let config = field.set(Config::from_bytes(CONFIG), value).unwrap();
                assert_eq!(u64::from(field.value(&config)), value, "{name}");
                let others = |mut bytes: [u8; CONFIG_BYTES]| {
                    bytes[field.range()].fill(0);
                    bytes
                };
                assert_eq!(others(config.to_bytes()), others(CONFIG), "{name} leaves the others alone");
            }
            let mistake = field.set(Config::from_bytes(CONFIG), most + 1).unwrap_err();
            assert_eq!((mistake.field.as_str(), mistake.value), (name, (most + 1).to_string()));
            assert!(field.set(Config::from_bytes(CONFIG), u64::MAX).is_err());
            assert_eq!(field.bytes, bytes);
        }
        let version = Field::find("version").unwrap();
        assert_eq!([0, 1, 2].map(|value| version.set(Config::new(), value).is_ok()), [false, true, false]);
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal_and_nothing_else() {
        let rows = Field::find("rows").unwrap();
        for (text, value) in [("0", 0), ("24", 24), ("0x18", 24), ("0xFf", 255)] {
            assert_eq!(rows.set_text(Config::new(), text).map(|config| config.rows()), Ok(value), "{text}");
        }
        for text in ["", "-1", "+1", " 1", "1 ", "0x", "0x-1", "1e1", "ten", "\u{1b}[2J", "99999999999999999999"] {
            let mistake = rows.set_text(Config::new(), text).unwrap_err();
            assert_eq!((mistake.field.as_str(), mistake.allowed.as_str()), ("rows", "0 to 255"), "{text}");
            assert!(!mistake.value.contains('\u{1b}'));
        }
    }

    #[test]
    fn flags_have_names_in_any_case() {
        assert_eq!(flag("DEBUG"), Ok(Flags::DEBUG));
        assert_eq!(flag("cache_enabled"), Ok(Flags::CACHE_ENABLED));
        for name in ["", "DEBU", "DEBUG ", "DEBUGGING"] {
            assert!(flag(name).unwrap_err().allowed.contains("PREMIUM_TYPES, "), "{name}");
        }
    }

    #[test]
    fn a_record_is_26_digits_with_every_field_in_range() {
        let digits = "0178563412a50000c0021850ee";
        assert_eq!(record(digits).map(Config::to_bytes), Ok(CONFIG));
        assert_eq!(record(&digits.to_uppercase()).map(Config::to_bytes), Ok(CONFIG));
        for bad in
            ["", "01", &digits[1..], &format!("{digits}0"), "zz78563412a50000c0021850ee", "é78563412a50000c0021850e"]
        {
            assert_eq!(record(bad).unwrap_err().field, "hex", "{bad}");
        }
        assert_eq!(record("0278563412a50000c0021850ee").unwrap_err().field, "version");
        assert_eq!(record("0178563412a50000c0031850ee").unwrap_err().field, "terminal_mode");
    }
}
