//! The fields of an answer, kept as they leave: `Name: value\r\n` one after the other.
//!
//! Up to [`FIELDS_INLINE_BYTES`] they need no memory of their own. What frames the answer
//! (`Content-Length`, `Transfer-Encoding`, `Connection`, `Date`) is not taken: the server writes it.

use crate::limits::FIELDS_INLINE_BYTES;
use crate::wire::http1::emit::{self, Put};

/// Names that are the server's.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "connection", "date"];

#[derive(Clone)]
pub(super) struct Fields {
    inline: [u8; FIELDS_INLINE_BYTES],
    inline_len: usize,
    /// All of them, once they are too many.
    spilled: Vec<u8>,
}

impl Fields {
    pub(super) const fn new() -> Self {
        Self { inline: [0; FIELDS_INLINE_BYTES], inline_len: 0, spilled: Vec::new() }
    }

    /// As they leave.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        if self.spilled.is_empty() { &self.inline[..self.inline_len] } else { &self.spilled }
    }

    /// Adds whole lines that were checked before.
    #[inline]
    pub(super) fn push_lines(&mut self, lines: &[u8]) {
        let end = self.inline_len + lines.len();
        if self.spilled.is_empty() && end <= self.inline.len() {
            self.inline[self.inline_len..end].copy_from_slice(lines);
            self.inline_len = end;
        } else {
            self.spill(lines);
        }
    }

    #[cold]
    fn spill(&mut self, lines: &[u8]) {
        if self.spilled.is_empty() {
            self.spilled.extend_from_slice(&self.inline[..self.inline_len]);
        }
        self.spilled.extend_from_slice(lines);
    }

    /// Adds a field; see the room's page for names that are not taken.
    ///
    /// # Panics
    /// When the name is no token (RFC 9110 §5.6.2): it could end the line it stands in.
    pub(super) fn push(&mut self, name: &str, value: &[u8]) {
        assert!(!name.is_empty() && name.bytes().all(is_token), "{name:?} is no name of a field");
        if !is_framing(name) {
            self.push_field(name, value);
        }
    }

    #[inline]
    fn push_field(&mut self, name: &str, value: &[u8]) {
        let end = self.inline_len + name.len() + ": \r\n".len() + value.len();
        if !self.spilled.is_empty() || end > self.inline.len() || !value.iter().all(|&octet| is_plain(octet)) {
            return emit::field(self, name, value);
        }
        let (start, rest) = self.inline[self.inline_len..end].split_at_mut(name.len());
        let (colon, rest) = rest.split_at_mut(2);
        let (middle, line_end) = rest.split_at_mut(value.len());
        start.copy_from_slice(name.as_bytes());
        colon.copy_from_slice(b": ");
        middle.copy_from_slice(value);
        line_end.copy_from_slice(b"\r\n");
        self.inline_len = end;
    }

    /// The value of the first field of this name, in any case.
    pub(super) fn find(&self, name: &str) -> Option<&[u8]> {
        lines(self.bytes()).find_map(|line| value_of(line, name))
    }

    /// Takes all fields of this name out.
    pub(super) fn remove(&mut self, name: &str) {
        if self.find(name).is_none() {
            return;
        }
        let left: Vec<u8> =
            lines(self.bytes()).filter(|line| value_of(line, name).is_none()).flatten().copied().collect();
        *self = Self::new();
        self.push_lines(&left);
    }

    /// Names and values, in the order they leave.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        lines(self.bytes()).filter_map(split)
    }
}

impl Put for Fields {
    fn put(&mut self, bytes: &[u8]) {
        self.push_lines(bytes);
    }
}

/// An octet of a token, as a table so that a question costs one load.
static TOKEN: [bool; 256] = {
    let (mut table, mut octet) = ([false; 256], 0);
    while octet < 256 {
        table[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let (extra, mut index) = (b"!#$%&'*+-.^_`|~", 0);
    while index < extra.len() {
        table[extra[index] as usize] = true;
        index += 1;
    }
    table
};

/// An octet that may stand in a value.
fn is_plain(octet: u8) -> bool {
    !matches!(octet, b'\r' | b'\n' | 0)
}

fn is_token(octet: u8) -> bool {
    TOKEN[octet as usize]
}

/// Most names are told apart by their length.
fn is_framing(name: &str) -> bool {
    matches!(name.len(), 4 | 10 | 14 | 17) && FRAMING.iter().any(|framing| framing.eq_ignore_ascii_case(name))
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&octet| octet == b'\n')
}

/// A line as name and value.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

fn value_of<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    split(line).filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lengths_of_framing_names_are_those_that_are_looked_at() {
        assert!(FRAMING.iter().all(|name| is_framing(name) && is_framing(&name.to_uppercase())));
        assert!(["Data", "Connective", "", "Content-Type"].iter().all(|name| !is_framing(name)));
    }

    #[test]
    fn fields_leave_in_the_order_they_came_wherever_they_are_kept() {
        for count in 1..20 {
            let mut fields = Fields::new();
            let mut expected = String::new();
            for number in 0..count {
                fields.push("X-Number", number.to_string().as_bytes());
                expected.push_str(&format!("X-Number: {number}\r\n"));
            }
            assert_eq!(String::from_utf8_lossy(fields.bytes()), expected, "{count}");
            assert_eq!(fields.spilled.is_empty(), expected.len() <= FIELDS_INLINE_BYTES, "{count}");
            assert_eq!(fields.iter().count(), count);
        }
    }

    #[test]
    fn the_bound_of_what_is_kept_inline_is_exact() {
        for (more, spills) in [(0, false), (1, true)] {
            let mut fields = Fields::new();
            fields.push("X", "v".repeat(FIELDS_INLINE_BYTES - "X: \r\n".len() + more).as_bytes());
            assert_eq!(!fields.spilled.is_empty(), spills);
        }
    }

    #[test]
    fn a_field_is_found_and_removed_in_any_case() {
        let mut fields = Fields::new();
        fields.push("Vary", b"Accept");
        fields.push("X-A", b"1");
        fields.push("vary", b"Origin");
        assert_eq!(fields.find("VARY"), Some(&b"Accept"[..]));
        assert_eq!(fields.find("Var"), None);
        fields.remove("vary");
        assert_eq!(fields.bytes(), b"X-A: 1\r\n");
    }

    #[test]
    fn a_value_stays_one_line_and_framing_is_not_taken() {
        let mut fields = Fields::new();
        fields.push("X-A", b"1\r\nSet-Cookie: evil=1\0");
        assert_eq!(fields.bytes(), b"X-A: 1Set-Cookie: evil=1\r\n");
        for name in ["Content-Length", "transfer-encoding", "CONNECTION", "date"] {
            fields.push(name, b"9");
        }
        assert_eq!(fields.iter().count(), 1);
    }

    #[test]
    #[should_panic(expected = "is no name of a field")]
    fn a_name_that_could_end_its_line_is_a_mistake() {
        Fields::new().push("X-A: 1\r\nX-B", b"2");
    }
}
