//! How fast one connection may send: a bucket of messages that fills with time.

use crate::limits::{CONFIG_MESSAGES_BURST, CONFIG_MESSAGES_PER_S, SECOND_NS};

/// What one message costs.
const INTERVAL_NS: u64 = SECOND_NS / CONFIG_MESSAGES_PER_S;
/// How far ahead of the clock the messages of a burst may be.
const AHEAD_NS: u64 = (CONFIG_MESSAGES_BURST - 1) * INTERVAL_NS;

/// The bucket: full at first.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When all messages so far would have come at the steady rate.
    due_ns: u64,
}

impl Pace {
    /// Whether a message may come now. One that may not costs nothing.
    pub(super) fn admits(&mut self, now_ns: u64) -> bool {
        let due_ns = self.due_ns.max(now_ns);
        let is_admitted = due_ns - now_ns <= AHEAD_NS;
        if is_admitted {
            self.due_ns = due_ns + INTERVAL_NS;
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(pace: &mut Pace, now_ns: u64, tries: u64) -> u64 {
        (0..tries).filter(|_| pace.admits(now_ns)).count() as u64
    }

    #[test]
    fn a_burst_is_admitted_and_not_one_more() {
        for now_ns in [0, 1, 5 * SECOND_NS, u64::MAX / 2] {
            for tries in [CONFIG_MESSAGES_BURST - 1, CONFIG_MESSAGES_BURST, CONFIG_MESSAGES_BURST + 1] {
                assert_eq!(admitted(&mut Pace::default(), now_ns, tries), tries.min(CONFIG_MESSAGES_BURST));
            }
        }
    }

    #[test]
    fn what_was_used_comes_back_at_the_steady_rate_and_no_further_than_full() {
        let mut pace = Pace::default();
        admitted(&mut pace, 0, 2 * CONFIG_MESSAGES_BURST);
        assert_eq!(admitted(&mut pace, INTERVAL_NS - 1, 9), 0, "tries that failed cost nothing, and win nothing");
        assert_eq!(admitted(&mut pace, INTERVAL_NS, 9), 1);
        assert_eq!(admitted(&mut pace, INTERVAL_NS + SECOND_NS, 10_000), CONFIG_MESSAGES_PER_S);
        assert_eq!(admitted(&mut pace, 3600 * SECOND_NS, 10_000), CONFIG_MESSAGES_BURST);
    }
}
