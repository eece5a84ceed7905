//! Shorter ways to say something.

use super::Link;
use crate::wire::ws::Kind;

impl Link<'_> {
    /// Sends a text.
    pub fn send_text(&mut self, text: &str) {
        self.send(Kind::Text, text.as_bytes());
    }

    /// Sends bytes.
    pub fn send_binary(&mut self, bytes: &[u8]) {
        self.send(Kind::Binary, bytes);
    }
}
