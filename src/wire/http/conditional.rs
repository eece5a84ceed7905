//! Preconditions, in the order of RFC 9110 §13.2.2: fields and validators in, a decision out.
//!
//! Dates that are none, and fields that may be sent once and were repeated, are read as if they were
//! not there, as §13.1.3 and §13.1.4 say; an `If-Range` that cannot be understood does not hold,
//! because a part of the wrong representation is worse than all of the right one.

use super::etag::{Comparison, EntityTag, matches};
use super::fields::{Field, single, values};
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
pub struct Conditions<'b, 'h> {
    fields: &'h [Field<'b>],
    seen: u8,
}

const IF_MATCH: u8 = 1;
const IF_UNMODIFIED_SINCE: u8 = 2;
const IF_NONE_MATCH: u8 = 4;
const IF_MODIFIED_SINCE: u8 = 8;
const IF_RANGE: u8 = 16;

impl<'b, 'h> Conditions<'b, 'h> {
    /// Those among `fields`.
    pub fn of(fields: &'h [Field<'b>]) -> Self {
        let seen = fields.iter().fold(0, |seen, field| seen | bit(field.name));
        Self { fields, seen }
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
            let tag = current.map(|current| current.etag);
            return matches(values(self.fields, "If-Match"), tag, Comparison::Strong);
        }
        match self.date(IF_UNMODIFIED_SINCE, "If-Unmodified-Since", current) {
            Some((since_s, modified_s)) => modified_s <= since_s,
            None => true,
        }
    }

    /// Steps 3 and 4: `If-None-Match`, or without it and for reads only `If-Modified-Since`.
    fn is_known(&self, current: Option<&Validators<'_>>, is_read: bool) -> bool {
        if self.has(IF_NONE_MATCH) {
            let tag = current.map(|current| current.etag);
            return matches(values(self.fields, "If-None-Match"), tag, Comparison::Weak);
        }
        match self.date(IF_MODIFIED_SINCE, "If-Modified-Since", current) {
            Some((since_s, modified_s)) => is_read && modified_s <= since_s,
            None => false,
        }
    }

    /// Step 5: whether a `Range` applies to the current representation. Without `If-Range` it does.
    pub fn range_applies(&self, current: &Validators<'_>) -> bool {
        if !self.has(IF_RANGE) {
            return true;
        }
        let Some(value) = single(self.fields, "If-Range") else { return false };
        if let Some(tag) = EntityTag::parse(value) {
            return current.etag.is_some_and(|current| current.is_same(&tag));
        }
        let strong = current.modified.filter(|modified| modified.is_strong);
        // Exactly that date, and not an earlier one (§13.1.5).
        strong.is_some_and(|modified| parse_http_date(value) == Some(modified.unix_s))
    }

    fn has(&self, bit: u8) -> bool {
        self.seen & bit != 0
    }

    /// The date of a field and that of the representation, if both are there.
    fn date(&self, bit: u8, name: &str, current: Option<&Validators<'_>>) -> Option<(u64, u64)> {
        if !self.has(bit) {
            return None;
        }
        let modified = current?.modified?;
        Some((parse_http_date(single(self.fields, name)?)?, modified.unix_s))
    }
}

/// Length and first letter tell most fields apart, so that few names are compared.
fn bit(name: &str) -> u8 {
    let bytes = name.as_bytes();
    if !matches!(bytes, [b'I' | b'i', _, b'-', ..]) {
        return 0;
    }
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match bytes.len() {
        8 if is("If-Match") => IF_MATCH,
        8 if is("If-Range") => IF_RANGE,
        13 if is("If-None-Match") => IF_NONE_MATCH,
        17 if is("If-Modified-Since") => IF_MODIFIED_SINCE,
        19 if is("If-Unmodified-Since") => IF_UNMODIFIED_SINCE,
        _ => 0,
    }
}
