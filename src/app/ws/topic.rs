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
    /// The end, with a code that may be sent: whoever asks for another is told, not the thread of the connection.
    ///
    /// # Panics
    /// When the code may not be sent (RFC 6455 §7.4): allowed are 1000 to 1003, 1007 to 1014, 3000 to 4999.
    pub fn close(code: Code, reason: &str) -> Self {
        assert!(code.is_allowed_on_wire(), "{} may not be sent as the code of a close", code.number());
        Act::Close(code, reason.into())
    }

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
    ///
    /// # Panics
    /// When the code may not be sent: see [`Act::close`].
    pub fn close(&self, code: Code, reason: &str) {
        self.outlet.push(self.to, Act::close(code, reason));
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Sender").field(&self.to).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Noted(Mutex<Vec<Act>>);

    impl Outlet for Noted {
        fn publish(&self, _publication: Publication) {}

        fn push(&self, _to: Address, act: Act) {
            self.0.lock().expect("no panic").push(act);
        }
    }

    #[test]
    fn a_code_that_may_not_be_sent_is_told_to_who_asks_for_it() {
        let noted = Arc::new(Noted::default());
        let sender = Sender::new(Arc::clone(&noted) as _, Address { thread: 0, key: 1 });
        for (code, is_sent) in [(1000, true), (1005, false), (1006, false), (4999, true), (5000, false)] {
            let close = || sender.close(Code::new(code), "");
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(close));
            assert_eq!(outcome.is_ok(), is_sent, "{code}");
        }
        assert_eq!(noted.0.lock().expect("no panic").len(), 2);
    }
}
