//! Out of descriptors: accepting pauses, whoever is connected is served, and it gets over it.

use std::time::Duration;

use crate::support::{Node, Raw, Response, Setup};
use crate::{LONG, PING, QUIET_TICKS, Watch, ask, patient};

const LIMIT: u32 = 96;

fn start(threads: &str) -> Node {
    Setup::new().args(&["--threads", threads]).open_files_max(LIMIT).config("[node]\npool_threads = 1\n").start()
}

/// More clients than there are descriptors, all of which have asked for something.
fn crowd(node: &Node) -> Vec<Raw> {
    let ask = |_| {
        let mut raw = node.connect();
        raw.send(PING);
        raw
    };
    (0..LIMIT + 40).map(ask).collect()
}

#[test]
fn at_its_descriptor_limit_the_node_pauses_accepting_and_serves_on() {
    let node = start("1");
    let mut kept = node.connect();
    ask(&mut kept);
    let mut crowd = crowd(&node);
    node.wait_for_meters("accepting pauses", LONG, |meters| meters.sum("pauses") > 0);
    let before = node.meters();
    let watch = Watch::begin(&node);
    std::thread::sleep(Duration::from_secs(2));
    // A pause lasts a quarter of a second; each end of one wakes the loop for the listener and the timer.
    watch.assert_quiet(40, "while clients wait to be accepted");
    assert!(node.meters().sum("pauses") > before.sum("pauses"), "some still wait");
    ask(&mut kept);
    // As those who are served leave, the others have their turn; some may have been told to come back.
    let statuses: Vec<u16> = crowd.drain(..).map(|mut raw| status(raw.try_response("GET"))).collect();
    let (served, refused) = (count(&statuses, 200), count(&statuses, 503));
    assert_eq!(served + refused, statuses.len(), "{statuses:?}");
    assert!(served > 20 && refused > 0, "{served} served, {refused} refused");
    ask(&mut kept);
    assert_eq!(node.get("/-/ping").status, 200, "it is over");
    assert!(node.cpu_ticks() < 20 * QUIET_TICKS);
}

#[test]
fn threads_that_compete_for_the_last_descriptor_all_recover() {
    let node = start("2");
    for round in 0..3 {
        let crowd = crowd(&node);
        node.wait_for_meters("accepting pauses", LONG, |meters| meters.sum("pauses") > round);
        std::thread::sleep(Duration::from_millis(600));
        drop(crowd);
        node.wait_for_meters("all are gone", LONG, |meters| meters.open() == 0);
    }
    for _ in 0..20 {
        assert_eq!(node.get("/-/ping").status, 200);
    }
}

#[test]
fn beyond_the_configured_connections_the_next_is_told_to_come_back() {
    let node = patient().config("[node]\nconnections = 16\n").start();
    let mut held: Vec<Raw> = (0..16).map(|_| node.connect()).collect();
    held.iter_mut().for_each(ask);
    for _ in 0..3 {
        let response = node.connect().try_response("GET").expect("an answer");
        assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
        assert!(response.json()["error"].is_string());
    }
    held.iter_mut().for_each(ask);
    held.pop();
    node.wait_for_meters("one has left", LONG, |meters| meters.open() == 15);
    assert_eq!(node.get("/-/ping").status, 200);
}

fn status(response: Option<Response>) -> u16 {
    response.map_or(0, |response| response.status)
}

fn count(statuses: &[u16], wanted: u16) -> usize {
    statuses.iter().filter(|&&status| status == wanted).count()
}

#[test]
fn a_shells_soft_limit_is_raised_to_the_hard_one() {
    let node = Setup::new().open_files_soft(256).start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", node.pid())).expect("the node runs");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("Linux tells it");
    let numbers: Vec<&str> = line["Max open files".len()..].split_whitespace().collect();
    assert_eq!(numbers[0], numbers[1], "{line}");
    assert_ne!(numbers[0], "256", "{line}");
}
