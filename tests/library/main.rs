//! Programs of one's own: each of `examples/`, run as its users run it, over real sockets.
//!
//! They are built first, with the profile of the tests.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

#[path = "../support/mod.rs"]
mod support;

mod example;

mod bench_node;
mod chat;
mod embedded_node;
mod hello;
mod rest;
mod sse;
mod static_site;
mod upload;
