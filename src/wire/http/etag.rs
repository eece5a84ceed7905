//! Entity tags (RFC 9110 §8.8.3): `"opaque"` or `W/"opaque"`, alone and in lists.
//!
//! Strict: what is no tag matches nothing. A list is read up to what is malformed in it and up to
//! [`ETAGS_MAX`] tags: a client that sends more is sent the representation once more, or refused a
//! write, and neither does harm.

use super::fields::{skip_blanks, trim};
use crate::limits::ETAGS_MAX;

/// An entity tag, as a view into where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag<'b> {
    /// Only semantically equivalent, not byte for byte.
    pub weak: bool,
    /// With its quotes.
    pub opaque: &'b [u8],
}

impl<'b> EntityTag<'b> {
    /// Reads a tag that is all of `text`.
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        let (tag, rest) = Self::split(text)?;
        rest.is_empty().then_some(tag)
    }

    /// The tag that `text` begins with, and what follows it.
    fn split(text: &'b [u8]) -> Option<(Self, &'b [u8])> {
        let (weak, text) = match text {
            [b'W', b'/', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let [b'"', inside @ ..] = text else { return None };
        let end = memchr::memchr(b'"', inside)?;
        let (opaque, rest) = text.split_at(end + 2);
        // All of them rather than up to the first: that is a few vector instructions.
        let is_good = inside[..end].iter().fold(true, |good, &byte| good & is_etagc(byte));
        is_good.then_some((Self { weak, opaque }, rest))
    }

    /// Strong comparison (RFC 9110 §8.8.3.2): equal, and neither is weak.
    pub fn is_same(&self, other: &EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// Weak comparison: equal, weak or not.
    pub fn is_equivalent(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

/// An octet of a tag: visible, no quote, or beyond ASCII.
fn is_etagc(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x7e | 0x80..)
}

/// How tags are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// For what changes something or puts parts together.
    Strong,
    /// For caches.
    Weak,
}

/// Whether a list, given as the values of its field, is matched by the current representation:
/// `Some(None)` for one without a tag, `None` when there is no representation.
pub fn matches<'b>(
    values: impl Iterator<Item = &'b [u8]> + Clone,
    current: Option<Option<EntityTag<'_>>>,
    comparison: Comparison,
) -> bool {
    let Some(tag) = current else { return false };
    is_any(values.clone()) || tag.is_some_and(|tag| contains(values, &tag, comparison))
}

/// `*`, alone.
fn is_any<'b>(mut values: impl Iterator<Item = &'b [u8]>) -> bool {
    values.next().is_some_and(|value| trim(value) == b"*") && values.next().is_none()
}

fn contains<'b>(values: impl Iterator<Item = &'b [u8]>, tag: &EntityTag<'_>, comparison: Comparison) -> bool {
    let mut left = ETAGS_MAX;
    for value in values {
        let mut rest = value;
        while let Some(start) = next_member(rest) {
            if left == 0 {
                return false;
            }
            left -= 1;
            let Some((candidate, after)) = split_like(start, tag) else { return false };
            let after = skip_blanks(after);
            if !matches!(after, [] | [b',', ..]) {
                return false;
            }
            let is_match = match comparison {
                Comparison::Strong => candidate.is_same(tag),
                Comparison::Weak => candidate.is_equivalent(tag),
            };
            if is_match {
                return true;
            }
            rest = after;
        }
    }
    false
}

/// The tag that `text` begins with. One that is `tag`, as most are, need not be read octet by octet:
/// it ends with the only quote in it.
fn split_like<'b>(text: &'b [u8], tag: &EntityTag<'_>) -> Option<(EntityTag<'b>, &'b [u8])> {
    let strong = text.strip_prefix(b"W/").unwrap_or(text);
    if !strong.starts_with(tag.opaque) {
        return EntityTag::split(text);
    }
    let (opaque, rest) = strong.split_at(tag.opaque.len());
    Some((EntityTag { weak: strong.len() < text.len(), opaque }, rest))
}

/// What is left from the next member on.
fn next_member(mut list: &[u8]) -> Option<&[u8]> {
    while let [b' ' | b'\t' | b',', rest @ ..] = list {
        list = rest;
    }
    if list.is_empty() { None } else { Some(list) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn tag(text: &str) -> EntityTag<'_> {
        EntityTag::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_tag_is_quoted_and_has_no_quote_blank_or_control_inside() {
        for good in [r#""xyzzy""#, r#"W/"xyzzy""#, r#""""#, r#""a,b""#, r#""\""#, "\"\u{e4}\"", r#"W/"""#] {
            assert!(EntityTag::parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in
            ["", "xyzzy", "\"", "\"a", "a\"", "\"a b\"", "\"a\tb\"", "\"a\x7f\"", "w/\"a\"", "W\"a\"", "W/ \"a\""]
        {
            assert_eq!(EntityTag::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(EntityTag::parse(b"\"a\" "), None);
        assert_eq!(EntityTag::parse(b"\"a\"\"b\""), None);
    }

    #[test]
    fn the_comparisons_of_the_rfcs_table() {
        for (one, other, strong, weak) in [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
        ] {
            assert_eq!((tag(one).is_same(&tag(other)), tag(one).is_equivalent(&tag(other))), (strong, weak), "{one}");
        }
    }

    fn found(values: &[&str], current: Option<Option<&str>>, comparison: Comparison) -> bool {
        matches(values.iter().map(|value| value.as_bytes()), current.map(|current| current.map(tag)), comparison)
    }

    fn found_weakly(values: &[&str]) -> bool {
        found(values, Some(Some(r#""abc""#)), Comparison::Weak)
    }

    #[test]
    fn a_tag_is_found_wherever_it_stands_in_a_list() {
        for list in [
            r#""abc""#,
            r#"W/"abc""#,
            r#""x", "abc""#,
            r#""x,y",W/"abc""#,
            "*",
            " * ",
            r#",, "abc""#,
            "\"x\"\t,\"abc\"",
        ] {
            assert!(found_weakly(&[list]), "{list}");
        }
        for list in [
            r#""ab""#,
            "abc",
            r#""abc"#,
            r#""x" "abc""#,
            r#""x""abc""#,
            r#"x, "abc""#,
            "",
            ",",
            r#"w/"abc""#,
            r#"*, "abc"x"#,
            r#"*, "abc""#,
        ] {
            assert!(!found_weakly(&[list]), "{list}");
        }
        assert!(found_weakly(&[r#""x""#, r#""abc""#]), "a list may come in several fields");
        assert!(!found_weakly(&["*", r#""x""#]), "a star stands alone");
        assert!(!found_weakly(&["*", "*"]));
    }

    #[test]
    fn what_does_not_exist_matches_nothing_and_what_has_no_tag_only_the_star() {
        assert!(!found(&["*"], None, Comparison::Weak));
        assert!(!found(&[r#""abc""#], None, Comparison::Weak));
        assert!(found(&["*"], Some(None), Comparison::Strong));
        assert!(!found(&[r#""abc""#], Some(None), Comparison::Weak));
    }

    #[test]
    fn a_weak_tag_never_matches_strongly() {
        assert!(!found(&[r#"W/"a", "b""#], Some(Some(r#""a""#)), Comparison::Strong));
        assert!(!found(&[r#""a""#], Some(Some(r#"W/"a""#)), Comparison::Strong));
        assert!(found(&[r#"W/"a", "a""#], Some(Some(r#""a""#)), Comparison::Strong));
    }

    #[test]
    fn a_list_is_read_up_to_its_bound() {
        let list = |before: usize| "\"x\",".repeat(before) + "\"abc\"";
        for (before, expected) in [(ETAGS_MAX - 2, true), (ETAGS_MAX - 1, true), (ETAGS_MAX, false)] {
            let list: String = list(before);
            assert_eq!(found_weakly(&[&list]), expected, "{before}");
        }
        let half = "\"x\",".repeat(ETAGS_MAX / 2);
        assert!(!found_weakly(&[&half, &half, "\"abc\""]), "the bound is for all fields together");
    }
}
