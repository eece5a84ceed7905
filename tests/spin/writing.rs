//! Peers that do not read: write interest while bytes are pending, and only then.

use std::io::Write;
use std::time::Duration;

use crate::support::{Node, Raw, while_others_are_served};
use crate::{LONG, PING, Watch, ask, assert_rests, echo, hurried, patient};

/// More than the sockets of both sides hold, even where the kernel lets them grow.
const HUGE: usize = 32 * 1024 * 1024;

/// A connection with a huge answer on its way that it does not read.
fn deaf(node: &Node) -> Raw {
    let mut raw = node.connect();
    raw.send(&echo(HUGE));
    node.wait_for_meters("the request has arrived", LONG, |meters| meters.sum("requests") == 1);
    // What fits into the sockets goes there.
    node.wait_until_asleep();
    raw
}

fn assert_hears_all(raw: &mut Raw) {
    let response = raw.response("POST");
    assert_eq!((response.status, response.body.len()), (200, HUGE));
}

#[test]
fn a_peer_that_never_reads_costs_nothing_and_is_cut_off() {
    let node = hurried(600, 600, 3).start();
    let mut raw = deaf(&node);
    assert_rests(&node, Duration::from_secs(1), "while the peer reads nothing");
    while_others_are_served(&node, || {
        node.wait_for_meters("it is cut off", LONG, |meters| meters.sum("expired") == 1);
    });
    node.wait_for_meters("it is closed", LONG, |meters| meters.open() == 0);
    assert!(raw.until_close().len() < HUGE);
    assert_eq!(node.meters().sum("quarantined"), 0);
}

#[test]
fn a_peer_that_never_reads_is_not_read_either() {
    let node = patient().start();
    let raw = node.connect();
    raw.stream().set_write_timeout(Some(Duration::from_millis(300))).expect("the timeout is not zero");
    let request = echo(1024 * 1024);
    let taken =
        while_others_are_served(&node, || (0..100).take_while(|_| raw.stream().write_all(&request).is_ok()).count());
    assert!(taken < 100, "all requests were taken, though none was answered");
    assert!(node.proc_status("VmRSS") < 200 * 1024, "a deaf peer takes memory");
}

#[test]
fn write_interest_is_not_armed_while_there_is_nothing_to_write() {
    let node = patient().start();
    let mut kept = Vec::new();
    let wakes = node.meters().sum("wakes");
    for _ in 0..20 {
        let mut raw = node.connect();
        std::thread::sleep(Duration::from_millis(10));
        ask(&mut raw);
        kept.push(raw);
    }
    let wakes = node.meters().sum("wakes") - wakes;
    assert!(wakes <= 2 * 20, "{wakes} wakes to accept 20 connections and to read from each");
}

#[test]
fn write_interest_is_disarmed_once_everything_has_left() {
    let node = patient().start();
    let mut raw = deaf(&node);
    for _ in 0..2 {
        assert_hears_all(&mut raw);
        // Were interest still armed, small answers would wait for an event that does not come.
        ask(&mut raw);
        assert_rests(&node, Duration::from_millis(300), "after everything has left");
        raw.send(&echo(HUGE));
    }
}

#[test]
fn a_peer_that_half_closes_and_never_reads_costs_nothing() {
    let node = hurried(600, 600, 4).start();
    let mut raw = deaf(&node);
    raw.finish();
    std::thread::sleep(Duration::from_millis(100));
    assert_rests(&node, Duration::from_secs(1), "while the peer reads nothing");
    node.wait_for_meters("it is cut off", LONG, |meters| meters.open() == 0);
}

#[test]
fn a_peer_that_asks_on_before_it_reads_is_answered_in_the_end() {
    let node = patient().start();
    let mut raw = deaf(&node);
    let watch = Watch::begin(&node);
    for _ in 0..200 {
        // Each arrives on its own, as an event that tells nothing new: the node waits for its reader.
        raw.send(PING);
        std::thread::sleep(Duration::from_millis(2));
    }
    watch.assert_quiet(210, "200 requests of a peer that does not read");
    assert_hears_all(&mut raw);
    for number in 0..200 {
        assert_eq!(raw.response("GET").status, 200, "number {number}");
    }
    assert_eq!(node.meters().sum("quarantined"), 0);
}

#[test]
fn a_request_that_waits_for_its_reader_is_neither_slow_nor_idle() {
    let node = hurried(1, 1, 600).start();
    let mut raw = node.connect();
    // One is with the node, behind a huge answer; the other waits in the kernel.
    raw.send(&[&echo(HUGE), PING].concat());
    node.wait_for_meters("the request has arrived", LONG, |meters| meters.sum("requests") == 1);
    raw.send(PING);
    std::thread::sleep(Duration::from_millis(2500));
    assert_hears_all(&mut raw);
    for number in 1..=2 {
        assert_eq!(raw.response("GET").status, 200, "ping {number} came in good time; there was no room to answer");
    }
    assert!(raw.is_closed_within(LONG), "now it is idle");
}
