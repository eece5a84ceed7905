//! Answers to GET and HEAD for something that has validators: once, for every slice.
//!
//! In goes a request and what there is: a media type, validators, and the same content in one coding
//! or several. Out comes one of
//!
//! | status | when |
//! |---|---|
//! | 200 | nothing else applies |
//! | 206 | a `Range` of a GET, and `If-Range` holds: one part, or several as `multipart/byteranges` |
//! | 304, 412 | the preconditions say so (RFC 9110 §13.2.2) |
//! | 406 | every coding was ruled out, the plain one too |
//! | 416 | no part that was asked for is there |
//!
//! Invariants: what depends on `Accept-Encoding` says so in `Vary`, also in a 304; a strong tag names
//! the bytes of one variant; HEAD has the head of GET without its range. Several ranges of a coded
//! variant are ignored: whether the coding is that of the parts or of what holds them, clients disagree.

use std::ops::Range;

use crate::app::{Body, Moment, Reply, Request};
use crate::wire::date::http_date;
use crate::wire::http::accept::{Coding, coding};
use crate::wire::http::conditional::{Conditions, Decision, Modified, Validators};
use crate::wire::http::etag::EntityTag;
use crate::wire::http::fields::Fields;
use crate::wire::http::multipart::{Multipart, content_type};
use crate::wire::http::range::{Selection, content_range, select, unsatisfied_range};
use crate::wire::http1::Method;

/// Something that can be sent.
#[derive(Debug, Clone)]
pub struct Representation<'a> {
    /// Its media type.
    pub content_type: &'a str,
    /// `Cache-Control`, if any.
    pub cache_control: Option<&'a str>,
    /// `Last-Modified`, if it is known.
    pub modified: Option<Modified>,
    /// Further fields of an answer with content.
    pub fields: &'a [(&'a str, &'a [u8])],
    /// The same content: first as it is, then in codings, the server's favourite first.
    pub variants: &'a [Variant<'a>],
}

/// The content in one coding.
#[derive(Debug, Clone)]
pub struct Variant<'a> {
    /// The coding; `None` as it is.
    pub coding: Option<Coding>,
    /// Its entity tag with quotes, and `W/` if it is weak. A strong one differs for each variant.
    pub etag: Option<&'a str>,
    /// Its bytes.
    pub body: Body<'a>,
}

impl Variant<'_> {
    fn tag(&self) -> Option<EntityTag<'_>> {
        self.etag.and_then(|etag| EntityTag::parse(etag.as_bytes()))
    }
}

/// Most codings a representation can have beside the plain one.
const CODINGS_MAX: usize = Coding::ALL.len();

impl Representation<'_> {
    /// Answers `request`.
    ///
    /// # Panics
    /// When there is no variant, or the first has a coding.
    pub fn answer(&self, request: &Request<'_>, reply: &mut Reply<'_>) {
        assert!(self.variants.first().is_some_and(|variant| variant.coding.is_none()), "first the plain variant");
        let Some(variant) = self.choose(request) else {
            let reason = "every coding there is was ruled out, and so was sending it as it is";
            return reply.error_with(406, &[("Vary", VARY)], "no acceptable coding", Some(reason));
        };
        let conditions = Conditions::of(request.head.fields);
        let current = Validators { etag: variant.tag(), modified: self.modified_of_variant(request.now) };
        match conditions.decide(request.head.method, Some(&current)) {
            Decision::Failed => refuse_change(reply),
            Decision::NotModified => self.begin(variant, request.now, reply, 304).empty(),
            // A range is defined for GET alone (RFC 9110 §14.2).
            Decision::Proceed if request.head.method == Method::Get && conditions.range_applies(&current) => {
                let range = request.head.fields.single("Range");
                self.send(variant, select(range, variant.body.len()), request.now, reply);
            }
            Decision::Proceed => self.send(variant, Selection::Whole, request.now, reply),
        }
    }

    /// All variants have one date: where there are several, it does not tell the bytes of one from
    /// those of another.
    fn modified_of_variant(&self, now: Moment) -> Option<Modified> {
        let is_alone = self.variants.len() == 1;
        self.modified_by(now).map(|modified| Modified { is_strong: modified.is_strong && is_alone, ..modified })
    }

    /// A file may have a date in the future: it is told as now (RFC 9110 §8.8.2.1).
    fn modified_by(&self, now: Moment) -> Option<Modified> {
        self.modified.map(|modified| Modified { unix_s: modified.unix_s.min(now.unix_ms / 1000), ..modified })
    }

    /// The variant that `Accept-Encoding` asks for; `None` when all were ruled out.
    fn choose(&self, request: &Request<'_>) -> Option<&Variant<'_>> {
        let [plain, coded @ ..] = self.variants else { return None };
        if coded.is_empty() {
            return Some(plain);
        }
        let mut available = [Coding::Gzip; CODINGS_MAX];
        let mut count = 0;
        for (slot, coding) in available.iter_mut().zip(coded.iter().filter_map(|variant| variant.coding)) {
            *slot = coding;
            count += 1;
        }
        let chosen = coding(request.head.fields.named("Accept-Encoding"), &available[..count])?;
        self.variants.iter().find(|variant| variant.coding == chosen)
    }

    fn send(&self, variant: &Variant<'_>, selection: Selection, now: Moment, reply: &mut Reply<'_>) {
        let length = variant.body.len();
        match selection {
            Selection::One(part) => {
                let told = content_range(&part, length);
                self.content(variant, now, reply, 206, self.content_type.as_bytes());
                reply.header("Content-Range", &told).body(variant.body.slice(part));
            }
            Selection::Several(parts) if variant.coding.is_none() => self.send_parts(variant, &parts, now, reply),
            Selection::Whole | Selection::Several(_) => {
                self.content(variant, now, reply, 200, self.content_type.as_bytes());
                reply.body(variant.body.clone());
            }
            Selection::Unsatisfiable => {
                let told = unsatisfied_range(length);
                let fields: [(&str, &[u8]); 2] = [("Content-Range", &told), ("Accept-Ranges", b"bytes")];
                reply.error_with(416, &fields, "the range is not within the content", None);
            }
        }
    }

    fn send_parts(&self, variant: &Variant<'_>, parts: &[Range<u64>], now: Moment, reply: &mut Reply<'_>) {
        let boundary = boundary(now, variant.etag);
        let multipart = Multipart::new(parts, variant.body.len(), self.content_type.as_bytes(), &boundary);
        let mut pieces = Vec::with_capacity(2 * parts.len() + 1);
        for (head, part) in multipart.parts() {
            pieces.push(Body::Bytes(head));
            pieces.push(variant.body.slice(part));
        }
        pieces.push(Body::Bytes(multipart.closing()));
        let written: u64 = pieces.iter().map(Body::len).sum();
        assert_eq!(written, multipart.content_length(), "what is told is what is sent");
        self.content(variant, now, reply, 206, &content_type(&boundary));
        reply.pieces(&pieces);
    }

    fn content(&self, variant: &Variant<'_>, now: Moment, reply: &mut Reply<'_>, status: u16, content_type: &[u8]) {
        self.begin(variant, now, reply, status).header("Content-Type", content_type).header("Accept-Ranges", b"bytes");
        if let Some(coding) = variant.coding {
            reply.header("Content-Encoding", coding.token().as_bytes());
        }
        for (name, value) in self.fields {
            reply.header(name, value);
        }
    }

    /// What a 304 says as well (RFC 9110 §15.4.5).
    fn begin<'r, 'b>(
        &self,
        variant: &Variant<'_>,
        now: Moment,
        reply: &'r mut Reply<'b>,
        status: u16,
    ) -> &'r mut Reply<'b> {
        reply.status(status);
        if let Some(etag) = variant.etag {
            reply.header("ETag", etag.as_bytes());
        }
        if let Some(modified) = self.modified_by(now) {
            reply.header("Last-Modified", &http_date(modified.unix_s));
        }
        if let Some(cache_control) = self.cache_control {
            reply.header("Cache-Control", cache_control.as_bytes());
        }
        if self.variants.len() > 1 {
            reply.header("Vary", VARY);
        }
        reply
    }
}

const VARY: &[u8] = b"Accept-Encoding";

/// Whether a request that changes something may: its preconditions hold for what there is, `None` for
/// nothing. If they do not, 412 is answered.
pub fn admit_change(request: &Request<'_>, current: Option<&Validators<'_>>, reply: &mut Reply<'_>) -> bool {
    let admitted = Conditions::of(request.head.fields).decide(request.head.method, current) == Decision::Proceed;
    if !admitted {
        refuse_change(reply);
    }
    admitted
}

fn refuse_change(reply: &mut Reply<'_>) {
    reply.error(412, "precondition failed", Some("it is not what the request takes it for; read it again"));
}

/// A boundary that whoever wrote the content could not foresee: it depends on the nanosecond of the
/// request, which comes after.
fn boundary(now: Moment, etag: Option<&str>) -> String {
    let seed = etag.unwrap_or_default().bytes().fold(now.unix_ms, |seed, byte| mix(seed ^ u64::from(byte)));
    let first = mix(seed ^ now.monotonic_ns);
    format!("{first:016x}{:016x}", mix(first))
}

/// The finalizer of SplitMix64.
fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests;
