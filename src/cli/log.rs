//! What the operator must know: one line each on standard error.
//!
//! `2026-11-21T10:00:00.000Z ERROR store: database: disk I/O error`
//!
//! Control characters are escaped, so that no client can forge a line; more than
//! [`LINES_PER_SECOND_MAX`] are counted instead of written.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use log::{LevelFilter, Log, Metadata, Record};

use crate::wire::date::rfc3339;

/// A full disk fails every request: the log must not fill another one.
const LINES_PER_SECOND_MAX: u32 = 50;

struct Stderr {
    budget: Mutex<Budget>,
}

/// How many lines this second may still have.
struct Budget {
    second: u64,
    written: u32,
    dropped: u64,
}

static STDERR: Stderr = Stderr { budget: Mutex::new(Budget { second: 0, written: 0, dropped: 0 }) };

/// Writes what is logged from now on, from any thread.
pub(crate) fn install() {
    // It fails only where a log is installed already, and then that one is wanted.
    if log::set_logger(&STDERR).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        #[allow(clippy::disallowed_methods, reason = "the log stands outside the loop's time")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        if let Some(dropped) = budget.turn_to(now / 1000) {
            push_line(&mut text, now, "WARN", &format!("{dropped} lines were dropped"));
        }
        if budget.take() {
            push_line(&mut text, now, record.level().as_str(), &record.args().to_string());
        }
        // A closed standard error is no reason to stop.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    fn flush(&self) {}
}

impl Budget {
    /// Begins another second; how many lines the last one dropped, if any.
    fn turn_to(&mut self, second: u64) -> Option<u64> {
        if second == self.second {
            return None;
        }
        let dropped = std::mem::take(&mut self.dropped);
        (self.second, self.written) = (second, 0);
        (dropped > 0).then_some(dropped)
    }

    /// Whether one more line may be written.
    fn take(&mut self) -> bool {
        if self.written == LINES_PER_SECOND_MAX {
            self.dropped += 1;
            return false;
        }
        self.written += 1;
        true
    }
}

fn push_line(text: &mut String, now_ms: u64, level: &str, message: &str) {
    let time = rfc3339(now_ms);
    text.push_str(std::str::from_utf8(&time).unwrap_or(""));
    text.push(' ');
    text.push_str(level);
    text.push(' ');
    for character in message.chars() {
        match character.is_control() {
            true => write!(text, "{}", character.escape_default()).expect("a string takes all"),
            false => text.push(character),
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_forges_a_line() {
        let mut text = String::new();
        push_line(&mut text, 0, "ERROR", "a\nb\x1b[31mc\u{85}d");
        assert_eq!(text, "1970-01-01T00:00:00.000Z ERROR a\\nb\\u{1b}[31mc\\u{85}d\n");
    }

    #[test]
    fn a_second_has_its_lines_and_no_more() {
        let mut budget = Budget { second: 0, written: 0, dropped: 0 };
        assert_eq!(budget.turn_to(1), None);
        for line in 0..LINES_PER_SECOND_MAX {
            assert!(budget.take(), "line {line}");
        }
        assert!(!budget.take());
        assert!(!budget.take());
        assert_eq!(budget.turn_to(1), None);
        assert_eq!(budget.turn_to(2), Some(2));
        assert!(budget.take());
        assert_eq!(budget.turn_to(3), None);
    }
}
