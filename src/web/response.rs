//! An answer as a value: status, fields and body, to be written when its way is complete.

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use super::error::Failure;
use super::fields::Fields;
use super::later::Later;
use super::render::Rendering;
use super::upload::Receiver;
use super::ws::{Switch, WebSocket};
use crate::app::reply::error_json;
use crate::app::{self, Flow, Lane, Reply, Source};

pub(super) const TEXT: &[u8] = b"Content-Type: text/plain; charset=utf-8\r\n";
pub(super) const HTML: &[u8] = b"Content-Type: text/html; charset=utf-8\r\n";
pub(super) const JSON: &[u8] = b"Content-Type: application/json\r\n";
pub(super) const BYTES: &[u8] = b"Content-Type: application/octet-stream\r\n";

/// An answer: a status, fields and a body.
///
/// `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are written by the server; fields
/// of these names are left out. CR, LF and NUL are left out of values.
///
/// ```
/// use lattice::Response;
///
/// let response = Response::text("created").with_status(201).with_header("Location", "/users/7");
/// assert_eq!(response.status(), 201);
/// assert_eq!(response.header("location"), Some(&b"/users/7"[..]));
/// ```
pub struct Response {
    status: u16,
    pub(super) fields: Fields,
    pub(super) body: Body,
    /// What went wrong, for whoever is told of failures; the answer is made after that.
    pub(super) failure: Option<Box<Failure>>,
    /// The connection ends after this answer.
    pub(super) close: bool,
}

/// What the body of an answer is made of. Made by `into` from the usual types.
#[derive(Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes that live as long as the program.
    Static(&'static [u8]),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A range of shared bytes; they leave without a copy.
    Shared(Arc<[u8]>, Range<usize>),
    /// A range of a file, offset and length in bytes; the kernel copies it.
    File(Arc<File>, u64, u64),
    /// Piece by piece, of this length if it is known.
    Stream(Box<dyn Source>, Option<u64>),
    #[doc(hidden)]
    Special(Special),
}

/// Bodies that only this room makes.
#[doc(hidden)]
pub struct Special(pub(super) Kind);

pub(super) enum Kind {
    Rendered(Rendering),
    Later(Lane, Later),
    Receive(Box<dyn Receiver>),
    /// Of a 101.
    Switch(Box<Switch>),
    /// Not agreed on yet.
    WebSocket(Box<WebSocket>),
}

impl Response {
    /// A status without a body.
    ///
    /// # Panics
    /// Here and in [`Self::set_status`]: when the status is not from 200 to 599. Interim answers are
    /// the server's.
    pub fn empty(status: u16) -> Self {
        Self::raw(status, b"", Body::Empty)
    }

    /// 200 with plain text in UTF-8.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::raw(200, TEXT, text.into().into())
    }

    /// 200 with HTML in UTF-8.
    pub fn html(html: impl Into<Cow<'static, str>>) -> Self {
        Self::raw(200, HTML, html.into().into())
    }

    /// 200 with a body of this media type.
    pub fn new(content_type: &str, body: impl Into<Body>) -> Self {
        Self::raw(200, b"", body.into()).with_header("Content-Type", content_type)
    }

    /// 200 with a range of a file: offset and length in bytes.
    pub fn file(content_type: &str, file: Arc<File>, range: Range<u64>) -> Self {
        Self::new(content_type, Body::File(file, range.start, range.end.saturating_sub(range.start)))
    }

    /// The JSON of an error: `{"error": …}` or `{"error": …, "reason": …}`.
    pub fn error(status: u16, error: &str, reason: Option<&str>) -> Self {
        Self::raw(status, JSON, Body::Bytes(error_json(error, reason).into_bytes()))
    }

    /// `lines` are whole and checked.
    #[inline]
    pub(super) fn raw(status: u16, lines: &[u8], body: Body) -> Self {
        let mut response = Self { status: 200, fields: Fields::new(), body, failure: None, close: false };
        response.set_status(status);
        response.fields.push_lines(lines);
        response
    }

    #[inline]
    pub(super) fn special(lines: &[u8], kind: Kind) -> Self {
        Self::raw(200, lines, Body::Special(Special(kind)))
    }

    /// An answer that is made once the failure was told.
    pub(super) fn failed(failure: Failure) -> Self {
        Self { failure: Some(Box::new(failure)), ..Self::empty(500) }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first field of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.find(name)
    }

    /// Names and values of all fields.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter()
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Takes the body out; nothing is left.
    pub fn take_body(&mut self) -> Body {
        std::mem::replace(&mut self.body, Body::Empty)
    }

    /// Changes the status.
    #[inline]
    pub fn set_status(&mut self, status: u16) {
        assert!((200..=599).contains(&status), "{status} is no status of an answer");
        self.status = status;
    }

    /// Replaces the fields of this name by one.
    ///
    /// # Panics
    /// Here and wherever a name is given: when it is no token (RFC 9110 §5.6.2).
    pub fn set_header(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.fields.remove(name);
        self.fields.push(name, value.as_ref());
    }

    /// Adds a field beside those of the same name.
    pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.fields.push(name, value.as_ref());
    }

    /// Takes all fields of this name out.
    pub fn remove_header(&mut self, name: &str) {
        self.fields.remove(name);
    }

    /// Replaces the body.
    pub fn set_body(&mut self, body: impl Into<Body>) {
        self.body = body.into();
    }

    /// The same with this status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.set_status(status);
        self
    }

    /// The same with one more field.
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.add_header(name, value);
        self
    }

    /// The same, and the connection ends after it.
    pub fn with_close(mut self) -> Self {
        self.close = true;
        self
    }

    /// Becomes the 101 that opens a WebSocket.
    pub(super) fn switch(&mut self, switch: Switch) {
        (self.status, self.body) = (101, Body::Special(Special(Kind::Switch(Box::new(switch)))));
    }

    /// Whether nothing has to happen before it can leave.
    #[inline]
    pub(super) fn is_made(&self) -> bool {
        let is_pending =
            matches!(self.body, Body::Special(Special(Kind::Later(..) | Kind::Receive(_) | Kind::WebSocket(_))));
        self.failure.is_none() && !is_pending
    }

    /// What has to happen before it can leave, but for a failure.
    pub(super) fn pending(&self) -> Option<&'static str> {
        match self.body {
            Body::Special(Special(Kind::Later(..))) => Some("work for the pool"),
            Body::Special(Special(Kind::Receive(_))) => Some("an upload"),
            Body::Special(Special(Kind::WebSocket(_))) => Some("a WebSocket"),
            _ => None,
        }
    }

    /// Writes it. What is left to do is in the flow; [`Kind::Later`], [`Kind::Receive`] and
    /// [`Kind::WebSocket`] were taken out before.
    #[inline(always)]
    pub(super) fn write(self, reply: &mut Reply<'_>) -> Flow {
        if self.close {
            reply.close();
        }
        reply.status(self.status).fields(self.fields.bytes());
        match self.body {
            Body::Stream(source, length) => {
                reply.stream(length);
                return Flow::Send(source);
            }
            Body::Static(bytes) => reply.body(app::Body::Bytes(bytes)),
            Body::Bytes(bytes) => reply.body(app::Body::Bytes(&bytes)),
            Body::Shared(bytes, range) => reply.body(app::Body::Shared(&bytes, range)),
            Body::File(file, offset, length) => reply.body(app::Body::File(&file, offset, length)),
            Body::Special(Special(Kind::Rendered(bytes))) => reply.body(app::Body::Bytes(&bytes)),
            Body::Special(Special(Kind::Switch(switch))) if self.status == 101 => return switch.write(reply),
            Body::Empty | Body::Special(_) => reply.empty(),
        }
        Flow::Done
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Body::Static(text.as_bytes())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Body::Bytes(text.into_bytes())
    }
}

impl From<Cow<'static, str>> for Body {
    #[inline]
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Body::Static(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body::Bytes(bytes)
    }
}

impl From<Arc<[u8]>> for Body {
    fn from(bytes: Arc<[u8]>) -> Self {
        let range = 0..bytes.len();
        Body::Shared(bytes, range)
    }
}
