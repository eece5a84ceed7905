//! Somebody else, who must not notice what a test does to the node.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::node::Node;

/// Runs `deed` while another client asks the node for something, again and again, on connections of
/// its own. Panics unless that client is answered 200 each time, at least once.
pub(crate) fn while_others_are_served<T>(node: &Node, deed: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| ask_until(node, &is_over));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(deed));
        is_over.store(true, Ordering::Relaxed);
        let answers = other.join();
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert!(answers.expect("the other client was not served") > 0);
        result
    })
}

/// How often it was answered: on a new connection each time, and on one that it keeps.
fn ask_until(node: &Node, is_over: &AtomicBool) -> u32 {
    let mut kept = node.connect();
    let mut answers = 0;
    while answers == 0 || !is_over.load(Ordering::Relaxed) {
        assert_eq!(node.get("/-/ping").status, 200, "on a new connection");
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(kept.response("GET").status, 200, "on a connection that is kept");
        answers += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    answers
}
