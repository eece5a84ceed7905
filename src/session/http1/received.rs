//! What a connection keeps of a request's body.

use crate::wire::http1::{Step, Trailers};

/// A body, or as much of it as came, and the fields behind it.
#[derive(Default)]
pub(super) struct Received {
    /// Empty if it goes to a sink.
    pub(super) content: Vec<u8>,
    pub(super) trailers: Trailers,
}

impl Received {
    /// Keeps this and nothing else; no memory is given back.
    pub(super) fn set(&mut self, content: &[u8]) {
        self.content.clear();
        self.content.extend_from_slice(content);
        self.trailers.clear();
    }

    /// Adds what came, content where it is kept.
    pub(super) fn keep(&mut self, step: &Step<'_>) {
        self.content.extend_from_slice(step.data);
        self.trailers.push(step.trailers);
    }

    /// Bytes of memory that it holds.
    pub(super) fn held_bytes(&self) -> usize {
        self.content.capacity() + self.trailers.held_bytes()
    }
}
