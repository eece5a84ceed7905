//! Preconditions in the order of RFC 9110 §13.2.2.

use crate::naive::head::{Request, trim};
use crate::site::content::{DATES, Modified};

/// What the preconditions come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Proceed,
    NotModified,
    Failed,
}

/// What there is to compare with.
pub(crate) struct Current<'a> {
    pub(crate) etag: Option<&'a str>,
    pub(crate) modified: Option<Modified>,
}

/// `current` is `None` when there is nothing.
pub(crate) fn decide(request: &Request, current: Option<&Current<'_>>) -> Outcome {
    let is_read = matches!(request.method.as_str(), "GET" | "HEAD");
    let dates = |name: &str| Some((date(request.one(name)?)?, current?.modified?.unix_s));
    // 1 and 2.
    let matches = request.all("If-Match");
    let is_the_one = match matches.is_empty() {
        false => current.is_some_and(|current| is_any(&matches) || is_in(&matches, current.etag, true)),
        true => dates("If-Unmodified-Since").is_none_or(|(since, modified)| modified <= since),
    };
    if !is_the_one {
        return Outcome::Failed;
    }
    // 3 and 4.
    let none_match = request.all("If-None-Match");
    let is_known = match none_match.is_empty() {
        false => current.is_some_and(|current| is_any(&none_match) || is_in(&none_match, current.etag, false)),
        true => is_read && dates("If-Modified-Since").is_some_and(|(since, modified)| modified <= since),
    };
    match (is_known, is_read) {
        (false, _) => Outcome::Proceed,
        (true, true) => Outcome::NotModified,
        (true, false) => Outcome::Failed,
    }
}

/// 5: whether a range is one of what there is. What cannot be understood does not hold.
pub(crate) fn range_applies(request: &Request, current: &Current<'_>) -> bool {
    let values = request.all("If-Range");
    let [value] = values.as_slice() else { return values.is_empty() };
    match value.ends_with(b"\"") {
        true => current.etag.is_some_and(|etag| !etag.starts_with("W/") && etag.as_bytes() == *value),
        false => {
            let modified = current.modified.filter(|modified| modified.is_strong);
            modified.is_some_and(|modified| date(value) == Some(modified.unix_s))
        }
    }
}

fn date(text: &[u8]) -> Option<u64> {
    DATES.iter().find(|(known, _)| known.as_bytes() == text).and_then(|(_, unix_s)| *unix_s)
}

fn is_any(values: &[&[u8]]) -> bool {
    matches!(values, [value] if trim(value) == b"*")
}

/// Whether a list, read up to what is no tag, has this one.
fn is_in(values: &[&[u8]], etag: Option<&str>, strongly: bool) -> bool {
    let Some(etag) = etag else { return false };
    let (is_weak, opaque) = split(etag);
    for value in values {
        for member in String::from_utf8_lossy(value).split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let (weak, candidate) = split(member);
            let inside = candidate.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            if inside.is_none_or(|inside| inside.contains(['"', ' '])) || candidate.len() < 2 {
                return false;
            }
            if candidate == opaque && !(strongly && (weak || is_weak)) {
                return true;
            }
        }
    }
    false
}

/// Whether it is weak, and the rest of it.
fn split(etag: &str) -> (bool, &str) {
    etag.strip_prefix("W/").map_or((false, etag), |rest| (true, rest))
}
