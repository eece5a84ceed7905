//! Fields by name, lists by their members (RFC 9110 §5.3 and §5.6.1).

pub use httparse::Header as Field;

/// The values of all fields of this name, in any case, in the order sent.
pub fn values<'b>(fields: &[Field<'b>], name: &str) -> impl DoubleEndedIterator<Item = &'b [u8]> + Clone {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// The value of a field that may be sent once; `None` when it is missing or repeated, for nobody can
/// tell which of them was meant.
pub fn single<'b>(fields: &[Field<'b>], name: &str) -> Option<&'b [u8]> {
    let mut values = values(fields, name);
    let first = values.next()?;
    if values.next().is_some() { None } else { Some(first) }
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
        let field = |name, value: &'static str| Field { name, value: value.as_bytes() };
        let fields = [field("A", "1"), field("b", "2"), field("a", "3")];
        assert_eq!(values(&fields, "a").collect::<Vec<_>>(), [b"1", b"3"]);
        assert_eq!(values(&fields, "a").rev().collect::<Vec<_>>(), [b"3", b"1"]);
        assert_eq!((single(&fields, "a"), single(&fields, "B"), single(&fields, "c")), (None, Some(&b"2"[..]), None));
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
