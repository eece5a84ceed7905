//! What an answer has to be, and whether one is.

use std::io::Read;

use crate::answer::{Answer, Body, Ends, begun_chunks, parse_head};
use crate::reference::show;

/// The answers one request may be given.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// In its place; `None` if the connection has ended before.
    pub(crate) usual: Option<Wanted>,
    /// When the connection has to end with it.
    pub(crate) last: Wanted,
}

/// What an answer has to be.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// These bytes.
    Exactly(Vec<u8>),
    /// This head, and this content however it is cut into chunks.
    Streamed(Streamed),
    /// These bytes, but for the boundary between parts, which stands as [`BOUNDARY`].
    Parts(Vec<u8>),
}

/// An answer whose body comes piece by piece.
#[derive(Debug, Clone)]
pub(crate) struct Streamed {
    pub(crate) head: Vec<u8>,
    pub(crate) content: Vec<u8>,
    /// Its `Content-Encoding`.
    pub(crate) coding: Option<&'static str>,
    /// Field lines after a chunked body.
    pub(crate) trailers: Vec<u8>,
    pub(crate) end: End,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last byte.
    Whole,
    /// Too early: the connection is cut off, and what has come is a beginning of the content.
    Cut,
    /// With its last byte, or when the node drains after any line, with [`LAST_LINE`].
    Drained,
    /// When the node drains.
    Never,
}

/// What a body says last when the node has told it to end.
pub(crate) const LAST_LINE: &[u8] = b"bye\n";

/// Stands for the boundary between parts: as long as one.
pub(crate) const BOUNDARY: &str = "================================";

impl Wanted {
    pub(crate) fn length(&self) -> usize {
        match self {
            Wanted::Exactly(bytes) | Wanted::Parts(bytes) => bytes.len(),
            Wanted::Streamed(streamed) => streamed.head.len() + streamed.content.len(),
        }
    }

    pub(crate) fn closes(&self) -> bool {
        let bytes = match self {
            Wanted::Exactly(bytes) | Wanted::Parts(bytes) => bytes,
            Wanted::Streamed(streamed) => &streamed.head,
        };
        parse_head(bytes, true).is_some_and(|head| head.closes)
    }

    pub(crate) fn show(&self) -> String {
        match self {
            Wanted::Exactly(bytes) | Wanted::Parts(bytes) => show(bytes),
            Wanted::Streamed(Streamed { head, content, trailers, end, .. }) => {
                format!("{} then {} bytes, {end:?}: {} {}", show(head), content.len(), show(content), show(trailers))
            }
        }
    }

    /// Its status and what is special about it.
    pub(crate) fn kind(&self) -> String {
        let status = |head: &[u8]| String::from_utf8_lossy(&head[9..12]).into_owned();
        let streamed = match self {
            Wanted::Exactly(bytes) => return status(bytes),
            Wanted::Parts(bytes) => return status(bytes) + " parts",
            Wanted::Streamed(streamed) => streamed,
        };
        let ends = match parse_head(&streamed.head, false).map(|head| head.ends) {
            Some(Ends::WithLastChunk) => " chunked",
            Some(Ends::After(_)) => " counted",
            _ => return status(&streamed.head) + " to the end",
        };
        let special = match (streamed.end, streamed.coding, streamed.trailers.is_empty()) {
            (End::Cut, ..) => " cut",
            (End::Drained, ..) => " drained",
            (End::Never, ..) => " never",
            (End::Whole, Some(coding), _) => &format!(" {coding}"),
            (End::Whole, None, false) => " trailers",
            (End::Whole, None, true) => "",
        };
        status(&streamed.head) + ends + special
    }

    /// It may be on its way for longer than one call of the session.
    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self, Wanted::Streamed(_))
    }

    /// Nothing but a drain or the client ends it.
    pub(crate) fn is_endless(&self) -> bool {
        matches!(self, Wanted::Streamed(streamed) if streamed.end == End::Never)
    }

    /// Whether a whole answer is it; `bytes` are all of it.
    pub(crate) fn fits(&self, answer: &Answer<'_>, bytes: &[u8], draining: bool) -> bool {
        match self {
            Wanted::Exactly(wanted) => bytes == wanted,
            Wanted::Parts(wanted) => with_known_boundary(bytes) == *wanted,
            Wanted::Streamed(wanted) => {
                let trailers = match &answer.body {
                    Body::Chunked(_, trailers) => *trailers == wanted.trailers || draining && wanted.ends_early(),
                    Body::Counted(_) => wanted.trailers.is_empty(),
                };
                answer.head == wanted.head && trailers && wanted.is_content(answer.body.content(), draining)
            }
        }
    }

    /// Whether bytes with which the connection ended are it, or may be all of it that could be sent;
    /// `may_break`: for a reason that has nothing to do with it.
    pub(crate) fn may_end_with(&self, bytes: &[u8], draining: bool, may_break: bool) -> bool {
        let (Wanted::Streamed(wanted), Some(head)) = (self, parse_head(bytes, false)) else { return false };
        if head.bytes != wanted.head {
            return false;
        }
        let rest = &bytes[head.bytes.len()..];
        let (content, may_be_whole) = match head.ends {
            Ends::After(_) => (rest.to_vec(), false),
            Ends::WithConnection => (rest.to_vec(), true),
            Ends::WithLastChunk => match begun_chunks(rest) {
                Ok((content, None)) => (content, false),
                _ => return false,
            },
        };
        let is_beginning = wanted.coding.is_some() || wanted.content.starts_with(&content);
        is_beginning && (may_break || wanted.end == End::Cut) || may_be_whole && wanted.is_content(&content, draining)
    }
}

impl Streamed {
    fn ends_early(&self) -> bool {
        matches!(self.end, End::Drained | End::Never)
    }

    fn is_content(&self, sent: &[u8], draining: bool) -> bool {
        match self.end {
            End::Cut => false,
            End::Whole => unfolded(self.coding, sent).is_some_and(|plain| plain == self.content),
            End::Drained if sent == self.content => true,
            End::Drained | End::Never => {
                let begun = sent.strip_suffix(LAST_LINE);
                let is_line = |begun: &[u8]| begun.is_empty() || begun.ends_with(b"\n");
                draining && begun.is_some_and(|begun| is_line(begun) && self.content.starts_with(begun))
            }
        }
    }
}

fn unfolded(coding: Option<&str>, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let read = match coding {
        None => return Some(bytes.to_vec()),
        Some("br") => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
        Some("gzip") => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        Some(_) => zstd::stream::read::Decoder::new(bytes).ok()?.read_to_end(&mut plain),
    };
    read.ok().map(|_| plain)
}

/// The same with [`BOUNDARY`] in place of the boundary that the head names.
fn with_known_boundary(bytes: &[u8]) -> Vec<u8> {
    let name = b"boundary=\"";
    let Some(at) = bytes.windows(name.len()).position(|window| window == name) else { return bytes.to_vec() };
    let Some(boundary) = bytes.get(at + name.len()..at + name.len() + BOUNDARY.len()) else { return bytes.to_vec() };
    let (boundary, mut known, mut at) = (boundary.to_vec(), bytes.to_vec(), 0);
    while at + boundary.len() <= known.len() {
        if known[at..at + boundary.len()] == boundary {
            known[at..at + boundary.len()].copy_from_slice(BOUNDARY.as_bytes());
        }
        at += 1;
    }
    known
}
