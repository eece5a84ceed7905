//! What the node counts about itself, asked for with SIGUSR1: that wakes none of its loops.

use std::time::{Duration, Instant};

use super::node::Node;

/// How long the node may take to print its counts; far more than it needs.
const PRINT_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_PAUSE: Duration = Duration::from_millis(10);

/// The counts of each thread, in the order of the threads.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    threads: Vec<Vec<(String, u64)>>,
}

impl Meters {
    /// A count, summed over the threads.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        self.of_each_thread(name).iter().sum()
    }

    /// A count of each thread.
    pub(crate) fn of_each_thread(&self, name: &str) -> Vec<u64> {
        self.threads.iter().map(|counts| find(counts, name)).collect()
    }

    /// Connections accepted and not closed yet.
    pub(crate) fn open(&self) -> u64 {
        self.sum("accepted") - self.sum("closed")
    }
}

fn find(counts: &[(String, u64)], name: &str) -> u64 {
    let found = counts.iter().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no meter called {name}: {counts:?}")).1
}

impl Node {
    /// Asks for the counts of now.
    pub(crate) fn meters(&self) -> Meters {
        let said_before = self.output().len();
        self.signal("USR1");
        let threads = self.threads();
        let deadline = Instant::now() + PRINT_TIMEOUT;
        loop {
            let lines = meter_lines(&self.output()[said_before..]);
            if lines.len() >= threads {
                return Meters { threads: lines };
            }
            assert!(Instant::now() < deadline, "no counts after SIGUSR1");
            std::thread::sleep(POLL_PAUSE);
        }
    }

    /// Asks for the counts until they are as wanted. Panics with the last ones after `wait`.
    pub(crate) fn wait_for_meters(&self, what: &str, wait: Duration, is_so: impl Fn(&Meters) -> bool) -> Meters {
        let deadline = Instant::now() + wait;
        loop {
            let meters = self.meters();
            if is_so(&meters) {
                return meters;
            }
            assert!(Instant::now() < deadline, "not within {wait:?}: {what}; {meters:?}");
            std::thread::sleep(10 * POLL_PAUSE);
        }
    }

    /// How many threads its first line speaks of.
    fn threads(&self) -> usize {
        let output = self.output();
        let (_, rest) = output.split_once(" with ").expect("the first line says how many threads");
        rest.split(' ').next().and_then(|word| word.parse().ok()).expect("a number of threads")
    }
}

/// The whole lines of counts in `text`.
fn meter_lines(text: &str) -> Vec<Vec<(String, u64)>> {
    let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    let lines = whole.lines().filter_map(|line| line.strip_prefix("meters "));
    lines.map(|line| line.split(' ').filter_map(count).collect()).collect()
}

fn count(word: &str) -> Option<(String, u64)> {
    let (name, number) = word.split_once('=')?;
    Some((name.to_owned(), number.parse().ok()?))
}
