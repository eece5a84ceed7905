//! Heads of clients that say the same again and again.
//!
//! On a connection that stays, one request differs from the next by its path; the field lines are
//! the same. A thread remembers the field lines it saw last and what they say: when the same bytes
//! come again, they are compared, not read. Some heads it remembers whole: `recall`.
//!
//! What one client sends must not be found out by how long another's request takes. So only field
//! lines made of names that carry no secret are remembered.

use core::cell::RefCell;

use alloc::vec::Vec;

use super::Limits;
use super::head::Head;
use super::lines::{Few, FieldLines, few};
use super::quick::{RequestLine, Said, field_lines, request_line};
use super::recall::{Recall, Shape};
use crate::limits::FIELDS_REMEMBERED_BYTES_MAX;

/// What a thread remembers of the heads it saw; with those it remembers whole, a `T` of the caller's.
#[derive(Debug)]
pub struct HeadMemory<T> {
    few: Few,
    known: RefCell<Known>,
    whole: Recall<T>,
}

/// Field lines that were read.
#[derive(Debug)]
struct Known {
    /// With their blank line; empty when nothing is remembered.
    bytes: Vec<u8>,
    said: Said,
}

impl<T: Copy> HeadMemory<T> {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        let known = RefCell::new(Known { bytes: Vec::new(), said: Said::NOTHING });
        Self { few: few(), known, whole: Recall::new() }
    }

    /// The head in front of `bytes`, its length and its note, if [`Self::keep`] was given the same.
    #[inline(always)]
    pub fn recall<'b, 'h>(&'h self, bytes: &'b [u8]) -> Option<(Head<'b, 'h>, usize, T)> {
        self.whole.find(bytes)
    }

    /// Remembers the head that [`Self::parse`] made of `bytes`, its own and no more, with a note. Its
    /// path must be no secret. One with a query, or with fields that may carry a secret, is not kept.
    pub fn keep(&self, head: &Head<'_, '_>, bytes: &[u8], note: T) {
        let known = self.known.borrow();
        if head.query.is_some() || known.bytes.is_empty() || !bytes.ends_with(&known.bytes) {
            return;
        }
        let path = head.method.as_str().len() + " ".len();
        let shape = Shape {
            method: head.method,
            path: (path as u16, (path + head.path.len()) as u16),
            fields: (bytes.len() - known.bytes.len()) as u16,
            said: known.said,
        };
        self.whole.keep(bytes, shape, &self.few, note);
    }

    /// The head in front of `bytes` and its length, if it is one of those that clients usually send;
    /// `None` leaves it to [`parse_head`](super::parse_head).
    #[inline(always)]
    pub fn parse<'b, 'h>(&'h self, bytes: &'b [u8], limits: &Limits) -> Option<(Head<'b, 'h>, usize)> {
        let window = &bytes[..bytes.len().min(limits.head_bytes)];
        let line = request_line(window)?;
        {
            let known = self.known.borrow();
            if !known.bytes.is_empty() && line.rest.starts_with(&known.bytes) {
                return Some((line.head(&known.said, &self.few), line.length + known.bytes.len()));
            }
        }
        self.learn(&line, limits)
    }

    /// Reads field lines that are not those of the last head.
    fn learn<'b, 'h>(&'h self, line: &RequestLine<'b>, limits: &Limits) -> Option<(Head<'b, 'h>, usize)> {
        self.known.borrow_mut().bytes.clear();
        let (said, length) = field_lines(line.rest, &self.few, limits.headers)?;
        let head = line.head(&said, &self.few);
        self.remember(&line.rest[..length], said, head.fields);
        Some((head, line.length + length))
    }

    fn remember(&self, lines: &[u8], said: Said, fields: FieldLines<'_, '_>) {
        if lines.len() <= FIELDS_REMEMBERED_BYTES_MAX && fields.iter().all(|(name, _)| is_harmless(name)) {
            let mut known = self.known.borrow_mut();
            known.bytes.extend_from_slice(lines);
            known.said = said;
        }
    }
}

impl<T: Copy> Default for HeadMemory<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Fields that say what a client is and takes, never who its user is. By their length, so that few
/// are compared.
fn is_harmless(name: &[u8]) -> bool {
    let known: &[&[u8]] = match name.len() {
        2 => &[b"te"],
        3 => &[b"dnt"],
        4 => &[b"host"],
        6 => &[b"accept", b"pragma"],
        9 => &[b"sec-ch-ua"],
        10 => &[b"connection", b"user-agent"],
        12 => &[b"content-type"],
        13 => &[b"cache-control"],
        14 => &[
            b"accept-charset",
            b"content-length",
            b"sec-fetch-dest",
            b"sec-fetch-mode",
            b"sec-fetch-site",
            b"sec-fetch-user",
        ],
        15 => &[b"accept-encoding", b"accept-language"],
        16 => &[b"sec-ch-ua-mobile"],
        18 => &[b"sec-ch-ua-platform"],
        25 => &[b"upgrade-insecure-requests"],
        _ => &[],
    };
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    fn remembered(memory: &HeadMemory<()>, head: &str) -> bool {
        let parsed = memory.parse(head.as_bytes(), &Limits::default());
        assert_eq!(parsed.expect("a usual head").1, head.len());
        !memory.known.borrow().bytes.is_empty()
    }

    #[test]
    fn fields_that_may_carry_a_secret_are_not_remembered() {
        let memory = HeadMemory::new();
        assert!(remembered(&memory, "GET /a HTTP/1.1\r\nHost: h\r\nUser-Agent: npm\r\n\r\n"));
        let names = "Authorization Cookie X-Api-Key npm-otp Referer Proxy-Authorization Sec-WebSocket-Protocol";
        for name in names.split_whitespace() {
            assert!(!remembered(&memory, &format!("GET /a HTTP/1.1\r\nHost: h\r\n{name}: x\r\n\r\n")), "{name}");
        }
    }

    #[test]
    fn what_browsers_and_load_tools_send_is_remembered() {
        let names = "TE DNT Host Accept Pragma Sec-CH-UA Connection User-Agent Content-Type Cache-Control Accept-Charset \
                     Content-Length Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Accept-Encoding \
                     Accept-Language Sec-CH-UA-Mobile Sec-CH-UA-Platform Upgrade-Insecure-Requests";
        assert!(names.split_whitespace().all(|name| is_harmless(name.as_bytes())));
        assert!(!names.split_whitespace().any(|name| is_harmless(&name.as_bytes()[1..])));
    }

    #[test]
    fn field_lines_are_remembered_up_to_their_limit() {
        let head = |bytes: usize| {
            let padding = bytes - "Host: h\r\nUser-Agent: \r\n\r\n".len();
            format!("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: {}\r\n\r\n", "x".repeat(padding))
        };
        for (bytes, expected) in [(1000, true), (1024, true), (1025, false)] {
            assert_eq!(remembered(&HeadMemory::new(), &head(bytes)), expected, "{bytes}");
        }
    }

    #[test]
    fn the_same_fields_after_another_path_mean_the_same() {
        let memory = HeadMemory::<()>::new();
        let lines = "Host: h:80\r\nContent-Length: 5\r\nConnection: close\r\nAccept:  a \r\n\r\n";
        let heads: [String; 3] =
            ["/", "/long/path?and=query", "/x"].map(|path| format!("POST {path} HTTP/1.1\r\n{lines}"));
        for head in &heads {
            let (parsed, length) = memory.parse(head.as_bytes(), &Limits::default()).expect("a usual head");
            assert_eq!((length, parsed.host, parsed.keep_alive), (head.len(), Some(b"h:80".as_slice()), false));
            assert_eq!(parsed.framing, super::super::Framing::Length(5));
            assert_eq!((parsed.header("accept"), parsed.fields.len()), (Some(b"a".as_slice()), 4));
        }
    }

    #[test]
    fn a_head_that_goes_on_is_not_the_one_before() {
        let memory = HeadMemory::new();
        assert!(remembered(&memory, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
        let (head, _) =
            memory.parse(b"GET / HTTP/1.1\r\nHost: h\r\nTE: x\r\n\r\n", &Limits::default()).expect("a head");
        assert_eq!(head.fields.len(), 2);
        assert!(memory.parse(b"GET / HTTP/1.1\r\nHost: h\r\n\r", &Limits::default()).is_none());
    }
}
