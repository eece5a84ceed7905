//! What the tests that run the real binary share: a node in a process of its own, and bytes to and from it.
//!
//! `Node` starts `lattice serve` in a temporary directory on a free port and ends it on drop; `http` asks
//! one question on a connection of its own; `Raw` is a connection on which a test says exactly the bytes
//! it wants. Nothing here knows a route: a test brings its own. A test binary includes this room with
//! `mod support;` (or `#[path = "../support/mod.rs"]` from a folder of its own).
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this room")]
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod asleep;
pub(crate) mod browser;
mod http;
mod log;
mod meters;
mod node;
mod others;
mod package;
mod process;
mod websocket;

pub(crate) use browser::{Browser, Page};
pub(crate) use http::{Raw, Response, get, http, undisturbed};
pub(crate) use log::Log;
pub(crate) use meters::Meters;
pub(crate) use node::{Data, Node, Setup, lattice};
pub(crate) use others::while_others_are_served;
pub(crate) use package::{Package, noise, sha512};
pub(crate) use process::{Finished, Running};
pub(crate) use websocket::{Came, WebSocket};
