//! One WebSocket, as the slice that serves it sees it.

use std::borrow::Cow;
use std::ops::Deref;

use super::Link;
use crate::app::Value;
use crate::buffer::Aligned;
use crate::wire::ws::{Code, Kind, Payload};

/// Serves one connection. Dropped when it is over.
pub trait Channel: Send {
    /// The connection is open; nothing was received yet.
    fn on_open(&mut self, _link: &mut Link<'_>) {}

    /// A message has come, whole.
    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>);

    /// The job of [`Link::wait`] left this.
    fn on_done(&mut self, _value: Value, _link: &mut Link<'_>) {}

    /// The job of [`Link::wait`] has left nothing.
    fn on_failed(&mut self, failed: Failed, link: &mut Link<'_>) {
        match failed {
            Failed::Busy => link.close(Code::TRY_LATER, "the node is too busy"),
            Failed::Panicked => link.close(Code::INTERNAL, "the node made a mistake"),
        }
    }

    /// The node is going away.
    fn on_drain(&mut self, link: &mut Link<'_>) {
        link.close(Code::GOING_AWAY, "the node is going away");
    }

    /// The connection is over, told once.
    fn on_close(&mut self, _closed: &Closed) {}
}

/// Why a job left nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// Its lane is full: it was not begun.
    Busy,
    /// It panicked.
    Panicked,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What the peer said, or what it was told if that came first; 1005 if that
    /// was no code, 1006 if it just went away.
    pub code: Code,
    /// With its close frame, or in answer to ours.
    pub clean: bool,
}

/// A message that has come. Its bytes begin at an address that is a multiple of 8.
pub struct Message<'b> {
    kind: Kind,
    payload: Payload<'b>,
}

impl<'b> Message<'b> {
    /// A message; one of [`Kind::Text`] is UTF-8.
    pub fn new(kind: Kind, payload: Payload<'b>) -> Self {
        Self { kind, payload }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        (self.kind == Kind::Text).then(|| String::from_utf8_lossy(&self.payload))
    }

    /// The bytes to keep. Those of a long message are not copied.
    pub fn into_owned(self) -> Aligned {
        self.payload.into_owned()
    }

    /// Hands the payload on as it is.
    pub fn into_payload(self) -> Payload<'b> {
        self.payload
    }
}

impl Deref for Message<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.payload
    }
}
