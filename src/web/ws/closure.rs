//! Closures as channels, for small programs.

use crate::app::ws::{Channel, Link, Message};

/// Takes messages, and does nothing else.
pub(super) struct OnMessage<F>(pub(super) F);

impl<F: FnMut(Message<'_>, &mut Link<'_>) + Send> Channel for OnMessage<F> {
    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        (self.0)(message, link);
    }
}
