//! How much memory all connections together hold, and when that is too much.
//!
//! One sum for all threads. A connection that holds as much as before, as one between plain requests
//! does, writes nothing to it. Above the budget no new work is begun; by a quarter more, what is under
//! way may not grow either. It is over only an eighth below, so that the node does not waver.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::session::Pressure;

/// The memory of all connections.
#[derive(Debug)]
pub struct Budget {
    most: u64,
    held: AtomicU64,
    exceeded: AtomicBool,
}

impl Budget {
    /// For `most` bytes.
    pub fn new(most: u64) -> Self {
        Self { most, held: AtomicU64::new(0), exceeded: AtomicBool::new(false) }
    }

    /// A connection that held `before` bytes holds `after`.
    pub(super) fn change(&self, before: u64, after: u64) {
        if before != after {
            // The sum is never below zero, whatever the order in which threads get here.
            self.held.fetch_add(after.wrapping_sub(before), Relaxed);
        }
    }

    /// How tight it is.
    #[inline(always)]
    pub(super) fn pressure(&self) -> Pressure {
        let (held, exceeded) = (self.held.load(Relaxed), self.exceeded.load(Relaxed));
        if held <= self.most && !exceeded { Pressure::None } else { self.judge(held, exceeded) }
    }

    #[cold]
    fn judge(&self, held: u64, exceeded: bool) -> Pressure {
        let tight = held > if exceeded { self.most - self.most / 8 } else { self.most };
        if tight != exceeded {
            self.exceeded.store(tight, Relaxed);
        }
        match tight {
            false => Pressure::None,
            true if held > self.most + self.most / 4 => Pressure::Hard,
            true => Pressure::Soft,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_begins_above_the_budget_and_ends_an_eighth_below_it() {
        let budget = Budget::new(800);
        let mut held = 0;
        let mut hold = |now: u64| {
            budget.change(held, now);
            held = now;
            budget.pressure()
        };
        for (bytes, expected) in [
            (0, Pressure::None),
            (799, Pressure::None),
            (800, Pressure::None),
            (801, Pressure::Soft),
            (800, Pressure::Soft),
            (1000, Pressure::Soft),
            (1001, Pressure::Hard),
            (1000, Pressure::Soft),
            (701, Pressure::Soft),
            (700, Pressure::None),
            (800, Pressure::None),
            (801, Pressure::Soft),
            (0, Pressure::None),
        ] {
            assert_eq!(hold(bytes), expected, "{bytes}");
        }
    }

    #[test]
    fn what_threads_hold_adds_up() {
        let budget = Budget::new(1 << 40);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let budget = &budget;
                scope.spawn(move || {
                    (0..1000).for_each(|round| budget.change((round * thread) % 97, ((round + 1) * thread) % 97));
                });
            }
        });
        let left: u64 = (0..4).map(|thread| (1000 * thread) % 97).sum();
        assert_eq!(budget.held.load(Relaxed), left);
    }
}
