//! The error table: each status, with what it promises.

use std::time::Duration;

use crate::support::Node;
use crate::{LONG, PING, assert_goes_on, assert_is_error, assert_over, echo, echo_head, exchange, node, with_config};

/// A request that is refused, and what follows it on the same connection is not answered.
fn assert_ends(node: &Node, status: u16, method: &str, request: &[u8], what: &str) {
    let (response, mut raw) = exchange(node, method, &[request, PING].concat());
    assert_is_error(&response, status, what);
    assert_eq!(response.header("connection"), Some("close"), "{what}");
    assert_over(&mut raw, what);
}

#[test]
fn an_unknown_path_is_404_and_the_connection_goes_on() {
    let node = node();
    for method in ["GET", "POST", "PUT", "DELETE"] {
        let request = format!("{method} /-/nothing/of/the/kind HTTP/1.1\r\nHost: a\r\n\r\n");
        let (response, mut raw) = exchange(&node, method, request.as_bytes());
        assert_is_error(&response, 404, method);
        assert_goes_on(&mut raw, method);
    }
}

#[test]
fn a_method_that_is_not_for_the_path_is_405_and_says_which_are() {
    let node = node();
    let wrong = [("POST", "/-/ping", "GET"), ("DELETE", "/readyz", "GET"), ("GET", "/-/package/a/dist-tags/b", "PUT")];
    for (method, path, allowed) in wrong {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let (response, mut raw) = exchange(&node, method, request.as_bytes());
        assert_is_error(&response, 405, path);
        let allow: Vec<&str> = response.header("allow").expect("Allow").split(',').map(str::trim).collect();
        assert!(allow.contains(&allowed) && !allow.contains(&method), "{path}: {allow:?}");
        assert_goes_on(&mut raw, path);
    }
    let (response, _) = exchange(&node, "HEAD", b"HEAD /-/package/a/dist-tags/b HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(response.status, 405, "HEAD comes with GET, not with PUT");
}

#[test]
fn options_tells_the_methods() {
    let node = node();
    let (response, mut raw) = exchange(&node, "OPTIONS", b"OPTIONS /-/ping HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(response.status, 204);
    assert!(response.header("allow").is_some_and(|allow| allow.contains("GET")));
    assert_eq!(response.header_count("content-length"), 0, "a 204 has none (RFC 9110 §8.6)");
    raw.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(raw.response("OPTIONS").status, 204);
    assert_goes_on(&mut raw, "OPTIONS *");
}

#[test]
fn a_slow_head_is_408() {
    let node = with_config("[http]\nhead_timeout_s = 1\n");
    let parts = ["G", "GET /-/ping HTTP/1.1\r\nHost", "GET /-/ping HTTP/1.1\r\nHost: a\r\n\r"];
    let begin = |part: &'static str| {
        let mut raw = node.connect();
        raw.send(part.as_bytes());
        (part, raw)
    };
    for (part, mut raw) in parts.map(begin) {
        let response = raw.response("GET");
        assert_is_error(&response, 408, part);
        assert_eq!(response.header("connection"), Some("close"));
        assert_over(&mut raw, part);
    }
}

#[test]
fn a_slow_head_after_a_request_is_408() {
    let node = with_config("[http]\nhead_timeout_s = 1\n");
    let (response, mut raw) = exchange(&node, "GET", &[PING, b"GET /-/pi"].concat());
    assert_eq!(response.status, 200);
    assert_is_error(&raw.response("GET"), 408, "the second");
    assert_over(&mut raw, "the second");
}

#[test]
fn a_slow_body_is_408_and_a_body_that_keeps_coming_is_not() {
    let node = with_config("[http]\nbody_timeout_s = 1\nbody_rate = 2\n");
    let (response, mut raw) = exchange(&node, "POST", &[&echo_head(10), &b"half"[..]].concat());
    assert_is_error(&response, 408, "a body that stops");
    assert_over(&mut raw, "a body that stops");
    let mut raw = node.connect();
    raw.send(&echo_head(5));
    raw.send_slowly(b"01234", 1, Duration::from_millis(300));
    assert_eq!(raw.response("POST").text(), "01234", "each piece wins back half a second");
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let node = with_config("[http]\nidle_timeout_s = 1\n");
    let (_, mut raw) = exchange(&node, "GET", PING);
    assert!(raw.is_closed_within(LONG));
    assert_eq!(raw.unread(), b"");
}

#[test]
fn an_upload_without_a_length_is_411() {
    let node = node();
    let (response, mut raw) = exchange(&node, "PUT", b"PUT /some-package HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_is_error(&response, 411, "a publish without a body");
    assert_goes_on(&mut raw, "there was no body");
}

#[test]
fn too_large_a_body_is_413_and_says_the_limit_and_its_key() {
    let node = with_config("[http]\nbody_bytes = \"1 KiB\"\n");
    let chunked = b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n";
    let chunked = [&chunked[..], &[b'x'; 1025], b"\r\n0\r\n\r\n"].concat();
    for (what, request) in [("counted", echo(&[b'x'; 1025])), ("chunked", chunked)] {
        let (response, mut raw) = exchange(&node, "POST", &[&request, PING].concat());
        assert_is_error(&response, 413, what);
        assert!(response.text().contains("1024") && response.text().contains("body_bytes"), "{}", response.text());
        assert_over(&mut raw, what);
    }
}

#[test]
fn too_large_a_body_where_none_is_wanted_is_413() {
    let node = node();
    let head = |length| format!("GET /-/ping HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    let limit = 64 * 1024;
    for length in [limit - 1, limit] {
        let (response, mut raw) = exchange(&node, "GET", &[head(length), vec![b'x'; length]].concat());
        assert_eq!(response.status, 200, "{length}");
        assert_goes_on(&mut raw, "the body was read and dropped");
    }
    let (response, mut raw) = exchange(&node, "GET", &[head(limit + 1), vec![b'x'; limit + 1], PING.to_vec()].concat());
    assert_is_error(&response, 413, "one byte more");
    assert_over(&mut raw, "one byte more");
}

#[test]
fn a_refusal_can_be_read_though_the_body_goes_on() {
    let node = node();
    let mut raw = node.connect();
    let length = 20 * 1024 * 1024;
    raw.send(&echo_head(length));
    raw.send(&vec![b'x'; length]);
    assert_is_error(&raw.response("POST"), 413, "after all of it was sent");
}

#[test]
fn a_refused_head_request_has_no_body_either() {
    let node = node();
    let request = b"HEAD /-/ping HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n";
    let (response, mut raw) = exchange(&node, "HEAD", request);
    assert_eq!(response.status, 413);
    assert_over(&mut raw, "HEAD");
}

#[test]
fn too_long_a_target_is_414() {
    let node = node();
    assert_ends(
        &node,
        414,
        "GET",
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(8 * 1024)).as_bytes(),
        "9 KiB",
    );
    let (response, mut raw) = exchange(&node, "GET", format!("GET /{}", "x".repeat(16 * 1024)).as_bytes());
    assert_is_error(&response, 414, "a target without an end");
    assert_over(&mut raw, "a target without an end");
}

#[test]
fn other_expectations_are_417() {
    let node = node();
    let request = b"POST /-/echo HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\nhi";
    assert_ends(&node, 417, "POST", request, "an expectation");
}

#[test]
fn too_large_a_head_is_431() {
    let node = node();
    assert_ends(
        &node,
        431,
        "GET",
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(16 * 1024)).as_bytes(),
        "16 KiB",
    );
    assert_ends(
        &node,
        431,
        "GET",
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(100)).as_bytes(),
        "101 fields",
    );
}

#[test]
fn what_is_not_implemented_is_501() {
    let node = node();
    assert_ends(&node, 501, "BREW", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "a method");
    assert_ends(&node, 501, "get", b"get / HTTP/1.1\r\nHost: a\r\n\r\n", "methods are case-sensitive");
    for coding in ["gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", ""] {
        let request = format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n");
        assert_ends(&node, 501, "POST", request.as_bytes(), coding);
    }
}

#[test]
fn other_versions_are_505() {
    let node = node();
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"] {
        assert_ends(&node, 505, "GET", format!("GET / {version}\r\nHost: a\r\n\r\n").as_bytes(), version);
    }
    assert_ends(&node, 505, "PRI", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "the preface of HTTP/2");
}
