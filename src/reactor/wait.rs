//! How a thread of the loop waits for events: asleep in the kernel, or awake for a moment before.
//!
//! By default it sleeps at once. With a bound (`busy_poll_ns`), a turn that had events is followed by asking
//! again and again, for as long as the bound and not beyond the next deadline: a request that comes
//! meanwhile finds the thread awake. A thread that nothing happened to sleeps, however large the bound:
//! an idle node wakes zero times with it as without.

use std::io;
use std::time::Duration;

use mio::Events;

use super::Reactor;

impl Reactor {
    /// Waits until something has happened, a deadline has come, or there is listed work to do.
    pub(super) fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let mut timeout = self.timeout();
        if self.settings.busy_poll_ns > 0 && timeout != Some(Duration::ZERO) && !events.is_empty() {
            if self.finds_while_awake(events)? {
                return Ok(());
            }
            timeout = self.timeout();
        }
        self.poll.poll(events, timeout)
    }

    /// Asks without waiting until something has happened or it is time to sleep; whether something has.
    fn finds_while_awake(&mut self, events: &mut Events) -> io::Result<bool> {
        // The turn itself took its time: the bound counts from its end.
        self.now = self.clock.now();
        let until = awake_until(self.now.monotonic_ns, self.settings.busy_poll_ns, self.timers.next());
        while self.now.monotonic_ns < until {
            self.poll.poll(events, Some(Duration::ZERO))?;
            self.meters.spins.one();
            if !events.is_empty() {
                return Ok(true);
            }
            self.now = self.clock.now();
        }
        Ok(false)
    }

    /// Until the nearest deadline, or for ever; not at all while work is listed. Counted from the
    /// beginning of this turn: a deadline may come late by the length of a turn, never early.
    fn timeout(&self) -> Option<Duration> {
        if !(self.ready.is_empty() && self.held_back.is_empty()) || self.listeners.is_ready() || self.topics.is_busy() {
            return Some(Duration::ZERO);
        }
        let due = self.timers.next()?;
        let left = due.saturating_sub(self.now.monotonic_ns);
        // epoll counts in milliseconds: rounding down would wake the loop before anything is due.
        Some(Duration::from_millis(left.div_ceil(1_000_000)))
    }
}

/// When a thread that begins to ask at `now_ns` stops at the latest.
fn awake_until(now_ns: u64, busy_poll_ns: u64, due_ns: Option<u64>) -> u64 {
    now_ns.saturating_add(busy_poll_ns).min(due_ns.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_stays_awake_for_the_bound_and_not_beyond_the_next_deadline() {
        assert_eq!(awake_until(1000, 50, None), 1050);
        for (due, until) in [(999, 999), (1000, 1000), (1049, 1049), (1050, 1050), (1051, 1050)] {
            assert_eq!(awake_until(1000, 50, Some(due)), until, "due at {due}");
        }
        assert_eq!(awake_until(1000, 0, None), 1000, "not at all");
        assert_eq!(awake_until(u64::MAX - 1, 50, None), u64::MAX, "it does not wrap");
    }
}
