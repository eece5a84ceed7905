//! SQLite's numbers are signed; ours are not.

/// Nothing counted here comes near the end.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A negative number was not written by us and counts as nothing.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_unchanged_and_what_does_not_is_cut() {
        for number in [0, 1, i64::MAX] {
            assert_eq!(signed(unsigned(number)), number);
        }
        assert_eq!(unsigned(-1), 0);
        assert_eq!(signed(u64::MAX), i64::MAX);
    }
}
