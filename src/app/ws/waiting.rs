//! Messages that wait for a peer: whole ones, none of which has begun to leave, so that they can be dropped.
//!
//! They take up no more than a bound, and one message may wait whatever its size. Each counts with its place
//! here and with what the allocator keeps in front of its bytes: else a million empty ones would be nothing.

use std::collections::VecDeque;
use std::mem::size_of;

use super::Framed;

/// What a message that waits takes beside its bytes: its place, and two counts in front of them.
pub(super) const EACH_BYTES: usize = size_of::<Framed>() + 2 * size_of::<usize>();

/// What waits for one peer.
pub(super) struct Waiting {
    bytes_max: usize,
    /// Of the frames alone.
    bytes: usize,
    messages: VecDeque<Framed>,
    dropped: u64,
}

impl Waiting {
    /// Nothing yet; `bytes_max` at most, beyond one message.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, messages: VecDeque::new(), dropped: 0 }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// What counts for the bound.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.messages.len() * EACH_BYTES
    }

    /// Whether one more may wait.
    pub(super) fn has_room(&self, framed: &Framed) -> bool {
        self.is_empty() || self.bytes() + framed.len() + EACH_BYTES <= self.bytes_max
    }

    /// Drops the oldest until one more may wait.
    pub(super) fn make_room(&mut self, framed: &Framed) {
        while !self.has_room(framed) && self.pop().is_some() {
            self.dropped += 1;
        }
    }

    /// One more waits.
    pub(super) fn push(&mut self, framed: Framed) {
        self.bytes += framed.len();
        self.messages.push_back(framed);
    }

    /// The oldest, which waits no more.
    pub(super) fn pop(&mut self) -> Option<Framed> {
        let oldest = self.messages.pop_front()?;
        self.bytes -= oldest.len();
        Some(oldest)
    }

    /// Drops all.
    pub(super) fn forget(&mut self) {
        self.dropped += self.messages.len() as u64;
        self.bytes = 0;
        self.give_back();
    }

    /// Holds no memory any more, once nothing waits.
    pub(super) fn give_back(&mut self) {
        self.messages = VecDeque::new();
    }

    /// Messages that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes of memory it holds; its share of what others hold too.
    #[inline]
    pub(super) fn held_bytes(&self) -> usize {
        self.messages.capacity() * size_of::<Framed>() + self.bytes
    }
}
