//! Answers in fewer bytes, where a route asks for it.

use super::Middleware;
use crate::app::compress::{Effort, Encoder, Policy, compress};
use crate::app::{Lane, Pull, Source};
use crate::limits::{COMPRESS_INLINE_BYTES, SOURCE_PIECE_BYTES};
use crate::web::request::Request;
use crate::web::response::{Body, Kind, Response, Special};
use crate::wire::http::accept::{Coding, coding};

/// Compresses answers with brotli, zstd or gzip, as the client prefers: text and the like, of 1 KiB or
/// more. Only for routes whose answers hold no secret beside something that whoever listens can choose:
/// the [`Policy`] says why.
///
/// Short answers are compressed at once, longer ones piece by piece on the pool while they leave.
#[derive(Debug, Clone, Default)]
pub struct Compress(Policy);

impl Compress {
    /// By this policy.
    pub fn new(policy: Policy) -> Self {
        Self(policy)
    }

    /// Whether the answer may be compressed, whatever the client takes.
    fn admits(&self, response: &Response) -> bool {
        let content_type = response.header("Content-Type").unwrap_or_default();
        let is_open = response.status() != 206 && response.header("Content-Encoding").is_none();
        is_open && self.0.admits(content_type, response.header("Cache-Control"), length_of(response.body()))
    }
}

impl Middleware for Compress {
    fn after(&self, request: &Request<'_>, response: &mut Response) {
        if !self.admits(response) {
            return;
        }
        response.add_header("Vary", "Accept-Encoding");
        let accepted = request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("accept-encoding"));
        // A client that takes nothing there is gets it as it is.
        let Some(Some(coding)) = coding(accepted.map(|(_, value)| value), &self.0.codings) else { return };
        if let Some(body) = compressed(response.take_body(), coding, response) {
            response.set_body(body);
            response.set_header("Content-Encoding", coding.token());
            response.remove_header("Accept-Ranges");
            weaken(response);
        }
    }
}

/// Bytes that are not the same cannot have the same strong tag (RFC 9110 §8.8.1).
fn weaken(response: &mut Response) {
    if let Some(tag) = response.header("ETag").filter(|tag| tag.starts_with(b"\"")) {
        let weak = [b"W/", tag].concat();
        response.set_header("ETag", weak);
    }
}

/// `None` where there is nothing to compress; files are left to the kernel.
fn length_of(body: &Body) -> Option<u64> {
    match body {
        Body::Empty | Body::File(..) => Some(0),
        Body::Stream(..) => None,
        other => Some(bytes_of(other).len() as u64),
    }
}

fn bytes_of(body: &Body) -> &[u8] {
    match body {
        Body::Static(bytes) => bytes,
        Body::Bytes(bytes) => bytes,
        Body::Shared(bytes, range) => &bytes[range.clone()],
        Body::Special(Special(Kind::Rendered(bytes))) => bytes,
        _ => &[],
    }
}

/// The body in this coding. When there is no memory for an encoder, the body goes back as it was.
fn compressed(body: Body, coding: Coding, response: &mut Response) -> Option<Body> {
    let given_back = |body, response: &mut Response| {
        response.set_body(body);
        None
    };
    let encoder = || Encoder::new(coding, Effort::Live).ok();
    match body {
        Body::Stream(source, length) => match encoder() {
            Some(encoder) => Some(stream(Plain::Source(source), encoder)),
            None => given_back(Body::Stream(source, length), response),
        },
        body if bytes_of(&body).len() <= COMPRESS_INLINE_BYTES => match compress(coding, Effort::Live, bytes_of(&body))
        {
            Ok(bytes) => Some(Body::Bytes(bytes)),
            Err(_) => given_back(body, response),
        },
        body => match encoder() {
            Some(encoder) => Some(stream(Plain::Bytes(body, 0), encoder)),
            None => given_back(body, response),
        },
    }
}

fn stream(plain: Plain, encoder: Encoder) -> Body {
    Body::Stream(Box::new(Compressed { plain, encoder: Some(encoder), piece: Vec::new() }), None)
}

/// What is compressed.
enum Plain {
    /// A body at hand, and how much of it was taken.
    Bytes(Body, usize),
    Source(Box<dyn Source>),
}

/// Compresses as it leaves, on the pool: it may take longer than others should wait.
struct Compressed {
    plain: Plain,
    /// `None` once it has ended.
    encoder: Option<Encoder>,
    piece: Vec<u8>,
}

impl Compressed {
    fn take_piece(&mut self) -> Pull {
        self.piece.clear();
        match &mut self.plain {
            Plain::Source(source) => source.pull(&mut self.piece),
            Plain::Bytes(body, taken) => {
                let rest = &bytes_of(body)[*taken..];
                let count = rest.len().min(SOURCE_PIECE_BYTES);
                self.piece.extend_from_slice(&rest[..count]);
                *taken += count;
                if count == rest.len() { Pull::End } else { Pull::More }
            }
        }
    }

    fn encode(&mut self, pull: Pull, out: &mut Vec<u8>) -> std::io::Result<()> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(()) };
        encoder.push(&self.piece)?;
        if pull == Pull::End {
            out.extend_from_slice(&encoder.finish()?);
            return Ok(());
        }
        if pull == Pull::Later {
            // Who waits for more can read what there is.
            encoder.flush()?;
        }
        out.extend_from_slice(&encoder.take());
        self.encoder = Some(encoder);
        Ok(())
    }
}

impl Source for Compressed {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        let pull = self.take_piece();
        match self.encode(pull, piece) {
            Ok(()) => pull,
            Err(_) => Pull::Broken,
        }
    }

    fn lane(&self) -> Option<Lane> {
        Some(Lane::Io)
    }

    fn on_start(&mut self, wake: crate::app::Wake) {
        if let Plain::Source(source) = &mut self.plain {
            source.on_start(wake);
        }
    }

    fn on_drain(&mut self) {
        if let Plain::Source(source) = &mut self.plain {
            source.on_drain();
        }
    }

    fn trailers(&mut self) -> Vec<(&'static str, Vec<u8>)> {
        match &mut self.plain {
            Plain::Source(source) => source.trailers(),
            Plain::Bytes(..) => Vec::new(),
        }
    }
}
