//! Deadlines: the loop sleeps until the nearest one, or for ever.
//!
//! A connection's deadline moves with every request; its entry here does not. An entry that comes
//! due too early is put back at the deadline of that moment, so a request costs no heap operation
//! and a connection has one live entry (a second only after its deadline was brought forward).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slab::Key;

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A connection.
    Conn(Key),
    /// Accepting begins again.
    Accept,
    /// Idle connections of a draining node are closed.
    DrainIdle,
    /// A draining node waits no longer.
    DrainEnd,
    /// Whoever opened WebSockets is asked for.
    Standing,
}

/// The deadlines of one thread, in nanoseconds of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(u64, Owner)>>,
}

impl Timers {
    /// Adds an entry.
    pub(super) fn set(&mut self, at_ns: u64, owner: Owner) {
        self.heap.push(Reverse((at_ns, owner)));
    }

    /// When the nearest entry comes due.
    pub(super) fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at_ns, _))| *at_ns)
    }

    /// Removes an entry that is due, if there is one: when it was due, and whose it is.
    pub(super) fn pop_due(&mut self, now_ns: u64) -> Option<(u64, Owner)> {
        if self.next()? > now_ns {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// Drops the entries that no connection waits for, once they are the larger part. `is_live` knows
    /// the one entry of a connection: what is kept is then a quarter of the bound, so this is rare.
    pub(super) fn forget_closed(&mut self, live: usize, mut is_live: impl FnMut(Key, u64) -> bool) {
        if self.heap.len() > 1024 + 4 * live {
            self.heap.retain(|Reverse((at_ns, owner))| match owner {
                Owner::Conn(key) => is_live(*key, *at_ns),
                Owner::Accept | Owner::DrainIdle | Owner::DrainEnd | Owner::Standing => true,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_due_in_order_and_not_before() {
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(20, Owner::Accept);
        timers.set(10, Owner::Conn(Key(1)));
        assert_eq!(timers.next(), Some(10));
        assert_eq!(timers.pop_due(9), None);
        assert_eq!(timers.pop_due(10), Some((10, Owner::Conn(Key(1)))));
        assert_eq!(timers.pop_due(19), None);
        assert_eq!(timers.pop_due(25), Some((20, Owner::Accept)));
        assert_eq!(timers.pop_due(25), None);
    }

    #[test]
    fn entries_of_the_dead_do_not_pile_up() {
        let mut timers = Timers::default();
        timers.set(5, Owner::Accept);
        for index in 0..100_000 {
            timers.set(10 + index, Owner::Conn(Key(index)));
            timers.forget_closed(1, |key, _| key == Key(7));
            assert!(timers.heap.len() <= 1030);
        }
        assert_eq!(timers.pop_due(5), Some((5, Owner::Accept)));
        assert_eq!(timers.pop_due(17), Some((17, Owner::Conn(Key(7)))));
    }

    #[test]
    fn entries_that_others_replaced_do_not_pile_up_either() {
        let mut timers = Timers::default();
        for number in 0..100_000u64 {
            let at_ns = 1_000_000 - number;
            timers.set(at_ns, Owner::Conn(Key(number % 10)));
            timers.forget_closed(10, |_, due_ns| due_ns < at_ns + 10);
            assert!(timers.heap.len() <= 1024 + 4 * 10);
        }
    }
}
