//! Who may open the WebSocket.

use super::{Memory, Thread};
use crate::config::Flags;

const OPENING: [&str; 6] = [
    "GET /_dashboard/ws HTTP/1.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: lattice.token.secret, lattice.config.v1",
];

fn open(thread: &mut Thread, fields: &[&str]) -> super::Answer {
    thread.ask(&[&OPENING[..], fields].concat(), "")
}

#[test]
fn who_may_read_may_open_it() {
    let config = Memory::new();
    for (anonymous_reads, private, field, status) in [
        (true, false, "X: x", 101),
        (true, true, "X: x", 401),
        (false, false, "X: x", 401),
        (true, true, "Authorization: user", 101),
        (false, false, "Authorization: reader", 101),
        (true, false, "Authorization: bad", 401),
    ] {
        let mut thread = Thread::new(&config, anonymous_reads);
        thread.0.on_flags(Flags::BINARY_PROTOCOL.with(Flags::PRIVATE_REGISTRY, private));
        let answer = open(&mut thread, &[field]);
        assert_eq!(answer.status, status, "{anonymous_reads} {private} {field}");
        assert_eq!(answer.header("WWW-Authenticate").is_some(), status == 401);
    }
}

#[test]
fn the_protocol_is_told_and_the_token_is_not() {
    let answer = open(&mut Thread::new(&Memory::new(), true), &[]);
    assert_eq!((answer.status, answer.header("Sec-WebSocket-Protocol")), (101, Some("lattice.config.v1")));
    assert!(!answer.head.contains("secret"), "{}", answer.head);
}

#[test]
fn without_the_flag_it_is_closed_to_everybody() {
    let mut thread = Thread::new(&Memory::new(), true);
    thread.0.on_flags(Flags(!Flags::BINARY_PROTOCOL.0 & !Flags::PRIVATE_REGISTRY.0));
    for field in ["X: x", "Authorization: root"] {
        let answer = open(&mut thread, &[field]);
        assert_eq!((answer.status, answer.json()["error"].as_str()), (403, Some("BINARY_PROTOCOL is off")));
    }
}

#[test]
fn another_protocol_another_page_and_a_plain_request_are_refused() {
    let mut thread = Thread::new(&Memory::new(), true);
    let mut ask = |lines: &[&str]| thread.ask(lines, "").status;
    assert_eq!(ask(&OPENING[..5]), 400);
    assert_eq!(ask(&[&OPENING[..5], &["Sec-WebSocket-Protocol: lattice.config.v2"]].concat()), 400);
    assert_eq!(ask(&[&OPENING[..], &["Origin: https://evil.example"]].concat()), 403);
    assert_eq!(ask(&OPENING[..1]), 426);
}
