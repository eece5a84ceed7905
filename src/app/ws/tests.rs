//! The opening handshake against a service that does nothing else.

use super::{Accepted, Channel, Link, Message, Origins, Terms, accept};
use crate::app::testing::{Answer, Bench};
use crate::app::{BodyPolicy, Flow, Reply, Request, RouteSpec, Service};
use crate::wire::http1::Method;
use crate::wire::ws::extension::Policy;
use std::sync::Arc;

struct Nothing;

impl Channel for Nothing {
    fn on_message(&mut self, _message: Message<'_>, _link: &mut Link<'_>) {}
}

struct Opens {
    terms: Terms,
    protocols: &'static [&'static str],
}

impl Service for Opens {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let accepted = accept(request, reply, &self.terms, self.protocols);
        accepted.map_or(Flow::Done, |accepted: Accepted| {
            assert!(accepted.protocol().is_none_or(|protocol| self.protocols.contains(&protocol)));
            accepted.serve(Nothing)
        })
    }
}

const ASK: [&str; 5] = [
    "GET /ws HTTP/1.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

fn bench(terms: Terms, protocols: &'static [&'static str]) -> Bench {
    let route = |method| RouteSpec { method, pattern: "/ws", id: 0, body: BodyPolicy::Buffer, open: true };
    Bench::new("", &[route(Method::Get), route(Method::Post)], Box::new(Opens { terms, protocols }))
}

/// What is answered when these lines are asked; an answer that is no 101 is JSON.
fn answered(bench: &mut Bench, lines: &[&str]) -> Answer {
    let answer = bench.ask(lines);
    assert_eq!(answer.status == 101, answer.body.is_empty(), "{answer:?}");
    answer
}

fn with(terms: Terms, more: &[&str]) -> Answer {
    answered(&mut bench(terms, &[]), &[&ASK[..], more].concat())
}

#[test]
fn a_handshake_is_answered_as_in_the_rfc() {
    let answer = with(Terms::default(), &[]);
    let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    assert_eq!(answer.head, expected);
}

#[test]
fn each_part_that_is_missing_or_wrong_is_refused() {
    let mut bench = bench(Terms::default(), &[]);
    for (index, line, status) in [
        (0, "POST /ws HTTP/1.1", 405),
        (0, "GET /ws HTTP/1.0", 426),
        (1, "X: y", 426),
        (1, "Upgrade: h2c", 426),
        (2, "Connection: close", 400),
        (2, "X: y", 400),
        (3, "X: y", 426),
        (3, "Sec-WebSocket-Version: 8", 426),
        (4, "X: y", 400),
        (4, "Sec-WebSocket-Key: c2hvcnQ=", 400),
        (4, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=!", 400),
    ] {
        let mut lines = ASK;
        lines[index] = line;
        let answer = answered(&mut bench, &lines);
        assert_eq!(answer.status, status, "{line}");
        match status {
            405 => assert_eq!(answer.header("allow"), Some("GET")),
            426 => assert_eq!(answer.header("upgrade"), Some("websocket")),
            _ => {}
        }
        let versions = answer.header("sec-websocket-version");
        assert_eq!(versions.is_some(), index == 3, "{line}");
    }
    for more in [ASK[3], ASK[4], "Content-Length: 1", "Sec-WebSocket-Protocol: a b"] {
        assert_eq!(answered(&mut bench, &[&ASK[..], &[more]].concat()).status, 400, "{more}");
    }
    assert_eq!(answered(&mut bench, &ASK).status, 101);
}

#[test]
fn foreign_pages_are_refused_and_told_what_would_let_them_in() {
    for (origins, origin, status) in [
        (Origins::default(), "https://evil.example", 403),
        (Origins::default(), "null", 403),
        (Origins::listed(["https://good.example".to_owned()]), "https://good.example", 101),
        (Origins::listed(["https://good.example".to_owned()]), "https://evil.example", 403),
        (Origins::any(), "https://evil.example", 101),
    ] {
        let terms = Terms { origins: Arc::new(origins), ..Terms::default() };
        let answer = with(terms, &[&format!("Origin: {origin}")]);
        assert_eq!(answer.status, status, "{origin}");
        assert_eq!(answer.text().contains("list of origins does not name it"), status == 403);
    }
}

#[test]
fn the_first_of_our_subprotocols_that_is_offered_is_chosen() {
    for (ours, theirs, chosen) in [
        (&["b", "a"][..], Some("a, b"), Some("b")),
        (&["a"], Some("x, a"), Some("a")),
        (&["a"], Some("A"), None),
        (&["a"], Some("x"), None),
        (&["a"], None, None),
    ] {
        let field = theirs.map(|theirs| format!("Sec-WebSocket-Protocol: {theirs}"));
        let lines: Vec<&str> = ASK.into_iter().chain(field.as_deref()).collect();
        let answer = answered(&mut bench(Terms::default(), ours), &lines);
        assert_eq!(answer.status, if chosen.is_some() { 101 } else { 400 }, "{ours:?} {theirs:?}");
        assert_eq!(answer.header("sec-websocket-protocol"), chosen);
    }
    // A slice without any speaks to whoever offers some, and chooses none.
    let answer = with(Terms::default(), &["Sec-WebSocket-Protocol: a"]);
    assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, None));
}

#[test]
fn compression_is_agreed_on_where_both_want_it() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    let deflate = || Terms { deflate: Some(Policy::default()), ..Terms::default() };
    let agreed = |terms, more: &[&str]| with(terms, more).header("sec-websocket-extensions").map(str::to_owned);
    assert_eq!(agreed(Terms::default(), &[offer]), None);
    assert_eq!(agreed(deflate(), &[]), None);
    assert_eq!(agreed(deflate(), &["Sec-WebSocket-Extensions: x-webkit-deflate-frame"]), None);
    assert_eq!(agreed(deflate(), &[offer]).as_deref(), Some("permessage-deflate"));
}

#[test]
fn an_extension_that_is_none_is_refused_though_nothing_is_agreed_on() {
    for value in ["a b", "permessage-deflate; =1", "a; b=", "a;", "\"a\""] {
        for deflate in [None, Some(Policy::default())] {
            let terms = Terms { deflate, ..Terms::default() };
            let answer = with(terms, &[&format!("Sec-WebSocket-Extensions: {value}")]);
            assert_eq!(answer.status, 400, "{value}");
        }
    }
}
