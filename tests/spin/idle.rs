//! No periodic tick: the loop sleeps until the next deadline, and without one for ever.

use std::time::Duration;

use crate::support::{Node, Raw};
use crate::{LONG, ask, hurried, patient};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

fn assert_sleeps(node: &Node) {
    node.wait_until_asleep();
    let wakes = node.meters().sum("wakes");
    std::thread::sleep(Duration::from_millis(100));
    let ticks = node.cpu_ticks();
    std::thread::sleep(FIVE_SECONDS);
    let ticks_used = node.cpu_ticks() - ticks;
    assert_eq!(node.meters().sum("wakes") - wakes, 0, "wakes");
    assert_eq!(ticks_used, 0, "ticks of CPU time");
}

#[test]
fn an_idle_node_wakes_zero_times() {
    let node = patient().start();
    assert_sleeps(&node);
    assert_eq!(node.get("/-/ping").status, 200, "and is there all the same");
}

#[test]
fn a_hundred_idle_connections_wake_it_zero_times() {
    let node = patient().start();
    let mut idle: Vec<Raw> = (0..100).map(|_| node.connect()).collect();
    idle.iter_mut().for_each(ask);
    assert_sleeps(&node);
    idle.iter_mut().for_each(ask);
}

#[test]
fn a_deadline_wakes_it_once_and_not_again_and_again_just_before() {
    let node = hurried(600, 2, 600).start();
    let mut connections: Vec<Raw> = Vec::new();
    for _ in 0..20 {
        let mut raw = node.connect();
        ask(&mut raw);
        connections.push(raw);
        // Their deadlines fall on different parts of a millisecond.
        std::thread::sleep(Duration::from_micros(7300));
    }
    let wakes = node.meters().sum("wakes");
    assert!(connections.iter_mut().all(|raw| raw.is_closed_within(LONG)), "the idle timeout ends them");
    let wakes = node.meters().sum("wakes") - wakes;
    assert!((1..=25).contains(&wakes), "{wakes} wakes for 20 deadlines");
}
