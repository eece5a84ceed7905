//! A number with up to three decimals, kept exactly: `0.5`, `1.2`, `2500`.

use std::fmt;

use super::units::parse_number;

const THOUSANDTHS: u64 = 1000;

/// A number from 0 on, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(u64);

impl Decimal {
    /// A number of thousandths.
    pub const fn of_thousandths(thousandths: u64) -> Self {
        Self(thousandths)
    }

    /// A whole number; the largest there is, if it is larger.
    pub const fn of(whole: u64) -> Self {
        Self(whole.saturating_mul(THOUSANDTHS))
    }

    /// The nearest number that arithmetic knows.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / THOUSANDTHS as f64
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / THOUSANDTHS, self.0 % THOUSANDTHS);
        if rest == 0 {
            return write!(formatter, "{whole}");
        }
        write!(formatter, "{whole}.{}", format!("{rest:03}").trim_end_matches('0'))
    }
}

/// Thousandths, of a number without exponent. Too large saturates.
pub(crate) fn parse_thousandths(text: &str) -> Option<i128> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = (1..=3).contains(&decimals.len()) && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let rest: i128 = is_plain.then(|| format!("{decimals:0<3}").parse().ok())??;
    let whole = parse_number(whole)?.saturating_mul(THOUSANDTHS.into());
    Some(if text.starts_with('-') { whole.saturating_sub(rest) } else { whole.saturating_add(rest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_and_shown_as_short_as_can_be() {
        for (text, thousandths, shown) in [
            ("0", 0, "0"),
            ("0.5", 500, "0.5"),
            ("1.10", 1100, "1.1"),
            ("1.2", 1200, "1.2"),
            ("0.001", 1, "0.001"),
            ("12.034", 12034, "12.034"),
            ("2_500.0", 2_500_000, "2500"),
        ] {
            assert_eq!(parse_thousandths(text), Some(i128::from(thousandths)), "{text}");
            assert_eq!(Decimal::of_thousandths(thousandths).to_string(), shown);
            let value = text.replace('_', "").parse::<f64>();
            assert_eq!(Decimal::of_thousandths(thousandths).as_f64(), value.expect("a number"));
        }
        assert_eq!(Decimal::of(45), Decimal::of_thousandths(45_000));
    }

    #[test]
    fn less_than_nothing_and_absurd_numbers_are_still_numbers() {
        assert_eq!((parse_thousandths("-1"), parse_thousandths("-0.5")), (Some(-1000), Some(-500)));
        assert_eq!(parse_thousandths(&"9".repeat(500)), Some(i128::MAX));
    }

    #[test]
    fn what_has_more_decimals_or_another_shape_is_none() {
        for bad in ["", ".", ".5", "5.", "0.0001", "1e3", "1.5e3", "inf", "nan", "0.1_2", "1.-5", "1.2.3", "1,5", " 1"]
        {
            assert_eq!(parse_thousandths(bad), None, "{bad}");
        }
    }
}
