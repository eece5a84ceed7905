//! Messages for many: topics, and how something is said to connections from outside of their turn.

use std::fmt;
use std::sync::Arc;

use super::Framed;
use crate::wire::ws::Code;

/// What connections subscribe to, by its name. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl Topic {
    /// The topic of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// What is done to a connection from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It is closed, after what waits for it.
    Close(Code, Arc<str>),
    /// It is sent this message.
    Message(Framed),
}

impl Act {
    /// How much memory waits with it.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Act::Close(_, reason) => reason.len(),
            Act::Message(framed) => framed.len(),
        }
    }
}

/// Something for all subscribers of a topic, on all threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Whose subscribers.
    pub topic: Topic,
    /// What is done to them.
    pub act: Act,
    /// A message that whoever subscribes later is sent first, until the next of this topic.
    pub retain: bool,
}

/// Where a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    /// The thread that serves it.
    pub thread: usize,
    /// What it is called there; never used twice.
    pub key: u64,
}

/// The way to connections, from any thread. Neither call blocks.
pub trait Outlet: Send + Sync {
    /// Does something to all subscribers of a topic. All threads see publications in the same order.
    fn publish(&self, publication: Publication);

    /// Does something to one connection. Nothing, if it is gone.
    fn push(&self, to: Address, act: Act);
}

/// Speaks to one connection from anywhere. Cheap to clone; it does not keep the connection.
#[derive(Clone)]
pub struct Sender {
    outlet: Arc<dyn Outlet>,
    to: Address,
}

impl Sender {
    /// To the connection at `to`.
    pub fn new(outlet: Arc<dyn Outlet>, to: Address) -> Self {
        Self { outlet, to }
    }

    /// Sends a message.
    pub fn send(&self, message: Framed) {
        self.outlet.push(self.to, Act::Message(message));
    }

    /// Closes the connection, after what waits for it.
    pub fn close(&self, code: Code, reason: &str) {
        self.outlet.push(self.to, Act::Close(code, reason.into()));
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Sender").field(&self.to).finish()
    }
}
