//! A server of one's own: routes, handlers and what stands around them, on the core's event loop.
//!
//! In comes what a program declares, out comes an app that the reactor runs, one service for each
//! thread over one table. Handlers are plain functions: their arguments are made from the request
//! ([`FromRequest`]), their results are answers ([`IntoResponse`]). They run on the loop and must not
//! block; what blocks goes to the pool ([`Blocking`], [`Upload`], [`Stream::blocking`]).
//!
//! ```no_run
//! use lattice::{App, Path};
//!
//! fn main() -> std::io::Result<()> {
//!     App::new()
//!         .get("/", || "Hello, World!")
//!         .get("/hello/{name}", |Path(name): Path<String>| format!("Hello, {name}!"))
//!         .run("127.0.0.1:8080")
//! }
//! ```
//!
//! A [`WebSocket`] is an answer too, of [`App::websocket`]; what talks then is a [`Channel`], and [`Topics`]
//! reach many.
//!
//! What holds: a panic in a handler is caught, counted and answered 500, and its connection closes; no
//! answer can be split by a value with line ends; a route without middlewares asks none. What is
//! malformed, too large or too slow is refused by the session before any handler sees it, in words that
//! [`App::on_refusal`] may choose.

mod answer;
mod app;
mod client;
mod error;
mod extract;
mod fields;
mod group;
mod handler;
mod later;
mod middleware;
mod mount;
mod parked;
mod pattern;
mod refusal;
mod render;
mod request;
mod response;
mod run;
mod service;
mod settings;
mod sse;
mod state;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod upload;
mod ws;

/// The README's programs are compiled, and run unless they serve.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub use answer::{Html, IntoResponse, Redirect};
pub use app::App;
pub use client::{TestClient, TestMessage, TestRequest, TestResponse, TestStream, TestWebSocket};
pub use error::{Error, Failure};
pub use extract::{Bytes, Extract, Form, FromRequest, Headers, Json, Needs, Path, Peer, Query, Rejection};
pub use group::Group;
pub use handler::{Fixed, Handler};
pub use later::{Blocking, Slow};
pub use middleware::{Compress, Cors, Middleware, RequestId, RequestIdText, SecurityHeaders, ServerTiming};
pub use request::Request;
pub use response::{Body, Response};
pub use run::{Handle, Running};
pub use service::SlowRequest;
pub use settings::Settings;
pub use sse::{Broadcast, Event, Overflow, Sse};
pub use state::State;
pub use stream::Stream;
pub use upload::{Receive, Upload};
pub use ws::{Topics, WebSocket};

pub use crate::app::compress::Policy as CompressPolicy;
pub use crate::app::refusal::{Refusal, RefusalKind};
pub use crate::app::ws::{
    Channel, Closed, Failed, Framed, Link, Message, Origins, Overflow as WebSocketOverflow, Sender,
    Terms as WebSocketTerms, Topic,
};
pub use crate::app::{Lane, Moment, Outcome, Pull, Source, Value, Wake};
pub use crate::service::files::Settings as FileSettings;
pub use crate::session::trust::Trusted as TrustedProxies;
pub use crate::wire::http::forwarded::Style as Forwarded;
pub use crate::wire::http::network::Network;
pub use crate::wire::http1::{Method, Trailers};
pub use crate::wire::ws::extension::Policy as WebSocketCompression;
pub use crate::wire::ws::{Code, Kind, Limits as WebSocketLimits};
