//! An answer, as a slice writes it.
//!
//! The slice gives status, fields and body; the framing (`Content-Length`, `Connection`, `Date`,
//! no body for HEAD and 304) is done here, once, for every slice. Where a field was added before the
//! slice writes one of its name, `precedence` says which of them leaves.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use crate::app::edge::Took;
use crate::app::precedence::{Leaves, is_named, leaves};
use crate::buffer::SendBuf;
use crate::limits::SEND_COPY_BYTES_MAX;
use crate::wire::date::DATE_LINE_BYTES;
use crate::wire::http1::emit;

/// The body of an answer.
#[derive(Debug, Clone)]
pub enum Body<'a> {
    /// Nothing, with `Content-Length: 0`.
    Empty,
    /// Bytes, copied.
    Bytes(&'a [u8]),
    /// A range of shared bytes.
    Shared(&'a Arc<[u8]>, Range<usize>),
    /// A range of a file: offset and length in bytes.
    File(&'a Arc<File>, u64, u64),
}

impl<'a> Body<'a> {
    /// A part of it, which must be within it.
    pub fn slice(&self, range: Range<u64>) -> Body<'a> {
        assert!(range.start <= range.end && range.end <= self.len(), "a part of a body is within it");
        let (start, end) = (range.start as usize, range.end as usize);
        match self {
            Body::Empty => Body::Empty,
            Body::Bytes(bytes) => Body::Bytes(&bytes[start..end]),
            Body::Shared(bytes, whole) => Body::Shared(bytes, whole.start + start..whole.start + end),
            Body::File(file, offset, _) => Body::File(file, offset + range.start, range.end - range.start),
        }
    }

    /// Its length, in bytes.
    #[inline]
    pub fn len(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Shared(_, range) => range.len() as u64,
            Body::File(_, _, length) => *length,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn put(&self, out: &mut SendBuf) {
        match self {
            Body::Empty => {}
            Body::Bytes(bytes) => out.put(bytes),
            Body::Shared(bytes, range) => out.put_shared(bytes, range.clone()),
            Body::File(file, offset, length) => out.put_file(file, *offset, *length),
        }
    }
}

/// An answer rendered ahead of its requests: only `Date` and `Connection` are missing.
#[derive(Debug, Clone)]
pub struct Rendered {
    status: u16,
    head: Box<[u8]>,
    body: Arc<[u8]>,
    /// All of it as it leaves on a connection that stays, when a copy is cheap: one copy of these
    /// bytes, then the date in its place.
    whole: Box<[u8]>,
    date_at: usize,
}

/// What `Date` looks like before the first second.
const NO_DATE: &[u8; DATE_LINE_BYTES] = b"Date: .............................\r\n";

impl Rendered {
    /// Renders the head for `body`; `fields` are without `Content-Length`. A status that has no body
    /// gets none: its bytes would be taken for the next answer.
    pub fn new(status: u16, fields: &[(&str, &[u8])], body: Arc<[u8]>) -> Self {
        let body = if is_bodiless(status) { Arc::from([]) } else { body };
        let mut head = Vec::new();
        emit::status_line(&mut head, status);
        for (name, value) in fields {
            emit::field(&mut head, name, value);
        }
        if !is_bodiless(status) {
            emit::content_length(&mut head, body.len() as u64);
        }
        let whole = match body.len() <= SEND_COPY_BYTES_MAX {
            true => [&head, NO_DATE.as_slice(), b"\r\n", &body].concat(),
            false => [&head, NO_DATE.as_slice(), b"\r\n"].concat(),
        };
        Self { status, date_at: head.len(), head: head.into(), body, whole: whole.into() }
    }

    /// The body.
    pub fn body(&self) -> &Arc<[u8]> {
        &self.body
    }
}

/// Whether nothing may follow the head of an answer of this status (RFC 9110 §15.3.5, §15.4.5).
fn is_bodiless(status: u16) -> bool {
    matches!(status, 204 | 304)
}

/// How the connection stands while an answer is written; the session keeps it.
#[derive(Debug)]
pub struct Terms<'a> {
    /// `Date: …\r\n`, rendered once a second.
    pub date: &'a [u8],
    /// The request was HEAD: no body leaves.
    pub head_only: bool,
    /// The connection ends after this answer.
    pub close: bool,
    /// The client speaks HTTP/1.0: it knows no chunks and must be told when the connection stays.
    pub http10: bool,
}

/// How the body of an answer is delimited when it comes from a [`super::Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streamed {
    /// Nothing may follow the head.
    NoBody,
    /// By its length.
    Length(u64),
    /// By chunks.
    Chunked,
    /// By the end of the connection.
    Close,
}

/// Writes one answer.
pub struct Reply<'a> {
    out: &'a mut SendBuf,
    terms: Terms<'a>,
    state: State,
    /// Fields for whatever answer it becomes, as they leave.
    extra: Vec<u8>,
    /// The answer says how long it took.
    took: Option<Box<Took>>,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum State {
    Nothing,
    Head { status: u16 },
    Streams { status: u16, how: Streamed },
    Finished { status: u16 },
}

impl<'a> Reply<'a> {
    /// A reply into `out` under `terms`.
    #[inline]
    pub fn new(out: &'a mut SendBuf, terms: Terms<'a>) -> Self {
        Self { out, terms, state: State::Nothing, extra: Vec::new(), took: None }
    }

    /// The same, with the fields that [`Self::add_field`] was given for this request before.
    pub fn with_extra(mut self, extra: Vec<u8>) -> Self {
        self.extra = extra;
        self
    }

    /// The same, with how long it took.
    pub(crate) fn timed(mut self, took: Option<Took>) -> Self {
        self.took = took.map(Box::new);
        self
    }

    /// The fields of [`Self::add_field`], to keep while the request waits.
    pub fn take_extra(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.extra)
    }

    /// Adds a field to the answer, whoever writes it: for guards, which come before it. Where that one writes a
    /// field of this name too, only one of them leaves, unless it is a list: see `app/precedence.rs`.
    pub fn add_field(&mut self, name: &str, value: &[u8]) {
        emit::field(&mut self.extra, name, value);
    }

    /// Whether a field of the slice leaves, where others were added before; one may make room for it.
    #[cold]
    fn admits(&mut self, name: &str, value: &[u8]) -> bool {
        let is_added = |line: &[u8]| is_named(line, name);
        if !self.extra.split_inclusive(|&octet| octet == b'\n').any(is_added) {
            return true;
        }
        let (State::Head { status } | State::Streams { status, .. } | State::Finished { status }) = self.state else {
            panic!("status first")
        };
        let leaves = leaves(status, name, value);
        if leaves == Leaves::Own {
            let lines = self.extra.split_inclusive(|&octet| octet == b'\n');
            self.extra = lines.filter(|line| !is_added(line)).flatten().copied().collect();
        }
        leaves != Leaves::Added
    }

    /// The status written, once the answer is complete.
    #[inline]
    pub fn finished(&self) -> Option<u16> {
        match self.state {
            State::Finished { status } => Some(status),
            State::Nothing | State::Head { .. } | State::Streams { .. } => None,
        }
    }

    /// Status and delimiting of the body, once [`Self::stream`] was called.
    pub fn streamed(&self) -> Option<(u16, Streamed)> {
        match self.state {
            State::Streams { status, how } => Some((status, how)),
            State::Nothing | State::Head { .. } | State::Finished { .. } => None,
        }
    }

    /// Whether the connection ends after this answer.
    pub fn closes(&self) -> bool {
        self.terms.close
    }

    /// Ends the connection after this answer. Before the answer is written.
    pub fn close(&mut self) {
        assert_eq!(self.state, State::Nothing, "the head already promises otherwise");
        self.terms.close = true;
    }

    /// Begins an answer.
    #[inline]
    pub fn status(&mut self, status: u16) -> &mut Self {
        assert_eq!(self.state, State::Nothing, "one answer for one request");
        self.state = State::Head { status };
        emit::status_line(self.out, status);
        self
    }

    /// Adds a field. Bytes that may not stand in a value (CR, LF, NUL) are left out.
    pub fn header(&mut self, name: &str, value: &[u8]) -> &mut Self {
        debug_assert!(matches!(self.state, State::Head { .. }), "status first");
        if self.extra.is_empty() || self.admits(name, value) {
            emit::field(self.out, name, value);
        }
        self
    }

    /// Adds fields as they leave: `Name: value\r\n` each, checked by whoever rendered them.
    #[inline]
    pub fn fields(&mut self, lines: &[u8]) -> &mut Self {
        debug_assert!(matches!(self.state, State::Head { .. }), "status first");
        debug_assert!(lines.is_empty() || lines.ends_with(b"\r\n"), "whole lines");
        self.out.put(lines);
        self
    }

    /// Ends the answer with a body of known length.
    #[inline]
    pub fn body(&mut self, body: Body<'_>) {
        if self.begin_body(body.len()) {
            body.put(self.out);
        }
    }

    /// Ends the answer with a body that is these pieces one after the other.
    pub fn pieces(&mut self, pieces: &[Body<'_>]) {
        if self.begin_body(pieces.iter().map(Body::len).sum()) {
            pieces.iter().for_each(|piece| piece.put(self.out));
        }
    }

    /// Ends the head; whether a body of this length follows it.
    #[inline]
    fn begin_body(&mut self, length: u64) -> bool {
        let State::Head { status } = self.state else { panic!("status first") };
        let bodiless = is_bodiless(status);
        if !bodiless {
            emit::content_length(self.out, length);
        }
        self.end_head();
        self.state = State::Finished { status };
        !bodiless && !self.terms.head_only
    }

    /// Ends the head; the body comes from the [`super::Source`] of [`super::Flow::Send`]. Without a
    /// length it is sent in chunks, to an HTTP/1.0 client up to the end of the connection.
    pub fn stream(&mut self, length: Option<u64>) {
        let State::Head { status } = self.state else { panic!("status first") };
        let bodiless = self.terms.head_only || is_bodiless(status);
        let how = match length {
            Some(length) => Streamed::Length(length),
            None if self.terms.http10 => Streamed::Close,
            None => Streamed::Chunked,
        };
        match how {
            Streamed::Length(length) if !is_bodiless(status) => emit::content_length(self.out, length),
            Streamed::Chunked if !is_bodiless(status) => emit::chunked(self.out),
            Streamed::Close => self.terms.close = true,
            _ => {}
        }
        self.end_head();
        self.state = State::Streams { status, how: if bodiless { Streamed::NoBody } else { how } };
    }

    /// Ends the head of a 101 (RFC 9110 §7.8): what follows is not HTTP any more.
    pub(crate) fn switch(&mut self) {
        let State::Head { status: 101 } = self.state else { panic!("status first") };
        (self.terms.close, self.terms.http10) = (false, false);
        self.end_head();
        self.state = State::Finished { status: 101 };
    }

    /// Ends the answer without a body.
    pub fn empty(&mut self) {
        self.body(Body::Empty);
    }

    /// Writes an answer that was rendered ahead.
    #[inline(always)]
    pub fn rendered(&mut self, rendered: &Rendered) {
        assert_eq!(self.state, State::Nothing, "one answer for one request");
        self.state = State::Finished { status: rendered.status };
        let plain = self.is_plain() && !self.terms.head_only;
        match <&[u8; DATE_LINE_BYTES]>::try_from(self.terms.date) {
            Ok(date) if plain => {
                self.out.put_patched(&rendered.whole, rendered.date_at, date);
                if rendered.body.len() > SEND_COPY_BYTES_MAX {
                    self.out.put_shared(&rendered.body, 0..rendered.body.len());
                }
            }
            _ => self.rendered_in_parts(rendered),
        }
    }

    #[inline(never)]
    fn rendered_in_parts(&mut self, rendered: &Rendered) {
        match self.extra.is_empty() {
            true => self.out.put(&rendered.head),
            false => self.put_admitted(&rendered.head),
        }
        self.end_head();
        if !self.terms.head_only {
            self.out.put_shared(&rendered.body, 0..rendered.body.len());
        }
    }

    /// Writes the lines of a head that leave beside what was added.
    fn put_admitted(&mut self, head: &[u8]) {
        for line in head.split_inclusive(|&octet| octet == b'\n') {
            let field =
                memchr::memchr(b':', line).map(|colon| (std::str::from_utf8(&line[..colon]), &line[colon + 1..]));
            // The status line is none.
            let leaves = match field {
                Some((Ok(name), value)) => self.admits(name, value.trim_ascii()),
                _ => true,
            };
            if leaves {
                self.out.put(line);
            }
        }
    }

    /// A whole JSON answer; `json` is already encoded.
    pub fn json(&mut self, status: u16, json: &[u8]) {
        self.status(status).header("Content-Type", b"application/json").body(Body::Bytes(json));
    }

    /// A whole error answer: `{"error": …}` or `{"error": …, "reason": …}`.
    pub fn error(&mut self, status: u16, error: &str, reason: Option<&str>) {
        self.error_with(status, &[], error, reason);
    }

    /// The same with more fields, such as `Retry-After`.
    pub fn error_with(&mut self, status: u16, fields: &[(&str, &[u8])], error: &str, reason: Option<&str>) {
        self.status(status);
        for (name, value) in fields {
            self.header(name, value);
        }
        let json = error_json(error, reason);
        self.header("Content-Type", b"application/json").body(Body::Bytes(json.as_bytes()));
    }

    /// Whether nothing but the date is left to be said in the head.
    #[inline]
    fn is_plain(&self) -> bool {
        !(self.terms.close || self.terms.http10) && self.extra.is_empty() && self.took.is_none()
    }

    #[inline]
    fn end_head(&mut self) {
        match <&[u8; DATE_LINE_BYTES]>::try_from(self.terms.date) {
            Ok(date) if self.is_plain() => {
                self.out.put(date);
                self.out.put(b"\r\n");
            }
            _ => self.end_head_in_parts(),
        }
    }

    #[inline(never)]
    fn end_head_in_parts(&mut self) {
        if !self.extra.is_empty() {
            self.out.put(&self.extra);
        }
        if let Some(took) = &self.took {
            took.put(self.out);
        }
        self.out.put(self.terms.date);
        if self.terms.close {
            self.out.put(b"Connection: close\r\n");
        } else if self.terms.http10 {
            self.out.put(b"Connection: keep-alive\r\n");
        }
        self.out.put(b"\r\n");
    }
}

/// The JSON of an error that a client sees.
pub fn error_json(error: &str, reason: Option<&str>) -> String {
    let mut json = String::with_capacity(error.len() + reason.map_or(0, str::len) + 32);
    json.push_str("{\"error\":");
    push_json_string(&mut json, error);
    if let Some(reason) = reason {
        json.push_str(",\"reason\":");
        push_json_string(&mut json, reason);
    }
    json.push('}');
    json
}

/// Appends `text` as a JSON string (RFC 8259 §7).
pub fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control if (control as u32) < 0x20 => json.push_str(&format!("\\u{:04x}", control as u32)),
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(rendered: &Rendered, http10: bool) -> String {
        let mut out = SendBuf::new();
        let terms = Terms { date: NO_DATE, head_only: false, close: false, http10 };
        Reply::new(&mut out, terms).rendered(rendered);
        String::from_utf8(out.only_own().expect("bytes").to_vec()).expect("text")
    }

    #[test]
    fn what_was_added_is_known_by_its_whole_name_in_any_case() {
        let rendered = Rendered::new(200, &[("x-one", b"own"), ("X-Fou", b"own"), ("X-Two", b"own")], Arc::from(*b""));
        let mut out = SendBuf::new();
        for is_rendered in [false, true] {
            let terms = Terms { date: NO_DATE, head_only: false, close: false, http10: false };
            let mut reply = Reply::new(&mut out, terms);
            reply.add_field("X-One", b"X-Two: 1\r\nX-Three: 1");
            reply.add_field("X-Four", b"");
            match is_rendered {
                true => reply.rendered(&rendered),
                false => {
                    reply.status(200).header("x-one", b"own").header("X-Fou", b"own").header("X-Two", b"own").empty()
                }
            }
        }
        let sent = String::from_utf8(out.only_own().expect("bytes").to_vec()).expect("text");
        let one = "HTTP/1.1 200 OK\r\nX-Fou: own\r\nX-Two: own\r\nContent-Length: 0\r\nX-One: X-Two: 1X-Three: 1\r\n\
                   X-Four: \r\nDate: .............................\r\n\r\n";
        assert_eq!(sent, one.repeat(2));
    }

    #[test]
    fn what_makes_room_for_a_field_of_the_slice_is_gone_and_nothing_else() {
        let mut out = SendBuf::new();
        let terms = Terms { date: b"", head_only: false, close: false, http10: false };
        let mut reply = Reply::new(&mut out, terms);
        for (name, value) in [("ETag", "1"), ("Vary", "A"), ("etag", "2"), ("X", "y"), ("Set-Cookie", "a=1")] {
            reply.add_field(name, value.as_bytes());
        }
        reply.status(200).header("ETag", b"own").header("Set-Cookie", b"b=2").header("Set-Cookie", b"c=3").empty();
        let expected = "HTTP/1.1 200 OK\r\nETag: own\r\nSet-Cookie: b=2\r\nSet-Cookie: c=3\r\nContent-Length: 0\r\n\
                        Vary: A\r\nX: y\r\nSet-Cookie: a=1\r\n\r\n";
        assert_eq!(std::str::from_utf8(out.only_own().expect("bytes")), Ok(expected));
    }

    #[test]
    fn nothing_follows_the_head_of_a_rendered_answer_without_a_body() {
        for (status, has_body) in [(200, true), (204, false), (304, false), (404, true)] {
            let rendered = Rendered::new(status, &[("X", b"y")], Arc::from(*b"body"));
            for http10 in [false, true] {
                let sent = sent(&rendered, http10);
                assert_eq!(sent.contains("Content-Length: 4\r\n"), has_body, "{sent}");
                assert!(sent.ends_with(if has_body { "\r\n\r\nbody" } else { "\r\n\r\n" }), "{sent}");
            }
        }
    }
}
