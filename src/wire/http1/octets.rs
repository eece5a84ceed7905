//! Classes of octets (RFC 9110 §5.6), as tables so that a question costs one load.

static TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");
static HOST: [bool; 256] = table(b"-._~");
static PLAIN_TARGET: [bool; 256] = table(b"!\"$%&'()*+,-./:;<=>@[\\]^_`{|}~");

/// Letters, digits and `extra`.
const fn table(extra: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let mut index = 0;
    while index < extra.len() {
        table[extra[index] as usize] = true;
        index += 1;
    }
    table
}

/// An octet of a token, such as a method or a field name.
#[inline(always)]
pub(super) fn is_token(octet: u8) -> bool {
    TOKEN[octet as usize]
}

/// An octet of a host name: the unreserved set of RFC 3986. What that RFC allows beyond it
/// (percent-encoding, sub-delimiters) no resolver knows, and a comma there means a merged field.
#[inline(always)]
pub(super) fn is_host(octet: u8) -> bool {
    HOST[octet as usize]
}

/// A printable octet that neither ends the path of a target nor may not stand there.
#[inline(always)]
pub(super) fn is_plain_target(octet: u8) -> bool {
    PLAIN_TARGET[octet as usize]
}

/// An octet that stands nowhere in a head but in a line end: a control, except for the tab.
#[inline(always)]
pub(super) const fn is_control(octet: u8) -> bool {
    octet < b' ' && octet != b'\t' || octet == 0x7f
}

/// Space or tab.
#[inline(always)]
pub(super) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// `text` without blanks at either end.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_those_of_the_rfc() {
        let tokens = (0..=255u8).filter(|&octet| is_token(octet)).count();
        assert_eq!(tokens, 26 + 26 + 10 + 15);
        assert!(b"()<>@,;:\\\"/[]?={} \t\r\n\0\x7f\x80\xff".iter().all(|&octet| !is_token(octet)));
        assert!(b",;@/?#%[]:\\ ".iter().all(|&octet| !is_host(octet)));
        let plain = |octet: u8| octet.is_ascii_graphic() && !b"?#".contains(&octet);
        assert!((0..=255u8).all(|octet| is_plain_target(octet) == plain(octet)));
        assert_eq!((0..=255u8).filter(|&octet| is_control(octet)).count(), 32);
        assert!(!is_control(b'\t') && is_control(0x7f) && is_control(0) && !is_control(0x80));
    }

    #[test]
    fn blanks_go_from_both_ends_only() {
        for (text, trimmed) in [("", ""), (" \t ", ""), (" a b\t", "a b"), ("a", "a")] {
            assert_eq!(trim(text.as_bytes()), trimmed.as_bytes());
        }
    }
}
