//! Status lines and fields: values in, bytes out.

use memchr::memchr3_iter;

use super::octets::is_token;
use crate::buffer::SendBuf;

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
pub fn status_line(out: &mut SendBuf, status: u16) {
    match known_status_line(status) {
        Some(line) => out.put(line),
        None => {
            debug_assert!((100..=999).contains(&status), "a status has three digits");
            out.put(b"HTTP/1.1 ");
            out.put_decimal(u64::from(status));
            out.put(b" \r\n");
        }
    }
}

/// `Name: value` and its line end. CR, LF and NUL are left out of the value: whatever it was made
/// from, it stays one field.
pub fn field(out: &mut SendBuf, name: &str, value: &[u8]) {
    debug_assert!(!name.is_empty() && name.bytes().all(is_token), "a field name is a token");
    out.put(name.as_bytes());
    out.put(b": ");
    let mut from = 0;
    for at in memchr3_iter(b'\r', b'\n', 0, value) {
        out.put(&value[from..at]);
        from = at + 1;
    }
    out.put(&value[from..]);
    out.put(b"\r\n");
}

/// The field that says how long the body is.
pub fn content_length(out: &mut SendBuf, bytes: u64) {
    out.put(b"Content-Length: ");
    out.put_decimal(bytes);
    out.put(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

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
    fn lengths_are_decimal() {
        assert_eq!(emitted(|out| content_length(out, 0)), b"Content-Length: 0\r\n");
        assert_eq!(emitted(|out| content_length(out, u64::MAX)), b"Content-Length: 18446744073709551615\r\n");
    }
}
