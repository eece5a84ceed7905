//! Peers that say nothing, or half of something: they cost a place until their time is over.

use std::time::Duration;

use crate::support::{Meters, Raw, while_others_are_served};
use crate::{LONG, PING, Watch, ask, assert_rests, hurried, patient};

const CROWD: u64 = 2000;

#[test]
fn two_thousand_that_say_nothing_are_let_go_while_others_are_served() {
    let node = hurried(2, 600, 600).open_files_max(4096).start();
    let watch = Watch::begin(&node);
    let mut crowd: Vec<Raw> = (0..CROWD).map(|_| node.connect()).collect();
    let mut kept = node.connect();
    ask(&mut kept);
    node.wait_for_meters("all are accepted", LONG, |meters| meters.sum("accepted") == CROWD + 1);
    ask(&mut kept);
    // Each may wake the loop when it comes and when its time is over. Nothing else does.
    let is_over = |meters: &Meters| meters.sum("expired") == CROWD && meters.open() == 1;
    let meters = node.wait_for_meters("all are let go", LONG, is_over);
    let wakes = meters.sum("wakes") - watch.wakes;
    assert!(wakes <= 2 * CROWD + 10, "{wakes} wakes for {CROWD} connections");
    assert!(crowd.iter_mut().all(|raw| raw.until_close().is_empty()), "there is nothing to tell them");
    ask(&mut kept);
}

#[test]
fn others_are_served_while_two_thousand_say_nothing() {
    let node = hurried(2, 600, 600).open_files_max(4096).start();
    while_others_are_served(&node, || {
        let crowd: Vec<Raw> = (0..CROWD).map(|_| node.connect()).collect();
        node.wait_for_meters("all are let go", LONG, |meters| meters.sum("expired") >= CROWD);
        drop(crowd);
    });
}

#[test]
fn a_head_costs_nothing_wherever_it_stops() {
    let node = patient().start();
    let head = [b"\r\n", PING].concat();
    let watch = Watch::begin(&node);
    let mut stopped: Vec<(usize, Raw)> = (1..head.len()).map(|cut| (cut, node.connect())).collect();
    for (cut, raw) in &mut stopped {
        raw.send(&head[..*cut]);
    }
    node.wait_until_asleep();
    // One to accept it and one for its bytes.
    watch.assert_quiet(2 * head.len() as u64 + 2, "half a head each");
    assert_rests(&node, Duration::from_millis(300), "while they wait");
    for (cut, raw) in &mut stopped {
        raw.send(&head[*cut..]);
        assert_eq!(raw.response("GET").status, 200, "stopped at {cut}");
    }
    assert_eq!(node.meters().sum("quarantined"), 0);
}

#[test]
fn a_head_that_drips_in_costs_one_wake_a_byte_and_has_one_deadline() {
    let node = hurried(1, 600, 600).start();
    let mut raw = node.connect();
    let watch = Watch::begin(&node);
    raw.send(b"GET /-/ping HTTP/1.1\r\nX: ");
    let drops = (0..600).take_while(|_| {
        raw.send(b"x");
        !raw.is_closed_within(Duration::from_millis(10))
    });
    let drops = drops.count();
    assert!(drops < 600, "each byte renewed the deadline");
    assert!(raw.unread().starts_with(b"HTTP/1.1 408 "), "{:?}", String::from_utf8_lossy(raw.unread()));
    watch.assert_quiet(drops as u64 + 10, "a head that drips");
}
