//! WebSockets (RFC 6455), as slices see them: a [`Channel`] for each connection, [`Topic`]s for many.
//!
//! ```text
//! GET + Upgrade ─▶ Service::call ─▶ accept() writes the 101 ─▶ Flow::Upgrade(channel)
//!                                                                  │
//! message ─▶ Channel::on_message ─▶ Link: send, subscribe, publish, wait for a job, close
//!                    ▲                                              │
//!                    └──────────── Channel::on_done ◀───────────────┘
//! ```
//!
//! A channel lives on one thread and is called for one thing at a time; while a job of its is under way, no
//! message is handed to it, and nothing is read from its peer. A message for many is framed once
//! ([`Framed`]) and published to a topic: every subscriber on every thread is sent the same bytes. What a
//! peer does not take waits up to a bound ([`Terms::queue_bytes`]); what becomes of it beyond is for the
//! channel to choose ([`Overflow`]).

mod accept;
mod channel;
mod framed;
mod jobs;
mod link;
mod origins;
mod outgoing;
mod speak;
mod topic;
mod waiting;

#[cfg(test)]
mod tests;

pub use accept::{Accepted, Agreement, Refused, Upgrade, accept, agree};
pub use channel::{Channel, Closed, Failed, Message};
pub use framed::Framed;
pub use link::Link;
pub use origins::Origins;
pub(crate) use outgoing::{ABNORMAL, NO_STATUS};
pub use outgoing::{Ask, Compress, Outgoing, Way};
pub use topic::{Act, Address, Outlet, Publication, Sender, Topic};

use std::sync::Arc;

use crate::limits;
use crate::wire::ws::Limits;
use crate::wire::ws::extension::Policy;

/// What a WebSocket may be, and who may open it. Sizes are bytes.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Bounds of a message that comes in.
    pub limits: Limits,
    /// Most that waits for a peer that does not take it, beyond one message. Each counts with 32 bytes beside
    /// its own, so that many short ones are not for nothing.
    ///
    /// What waits is what comes in addition to the send buffer. In that are 64 KiB
    /// ([`limits::WS_OUT_BYTES`]) and one message of what is published or sent from outside; and all that the
    /// channel sends in one call, up to 8 MiB ([`limits::WS_CALL_BYTES`]) and one message, if its peer had taken
    /// all but 256 KiB ([`limits::SEND_HIGH_WATER_BYTES`]) of what it was sent before. So a peer that takes
    /// nothing holds no more than that and `queue_bytes`, and is closed no earlier because an answer has several
    /// parts.
    pub queue_bytes: usize,
    /// What becomes of a message beyond that.
    pub overflow: Overflow,
    /// Which compression is agreed to, if any.
    pub deflate: Option<Policy>,
    /// The pages that may open it.
    pub origins: Arc<Origins>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            limits: Limits { message_bytes: limits::WS_MESSAGE_BYTES, fragments: limits::WS_FRAGMENTS },
            queue_bytes: limits::WS_QUEUE_BYTES,
            overflow: Overflow::Close,
            deflate: None,
            origins: Arc::default(),
        }
    }
}

/// What becomes of a message for a peer whose queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The connection is closed (1013): whoever must not miss anything comes back and asks.
    Close,
    /// The oldest messages of which nothing has left yet are dropped.
    DropOldest,
}
