//! The `Cookie` field: its value in, names and values out, borrowed; nothing is allocated.
//!
//! The grammar is that of RFC 6265 §4.2.1, with the blanks around names and values that §5.2 has user
//! agents drop. Each pair is judged alone: other programs of a domain set cookies too, and a
//! malformed one of theirs must not hide ours. Refused: a pair without `=`, a name that is no token, a
//! value with an octet that no cookie may have or with quotes that are not a pair around it.
//!
//! §5.4 gives cookies of one name no order to rely on, and a sibling domain may set one of any
//! name. So [`find`] does not choose between two that differ.

/// A cookie as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie<'b> {
    /// Its name, a token, in the case sent: names are compared exactly.
    pub name: &'b [u8],
    /// Its value without the quotes around it; may be empty.
    pub value: &'b [u8],
}

/// Why a pair is no cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The name is empty or no token.
    BadName,
    /// The value has an octet that no cookie may have, or a stray quote.
    BadValue,
    /// There is no `=`.
    NoEquals,
}

/// Two cookies of one name have different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ambiguous;

/// The pairs of a field's value, in the order sent. Nothing between two semicolons is no pair.
pub fn pairs(field: &[u8]) -> impl Iterator<Item = Result<Cookie<'_>, Error>> {
    field.split(|&octet| octet == b';').map(trim).filter(|pair| !pair.is_empty()).map(parse_pair)
}

/// The value of the cookie of this name over all fields of a request; malformed pairs do not count.
pub fn find<'b>(fields: impl Iterator<Item = &'b [u8]>, name: &[u8]) -> Result<Option<&'b [u8]>, Ambiguous> {
    let mut found = None;
    for cookie in fields.flat_map(pairs).flatten().filter(|cookie| cookie.name == name) {
        if *found.get_or_insert(cookie.value) != cookie.value {
            return Err(Ambiguous);
        }
    }
    Ok(found)
}

fn parse_pair(pair: &[u8]) -> Result<Cookie<'_>, Error> {
    let equals = memchr::memchr(b'=', pair).ok_or(Error::NoEquals)?;
    let (name, value) = (trim(&pair[..equals]), trim(&pair[equals + 1..]));
    if name.is_empty() || !name.iter().all(|&octet| is_token(octet)) {
        return Err(Error::BadName);
    }
    let value = match value {
        [b'"', inside @ .., b'"'] => inside,
        bare => bare,
    };
    if !value.iter().all(|&octet| is_cookie_octet(octet)) {
        return Err(Error::BadValue);
    }
    Ok(Cookie { name, value })
}

/// `text` without spaces and tabs at either end; other controls are no blanks.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// An octet of a token (RFC 9110 §5.6.2).
const fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// An octet of a cookie's value (RFC 6265 §4.1.1): printable, but no quote, comma, semicolon,
/// backslash or blank.
const fn is_cookie_octet(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'"' | b',' | b';' | b'\\')
}

/// Properties that hold for any bytes at all; panics where one does not.
///
/// What is accepted is made of allowed octets, is found again by its name unless that is ambiguous,
/// and means the same when it is written out and read back.
pub fn fuzz(data: &[u8]) {
    let mut written = alloc::vec::Vec::new();
    for cookie in pairs(data).flatten() {
        assert!(!cookie.name.is_empty() && cookie.name.iter().all(|&octet| is_token(octet)));
        assert!(cookie.value.iter().all(|&octet| is_cookie_octet(octet)));
        match find([data].into_iter(), cookie.name) {
            Ok(found) => assert_eq!(found, Some(cookie.value)),
            Err(Ambiguous) => {
                let other = |other: &Cookie<'_>| other.name == cookie.name && other.value != cookie.value;
                assert!(pairs(data).flatten().any(|cookie| other(&cookie)));
            }
        }
        written.extend_from_slice(&[cookie.name, b"=", cookie.value, b"; "].concat());
    }
    assert!(pairs(&written).eq(pairs(data).flatten().map(Ok)), "read back");
    let fields = data.split(|&octet| octet == b';').count();
    assert!(pairs(data).count() <= fields, "a pair for each piece at most");
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn read(field: &str) -> Vec<Result<(&str, &str), Error>> {
        let text = |bytes| core::str::from_utf8(bytes).expect("accepted octets are ASCII");
        pairs(field.as_bytes()).map(|pair| pair.map(|cookie| (text(cookie.name), text(cookie.value)))).collect()
    }

    #[test]
    fn cookies_come_in_the_order_sent() {
        assert_eq!(read("SID=31d4d96e407aad42; lang=en-US"), [Ok(("SID", "31d4d96e407aad42")), Ok(("lang", "en-US"))]);
        assert_eq!(read("a=1;b=2"), [Ok(("a", "1")), Ok(("b", "2"))]);
        assert_eq!(read(""), []);
        assert_eq!(read(" ;; ; "), []);
    }

    #[test]
    fn a_value_may_be_empty_quoted_or_have_equals_signs() {
        for (field, value) in [
            ("a=", ""),
            ("a=\"\"", ""),
            ("a=\"b c\"", "!"),
            ("a=\"b\"", "b"),
            ("a=b=c==", "b=c=="),
            (" a =\t b ", "b"),
            ("a=%20(x)[y]{z}<>@/?:'`|~", "%20(x)[y]{z}<>@/?:'`|~"),
        ] {
            let expected = if value == "!" { Err(Error::BadValue) } else { Ok(("a", value)) };
            assert_eq!(read(field), [expected], "{field}");
        }
    }

    #[test]
    fn names_are_compared_exactly() {
        let fields = [&b"Sid=1; sid=2"[..], b"other=3"];
        let find = |name: &[u8]| find(fields.into_iter(), name);
        assert_eq!(find(b"Sid"), Ok(Some(&b"1"[..])));
        assert_eq!(find(b"sid"), Ok(Some(&b"2"[..])));
        assert_eq!(find(b"other"), Ok(Some(&b"3"[..])));
        assert_eq!(find(b"SID"), Ok(None));
        assert_eq!(find(b""), Ok(None));
    }

    #[test]
    fn two_cookies_of_one_name_are_one_only_if_they_agree() {
        assert_eq!(find([&b"a=1; b=2; a=1"[..]].into_iter(), b"a"), Ok(Some(&b"1"[..])));
        assert_eq!(find([&b"a=1; a=2"[..]].into_iter(), b"a"), Err(Ambiguous));
        assert_eq!(find([&b"a=1"[..], b"a=\"2\""].into_iter(), b"a"), Err(Ambiguous));
        assert_eq!(find([&b"a=1; a=b c"[..]].into_iter(), b"a"), Ok(Some(&b"1"[..])), "a malformed one is none");
    }

    #[test]
    fn a_malformed_pair_says_why_and_hides_no_other() {
        for (pair, error) in [
            ("plain", Error::NoEquals),
            ("=", Error::BadName),
            ("=x", Error::BadName),
            ("a b=x", Error::BadName),
            ("a(=x", Error::BadName),
            ("é=x", Error::BadName),
            ("a=x y", Error::BadValue),
            ("a=x,y", Error::BadValue),
            ("a=x\\y", Error::BadValue),
            ("a=\"x", Error::BadValue),
            ("a=x\"", Error::BadValue),
            ("a=\"", Error::BadValue),
            ("a=\"x\"y", Error::BadValue),
            ("a=é", Error::BadValue),
            ("a=\u{7f}", Error::BadValue),
            ("a=x\0", Error::BadValue),
            ("a=x\x0c", Error::BadValue),
            ("\ra=x", Error::BadName),
        ] {
            let field = alloc::format!("one=1; {pair}; two=2");
            assert_eq!(read(&field), [Ok(("one", "1")), Err(error), Ok(("two", "2"))], "{pair}");
        }
    }

    #[test]
    fn the_classes_are_those_of_the_rfcs() {
        assert_eq!((0..=255u8).filter(|&octet| is_token(octet)).count(), 26 + 26 + 10 + 15);
        assert!(b"()<>@,;:\\\"/[]?={} \t\r\n\0\x7f\x80\xff".iter().all(|&octet| !is_token(octet)));
        let rfc = |octet: u8| matches!(octet, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
        assert!((0..=255u8).all(|octet| is_cookie_octet(octet) == rfc(octet)));
    }

    proptest! {
        #[test]
        fn any_bytes_hold_the_properties(data in prop::collection::vec(any::<u8>(), 0..200)) {
            fuzz(&data);
        }

        #[test]
        fn bytes_that_look_like_cookies_do_too(data in "[ab=; \t\",é]{0,60}") {
            fuzz(data.as_bytes());
        }

        #[test]
        fn what_is_written_by_the_grammar_is_read_as_it_was(
            cookies in prop::collection::vec(("[!#-'*+.0-9A-Z^-z|~-]{1,9}", "[!#-+.-:<-\\[\\]-~-]{0,12}"), 0..9),
        ) {
            let field = cookies.iter().map(|(name, value)| alloc::format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let expected: Vec<_> = cookies.iter().map(|(name, value)| Ok((name.as_str(), value.as_str()))).collect();
            prop_assert_eq!(read(&field), expected);
        }
    }
}
