//! Urgent data (TCP's out-of-band byte): a read stops at its mark, which must not stop the request.

use std::time::Duration;

use socket2::SockRef;

use crate::support::{Node, Raw, while_others_are_served};
use crate::{LONG, PING, Watch, ask, echo, patient};

fn urgent(raw: &Raw, byte: u8) -> bool {
    SockRef::from(raw.stream()).send_out_of_band(&[byte]).is_ok()
}

/// Sends two parts with an urgent byte in between, all there before the node reads any of it.
fn send_at_once(node: &Node, raw: &mut Raw, before: &[u8], after: &[u8]) {
    node.signal("STOP");
    raw.send(before);
    assert!(urgent(raw, b'!'));
    raw.send(after);
    std::thread::sleep(Duration::from_millis(20));
    node.signal("CONT");
}

#[test]
fn urgent_data_within_a_head_a_body_and_between_requests_stops_nothing() {
    let node = patient().start();
    let body = echo(1000);
    let chunks = b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n";
    let requests = [("GET", PING), ("POST", &body[..]), ("POST", &chunks[..])];
    for (method, request) in requests {
        for cut in [0, 1, 10, request.len() / 2, request.len() - 1, request.len()] {
            let mut raw = node.connect();
            ask(&mut raw);
            let watch = Watch::begin(&node);
            send_at_once(&node, &mut raw, &request[..cut], &[&request[cut..], PING].concat());
            let response = raw.response(method);
            assert_eq!(response.status, 200, "{method}, cut at {cut}: {}", response.text());
            assert_eq!(raw.response("GET").status, 200, "{method}, cut at {cut}: the request after it");
            watch.assert_quiet(12, "urgent data");
        }
    }
    assert_eq!(node.meters().sum("quarantined"), 0);
}

#[test]
fn urgent_data_before_a_half_close_is_closed() {
    let node = patient().start();
    for request in [&b""[..], &PING[..5], PING] {
        let mut raw = node.connect();
        raw.send(request);
        urgent(&raw, b'!');
        raw.finish();
        raw.until_close();
    }
    node.wait_for_meters("all are closed", LONG, |meters| meters.open() == 0);
}

#[test]
fn a_connection_whose_events_lead_nowhere_is_quarantined() {
    let node = patient().start();
    let mut raw = node.connect();
    ask(&mut raw);
    let watch = Watch::begin(&node);
    // An urgent byte that the node sees alone is an event with nothing to read; two that arrive
    // together are one byte of data, and the count begins again. Once cut off, sending fails.
    let sent = (0..4000).take_while(|_| {
        std::thread::sleep(Duration::from_millis(5));
        // It is seen alone once the node has seen all before it.
        while !node.is_asleep() {
            std::thread::sleep(Duration::from_millis(1));
        }
        urgent(&raw, b'!')
    });
    let sent = sent.count();
    assert!((64..4000).contains(&sent), "cut off after {sent} events");
    watch.assert_quiet(sent as u64 + 10, "a peer that sends nothing but urgent bytes");
    let meters = node.wait_for_meters("it is closed", LONG, |meters| meters.open() == 0);
    assert_eq!(meters.sum("quarantined"), 1);
}

#[test]
fn urgent_bytes_among_progress_are_no_reason_for_quarantine() {
    let node = patient().start();
    let mut raw = node.connect();
    while_others_are_served(&node, || {
        for _ in 0..200 {
            assert!(urgent(&raw, b'!'));
            ask(&mut raw);
        }
    });
    assert_eq!(node.meters().sum("quarantined"), 0);
}
