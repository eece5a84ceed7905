//! The short way through a head: one look at each byte, for heads of the shape that clients send.
//!
//! It takes a head or leaves it: whatever it does not know (a rare method, HTTP/1.0, an absolute
//! target, a Host in brackets, a mistake in a line, an incomplete head) goes the long way, through
//! httparse, which decides. What it takes, the long way takes too, and means the same:
//! [`fuzz::head`](super::fuzz::head) holds that.

use super::Error;
use super::fields::Fields;
use super::head::{Head, Method, Version};
use super::lines::{FieldLines, Line, Slots};
use super::octets::{is_blank, is_control, is_host, is_plain_target, is_token, trim};
use crate::limits::TARGET_BYTES_MAX;

/// What was found of a head whose lines are noted elsewhere.
pub(super) struct Quick<'b> {
    method: Method,
    target: usize,
    question: Option<usize>,
    target_end: usize,
    fields: Fields<'b>,
    lines: usize,
    length: usize,
}

/// Looks at the head in front of `bytes`, which are no more than a head may have; notes its lines.
#[inline]
pub(super) fn quick_head<'b>(bytes: &'b [u8], lines: &mut [Line]) -> Option<Quick<'b>> {
    let (method, target) = method(bytes)?;
    let (question, target_end) = target_end(bytes, target)?;
    let mut at = target_end + VERSION.len();
    if bytes.get(target_end..at)? != VERSION || target_end - target > TARGET_BYTES_MAX {
        return None;
    }
    let mut fields = Fields::default();
    let mut count = 0;
    while bytes.get(at..at + 2)? != b"\r\n" {
        at = field(bytes, at, lines.get_mut(count)?, &mut fields)?;
        count += 1;
    }
    Some(Quick { method, target, question, target_end, fields, lines: count, length: at + 2 })
}

/// The rest of the request line.
const VERSION: &[u8] = b" HTTP/1.1\r\n";

impl<'b> Quick<'b> {
    /// The head and its length.
    #[inline]
    pub(super) fn read<'h>(&self, bytes: &'b [u8], slots: &'h Slots) -> Result<(Head<'b, 'h>, usize), Error> {
        let version = Version::Http11;
        let framing = self.fields.framing(version)?;
        let head = Head {
            method: self.method,
            path: &bytes[self.target..self.question.unwrap_or(self.target_end)],
            query: self.question.map(|question| &bytes[question + 1..self.target_end]),
            version,
            framing,
            keep_alive: self.fields.keep_alive(version),
            // In the order of the long way: whoever sends two mistakes is told of the same one.
            host: self.fields.host(version)?,
            expects_continue: self.fields.expects_continue(version, framing)?,
            fields: FieldLines::new(bytes, slots.first(self.lines)),
        };
        Ok((head, self.length))
    }
}

/// The method, and where the target begins.
#[inline]
fn method(bytes: &[u8]) -> Option<(Method, usize)> {
    Some(match bytes.first_chunk()? {
        b"GET /" => (Method::Get, 4),
        b"PUT /" => (Method::Put, 4),
        b"HEAD " => (Method::Head, 5),
        b"POST " => (Method::Post, 5),
        _ => return None,
    })
}

/// Where the target in origin-form that begins at `start` has its question mark and its end.
#[inline]
fn target_end(bytes: &[u8], start: usize) -> Option<(Option<usize>, usize)> {
    if *bytes.get(start)? != b'/' {
        return None;
    }
    let special = |from: usize| Some(from + bytes.get(from..)?.iter().position(|&octet| !is_plain_target(octet))?);
    let path_end = special(start + 1)?;
    if bytes[path_end] != b'?' {
        return Some((None, path_end));
    }
    let mut end = special(path_end + 1)?;
    while bytes[end] == b'?' {
        end = special(end + 1)?;
    }
    Some((Some(path_end), end))
}

/// Notes the field line at `start`; where the next one begins.
#[inline]
fn field<'b>(bytes: &'b [u8], start: usize, line: &mut Line, fields: &mut Fields<'b>) -> Option<usize> {
    let colon = start + bytes.get(start..)?.iter().position(|&octet| !is_token(octet))?;
    if colon == start || bytes[colon] != b':' {
        return None;
    }
    let mut value = colon + 1;
    while is_blank(*bytes.get(value)?) {
        value += 1;
    }
    let name = &bytes[start..colon];
    let (value_end, line_end) = match name {
        [b'h' | b'H', b'o' | b'O', b's' | b'S', b't' | b'T'] => {
            let end = host_end(bytes, value)?;
            fields.note(name, &bytes[value..end]).ok()?;
            (end, end)
        }
        _ => {
            let end = value_end(bytes, value)?;
            let trimmed = trim(&bytes[value..end]);
            fields.note(name, trimmed).ok()?;
            (value + trimmed.len(), end)
        }
    };
    *line = Line::new(start, colon, value, value_end);
    (bytes.get(line_end..line_end + 2)? == b"\r\n").then_some(line_end + 2)
}

/// Where a name or an IPv4 address, and the port after it, end.
#[inline]
fn host_end(bytes: &[u8], start: usize) -> Option<usize> {
    let end = start + bytes.get(start..)?.iter().position(|&octet| !is_host(octet))?;
    match bytes[end] {
        b':' => {
            let digits = bytes[end + 1..].iter().position(|octet| !octet.is_ascii_digit())?;
            Some(end + 1 + digits)
        }
        _ => Some(end),
    }
}

/// Where the value that begins at `start` ends: at the first control character but a tab.
#[inline]
fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if has_low(u64::from_le_bytes(*word)) {
            break;
        }
        at += word.len();
    }
    Some(at + bytes.get(at..)?.iter().position(|&octet| is_control(octet))?)
}

/// Whether one of eight octets may be a control: exact for octets below 0x80, and wrong only
/// towards "yes", which costs a closer look.
#[inline]
fn has_low(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHS: u64 = ONES * 0x80;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let delete = word ^ (ONES * 0x7f);
    let is_delete = delete.wrapping_sub(ONES) & !delete;
    (below_space | is_delete) & HIGHS != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_overlooked() {
        for octet in 0..=255u8 {
            for at in 0..8 {
                let mut word = *b"abcdefgh";
                word[at] = octet;
                let found = has_low(u64::from_le_bytes(word));
                assert!(found || octet >= b' ' && octet != 0x7f, "{octet} at {at}");
                assert!(!found || octet < b' ' || octet == 0x7f, "{octet} at {at} is taken for a control");
            }
        }
    }

    #[test]
    fn values_end_at_controls_wherever_they_stand() {
        for length in 0..40 {
            let value: alloc::vec::Vec<u8> =
                (0..length).map(|n| if n % 7 == 3 { b'\t' } else { b'a' + n % 26 }).collect();
            for end in [b'\r', b'\n', 0, 0x7f, 0x1f] {
                let bytes = [value.as_slice(), &[end], b"rest of the head"].concat();
                assert_eq!(value_end(&bytes, 0), Some(value.len()), "{length} octets before {end}");
            }
            assert_eq!(value_end(&value, 0), None);
        }
    }
}
