//! Conditional and partial requests (RFC 9110 §13 and §14): entity tags, dates, byte ranges.

use std::ops::Range;

/// Tags of an `If-None-Match` that are looked at.
const TAGS_MAX: usize = 64;

/// Whether a client that sent these fields has the current representation already (304).
///
/// `etag` is ours, with its quotes; `modified_s` is what our `Last-Modified` says, in seconds.
pub(crate) fn is_fresh(
    if_none_match: Option<&[u8]>,
    if_modified_since: impl FnOnce() -> Option<u64>,
    etag: &str,
    modified_s: u64,
) -> bool {
    match if_none_match {
        // A tag is exact, so it is the last word: the date is not looked at (RFC 9110 §13.1.3).
        Some(tags) => matches(tags, etag.as_bytes()),
        None => if_modified_since().is_some_and(|since_s| since_s >= modified_s),
    }
}

/// Weak comparison with each tag of a list (RFC 9110 §8.8.3.2): a proxy that compressed an answer
/// weakened its tag.
fn matches(list: &[u8], etag: &[u8]) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let mut rest = list;
    for _ in 0..TAGS_MAX {
        rest = skip(rest, b" \t,");
        rest = rest.strip_prefix(b"W/").unwrap_or(rest);
        let [b'"', inside @ ..] = rest else { return false };
        let Some(end) = memchr::memchr(b'"', inside) else { return false };
        if &rest[..end + 2] == etag {
            return true;
        }
        rest = &rest[end + 2..];
    }
    false
}

fn skip<'a>(mut bytes: &'a [u8], what: &[u8]) -> &'a [u8] {
    while let [first, rest @ ..] = bytes
        && what.contains(first)
    {
        bytes = rest;
    }
    bytes
}

/// Which part of a body was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: there was no `Range`, or one that may be ignored.
    Whole,
    /// These bytes: 206.
    Bytes(Range<u64>),
    /// None that there are: 416.
    Unsatisfiable,
}

/// Reads `Range` for a body of `length` bytes; `If-Range` must then name our tag exactly.
///
/// Several ranges, other units and what is malformed are ignored, as RFC 9110 §14.2 allows.
pub(crate) fn part(range: Option<&[u8]>, if_range: Option<&[u8]>, etag: &str, length: u64) -> Part {
    let Some(range) = range else { return Part::Whole };
    if if_range.is_some_and(|tag| tag != etag.as_bytes()) {
        return Part::Whole;
    }
    let Some(spec) = range.strip_prefix(b"bytes=") else { return Part::Whole };
    let Some(dash) = memchr::memchr(b'-', spec) else { return Part::Whole };
    let (first, last) = (spec[..dash].trim_ascii(), spec[dash + 1..].trim_ascii());
    let bounds = match (first, last) {
        (b"", b"") => return Part::Whole,
        (b"", suffix) => decimal(suffix).map(|count| (length.saturating_sub(count), length)),
        (first, b"") => decimal(first).map(|first| (first, length)),
        (first, last) => match (decimal(first), decimal(last)) {
            (Some(first), Some(last)) if first <= last => Some((first, last.saturating_add(1).min(length))),
            _ => None,
        },
    };
    match bounds {
        None => Part::Whole,
        Some((start, end)) if start < end => Part::Bytes(start..end),
        Some(_) => Part::Unsatisfiable,
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(tags: &str) -> bool {
        is_fresh(Some(tags.as_bytes()), || Some(u64::MAX), "\"abc\"", 10)
    }

    #[test]
    fn a_tag_is_found_in_a_list_even_when_it_was_weakened() {
        for tags in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "\"x,y\",W/\"abc\"", "*", " * ", ",, \"abc\""] {
            assert!(fresh(tags), "{tags}");
        }
        for tags in ["\"ab\"", "abc", "\"abc", "\"x\"\"abc", "", ",", "w/\"abc\"", "*, \"x\""] {
            assert!(!fresh(tags), "{tags}");
        }
    }

    #[test]
    fn a_list_is_read_up_to_its_bound() {
        let list = |before: usize| "\"x\",".repeat(before) + "\"abc\"";
        assert!(fresh(&list(TAGS_MAX - 1)));
        assert!(!fresh(&list(TAGS_MAX)));
    }

    #[test]
    fn a_date_counts_only_without_tags() {
        for (since, expected) in [(Some(9), false), (Some(10), true), (Some(11), true), (None, false)] {
            assert_eq!(is_fresh(None, || since, "\"abc\"", 10), expected, "{since:?}");
        }
        assert!(!fresh("\"other\""), "though the date would say so");
    }

    #[test]
    fn one_range_is_given_and_nonsense_is_ignored() {
        for (range, expected) in [
            ("bytes=0-0", Part::Bytes(0..1)),
            ("bytes=0-99", Part::Bytes(0..100)),
            ("bytes=0-1000", Part::Bytes(0..100)),
            ("bytes=99-", Part::Bytes(99..100)),
            ("bytes=100-", Part::Unsatisfiable),
            ("bytes=100-200", Part::Unsatisfiable),
            ("bytes=-1", Part::Bytes(99..100)),
            ("bytes=-1000", Part::Bytes(0..100)),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=5-4", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=0-9999999999999999999999", Part::Whole),
            ("lines=0-1", Part::Whole),
        ] {
            assert_eq!(part(Some(range.as_bytes()), None, "\"e\"", 100), expected, "{range}");
        }
        assert_eq!(part(None, None, "\"e\"", 100), Part::Whole);
        assert_eq!(part(Some(b"bytes=0-0"), None, "\"e\"", 0), Part::Unsatisfiable);
    }

    #[test]
    fn a_range_of_another_body_is_not_given() {
        let part = |tag: &[u8]| part(Some(b"bytes=0-0"), Some(tag), "\"e\"", 100);
        assert_eq!(part(b"\"e\""), Part::Bytes(0..1));
        for tag in [b"\"f\"".as_slice(), b"W/\"e\"", b"Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(part(tag), Part::Whole);
        }
    }
}
