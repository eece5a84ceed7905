//! The short way through a head: one look at each byte, for heads of the shape that clients send.
//!
//! It takes a head or leaves it: whatever it does not know (a rare method, HTTP/1.0, an absolute
//! target, a Host in brackets, a mistake in a line, an incomplete head) goes the long way, through
//! httparse, which decides. What it takes, the long way takes too, and means the same:
//! [`fuzz::head`](super::fuzz::head) holds that.

use core::cell::Cell;

use super::fields::Fields;
use super::head::{Framing, Head, Method, Version};
use super::lines::{Few, FieldLines, Line};
use super::octets::{is_blank, is_control, is_host, is_plain_target, is_token};
use super::recall::Shape;
use super::swar::{controls, outside_host, outside_name, outside_target, run};
use super::target::PORT_DIGITS_MAX;
use crate::limits::TARGET_BYTES_MAX;

/// The rest of the request line.
const VERSION: &[u8; 11] = b" HTTP/1.1\r\n";

/// The head in front of `bytes`, which are no more than a head may have, and its length; `None` if
/// it has to go the long way.
#[inline]
pub(super) fn quick_head<'b, 'h>(bytes: &'b [u8], few: &'h Few, most: usize) -> Option<(Head<'b, 'h>, usize)> {
    let line = request_line(bytes)?;
    let (said, length) = field_lines(line.rest, few, most)?;
    Some((line.head(&said, few), line.length + length))
}

/// A request line, taken apart.
pub(super) struct RequestLine<'b> {
    method: Method,
    path: &'b [u8],
    query: Option<&'b [u8]>,
    /// With its line end.
    pub(super) length: usize,
    /// What follows it.
    pub(super) rest: &'b [u8],
}

/// What the field lines of a head say about it; offsets are in the field lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    framing: Framing,
    keep_alive: bool,
    expects_continue: bool,
    host: (u16, u16),
    pub(super) count: usize,
}

impl Said {
    /// By no field lines at all.
    pub(super) const NOTHING: Self =
        Self { framing: Framing::None, keep_alive: true, expects_continue: false, host: (0, 0), count: 0 };
}

#[inline(always)]
pub(super) fn request_line(bytes: &[u8]) -> Option<RequestLine<'_>> {
    let (method, target) = method(bytes)?;
    if *bytes.get(target)? != b'/' {
        return None;
    }
    let path_end = run(bytes, target + 1, outside_target, is_plain_target)?;
    let target_end = if bytes[path_end] == b'?' { query_end(bytes, path_end + 1)? } else { path_end };
    let (version, rest) = bytes.get(target_end..)?.split_first_chunk()?;
    if version != VERSION || target_end - target > TARGET_BYTES_MAX {
        return None;
    }
    let query = (path_end < target_end).then(|| &bytes[path_end + 1..target_end]);
    Some(RequestLine { method, path: &bytes[target..path_end], query, length: target_end + VERSION.len(), rest })
}

/// What the field lines in front of `bytes` say, and their length with the blank line.
#[inline]
pub(super) fn field_lines(bytes: &[u8], few: &Few, most: usize) -> Option<(Said, usize)> {
    let mut fields = Fields::default();
    let mut host = (0, 0);
    let (mut at, mut count) = (0, 0);
    while bytes.get(at..)?.first_chunk()? != b"\r\n" {
        at = field(bytes, at, few.get(count)?, &mut fields, &mut host)?;
        count += 1;
    }
    let version = Version::Http11;
    let framing = fields.framing(version).ok()?;
    let expects_continue = fields.expects_continue(version, framing).ok()?;
    fields.host(version).ok()?;
    let said = Said { framing, keep_alive: fields.keep_alive(version), expects_continue, host, count };
    (count <= most).then_some((said, at + 2))
}

impl<'b> RequestLine<'b> {
    /// The head of this request line and of field lines that say this.
    #[inline(always)]
    pub(super) fn head<'h>(&self, said: &Said, few: &'h Few) -> Head<'b, 'h> {
        let fields = FieldLines::new(self.rest, &few[..said.count]);
        Head {
            method: self.method,
            path: self.path,
            query: self.query,
            version: Version::Http11,
            framing: said.framing,
            keep_alive: said.keep_alive,
            expects_continue: said.expects_continue,
            host: Some(fields.at(said.host.0, said.host.1)),
            fields,
        }
    }
}

/// The head that `bytes` are, once it is known where its parts stand.
#[inline(always)]
pub(super) fn head_of<'b, 'h>(bytes: &'b [u8], shape: &Shape, few: &'h Few) -> Head<'b, 'h> {
    let path = &bytes[usize::from(shape.path.0)..usize::from(shape.path.1)];
    let rest = &bytes[usize::from(shape.fields)..];
    let line = RequestLine { method: shape.method, path, query: None, length: usize::from(shape.fields), rest };
    line.head(&shape.said, few)
}

/// The method, and where the target begins.
#[inline(always)]
fn method(bytes: &[u8]) -> Option<(Method, usize)> {
    Some(match bytes.first_chunk()? {
        [b'G', b'E', b'T', b' ', _] => (Method::Get, 4),
        [b'P', b'U', b'T', b' ', _] => (Method::Put, 4),
        b"HEAD " => (Method::Head, 5),
        b"POST " => (Method::Post, 5),
        _ => return None,
    })
}

/// Where the query that begins at `at` ends: it may hold question marks.
fn query_end(bytes: &[u8], at: usize) -> Option<usize> {
    run(bytes, at, outside_target, |octet| octet == b'?' || is_plain_target(octet))
}

/// Notes the field line at `start`; where the next one begins.
#[inline]
fn field<'b>(
    bytes: &'b [u8],
    start: usize,
    line: &Cell<Line>,
    fields: &mut Fields<'b>,
    host: &mut (u16, u16),
) -> Option<usize> {
    let colon = run(bytes, start, outside_name, is_token)?;
    if colon == start || bytes[colon] != b':' {
        return None;
    }
    let mut value = colon + 1;
    while is_blank(*bytes.get(value)?) {
        value += 1;
    }
    let name = &bytes[start..colon];
    let end = if is_host_name(name) {
        let end = host_end(bytes, value)?;
        fields.note_checked_host(&bytes[value..end])?;
        line.set(Line::new(start, colon, value, end));
        *host = (value as u16, end as u16);
        end
    } else {
        let end = run(bytes, value, controls, |octet| !is_control(octet))?;
        let mut value_end = end;
        while value_end > value && is_blank(bytes[value_end - 1]) {
            value_end -= 1;
        }
        fields.note(name, &bytes[value..value_end]).ok()?;
        line.set(Line::new(start, colon, value, value_end));
        end
    };
    (bytes.get(end..)?.first_chunk()? == b"\r\n").then_some(end + 2)
}

#[inline]
fn is_host_name(name: &[u8]) -> bool {
    <[u8; 4]>::try_from(name).is_ok_and(|name| u32::from_le_bytes(name) | 0x2020_2020 == u32::from_le_bytes(*b"host"))
}

/// Where a name or an IPv4 address, and the port after it, end.
#[inline]
fn host_end(bytes: &[u8], start: usize) -> Option<usize> {
    let end = run(bytes, start, outside_host, is_host)?;
    if end == start || bytes[end] != b':' {
        return (end > start).then_some(end);
    }
    let digits = bytes.get(end + 1..)?.iter().position(|octet| !octet.is_ascii_digit())?;
    let port_end = end + 1 + digits;
    (1..=PORT_DIGITS_MAX).contains(&(port_end - end - 1)).then_some(port_end)
}
