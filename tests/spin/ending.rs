//! Half-close and reset, at each stage of a request: progress or close, never a spin.

use std::time::Duration;

use crate::support::{Node, Raw};
use crate::{LONG, PART_OF_A_BODY, PING, Watch, ask, echo, patient, reset};

/// What a peer has sent when it ends: its name, its bytes, the answers it is owed.
fn stages() -> Vec<(&'static str, Vec<u8>, usize)> {
    vec![
        ("nothing", Vec::new(), 0),
        ("part of a line end", b"\r".to_vec(), 0),
        ("part of a request line", b"GET /-/p".to_vec(), 0),
        ("part of a head", PING[..PING.len() - 2].to_vec(), 0),
        ("a request", PING.to_vec(), 1),
        ("a request and part of the next", [PING, b"GET"].concat(), 1),
        ("300 requests at once", PING.repeat(300), 300),
        ("part of a body", PART_OF_A_BODY.to_vec(), 0),
        (
            "part of a chunk",
            b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab".to_vec(),
            0,
        ),
        ("a whole body", echo(10), 1),
        ("something malformed", b"GET / HTTP/1.1\nHost: a\r\n\r\n".to_vec(), 1),
        ("too long a body", b"POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\nab".to_vec(), 1),
    ]
}

/// Ends each stage with `end`, both as soon as it is sent and after a pause.
fn at_each_stage(node: &Node, end: impl Fn(&str, Raw, usize)) {
    for (name, bytes, answers) in stages() {
        for pause_ms in [0, 20] {
            let mut raw = node.connect();
            raw.send(&bytes);
            std::thread::sleep(Duration::from_millis(pause_ms));
            end(name, raw, answers);
        }
    }
}

fn assert_all_closed(node: &Node) {
    let meters = node.wait_for_meters("all are closed", LONG, |meters| meters.open() == 0);
    assert_eq!((meters.sum("quarantined"), meters.sum("panics"), meters.sum("expired")), (0, 0, 0));
}

#[test]
fn a_half_close_is_answered_and_then_closed() {
    let node = patient().start();
    let watch = Watch::begin(&node);
    at_each_stage(&node, |name, mut raw, answers| {
        raw.finish();
        for number in 0..answers {
            assert!(raw.try_response("GET").is_some(), "{name}: answer {number}");
        }
        assert_eq!(raw.until_close(), b"", "{name}");
    });
    assert_all_closed(&node);
    watch.assert_quiet(24 * 8, "24 half-closed connections");
}

#[test]
fn a_reset_at_any_stage_closes() {
    let node = patient().start();
    let watch = Watch::begin(&node);
    at_each_stage(&node, |_, raw, _| reset(&raw));
    assert_all_closed(&node);
    watch.assert_quiet(24 * 8, "24 connections that were reset");
}

#[test]
fn a_reset_while_the_answer_is_blocked_closes() {
    let node = patient().start();
    let mut raw = node.connect();
    raw.send(&echo(32 * 1024 * 1024));
    node.wait_for_meters("the request has arrived", LONG, |meters| meters.sum("requests") == 1);
    reset(&raw);
    drop(raw);
    assert_all_closed(&node);
}

#[test]
fn a_peer_that_lingers_half_closed_after_a_refusal_is_let_go() {
    let node = patient().start();
    let mut raw = node.connect();
    raw.send(b"BAD\r\n\r\n");
    assert_eq!(raw.response("GET").status, 400);
    assert_eq!(raw.until_close(), b"", "the node has said all");
    // It neither closes nor sends: the node gives it some seconds and then goes.
    let watch = Watch::begin(&node);
    node.wait_for_meters("it is let go", LONG, |meters| meters.sum("expired") == 1 && meters.open() == 0);
    watch.assert_quiet(3, "a peer that holds on to a connection that is over");
}

#[test]
fn resets_by_the_hundred_leave_the_node_as_it_was() {
    let node = patient().start();
    let files = node.open_files();
    let mut kept = node.connect();
    for round in 0..300 {
        let mut raw = node.connect();
        raw.send(if round % 2 == 0 { PING } else { PART_OF_A_BODY });
        reset(&raw);
        drop(raw);
        if round % 10 == 0 {
            ask(&mut kept);
        }
    }
    node.wait_for_meters("all but one are closed", LONG, |meters| meters.open() == 1);
    assert_eq!(node.open_files(), files + 1);
    ask(&mut kept);
}
