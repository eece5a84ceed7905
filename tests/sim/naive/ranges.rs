//! Ranges (RFC 9110 §14): which bytes a request asks for.

use std::ops::Range;

/// What is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Everything,
    Parts(Vec<Range<usize>>),
    NothingThere,
}

/// More ranges than this are not looked at.
const RANGES_MAX: usize = 16;
/// Ranges with no more than this between them are sent as one.
const GAP_BYTES_MAX: usize = 128;

pub(crate) fn asked(value: Option<&[u8]>, length: usize) -> Asked {
    let text = value.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default();
    let Some((unit, set)) = text.split_once('=') else { return Asked::Everything };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Asked::Everything;
    }
    let members: Vec<&str> = set.split(',').map(|member| member.trim_matches([' ', '\t'])).collect();
    let members: Vec<&str> = members.into_iter().filter(|member| !member.is_empty()).collect();
    if members.is_empty() || members.len() > RANGES_MAX {
        return Asked::Everything;
    }
    let mut parts = Vec::new();
    for member in members {
        match range(member, length) {
            None => return Asked::Everything,
            Some(part) if part.is_empty() => {}
            Some(part) => parts.push(part),
        }
    }
    while join_two(&mut parts) {}
    if parts.is_empty() { Asked::NothingThere } else { Asked::Parts(parts) }
}

/// One range, empty if it is beyond the end; `None` when it is none, or when it cannot be told.
fn range(text: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = text.split_once('-')?;
    let number = |digits: &str| match digits.is_empty() || !digits.chars().all(|digit| digit.is_ascii_digit()) {
        true => None,
        false => Some(digits.parse().unwrap_or(usize::MAX)),
    };
    if first.is_empty() {
        let count = number(last)?;
        // The last bytes of nothing are there, and have no name.
        return if length == 0 && count > 0 { None } else { Some(length.saturating_sub(count)..length) };
    }
    let first = number(first)?;
    let last = if last.is_empty() { usize::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    let end = last.saturating_add(1).min(length);
    Some(first.min(end)..end)
}

/// Joins the first two that overlap or nearly touch, in the place of the earlier; whether there were any.
fn join_two(parts: &mut Vec<Range<usize>>) -> bool {
    for one in 0..parts.len() {
        for other in one + 1..parts.len() {
            let (a, b) = (&parts[one], &parts[other]);
            if a.start <= b.end + GAP_BYTES_MAX && b.start <= a.end + GAP_BYTES_MAX {
                parts[one] = a.start.min(b.start)..a.end.max(b.end);
                parts.remove(other);
                return true;
            }
        }
    }
    false
}
