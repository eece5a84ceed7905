//! The one place where the loop reads the time: once per turn.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::app::Moment;
use crate::wire::date::{DATE_LINE_BYTES, http_date};

/// A clock that never goes back, and the calendar beside it.
#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// Begins at zero.
    pub(super) fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// Now.
    pub(super) fn now(&self) -> Moment {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { monotonic_ns: self.start.elapsed().as_nanos() as u64, unix_ms: unix.as_millis() as u64 }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// `Date: …\r\n`, rendered once a second.
#[derive(Debug)]
pub(super) struct DateLine {
    second: u64,
    bytes: [u8; DATE_LINE_BYTES],
}

impl DateLine {
    /// The line of this moment.
    pub(super) fn new(now: Moment) -> Self {
        let mut line = Self { second: u64::MAX, bytes: *b"Date: .............................\r\n" };
        line.update(now);
        line
    }

    /// Renders it again if the second has changed.
    pub(super) fn update(&mut self, now: Moment) {
        let second = now.unix_ms / 1000;
        if second != self.second {
            self.second = second;
            self.bytes[6..35].copy_from_slice(&http_date(second));
        }
    }

    /// The line.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
