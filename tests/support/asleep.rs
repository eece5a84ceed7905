//! Whether a node has nothing to do, as the kernel sees it: no pause is long enough on a machine that is busy.

use std::time::{Duration, Instant};

use super::Node;

/// Far more than any node works for by itself.
const LONG: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(10);
/// Looks in a row; a node that works through something in parts sleeps between them.
const LOOKS: usize = 10;

impl Node {
    /// Whether each of its threads waits for something at this moment. One that only waits for a core does not.
    pub(crate) fn is_asleep(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("the node runs");
        // proc(5): the state follows the name, which is in parentheses. Threads may end meanwhile.
        let state = |stat: String| stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        let mut stats = tasks.flatten().flat_map(|task| std::fs::read_to_string(task.path().join("stat")));
        stats.all(|stat| state(stat) == Some('S'))
    }

    /// Waits until it has done what it had to.
    pub(crate) fn wait_until_asleep(&self) {
        self.wait_until_asleep_and(|| true);
    }

    /// The same where there is nothing to do for the test either, which is looked for at the same time.
    pub(crate) fn wait_until_asleep_and(&self, mut is_so: impl FnMut() -> bool) {
        let (deadline, mut looks) = (Instant::now() + LONG, 0);
        while looks < LOOKS {
            assert!(Instant::now() < deadline, "the node has something to do all the time");
            looks = if is_so() && self.is_asleep() { looks + 1 } else { 0 };
            std::thread::sleep(PAUSE);
        }
    }
}
