//! Request heads: bytes to [`Head`], whole or not at all.
//!
//! Most heads go the short way (`quick`). All others go the long one: httparse splits
//! the bytes; then a walk over the lines proves that the head is exactly request line, fields and
//! blank line with CRLF after each, which httparse leaves open (it takes a lone LF for a line end).
//! One pass over the fields picks out the few that decide about framing.
//!
//! Invariant: what follows the head has no say in it, and a head that is accepted at once is
//! accepted however its bytes arrive: [`HeadScan`](super::HeadScan) and this agree on where it ends.

use core::mem::MaybeUninit;

use super::Error;
use super::diagnose::diagnose;
use super::fields::Fields;
use super::lines::{FieldLines, Line, Slots};
use super::quick::quick_head;
use super::scan::{incomplete, skip_blank_lines};
use super::target::{Target, parse_target};
use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX, TARGET_BYTES_MAX};

/// The methods this server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Never in a [`Head`]: there is no target this server would tunnel to.
    Connect,
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `OPTIONS`
    Options,
    /// `PATCH`
    Patch,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `TRACE`
    Trace,
}

impl Method {
    /// As it stands in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Connect => "CONNECT",
            Method::Delete => "DELETE",
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
            Method::Patch => "PATCH",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Trace => "TRACE",
        }
    }

    /// Methods are case-sensitive (RFC 9110 §9.1).
    pub fn parse(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"GET" => Method::Get,
            b"PUT" => Method::Put,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PATCH" => Method::Patch,
            b"TRACE" => Method::Trace,
            b"DELETE" => Method::Delete,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" => Method::Options,
            _ => return None,
        })
    }
}

/// The protocol versions this server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// How the body that follows a head is delimited (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Neither length nor coding was sent: there is no body.
    None,
    /// This many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest head, in bytes, with its blank line and any blank line before it.
    pub head_bytes: usize,
    /// Most fields; more than [`HEADERS_MAX`] counts as that.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_bytes: HEAD_BYTES_MAX, headers: HEADERS_MAX }
    }
}

/// A request head, as a view into the bytes it was parsed from.
#[derive(Debug, Clone, Copy)]
pub struct Head<'b, 'h> {
    /// The method.
    pub method: Method,
    /// The path, as sent: begins with a slash, or is `*`.
    pub path: &'b [u8],
    /// What follows the first question mark of the target, as sent.
    pub query: Option<&'b [u8]>,
    /// The version.
    pub version: Version,
    /// All fields, in the order sent.
    pub fields: FieldLines<'b, 'h>,
    /// How the body is delimited.
    pub framing: Framing,
    /// The connection may go on after this request (RFC 9112 §9.3).
    pub keep_alive: bool,
    /// The client waits for a 100 before it sends its body. Never without a body, nor in HTTP/1.0.
    pub expects_continue: bool,
    /// `host` or `host:port`, checked. `None` only in HTTP/1.0.
    pub host: Option<&'b [u8]>,
}

impl<'b> Head<'b, '_> {
    /// The value of the first field of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&'b [u8]> {
        self.headers(name).next()
    }

    /// The values of all fields of this name, in any case, in the order sent.
    pub fn headers<'n>(&self, name: &'n str) -> impl Iterator<Item = &'b [u8]> + use<'_, 'b, 'n> {
        self.fields.named(name)
    }
}

/// Parses the head at the start of `bytes`: it and its length, with any blank line before it.
///
/// `Ok(None)`: call again with more. Then, so that a head that drips in costs no more than one that
/// does not, ask [`HeadScan`](super::HeadScan) first whether it is whole.
pub fn parse_head<'b, 'h>(
    bytes: &'b [u8],
    slots: &'h Slots,
    limits: &Limits,
) -> Result<Option<(Head<'b, 'h>, usize)>, Error> {
    let window = &bytes[..bytes.len().min(limits.head_bytes)];
    match quick_head(window, slots.few(), limits.headers) {
        Some(quick) => Ok(Some(quick)),
        None => parse_any_head(window, slots, limits),
    }
}

/// The long way, which knows every head.
pub(super) fn parse_any_head<'b, 'h>(
    window: &'b [u8],
    slots: &'h Slots,
    limits: &Limits,
) -> Result<Option<(Head<'b, 'h>, usize)>, Error> {
    let Some(start) = skip_blank_lines(window)? else {
        return incomplete(window, 0, limits).map(|()| None);
    };
    let rest = &window[start..];
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(rest, &mut headers[..limits.headers.min(HEADERS_MAX)]) {
        Ok(httparse::Status::Complete(length)) => {
            let head = interpret(&rest[..length], &request, slots)?;
            Ok(Some((head, start + length)))
        }
        Ok(httparse::Status::Partial) => incomplete(window, start, limits).map(|()| None),
        Err(httparse::Error::TooManyHeaders) => Err(Error::TooManyFields),
        Err(_) => match diagnose(rest) {
            Some(error) => Err(error),
            None => incomplete(window, start, limits).map(|()| None),
        },
    }
}

/// What the pieces mean; `bytes` are those of the head alone.
fn interpret<'b, 'h>(
    bytes: &'b [u8],
    request: &httparse::Request<'_, 'b>,
    slots: &'h Slots,
) -> Result<Head<'b, 'h>, Error> {
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Error::BadRequestLine);
    };
    let request_line = method.len() + target.len() + " ".len() + " HTTP/1.1".len();
    if !has_strict_lines(bytes, request_line, request.headers) {
        return Err(Error::BareLineEnd);
    }
    let first_line = request_line + "\r\n".len();
    let method = Method::parse(method.as_bytes()).ok_or(Error::Method)?;
    if target.len() > TARGET_BYTES_MAX {
        return Err(Error::TargetTooLong);
    }
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    let fields = Fields::read(request.headers.iter().map(|field| (field.name.as_bytes(), field.value)))?;
    let framing = fields.framing(version)?;
    let host = fields.host(version)?;
    let Target { path, query } = parse_target(target.as_bytes(), method, host)?;
    Ok(Head {
        method,
        path,
        query,
        version,
        fields: FieldLines::new(&bytes[first_line..], slots.note(lines(&bytes[first_line..], request.headers))),
        framing,
        keep_alive: fields.keep_alive(version),
        expects_continue: fields.expects_continue(version, framing)?,
        host,
    })
}

/// Whether `bytes` are a request line of this length, these fields and a blank line, each with CRLF.
fn has_strict_lines(bytes: &[u8], request_line: usize, fields: &[httparse::Header<'_>]) -> bool {
    let mut at = request_line;
    for field in fields {
        let Some(start) = after_line_end(bytes, at) else { return false };
        let value = skip_blanks(bytes, start + field.name.len() + ":".len());
        at = skip_blanks(bytes, value + field.value.len());
    }
    let blank_line = after_line_end(bytes, at);
    blank_line.and_then(|at| after_line_end(bytes, at)) == Some(bytes.len())
}

/// Where the fields stand, once [`has_strict_lines`] has said that they do.
fn lines(bytes: &[u8], fields: &[httparse::Header<'_>]) -> impl ExactSizeIterator<Item = Line> {
    let mut name = 0;
    fields.iter().map(move |field| {
        let name_start = name;
        let name_end = name_start + field.name.len();
        let value = skip_blanks(bytes, name_end + ":".len());
        name = skip_blanks(bytes, value + field.value.len()) + "\r\n".len();
        Line::new(name_start, name_end, value, value + field.value.len())
    })
}

/// The index after the CRLF that stands at `at`.
fn after_line_end(bytes: &[u8], at: usize) -> Option<usize> {
    let end = at.checked_add(2)?;
    (bytes.get(at..end)? == b"\r\n").then_some(end)
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}
