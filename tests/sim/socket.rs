//! A connection's socket, as the kernel shows it to the node.

use crate::rng::Rng;

/// What a read or write of a socket came to when it was not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    WouldBlock,
    Broken,
}

/// Bytes that have arrived, and room for bytes that leave.
pub(crate) struct Socket {
    arrived: Vec<u8>,
    taken: usize,
    ended: bool,
    broken: bool,
    room: usize,
    capacity: usize,
}

impl Socket {
    /// A socket with room for at least `least` bytes, so that what it is for can come to an end.
    pub(crate) fn new(rng: &mut Rng, least: usize) -> Self {
        let capacity = match rng.below(6) {
            0 => rng.between(1, 40),
            1 => rng.between(40, 8 * 1024),
            2 => 64 * 1024,
            _ => 1 << 20,
        } as usize;
        let capacity = capacity.max(least);
        Self { arrived: Vec::new(), taken: 0, ended: false, broken: false, room: capacity, capacity }
    }

    // The client's end.

    pub(crate) fn arrive(&mut self, bytes: &[u8]) {
        self.arrived.extend_from_slice(bytes);
    }

    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn reset(&mut self) {
        self.broken = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ended || self.broken
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The client read `count` bytes: there is room again.
    pub(crate) fn drain(&mut self, count: usize) {
        self.room = (self.room + count).min(self.capacity);
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.room == self.capacity
    }

    // The node's end.

    /// Zero is the end. Fewer bytes than `space` holds: there are no more.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> Result<usize, Trouble> {
        if self.broken {
            return Err(Trouble::Broken);
        }
        let waiting = &self.arrived[self.taken..];
        if waiting.is_empty() {
            return if self.ended { Ok(0) } else { Err(Trouble::WouldBlock) };
        }
        let count = waiting.len().min(space.len());
        space[..count].copy_from_slice(&waiting[..count]);
        self.taken += count;
        if self.taken == self.arrived.len() {
            self.arrived.clear();
            self.taken = 0;
        }
        Ok(count)
    }

    /// How many of `wanted` bytes it takes; fewer: there is no room for now.
    pub(crate) fn write(&mut self, wanted: usize) -> Result<usize, Trouble> {
        if self.broken {
            return Err(Trouble::Broken);
        }
        let count = wanted.min(self.room);
        self.room -= count;
        if count == 0 { Err(Trouble::WouldBlock) } else { Ok(count) }
    }
}
