//! The jobs of one channel: one is under way, those asked for meanwhile follow in their order.

use std::collections::VecDeque;

use crate::app::{Job, Lane};

/// What a channel waits for.
#[derive(Default)]
pub(super) struct Jobs {
    /// To be begun.
    next: Option<(Lane, Job)>,
    /// Begun, and its value has not come.
    away: bool,
    /// Behind that one.
    later: VecDeque<(Lane, Job)>,
}

impl Jobs {
    /// One more.
    pub(super) fn add(&mut self, lane: Lane, job: Job) {
        match self.away || self.next.is_some() {
            true => self.later.push_back((lane, job)),
            false => self.next = Some((lane, job)),
        }
    }

    /// Whether one is to be begun.
    #[inline]
    pub(super) fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// The one to be begun, once.
    pub(super) fn begin(&mut self) -> Option<(Lane, Job)> {
        let next = self.next.take();
        self.away |= next.is_some();
        next
    }

    /// The one under way is over; whether there was one.
    pub(super) fn end(&mut self) -> bool {
        let was_away = std::mem::take(&mut self.away);
        if was_away {
            self.next = self.later.pop_front();
        }
        was_away
    }

    /// Those that were never begun.
    pub(super) fn take_all(&mut self) -> Vec<(Lane, Job)> {
        self.next.take().into_iter().chain(std::mem::take(&mut self.later)).collect()
    }
}
