//! Many requests at once on one connection: answered in order, and others have their turns meanwhile.

use std::io::Write;

use crate::support::{Raw, while_others_are_served};
use crate::{PING, echo, node};

const COUNT: usize = 10_000;

/// Sends `bytes` on a thread of its own: whoever sends all before it reads may wait for itself.
fn send_beside(raw: &Raw, bytes: Vec<u8>) -> std::thread::JoinHandle<()> {
    let mut stream = raw.stream().try_clone().expect("descriptors are left");
    std::thread::spawn(move || stream.write_all(&bytes).expect("all is taken"))
}

#[test]
fn ten_thousand_requests_are_answered_in_order_while_others_are_served() {
    let node = node();
    let requests: Vec<u8> = (0..COUNT).flat_map(|number| echo(number.to_string().as_bytes())).collect();
    while_others_are_served(&node, || {
        let mut raw = node.connect();
        let sender = send_beside(&raw, requests);
        for number in 0..COUNT {
            assert_eq!(raw.response("POST").text(), number.to_string());
        }
        sender.join().expect("all is sent");
    });
}

#[test]
fn ten_thousand_requests_in_small_pieces_are_answered() {
    let node = node();
    let mut raw = node.connect();
    let mut stream = raw.stream().try_clone().expect("descriptors are left");
    // A prime, so that requests are cut everywhere.
    let sender = std::thread::spawn(move || {
        PING.repeat(COUNT).chunks(1009).for_each(|piece| stream.write_all(piece).expect("all is taken"));
    });
    for number in 0..COUNT {
        assert_eq!(raw.response("GET").status, 200, "number {number}");
    }
    sender.join().expect("all is sent");
}

#[test]
fn a_pipeline_that_ends_with_a_half_close_is_answered_to_its_end() {
    let node = node();
    let mut raw = node.connect();
    let sender = send_beside(&raw, PING.repeat(COUNT));
    let mut answers = 0;
    while answers < COUNT / 2 {
        assert_eq!(raw.response("GET").status, 200);
        answers += 1;
    }
    sender.join().expect("all is sent");
    raw.finish();
    while raw.try_response("GET").is_some() {
        answers += 1;
    }
    assert_eq!(answers, COUNT);
}

#[test]
fn what_follows_a_closing_request_is_not_answered() {
    let node = node();
    let last = b"GET /-/ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut raw = node.connect();
    raw.send(&[PING, last, PING, PING].concat());
    assert_eq!(raw.response("GET").header("connection"), None);
    assert_eq!(raw.response("GET").header("connection"), Some("close"));
    assert_eq!(raw.until_close(), b"");
}

#[test]
fn bodies_and_refusals_within_a_pipeline_keep_their_places() {
    let node = node();
    let none = b"GET /-/nothing/of/the/kind HTTP/1.1\r\nHost: a\r\n\r\n";
    let wrong = b"POST /-/ping HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET";
    let head = b"HEAD /-/ping HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let mut raw = node.connect();
    raw.send(&[PING, &echo(b"one"), none, head, wrong, chunked, PING].concat());
    let methods = ["GET", "POST", "GET", "HEAD", "POST", "POST", "GET"];
    let answers = methods.map(|method| raw.response(method));
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 404, 200, 405, 200, 200]);
    assert_eq!((answers[1].text(), answers[5].text()), ("one".to_owned(), "hi".to_owned()));
}
