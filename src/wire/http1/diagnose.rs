//! What is wrong with a head that does not parse, by name.
//!
//! Slow and off the path of good requests. It looks at one line after the other and names the
//! first mistake, so that the name does not depend on how the bytes were cut: a line that is not
//! whole is only blamed for bytes that may stand nowhere.

use memchr::memchr;

use super::Error;
use super::octets::{is_blank, is_control, is_token};

/// Names the first mistake; `None` if its line is not whole yet. `bytes` begin with the request line.
pub(super) fn diagnose(bytes: &[u8]) -> Option<Error> {
    let mut rest = bytes;
    let mut check: fn(&[u8]) -> Option<Error> = request_line;
    while !rest.is_empty() {
        let length = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, more) = rest.split_at(length);
        if let Some(error) = octets(line) {
            return Some(error);
        }
        let line = line.strip_suffix(b"\r\n")?;
        if line.is_empty() {
            break; // the head ends here
        }
        if let Some(error) = check(line) {
            return Some(error);
        }
        check = field_line;
        rest = more;
    }
    // Nothing found, so the parser is stricter than this page: refused all the same.
    Some(Error::BadByte)
}

/// The first octet that may not stand in a line, which ends in LF if it is whole.
fn octets(line: &[u8]) -> Option<Error> {
    let at = line.iter().position(|&octet| is_control(octet))?;
    match &line[at..] {
        [b'\r'] | [b'\r', b'\n'] => None,
        [b'\r' | b'\n', ..] => Some(Error::BareLineEnd),
        _ => Some(Error::BadByte),
    }
}

fn request_line(line: &[u8]) -> Option<Error> {
    let mut parts = line.split(|&octet| octet == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Some(Error::BadRequestLine);
    };
    let is_method = !method.is_empty() && method.iter().all(|&octet| is_token(octet));
    if !is_method || target.is_empty() || target.contains(&b'\t') {
        return Some(Error::BadRequestLine);
    }
    match version {
        _ if !target.is_ascii() => Some(Error::BadTarget),
        b"HTTP/1.0" | b"HTTP/1.1" => None,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Some(Error::Version)
        }
        _ => Some(Error::BadRequestLine),
    }
}

fn field_line(line: &[u8]) -> Option<Error> {
    if line.first().is_some_and(|&octet| is_blank(octet)) {
        return Some(Error::ObsoleteFold);
    }
    let name = memchr(b':', line).map_or(b"".as_slice(), |colon| &line[..colon]);
    (name.is_empty() || !name.iter().all(|&octet| is_token(octet))).then_some(Error::BadByte)
}
