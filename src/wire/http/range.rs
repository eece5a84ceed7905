//! Byte ranges (RFC 9110 §14): `Range` in, the parts to send out.
//!
//! Other units and what is malformed are ignored, as §14.2 allows. So that a small request never
//! makes a large answer (§17.15), more than [`RANGES_MAX`] ranges are ignored as well, and ranges that
//! overlap or lie closer together than what one more part costs are sent as one. Invariant: the parts
//! of a [`Selection`] are within the representation, not empty, and no byte is in two of them.

use alloc::vec::Vec;
use core::ops::Range;

use super::fields::{decimal, split_member};
use crate::buffer::decimal as digits;
use crate::limits::{RANGE_GAP_BYTES_MAX, RANGES_MAX};

/// Which part of a representation was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of it: no range was asked for, or none that has to be honoured.
    Whole,
    /// These bytes: 206 with `Content-Range`.
    One(Range<u64>),
    /// These parts, at least two, in the order they were asked for: 206 as `multipart/byteranges`.
    Several(Vec<Range<u64>>),
    /// None that there are: 416.
    Unsatisfiable,
}

/// Reads the value of a `Range` for a representation of `length` bytes.
pub fn select(range: Option<&[u8]>, length: u64) -> Selection {
    let Some(set) = range.and_then(byte_set) else { return Selection::Whole };
    let Some((asked, parts)) = resolve(set, length) else { return Selection::Whole };
    let mut parts = if asked == 1 { parts } else { coalesce(parts) };
    match parts.len() {
        0 => Selection::Unsatisfiable,
        1 => Selection::One(parts.remove(0)),
        _ => Selection::Several(parts),
    }
}

/// What follows `bytes=`. Units are case-insensitive (§14.1).
fn byte_set(value: &[u8]) -> Option<&[u8]> {
    let (unit, set) = value.split_at_checked(6)?;
    unit.eq_ignore_ascii_case(b"bytes=").then_some(set)
}

/// How many ranges were asked for, and those of them that there are. `None` when the set is to be
/// ignored.
fn resolve(mut set: &[u8], length: u64) -> Option<(usize, Vec<Range<u64>>)> {
    let (mut asked, mut parts) = (0, Vec::new());
    while let Some((spec, rest)) = split_member(set) {
        asked += 1;
        if asked > RANGES_MAX {
            return None;
        }
        match resolve_one(spec, length)? {
            Spec::Within(part) => parts.push(part),
            Spec::Beyond => {}
            // The last bytes of nothing are a range that there is and that no field can name.
            Spec::Nothing => return None,
        }
        set = rest;
    }
    if asked == 0 { None } else { Some((asked, parts)) }
}

enum Spec {
    Within(Range<u64>),
    Beyond,
    Nothing,
}

/// One range; `None` when it is malformed.
fn resolve_one(spec: &[u8], length: u64) -> Option<Spec> {
    let dash = memchr::memchr(b'-', spec)?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    let part = match (first, last) {
        (b"", suffix) => match decimal(suffix)? {
            0 => return Some(Spec::Beyond),
            _ if length == 0 => return Some(Spec::Nothing),
            count => length.saturating_sub(count)..length,
        },
        (first, b"") => decimal(first)?..length,
        (first, last) => {
            let (first, last) = (decimal(first)?, decimal(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if part.start < part.end { Spec::Within(part) } else { Spec::Beyond })
}

/// Joins what overlaps or nearly touches; a joined part stands where its first range was asked for.
fn coalesce(parts: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut sorted: Vec<(usize, Range<u64>)> = parts.into_iter().enumerate().collect();
    sorted.sort_by_key(|(_, part)| part.start);
    let mut joined: Vec<(usize, Range<u64>)> = Vec::with_capacity(sorted.len());
    for (order, part) in sorted {
        match joined.last_mut() {
            Some((first, last)) if part.start <= last.end.saturating_add(RANGE_GAP_BYTES_MAX) => {
                *first = order.min(*first);
                last.end = part.end.max(last.end);
            }
            _ => joined.push((order, part)),
        }
    }
    joined.sort_by_key(|(order, _)| *order);
    joined.into_iter().map(|(_, part)| part).collect()
}

/// `bytes 0-499/1234`: the `Content-Range` of a part, which is not empty.
pub fn content_range(part: &Range<u64>, length: u64) -> Vec<u8> {
    debug_assert!(part.start < part.end && part.end <= length, "a part is within the representation");
    let mut text = Vec::with_capacity(32);
    text.extend_from_slice(b"bytes ");
    push_decimal(&mut text, part.start);
    text.push(b'-');
    push_decimal(&mut text, part.end - 1);
    text.push(b'/');
    push_decimal(&mut text, length);
    text
}

/// `bytes */1234`: the `Content-Range` of a 416.
pub fn unsatisfied_range(length: u64) -> Vec<u8> {
    let mut text = b"bytes */".to_vec();
    push_decimal(&mut text, length);
    text
}

fn push_decimal(text: &mut Vec<u8>, number: u64) {
    text.extend_from_slice(digits(number, &mut [0; 20]));
}
