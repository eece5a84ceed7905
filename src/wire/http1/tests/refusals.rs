//! Every refusal by name, wherever the bytes are cut.

use super::super::*;
use alloc::vec::Vec;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n";

/// Heads that are refused for their request line or for octets.
const LINES: &[(&[u8], Error)] = &[
    // Line ends.
    (b"GET / HTTP/1.1\nHost: a\r\n\r\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\n\r\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\n\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\rHost: a\r\n\r\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX:\rb\r\n\r\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX:\n\r\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: \t\n\r\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", Error::BareLineEnd),
    (b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", Error::BareLineEnd),
    (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BareLineEnd),
    (b"\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BareLineEnd),
    (b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BareLineEnd),
    (b"\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BareLineEnd),
    (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    // Request line.
    (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET /\tx HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET /\r\n\r\n", Error::BadRequestLine),
    (b"GET\r\n\r\n", Error::BadRequestLine),
    (b"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"G\xc3\xa4T / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET / http/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET / HTTP/11\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET / HTTP/x.y\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET / ICY/1.1\r\nHost: a\r\n\r\n", Error::BadRequestLine),
    (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", Error::Version),
    (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", Error::Version),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Error::Version),
    (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", Error::Method),
    (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", Error::Method),
    (b"GETT / HTTP/1.1\r\nHost: a\r\n\r\n", Error::Method),
    // Targets.
    (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET http://a@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET http://a.b/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET http://a#b HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET http:a HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET http://a/ HTTP/1.0\r\n\r\n", Error::BadTarget),
    (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Error::BadTarget),
    (b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadTarget),
    (b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadByte),
    (b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", Error::BadByte),
    (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", Error::BadByte),
    // Host.
    (b"GET / HTTP/1.1\r\n\r\n", Error::Host),
    (b"GET / HTTP/1.1\r\nAccept: a\r\n\r\n", Error::Host),
    (b"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", Error::Host),
];

/// Fields that are refused in an otherwise good head.
const FIELDS: &[(&[u8], Error)] = &[
    (b" folded: x\r\n", Error::ObsoleteFold),
    (b"\tfolded\r\n", Error::ObsoleteFold),
    (b"X: y\r\n z\r\n", Error::ObsoleteFold),
    (b"X: y\r\n \r\n", Error::ObsoleteFold),
    (b"X : y\r\n", Error::BadByte),
    (b"X\t: y\r\n", Error::BadByte),
    (b"X y: z\r\n", Error::BadByte),
    (b": y\r\n", Error::BadByte),
    (b"X\r\n", Error::BadByte),
    (b"X[]: y\r\n", Error::BadByte),
    (b"X\xc3\xa4: y\r\n", Error::BadByte),
    (b"X\0: y\r\n", Error::BadByte),
    (b"X: \0\r\n", Error::BadByte),
    (b"X: a\x01b\r\n", Error::BadByte),
    (b"X: a\x0bb\r\n", Error::BadByte),
    (b"X: a\x7fb\r\n", Error::BadByte),
    (b"X: 0123456789abcdef0123456789abcdef0123456789abcdef\x1f\r\n", Error::BadByte),
    (b"Host: a\r\n", Error::Host),
    (b"Host: b\r\n", Error::Host),
    (b"host:\r\n", Error::Host),
    (b"Content-Length:\r\n", Error::BadLength),
    (b"Content-Length: +5\r\n", Error::BadLength),
    (b"Content-Length: -5\r\n", Error::BadLength),
    (b"Content-Length: 0x5\r\n", Error::BadLength),
    (b"Content-Length: 5, 5\r\n", Error::BadLength),
    (b"Content-Length: 5 5\r\n", Error::BadLength),
    (b"Content-Length: 5;\r\n", Error::BadLength),
    (b"Content-Length: 5.0\r\n", Error::BadLength),
    (b"Content-Length: \xd9\xa5\r\n", Error::BadLength),
    (b"Content-Length: 10000000000000000000\r\n", Error::BadLength),
    (b"Content-Length: 00000000000000000005\r\n", Error::BadLength),
    (b"Content-Length: 18446744073709551616\r\n", Error::BadLength),
    (b"Content-Length: 5\r\nContent-Length: 5\r\n", Error::BadLength),
    (b"Content-Length: 5\r\ncontent-length: 6\r\n", Error::BadLength),
    (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Error::LengthAndChunked),
    (b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", Error::LengthAndChunked),
    (b"Transfer-Encoding: gzip\r\nContent-Length: 0\r\n", Error::LengthAndChunked),
    (b"Transfer-Encoding: gzip\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: gzip, chunked\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: chunked, identity\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: chunked, chunked\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: chunked;q=1\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: \"chunked\"\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: xchunked\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: identity\r\n", Error::TransferCoding),
    (b"Transfer-Encoding:\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Error::TransferCoding),
    (b"Transfer-Encoding: \x0bchunked\r\n", Error::BadByte),
    (b"Transfer-Encoding\x0b: chunked\r\n", Error::BadByte),
    (b"Transfer-Encoding : chunked\r\n", Error::BadByte),
    (b"Transfer-Encoding:\r\n chunked\r\n", Error::ObsoleteFold),
    (b"Expect: 100\r\n", Error::Expectation),
    (b"Expect:\r\n", Error::Expectation),
    (b"Expect: 100-continue, x\r\n", Error::Expectation),
    (b"Expect: x\r\nExpect: 100-continue\r\n", Error::Expectation),
];

const HOSTS: &[&str] = &[
    "a b",
    "a,b",
    "a/b",
    "a?b",
    "a#b",
    "a@b",
    "a:",
    "a:b",
    "a:123456",
    "a:1:2",
    ":80",
    "::1",
    "[",
    "[]",
    "[]:80",
    "[::1",
    "[::1]x",
    "[::1]:",
    "[g::]",
    "[::1%25eth0]",
    "a%41",
    "*",
    "http://a",
    "\u{e4}",
];

fn at_once(bytes: &[u8]) -> Result<bool, Error> {
    let slots = slots();
    parse_head(bytes, &slots, &Limits::default()).map(|parsed| parsed.is_some())
}

/// Refused under this name as a whole, and accepted under no cut.
fn refuse(bytes: &[u8], expected: Error) {
    let shown = bytes.escape_ascii();
    fuzz::head(bytes);
    assert_eq!(at_once(bytes), Err(expected), "{shown}");
    for cut in 0..bytes.len() {
        match at_once(&bytes[..cut]) {
            Ok(whole) => assert!(!whole, "{shown} cut at {cut}"),
            Err(error) => assert_eq!(error, expected, "{shown} cut at {cut}"),
        }
    }
}

#[test]
fn request_lines_that_are_refused() {
    for (bytes, error) in LINES {
        refuse(bytes, *error);
    }
}

#[test]
fn fields_that_are_refused() {
    for (fields, error) in FIELDS {
        refuse(&[GET, fields, b"\r\n"].concat(), *error);
        refuse(&[GET, b"A: b\r\n", fields, b"C: d\r\n\r\n"].concat(), *error);
    }
}

#[test]
fn hosts_that_are_refused() {
    for host in HOSTS {
        refuse(&[b"GET / HTTP/1.1\r\nHost: ", host.as_bytes(), b"\r\n\r\n"].concat(), Error::Host);
    }
}

#[test]
fn codings_are_refused_in_http_1_0() {
    for fields in ["Transfer-Encoding: chunked\r\n", "Transfer-Encoding: x\r\nContent-Length: 1\r\n"] {
        refuse(&[b"POST / HTTP/1.0\r\n", fields.as_bytes(), b"\r\n"].concat(), Error::CodingInHttp10);
    }
}

#[test]
fn every_control_character_is_refused_everywhere() {
    let head = b"GET /abc HTTP/1.1\r\nHost: a\r\nX-Long-Name: 0123456789abcdef0123456789abcdef01234567\r\n\r\n";
    for control in (0..0x20).chain([0x7f]).filter(|&octet| octet != b'\t') {
        for at in 0..head.len() {
            let mut bytes = head.to_vec();
            bytes[at] = control;
            if bytes != head {
                assert!(!at_once(&bytes).is_ok_and(|whole| whole), "{}", bytes.escape_ascii());
            }
        }
    }
}

#[test]
fn a_line_end_cannot_be_slipped_in_anywhere() {
    let head = b"GET /abc HTTP/1.1\r\nHost: a\r\nX: 0123\r\nEmpty:\r\n\r\n";
    for at in 0..head.len() {
        for extra in [b"\n".as_slice(), b"\r", b"\n\n", b"\r\r"] {
            let bytes = [&head[..at], extra, &head[at..]].concat();
            fuzz::head(&bytes);
            let accepted = at_once(&bytes).is_ok_and(|whole| whole);
            // What is slipped in before the last LF may leave the head whole and follow it.
            assert_eq!(accepted, bytes.starts_with(head), "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn each_error_of_a_head_has_a_test_here() {
    let tested: Vec<Error> = LINES.iter().chain(FIELDS).map(|(_, error)| *error).collect();
    let elsewhere = [
        Error::BadChunk,
        Error::ChunkOverhead,
        Error::CodingInHttp10,
        Error::HeadTooLarge,
        Error::TargetTooLong,
        Error::TooManyFields,
    ];
    for error in Error::ALL {
        assert!(tested.contains(&error) != elsewhere.contains(&error), "{error:?}");
    }
}
