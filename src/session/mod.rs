//! One connection, as a state machine: bytes in, the app's answers out.
//!
//! ```text
//! reactor ── on_bytes / on_done / on_eof / on_deadline ──▶ session ──▶ App
//!         ◀── the send buffer, take_work, phase, wants_read ──
//! ```
//!
//! No socket, no clock: the reactor (or the simulator) gives each call a [`Turn`] and performs the
//! [`Work`] that comes out of it.

mod connection;
pub mod deadlines;
pub mod http1;
pub mod trust;
pub mod ws;

pub use connection::Session;

use std::cell::RefCell;
use std::net::IpAddr;

use crate::app::ws::Act;
use crate::app::{App, Change, Lane, Moment, Pull, Route, Sink, Source, Value};
use crate::buffer::SendBuf;
use crate::limits;
use crate::wire::http::forwarded::Style;
use crate::wire::http1::{HeadMemory, Limits};
use trust::Trusted;
use ws::deflate::Pool;

/// What `[http]` of `registry.toml` decides. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bounds of a request head.
    pub head: Limits,
    /// Largest body of a route that reads it whole.
    pub body_bytes: u64,
    /// From the first byte of a head to its last; and from the connection to its first head.
    pub head_ns: u64,
    /// Longest pause between two pieces of a body.
    pub body_ns: u64,
    /// Longest silence between two requests, and of a source once the peer has ended its half.
    pub idle_ns: u64,
    /// Longest time the peer takes nothing of what is sent.
    pub write_ns: u64,
    /// Bytes per second that a body must come with on average; 0 for none.
    pub body_rate: u64,
    /// Bytes per second that an answer must be taken with on average; 0 for none.
    pub write_rate: u64,
    /// Requests of one connection, after which it is closed; 0 for no bound.
    pub requests: u64,
    /// How long a WebSocket may be silent before it is asked whether anybody is there, and after that.
    pub ping_ns: u64,
    /// The proxies that are believed.
    pub trusted: Trusted,
    /// Connections of those begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// The fields in which those tell who asks.
    pub forwarded: Option<Style>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            head: Limits::default(),
            body_bytes: limits::BODY_BUFFER_BYTES as u64,
            head_ns: 10 * limits::SECOND_NS,
            body_ns: 30 * limits::SECOND_NS,
            idle_ns: 60 * limits::SECOND_NS,
            write_ns: 30 * limits::SECOND_NS,
            body_rate: limits::RATE_BYTES,
            write_rate: limits::RATE_BYTES,
            requests: 0,
            ping_ns: limits::WS_PING_NS,
            trusted: Trusted::default(),
            proxy_protocol: false,
            forwarded: None,
        }
    }
}

/// What a connection is given for one call.
pub struct Turn<'a> {
    /// The thread's app.
    pub app: &'a mut App,
    /// The settings.
    pub settings: &'a Settings,
    /// Where answers go.
    pub out: &'a mut SendBuf,
    /// `Date: …\r\n` of this second.
    pub date: &'a [u8],
    /// Now.
    pub now: Moment,
    /// The other end.
    pub peer: Option<IpAddr>,
    /// The node is going away: answers close their connection.
    pub draining: bool,
    /// How tight the memory is that connections share.
    pub pressure: Pressure,
    /// What the thread remembers of the heads it saw.
    pub memory: &'a Memory,
}

/// What a thread remembers of the heads it saw, and where the paths led that it remembers.
#[derive(Default)]
pub struct Memory {
    /// The heads, and where the paths led that it remembers.
    pub heads: HeadMemory<Route>,
    /// What compresses messages and is not in use.
    pub contexts: RefCell<Pool>,
}

impl Memory {
    /// That of a thread that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

/// How tight the memory is that all connections share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// There is enough.
    None,
    /// No request is begun but those of essential routes.
    Soft,
    /// What is under way may not grow either.
    Hard,
}

/// Blocking work of a connection, for the pool.
pub struct Work {
    /// Which queue.
    pub lane: Lane,
    /// The work; the changes are announced to all threads before the rest is given back.
    pub run: Box<dyn FnOnce() -> (Done, Vec<Change>) + Send>,
}

/// What came of a connection's [`Work`].
pub enum Done {
    /// What the job or the sink left for the slice.
    Value(Value),
    /// The sink took its bytes; it and the emptied buffer come back.
    Sink(Box<dyn Sink>, Vec<u8>),
    /// The sink ended the body early, with this for the slice.
    Enough(Value),
    /// The source gave this piece and said what follows.
    Source(Box<dyn Source>, Vec<u8>, Pull),
    /// The source has more.
    Wake,
    /// This is done to a WebSocket from outside.
    Push(Act),
    /// The queue is full.
    Busy,
    /// It panicked.
    Panicked,
}

/// What a connection is doing; the reactor gives each its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Between requests, nothing received.
    Idle,
    /// Part of a head, or nothing yet on a new connection.
    Head,
    /// Receiving a body.
    Body,
    /// A WebSocket, between messages.
    Open,
    /// The same; the peer was asked whether it is there.
    Pinged,
    /// A WebSocket whose end was said and not confirmed.
    Closing,
    /// Waiting for work to be done.
    Working,
    /// Everything was said; what the peer still sends is dropped so that it can read the answer.
    Linger,
    /// Over: flush and close.
    Over,
}
