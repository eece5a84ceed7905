//! Preconditions, in the order of RFC 9110 §13.2.2: fields and validators in, a decision out.
//!
//! Dates that are none, and fields that may be sent once and were repeated, are read as if they were
//! not there, as §13.1.3 and §13.1.4 say; an `If-Range` that cannot be understood does not hold,
//! because a part of the wrong representation is worse than all of the right one.

use super::etag::{Comparison, EntityTag, matches};
use super::fields::Fields;
use crate::wire::date::parse_http_date;
use crate::wire::http1::Method;

/// What tells the current representation from others. Both are optional.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validators<'a> {
    /// Its entity tag.
    pub etag: Option<EntityTag<'a>>,
    /// Its `Last-Modified`.
    pub modified: Option<Modified>,
}

/// When a representation was last modified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modified {
    /// Seconds since 1970.
    pub unix_s: u64,
    /// It was seen only after that second had ended, so that no second change can hide in it
    /// (RFC 9110 §8.8.2.2). Only then a date holds an `If-Range`.
    pub is_strong: bool,
}

/// What the preconditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Do what was asked.
    Proceed,
    /// The client has it: 304.
    NotModified,
    /// It is not what the client thought: 412.
    Failed,
}

/// The fields that decide, picked out in one pass.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'b, F> {
    fields: F,
    /// Which were sent, a bit each.
    seen: u8,
    /// Which were sent more than once.
    repeated: u8,
    /// The first value of each.
    first: [&'b [u8]; KINDS.len()],
}

/// The fields, in the order of their bits.
const KINDS: [&str; 5] = ["If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since", "If-Range"];
const IF_MATCH: usize = 0;
const IF_UNMODIFIED_SINCE: usize = 1;
const IF_NONE_MATCH: usize = 2;
const IF_MODIFIED_SINCE: usize = 3;
const IF_RANGE: usize = 4;

impl<'b, F: Fields<'b>> Conditions<'b, F> {
    /// Those among `fields`.
    pub fn of(fields: F) -> Self {
        let mut all = Self { fields, seen: 0, repeated: 0, first: [&[]; KINDS.len()] };
        for (name, value) in fields.all() {
            if let [b'I' | b'i', _, b'-', ..] = name {
                all.note(name, value);
            }
        }
        all
    }

    fn note(&mut self, name: &[u8], value: &'b [u8]) {
        let Some(kind) = kind_of(name) else { return };
        if self.has(kind) {
            self.repeated |= 1 << kind;
        } else {
            self.seen |= 1 << kind;
            self.first[kind] = value;
        }
    }

    /// Whether there are none: the usual case, which costs nothing more.
    pub fn is_empty(&self) -> bool {
        self.seen == 0
    }

    /// Decides for `method`; `current` is `None` when there is no representation.
    pub fn decide(&self, method: Method, current: Option<&Validators<'_>>) -> Decision {
        // §13.2.1: these methods select no representation.
        if self.is_empty() || matches!(method, Method::Connect | Method::Options | Method::Trace) {
            return Decision::Proceed;
        }
        let is_read = matches!(method, Method::Get | Method::Head);
        if !self.is_the_one(current) {
            return Decision::Failed;
        }
        match (self.is_known(current, is_read), is_read) {
            (false, _) => Decision::Proceed,
            (true, true) => Decision::NotModified,
            (true, false) => Decision::Failed,
        }
    }

    /// Steps 1 and 2: `If-Match`, or without it `If-Unmodified-Since`.
    fn is_the_one(&self, current: Option<&Validators<'_>>) -> bool {
        if self.has(IF_MATCH) {
            return matches(self.values(IF_MATCH), current.map(|current| current.etag), Comparison::Strong);
        }
        match self.date(IF_UNMODIFIED_SINCE, current) {
            Some((since_s, modified_s)) => modified_s <= since_s,
            None => true,
        }
    }

    /// Steps 3 and 4: `If-None-Match`, or without it and for reads only `If-Modified-Since`.
    fn is_known(&self, current: Option<&Validators<'_>>, is_read: bool) -> bool {
        if self.has(IF_NONE_MATCH) {
            return matches(self.values(IF_NONE_MATCH), current.map(|current| current.etag), Comparison::Weak);
        }
        match self.date(IF_MODIFIED_SINCE, current) {
            Some((since_s, modified_s)) => is_read && modified_s <= since_s,
            None => false,
        }
    }

    /// Step 5: whether a `Range` applies to the current representation. Without `If-Range` it does.
    pub fn range_applies(&self, current: &Validators<'_>) -> bool {
        if !self.has(IF_RANGE) {
            return true;
        }
        let Some(value) = self.single(IF_RANGE) else { return false };
        if let Some(tag) = EntityTag::parse(value) {
            return current.etag.is_some_and(|current| current.is_same(&tag));
        }
        let strong = current.modified.filter(|modified| modified.is_strong);
        // Exactly that date, and not an earlier one (§13.1.5).
        strong.is_some_and(|modified| parse_http_date(value) == Some(modified.unix_s))
    }

    fn has(&self, kind: usize) -> bool {
        self.seen & (1 << kind) != 0
    }

    /// The values of a list that was sent.
    fn values(&self, kind: usize) -> impl Iterator<Item = &'b [u8]> + Clone {
        let is_repeated = self.repeated & (1 << kind) != 0;
        let others = is_repeated.then(|| self.fields.named(KINDS[kind]).skip(1));
        core::iter::once(self.first[kind]).chain(others.into_iter().flatten())
    }

    /// The value of a field that was sent once.
    fn single(&self, kind: usize) -> Option<&'b [u8]> {
        let is_single = self.has(kind) && self.repeated & (1 << kind) == 0;
        is_single.then(|| self.first[kind])
    }

    /// The date of a field and that of the representation, if both are there.
    fn date(&self, kind: usize, current: Option<&Validators<'_>>) -> Option<(u64, u64)> {
        let value = self.single(kind)?;
        let modified = current?.modified?;
        Some((parse_http_date(value)?, modified.unix_s))
    }
}

/// The length tells them apart but for two, so that few names are compared.
fn kind_of(name: &[u8]) -> Option<usize> {
    let is = |kind: usize| name.eq_ignore_ascii_case(KINDS[kind].as_bytes()).then_some(kind);
    match name.len() {
        8 => is(IF_MATCH).or_else(|| is(IF_RANGE)),
        13 => is(IF_NONE_MATCH),
        17 => is(IF_MODIFIED_SINCE),
        19 => is(IF_UNMODIFIED_SINCE),
        _ => None,
    }
}
