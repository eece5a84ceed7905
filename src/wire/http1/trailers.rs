//! Fields behind a chunked body (RFC 9110 §6.5, RFC 9112 §7.1.2), as the decoder gave them out.
//!
//! In come the runs of [`Step::trailers`](super::Step::trailers), whose lines are checked and bounded by
//! then; out come names and values. Nothing is allocated as long as there are none. Dropped: what must
//! not stand behind a body (§6.5.1), because whoever looked at the head has acted without it.

use alloc::vec::Vec;

use memchr::memchr;

use super::octets::trim;

/// The fields behind one body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trailers {
    /// `Name: value\r\n` each, as they came.
    lines: Vec<u8>,
}

impl Trailers {
    /// None yet.
    pub const fn new() -> Self {
        Self { lines: Vec::new() }
    }

    /// Adds the next run of the section.
    pub fn push(&mut self, run: &[u8]) {
        self.lines.extend_from_slice(run);
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The value of the first field of this name, in any case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find_map(|(known, value)| known.eq_ignore_ascii_case(name.as_bytes()).then_some(value))
    }

    /// Names and values, in the order sent; values are without the blanks around them.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let lines = self.lines.split(|&octet| octet == b'\n');
        lines.filter_map(split).filter(|(name, _)| !is_dropped(name))
    }

    /// Bytes of memory that they hold.
    pub fn held_bytes(&self) -> usize {
        self.lines.capacity()
    }
}

/// Name and value of a line without its LF.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at(memchr(b':', line)?);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    Some((name, trim(&value[1..])))
}

/// Names that begin so are of those kinds too.
const DROPPED_PREFIXES: [&str; 4] = ["access-control-", "if-", "proxy-", "x-forwarded-"];

/// The kinds of RFC 9110 §6.5.1.
const DROPPED: [&str; 5] = [
    // Framing and connection.
    "connection content-length http2-settings keep-alive te trailer transfer-encoding upgrade",
    // Routing.
    "forwarded host max-forwards origin via x-real-ip",
    // What modifies a request, and controls of an answer.
    "age cache-control date expect expires location pragma range retry-after vary warning",
    // Authentication.
    "authorization cookie set-cookie set-cookie2 www-authenticate",
    // The format of the content.
    "content-disposition content-encoding content-language content-location content-range content-type",
];

/// Whether a field of this name must not stand behind a body.
fn is_dropped(name: &[u8]) -> bool {
    let mut known = DROPPED.iter().flat_map(|kind| kind.split(' '));
    let begins =
        |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
    known.any(|known| name.eq_ignore_ascii_case(known.as_bytes())) || DROPPED_PREFIXES.into_iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Trailers {
        let mut trailers = Trailers::new();
        trailers.push(text.as_bytes());
        trailers
    }

    #[test]
    fn none_allocate_nothing() {
        let mut trailers = Trailers::new();
        trailers.push(b"");
        assert!(trailers.is_empty() && trailers.iter().next().is_none());
        assert_eq!(trailers.held_bytes(), 0);
        assert_eq!(trailers.clone().held_bytes(), 0);
    }

    #[test]
    fn names_and_values_come_in_their_order_without_blanks() {
        let trailers = of("Digest: \tabc:d \r\nEmpty:\r\nX-Sum:1\r\nx-sum: 2\r\n");
        let fields: Vec<(&[u8], &[u8])> = trailers.iter().collect();
        let expected: [(&[u8], &[u8]); 4] =
            [(b"Digest", b"abc:d"), (b"Empty", b""), (b"X-Sum", b"1"), (b"x-sum", b"2")];
        assert_eq!(fields, expected);
        assert_eq!((trailers.get("x-SUM"), trailers.get("empty")), (Some(&b"1"[..]), Some(&b""[..])));
        assert_eq!((trailers.get("dig"), trailers.is_empty()), (None, false));
    }

    #[test]
    fn what_must_not_stand_behind_a_body_is_dropped() {
        let begun = ["Access-Control-Request-Method", "If-Match", "Proxy-Authorization", "X-Forwarded-For"];
        for name in DROPPED.iter().flat_map(|kind| kind.split(' ')).chain(begun) {
            for name in [name.into(), name.to_ascii_uppercase()] {
                let trailers = of(&alloc::format!("{name}: x\r\nX-Kept: y\r\n"));
                assert_eq!(trailers.get(&name), None, "{name}");
                assert_eq!(trailers.iter().count(), 1, "{name}");
                assert!(of(&alloc::format!("{name}: x\r\n")).is_empty(), "{name}");
            }
        }
        for name in ["Content-Digest", "ETag", "X-Content-Length", "Hosts", "If", "Server-Timing", "X-Forwarded"] {
            assert_eq!(of(&alloc::format!("{name}: x\r\n")).get(name), Some(&b"x"[..]), "{name}");
        }
    }
}
