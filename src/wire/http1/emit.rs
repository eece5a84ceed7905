//! Status lines and fields: values in, bytes out.

use alloc::vec::Vec;

use memchr::memchr3_iter;

use super::octets::is_token;
use crate::buffer::{SendBuf, decimal};

/// The interim answer to `Expect: 100-continue`.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

macro_rules! status_lines {
    ($($status:literal $reason:literal)*) => {
        /// The status line, for a status this server uses.
        fn known_status_line(status: u16) -> Option<&'static [u8]> {
            match status {
                $($status => Some(concat!("HTTP/1.1 ", $status, " ", $reason, "\r\n").as_bytes()),)*
                _ => None,
            }
        }

        #[cfg(test)]
        const KNOWN_STATUSES: &[u16] = &[$($status),*];
    };
}

status_lines! {
    100 "Continue"
    101 "Switching Protocols"
    200 "OK"
    201 "Created"
    202 "Accepted"
    204 "No Content"
    206 "Partial Content"
    301 "Moved Permanently"
    302 "Found"
    303 "See Other"
    304 "Not Modified"
    307 "Temporary Redirect"
    308 "Permanent Redirect"
    400 "Bad Request"
    401 "Unauthorized"
    402 "Payment Required"
    403 "Forbidden"
    404 "Not Found"
    405 "Method Not Allowed"
    406 "Not Acceptable"
    408 "Request Timeout"
    409 "Conflict"
    410 "Gone"
    411 "Length Required"
    412 "Precondition Failed"
    413 "Content Too Large"
    414 "URI Too Long"
    415 "Unsupported Media Type"
    416 "Range Not Satisfiable"
    417 "Expectation Failed"
    421 "Misdirected Request"
    422 "Unprocessable Content"
    426 "Upgrade Required"
    428 "Precondition Required"
    429 "Too Many Requests"
    431 "Request Header Fields Too Large"
    500 "Internal Server Error"
    501 "Not Implemented"
    502 "Bad Gateway"
    503 "Service Unavailable"
    504 "Gateway Timeout"
    505 "HTTP Version Not Supported"
    507 "Insufficient Storage"
}

/// `HTTP/1.1 200 OK` and its line end. A status without a known reason has an empty one.
#[inline]
pub fn status_line(out: &mut impl Put, status: u16) {
    match status {
        // What is known here is not called for.
        200 => out.put(b"HTTP/1.1 200 OK\r\n"),
        _ => other_status_line(out, status),
    }
}

#[inline(never)]
fn other_status_line(out: &mut impl Put, status: u16) {
    match known_status_line(status) {
        Some(line) => out.put(line),
        None => {
            debug_assert!((100..=999).contains(&status), "a status has three digits");
            out.put(b"HTTP/1.1 ");
            out.put(decimal(u64::from(status), &mut [0; 20]));
            out.put(b" \r\n");
        }
    }
}

/// Where heads are written: a send buffer, or plain bytes that will be copied into one.
pub trait Put {
    /// Appends a copy of `bytes`.
    fn put(&mut self, bytes: &[u8]);
}

impl Put for SendBuf {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        SendBuf::put(self, bytes);
    }
}

impl Put for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// `Name: value` and its line end. CR, LF and NUL are left out of the value: whatever it was made
/// from, it stays one field.
pub fn field(out: &mut impl Put, name: &str, value: &[u8]) {
    debug_assert!(!name.is_empty() && name.bytes().all(is_token), "a field name is a token");
    out.put(name.as_bytes());
    out.put(b": ");
    // Nearly every value is clean; finding that out is cheaper than searching for each.
    if !value.iter().fold(false, |odd, octet| odd | matches!(octet, b'\r' | b'\n' | 0)) {
        out.put(value);
        return out.put(b"\r\n");
    }
    let mut from = 0;
    for at in memchr3_iter(b'\r', b'\n', 0, value) {
        out.put(&value[from..at]);
        from = at + 1;
    }
    out.put(&value[from..]);
    out.put(b"\r\n");
}

/// The field that says how long the body is.
#[inline]
pub fn content_length(out: &mut impl Put, bytes: u64) {
    out.put(b"Content-Length: ");
    out.put(decimal(bytes, &mut [0; 20]));
    out.put(b"\r\n");
}

/// The field that says that the body comes in chunks.
pub fn chunked(out: &mut SendBuf) {
    out.put(b"Transfer-Encoding: chunked\r\n");
}

/// One chunk (RFC 9112 §7.1). None for no bytes: that would be the end of the body.
pub fn chunk(out: &mut SendBuf, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let mut digits = [0; 16];
    out.put(hexadecimal(bytes.len() as u64, &mut digits));
    out.put(b"\r\n");
    out.put(bytes);
    out.put(b"\r\n");
}

/// The end of a chunked body, with the fields that follow it.
pub fn last_chunk(out: &mut SendBuf, trailers: &[(&str, Vec<u8>)]) {
    out.put(b"0\r\n");
    for (name, value) in trailers {
        field(out, name, value);
    }
    out.put(b"\r\n");
}

/// `number` in hexadecimal, written into the end of `digits`.
fn hexadecimal(mut number: u64, digits: &mut [u8; 16]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
        if number == 0 {
            return &digits[start..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emitted(emit: impl Fn(&mut SendBuf)) -> Vec<u8> {
        let mut out = SendBuf::new();
        emit(&mut out);
        out.only_own().unwrap_or_default().to_vec()
    }

    #[test]
    fn a_status_line_says_its_status_and_reason() {
        assert_eq!(emitted(|out| status_line(out, 200)), b"HTTP/1.1 200 OK\r\n");
        assert_eq!(emitted(|out| status_line(out, 431)), b"HTTP/1.1 431 Request Header Fields Too Large\r\n");
        assert_eq!(emitted(|out| status_line(out, 299)), b"HTTP/1.1 299 \r\n");
        for &status in KNOWN_STATUSES {
            let line = emitted(|out| status_line(out, status));
            assert_eq!(line[9..12], *alloc::format!("{status}").as_bytes());
            assert!(line.starts_with(b"HTTP/1.1 ") && line.ends_with(b"\r\n") && line.len() > 15);
        }
    }

    #[test]
    fn every_error_has_a_reason() {
        for error in super::super::Error::ALL {
            assert!(known_status_line(error.status()).is_some(), "{error:?}");
        }
    }

    #[test]
    fn a_value_stays_inside_its_field() {
        assert_eq!(emitted(|out| field(out, "ETag", b"\"a\"")), b"ETag: \"a\"\r\n");
        assert_eq!(emitted(|out| field(out, "X", b"")), b"X: \r\n");
        assert_eq!(emitted(|out| field(out, "X", b"\r\na\rb\nc\0\r\nSet: x")), b"X: abcSet: x\r\n");
    }

    #[test]
    fn a_chunk_is_its_size_its_bytes_and_line_ends() {
        assert_eq!(emitted(|out| chunk(out, b"hello")), b"5\r\nhello\r\n");
        assert_eq!(emitted(|out| chunk(out, &[b'x'; 0x1a])), [b"1a\r\n".as_slice(), &[b'x'; 0x1a], b"\r\n"].concat());
        assert_eq!(emitted(|out| chunk(out, b"")), b"", "an empty chunk would end the body");
        assert_eq!(emitted(|out| last_chunk(out, &[])), b"0\r\n\r\n");
        let trailers = [("Digest", b"a\r\nb".to_vec())];
        assert_eq!(emitted(|out| last_chunk(out, &trailers)), b"0\r\nDigest: ab\r\n\r\n");
    }

    #[test]
    fn lengths_are_decimal() {
        assert_eq!(emitted(|out| content_length(out, 0)), b"Content-Length: 0\r\n");
        assert_eq!(emitted(|out| content_length(out, u64::MAX)), b"Content-Length: 18446744073709551615\r\n");
    }
}
