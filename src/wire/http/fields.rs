//! Fields by name, lists by their members (RFC 9110 §5.3 and §5.6.1).

use crate::wire::http1::FieldLines;

/// A name and a value, without blanks around it.
pub type Field<'b> = (&'b [u8], &'b [u8]);

/// The fields of a message, however they came.
pub trait Fields<'b>: Copy {
    /// All, in the order sent.
    fn all(self) -> impl DoubleEndedIterator<Item = Field<'b>> + Clone;

    /// The values of all fields of this name, in any case, in the order sent.
    fn named(self, name: &str) -> impl DoubleEndedIterator<Item = &'b [u8]> + Clone {
        self.all().filter(move |(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The value of a field that may be sent once; `None` when it is missing or repeated, for nobody
    /// can tell which of them was meant.
    fn single(self, name: &str) -> Option<&'b [u8]> {
        let mut values = self.named(name);
        let first = values.next()?;
        if values.next().is_some() { None } else { Some(first) }
    }
}

impl<'b> Fields<'b> for FieldLines<'b, '_> {
    fn all(self) -> impl DoubleEndedIterator<Item = Field<'b>> + Clone {
        self.iter()
    }

    fn named(self, name: &str) -> impl DoubleEndedIterator<Item = &'b [u8]> + Clone {
        FieldLines::named(&self, name)
    }
}

impl<'b> Fields<'b> for &[Field<'b>] {
    fn all(self) -> impl DoubleEndedIterator<Item = Field<'b>> + Clone {
        self.iter().copied()
    }
}

/// The first member of a list and what follows its comma, both without blanks around them.
///
/// Commas inside quotes separate nothing. `None` at the end; empty members are passed over.
pub fn split_member(mut list: &[u8]) -> Option<(&[u8], &[u8])> {
    loop {
        list = skip_blanks(list);
        match list {
            [] => return None,
            [b',', rest @ ..] => list = rest,
            _ => break,
        }
    }
    let end = member_end(list);
    let rest = list.get(end + 1..).unwrap_or_default();
    Some((trim(&list[..end]), rest))
}

/// Where the first comma outside of quotes stands. A quote that does not end reaches to the end.
fn member_end(list: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = list.get(at) {
        match byte {
            b',' => return at,
            b'"' => at = quoted_end(list, at),
            _ => at += 1,
        }
    }
    list.len()
}

/// The index after the quoted string that begins at `start` (RFC 9110 §5.6.4), or the end.
pub(super) fn quoted_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// `text` without the blanks (space, tab) in front.
pub fn skip_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// `text` without blanks at either end.
pub fn trim(text: &[u8]) -> &[u8] {
    let mut text = skip_blanks(text);
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// A decimal number; one that is too large counts as the largest there is. `None` unless all are
/// digits and there is at least one.
pub fn decimal(digits: &[u8]) -> Option<u64> {
    let push = |number: u64, digit: &u8| {
        digit.is_ascii_digit().then(|| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, push) }
}

/// Whether `text` is a token (RFC 9110 §5.6.2).
pub fn is_token(text: &[u8]) -> bool {
    let is_mark = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http1::{Limits, parse_head, slots};
    use alloc::vec::Vec;

    fn members(mut list: &[u8]) -> Vec<&[u8]> {
        let mut all = Vec::new();
        while let Some((member, rest)) = split_member(list) {
            all.push(member);
            list = rest;
        }
        all
    }

    #[test]
    fn a_list_is_its_members_without_empty_ones() {
        for (list, expected) in [
            ("", &[][..]),
            (" , ,\t,", &[]),
            ("a", &["a"]),
            ("foo , ,bar,charlie", &["foo", "bar", "charlie"]),
            (",a b ,", &["a b"]),
            (r#"a;x="1,2", b"#, &[r#"a;x="1,2""#, "b"]),
            (r#"a="\",", b"#, &[r#"a="\",""#, "b"]),
            (r#"a, b="c, d"#, &["a", r#"b="c, d"#]),
            (r#"a="\"#, &[r#"a="\"#]),
        ] {
            let expected: Vec<&[u8]> = expected.iter().map(|member| member.as_bytes()).collect();
            assert_eq!(members(list.as_bytes()), expected, "{list}");
        }
    }

    #[test]
    fn a_field_that_is_repeated_is_no_single_one() {
        let fields: &[Field<'_>] = &[(b"A", b"1"), (b"b", b"2"), (b"a", b"3")];
        check(fields);
        let slots = slots();
        let head = parse_head(b"GET / HTTP/1.0\r\nA: 1\r\nb:2\r\na: 3\r\n\r\n", &slots, &Limits::default());
        check(head.unwrap().unwrap().0.fields);
    }

    fn check<'b>(fields: impl Fields<'b>) {
        assert_eq!(fields.named("a").collect::<Vec<_>>(), [b"1", b"3"]);
        assert_eq!(fields.named("a").rev().collect::<Vec<_>>(), [b"3", b"1"]);
        assert_eq!((fields.single("a"), fields.single("B"), fields.single("c")), (None, Some(&b"2"[..]), None));
        assert_eq!(fields.all().next_back(), Some((&b"a"[..], &b"3"[..])));
    }

    #[test]
    fn numbers_are_digits_and_stop_at_the_largest() {
        for (text, expected) in [
            ("0", Some(0)),
            ("0042", Some(42)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", Some(u64::MAX)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("+1", None),
            ("1 ", None),
            ("0x1", None),
        ] {
            assert_eq!(decimal(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_token_has_no_separator() {
        assert!(is_token(b"gzip") && is_token(b"x-!#$%&'*+-.^_`|~9"));
        for bad in ["", "a b", "a,b", "a;b", "a=b", "a/b", "\"a\"", "\u{e4}"] {
            assert!(!is_token(bad.as_bytes()), "{bad}");
        }
    }
}
