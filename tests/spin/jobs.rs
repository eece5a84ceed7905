//! What a peer does while a job runs for it: the loop does not read from it, and must not mind.

use std::time::Duration;

use base64::Engine;

use crate::support::{Node, Raw, while_others_are_served};
use crate::{LONG, PING, Watch, assert_rests, patient};

/// A request with a wrong password. Each is hashed: slow on purpose, one at a time, in a short queue.
fn knock() -> Vec<u8> {
    let secret = base64::engine::general_purpose::STANDARD.encode("alice:wrong");
    format!("GET /-/whoami HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {secret}\r\n\r\n").into_bytes()
}

fn node() -> Node {
    let setup = patient();
    setup.data_ref().user("alice", "correct horse");
    setup.start()
}

/// Connections whose jobs come before those of the next.
fn queue(node: &Node, count: usize) -> Vec<Raw> {
    let asked = |_| {
        let mut raw = node.connect();
        raw.send(&knock());
        raw
    };
    (0..count).map(asked).collect()
}

#[test]
fn a_peer_that_sends_on_while_its_job_runs_is_answered() {
    let node = node();
    let mut ahead = queue(&node, 30);
    let mut raw = node.connect();
    raw.send(&knock());
    for _ in 0..150 {
        // Each is an event, more than would be forgiven a peer that achieves nothing.
        raw.send(PING);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(raw.response("GET").status, 401);
    for number in 0..150 {
        assert_eq!(raw.response("GET").status, 200, "number {number}");
    }
    assert!(ahead.iter_mut().all(|raw| raw.response("GET").status == 401));
    assert_eq!(node.meters().sum("quarantined"), 0);
}

#[test]
fn peers_that_end_while_their_jobs_run_are_closed() {
    let node = node();
    let watch = Watch::begin(&node);
    let mut queue = queue(&node, 12);
    node.wait_for_meters("all have asked", LONG, |meters| meters.sum("requests") == 12);
    for (index, raw) in queue.iter_mut().enumerate() {
        match index % 3 {
            0 => crate::reset(raw),
            1 => raw.finish(),
            _ => {}
        }
    }
    let waiting: Vec<Raw> =
        queue.drain(..).enumerate().filter(|(index, _)| index % 3 > 0).map(|(_, raw)| raw).collect();
    for mut raw in waiting {
        assert_eq!(raw.response("GET").status, 401, "a half-close ends no request");
    }
    let meters = node.wait_for_meters("all are closed", LONG, |meters| meters.open() == 0);
    assert_eq!((meters.sum("jobs"), meters.sum("quarantined"), meters.sum("panics")), (12, 0, 0));
    let wakes = meters.sum("wakes") - watch.wakes;
    assert!(wakes <= 12 * 6, "{wakes} wakes for 12 requests");
    assert_rests(&node, Duration::from_millis(300), "after the jobs");
}

#[test]
fn more_slow_jobs_than_may_wait_are_told_to_come_back() {
    let node = node();
    while_others_are_served(&node, || {
        let mut crowd: Vec<Raw> = (0..80).map(|_| node.connect()).collect();
        crowd.iter_mut().for_each(|raw| raw.send(&knock()));
        let mut busy = 0;
        for raw in &mut crowd {
            let response = raw.response("GET");
            match response.status {
                401 => {}
                503 => {
                    assert_eq!(response.header("retry-after"), Some("1"));
                    busy += 1;
                }
                _ => panic!("{response:?}"),
            }
        }
        assert!((1..80).contains(&busy), "{busy} of 80 were told to come back");
    });
}
