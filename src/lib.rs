//! Lattice: a private npm registry on its own event loop, as one binary and as a library.
//!
//! [`App`] is where a server of one's own begins, see [`web`]; [`node::Node`] is the registry inside of a
//! program.
//!
//! The rooms and what they may import are in `ARCHITECTURE.md`; `tests/layers.rs` holds them.
#![cfg_attr(not(feature = "node"), no_std)]
#![warn(missing_docs)]

#[cfg(feature = "wire")]
extern crate alloc;

#[cfg(feature = "wire")]
pub mod buffer;
pub mod config;
#[cfg(feature = "wire")]
pub mod limits;
#[cfg(feature = "wire")]
pub mod wire;

#[cfg(feature = "node")]
pub mod app;
#[cfg(feature = "node")]
pub mod cli;
#[cfg(feature = "node")]
pub mod measure;
#[cfg(feature = "node")]
pub mod node;
#[cfg(feature = "node")]
pub mod reactor;
#[cfg(feature = "node")]
pub mod service;
#[cfg(feature = "node")]
pub mod session;
#[cfg(feature = "node")]
pub mod settings;
#[cfg(feature = "node")]
pub mod store;
#[cfg(feature = "node")]
pub mod web;

#[cfg(feature = "node")]
pub use web::{
    App, Blocking, Body, Broadcast, Bytes, Channel, Closed, Code, Compress, Cors, Error, Event, Failure, Fixed, Form,
    Framed, FromRequest, Headers, Html, IntoResponse, Json, Kind, Link, Message, Method, Middleware, Origins, Overflow,
    Path, Peer, Query, Receive, Redirect, Refusal, RefusalKind, Rejection, Request, RequestId, Response, Running,
    SecurityHeaders, ServerTiming, Settings, Slow, Sse, State, Stream, TestMessage, Topic, Topics, Trailers, Upload,
    WebSocket,
};
