//! Asking again before sleeping (`busy_poll_us`): never unless it was chosen, and no longer than chosen.

use std::time::Duration;

use crate::support::{Node, Setup};
use crate::{ask, assert_rests, patient};

const TWO_SECONDS: Duration = Duration::from_secs(2);
/// The longest that is allowed: 10 ms, which is one tick of CPU time.
const BOUND_US: u64 = 10_000;

fn awake() -> Node {
    Setup::new().threads(1).config(&format!("[node]\nbusy_poll_us = {BOUND_US}\n")).start()
}

#[test]
fn a_node_that_was_not_told_to_sleeps_at_once() {
    let node = patient().start();
    let mut raw = node.connect();
    for _ in 0..20 {
        ask(&mut raw);
    }
    assert_eq!(node.meters().sum("spins"), 0);
}

#[test]
fn a_node_that_was_told_to_is_idle_all_the_same() {
    let node = awake();
    assert_rests(&node, TWO_SECONDS, "before the first request");
    assert_eq!(node.meters().sum("spins"), 0, "nothing has happened yet");
    let mut raw = node.connect();
    ask(&mut raw);
    std::thread::sleep(Duration::from_millis(300));
    let spins = node.meters().sum("spins");
    assert!(spins > 0, "it asked again after the request");
    assert_rests(&node, TWO_SECONDS, "with a connection that rests");
    assert_eq!(node.meters().sum("spins"), spins, "it sleeps since");
    ask(&mut raw);
}

#[test]
fn it_stays_awake_no_longer_than_it_was_told() {
    const REQUESTS: u64 = 40;
    let node = awake();
    let mut raw = node.connect();
    ask(&mut raw);
    let ticks = node.cpu_ticks();
    for _ in 0..REQUESTS {
        ask(&mut raw);
        std::thread::sleep(Duration::from_millis(50));
    }
    let ticks = node.cpu_ticks() - ticks;
    // Awake all the time it would be 200 and more; what it does beside asking again is a tick or two.
    let bound = REQUESTS * BOUND_US / 10_000;
    assert!(ticks <= bound + 10, "{ticks} ticks of CPU time for {REQUESTS} requests, {bound} are right");
}
