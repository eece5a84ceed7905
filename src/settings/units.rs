//! Amounts of bytes as people write them: `1048576`, `1 MiB`, `64MB`.

const UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
    ("", 1),
];

/// A whole number, with underscores between digits if need be. Too large saturates.
pub(crate) fn parse_number(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let well_formed = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.ends_with(|last: char| last.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !well_formed {
        return None;
    }
    let value = digits.replace('_', "").parse().unwrap_or(i128::MAX);
    Some(if negative { -value } else { value })
}

/// Bytes, with a unit or without. Too large saturates.
pub(crate) fn parse_bytes(text: &str) -> Option<i128> {
    let (digits, factor) = UNITS.iter().find_map(|(unit, factor)| Some((strip_unit(text, unit)?, *factor)))?;
    parse_number(digits.trim_end()).map(|number| number.saturating_mul(i128::from(factor)))
}

fn strip_unit<'t>(text: &'t str, unit: &str) -> Option<&'t str> {
    let (digits, end) = text.split_at_checked(text.len().checked_sub(unit.len())?)?;
    end.eq_ignore_ascii_case(unit).then_some(digits)
}

/// Bytes with the largest binary unit that leaves a whole number.
pub(crate) fn show_bytes(bytes: u64) -> String {
    let binary = UNITS.iter().take(3).find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    match binary {
        Some((unit, factor)) => format!("{} {unit}", bytes / factor),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_and_without_a_unit() {
        for (text, expected) in [
            ("0", 0),
            ("1_000", 1000),
            ("12 B", 12),
            ("1KiB", 1024),
            ("64 MiB", 64 << 20),
            ("64 mib", 64 << 20),
            ("2 GB", 2_000_000_000),
            ("-1", -1),
        ] {
            assert_eq!(parse_bytes(text), Some(expected), "{text}");
        }
        for bad in ["", " ", "MiB", "1 PiB", "1.5 MiB", "0x10", "_1", "1_", "1 2", "+1", "１", "1 MiB ", "é", "--1"] {
            assert_eq!(parse_bytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn absurd_numbers_saturate() {
        let absurd = "9".repeat(500);
        assert_eq!(parse_number(&absurd), Some(i128::MAX));
        assert_eq!(parse_number(&format!("-{absurd}")), Some(-i128::MAX));
        assert_eq!(parse_bytes(&format!("{absurd} GiB")), Some(i128::MAX));
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for bytes in [0, 1, 1000, 1023, 1024, 1025, 1 << 20, 3 << 20, 1 << 30, 5_000_000_000] {
            assert_eq!(parse_bytes(&show_bytes(bytes)), Some(i128::from(bytes)), "{bytes}");
        }
        assert_eq!(show_bytes(16 * 1024), "16 KiB");
        assert_eq!(show_bytes(1 << 30), "1 GiB");
    }
}
