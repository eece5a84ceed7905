//! A request, as a slice sees it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::app::identity::Caller;
use crate::app::router::{Params, Route};
use crate::wire::http1::{Head, Trailers};

/// When something happens: the reactor's clock, read once per turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds on a clock that never goes back.
    pub monotonic_ns: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub unix_ms: u64,
}

/// A request: a view into the receive buffer, valid for one call.
pub struct Request<'b> {
    /// Request line and fields, checked.
    pub head: &'b Head<'b, 'b>,
    /// The route it matched.
    pub route: Route,
    /// The captures of the route's pattern, still percent-encoded.
    pub params: Params<'b>,
    /// The body, whole; empty where there is none or it is streamed.
    pub body: &'b [u8],
    /// The fields behind the body, which never count as those of the head; see [`Self::trailer`].
    pub trailers: Option<&'b Trailers>,
    /// Who asks: the client, as far as proxies that are believed name it, or the other end. `None` if
    /// that is a Unix socket.
    pub peer: Option<IpAddr>,
    /// The client spoke TLS, as a proxy that is believed says.
    pub secure: bool,
    /// Now.
    pub now: Moment,
    /// Who asks; anonymous until a guard knows better.
    pub identity: Caller,
    /// The node is going away: readiness answers 503.
    pub draining: bool,
    /// No route fits: this is for the router's fallback, and why. `None` for every other service.
    pub missed: Option<&'b Missed>,
}

/// Why a request came to the router's fallback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missed {
    /// The path is not known.
    Path,
    /// The path is known, the method is not: the value of `Allow`.
    Method(Arc<str>),
    /// OPTIONS on a known path, or on `*` (then the value of `Allow` is empty).
    Options(Arc<str>),
}

impl<'b> Request<'b> {
    /// The first field of this name (any case), as bytes.
    pub fn header(&self, name: &str) -> Option<&'b [u8]> {
        self.head.header(name)
    }

    /// The first field of this name (any case) behind the body, once that is whole.
    pub fn trailer(&self, name: &str) -> Option<&'b [u8]> {
        self.trailers?.get(name)
    }

    /// The first value of a query parameter, still percent-encoded; `Some("")` for a bare name.
    pub fn query(&self, name: &str) -> Option<&'b [u8]> {
        let query = self.head.query?;
        query.split(|&byte| byte == b'&').find_map(|pair| {
            let cut = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            (&pair[..cut] == name.as_bytes()).then(|| &pair[(cut + 1).min(pair.len())..])
        })
    }
}
