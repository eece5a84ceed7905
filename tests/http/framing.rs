//! Bodies and connections: lengths, chunks, 100-continue, HEAD, keep-alive.

use std::time::Duration;

use crate::support::{Raw, noise, while_others_are_served};
use crate::{LONG, PING, assert_goes_on, assert_over, echo, echo_head, exchange, node};

const CHUNKED: &[u8] = b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn a_connection_is_kept_until_somebody_says_otherwise() {
    let node = node();
    let keeps = |version: &str, field: &str| {
        let request = format!("GET /-/ping HTTP/{version}\r\nHost: a\r\n{field}\r\n");
        let (response, mut raw) = exchange(&node, "GET", request.as_bytes());
        assert_eq!(response.status, 200);
        let said = response.header("connection").map(str::to_owned);
        raw.send(PING);
        (raw.try_response("GET").is_some(), said)
    };
    assert_eq!(keeps("1.1", ""), (true, None));
    assert_eq!(keeps("1.1", "Connection: close\r\n"), (false, Some("close".to_owned())));
    assert_eq!(keeps("1.1", "Connection: x, CLOSE\r\n"), (false, Some("close".to_owned())));
    assert_eq!(keeps("1.0", ""), (false, Some("close".to_owned())));
    assert_eq!(keeps("1.0", "Connection: keep-alive\r\n"), (true, Some("keep-alive".to_owned())));
}

#[test]
fn a_body_is_the_same_wherever_it_is_cut() {
    let node = node();
    let chunked = [CHUNKED, b"3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"].concat();
    for (request, body) in [(echo(b"hello"), "hello"), (chunked, "abc0123456789")] {
        let mut raw = node.connect();
        for cut in 1..request.len() {
            raw.send(&request[..cut]);
            std::thread::sleep(Duration::from_millis(2));
            raw.send(&request[cut..]);
            let response = raw.response("POST");
            assert_eq!((response.status, response.text().as_str()), (200, body), "cut at {cut}");
        }
        raw.send_slowly(&request, 1, Duration::from_millis(1));
        assert_eq!(raw.response("POST").text(), body, "byte for byte");
    }
}

#[test]
fn a_megabyte_comes_back_as_it_was() {
    let node = node();
    let body = noise(1024 * 1024, 1);
    let (response, mut raw) = exchange(&node, "POST", &echo(&body));
    assert!(response.body == body, "{} bytes of {}", response.body.len(), body.len());
    assert_goes_on(&mut raw, "after a large body");
}

#[test]
fn a_hundred_thousand_chunks_of_one_byte_are_one_body() {
    let node = node();
    let body = noise(100_000, 2);
    let chunks: Vec<u8> = body.iter().flat_map(|&byte| [b'1', b'\r', b'\n', byte, b'\r', b'\n']).collect();
    let request = [CHUNKED, &chunks, b"0\r\n\r\n", PING].concat();
    while_others_are_served(&node, || {
        let (response, mut raw) = exchange(&node, "POST", &request);
        assert!(response.body == body, "{}", response.status);
        assert_eq!(raw.response("GET").status, 200, "the request after it");
    });
}

#[test]
fn an_empty_body_is_a_body() {
    let node = node();
    for request in [echo(b""), [CHUNKED, b"0\r\n\r\n"].concat()] {
        let (response, mut raw) = exchange(&node, "POST", &request);
        assert_eq!((response.status, response.header("content-length")), (200, Some("0")));
        assert_goes_on(&mut raw, "an empty body");
    }
}

#[test]
fn whoever_expects_100_is_told_to_go_on() {
    let node = node();
    for framing in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        let head = format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{framing}\r\n\r\n");
        let (interim, mut raw) = exchange(&node, "POST", head.as_bytes());
        assert_eq!(interim.status, 100, "{framing}");
        raw.send(if framing.starts_with('C') { b"hello" } else { b"5\r\nhello\r\n0\r\n\r\n" });
        assert_eq!(raw.response("POST").text(), "hello", "{framing}");
        assert_goes_on(&mut raw, framing);
    }
}

#[test]
fn nobody_is_told_to_go_on_in_vain() {
    let node = node();
    let expects = |rest: &str| {
        let request = format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{rest}");
        exchange(&node, "POST", request.as_bytes())
    };
    let (response, mut raw) = expects("Content-Length: 5\r\n\r\nhello");
    assert_eq!(response.text(), "hello", "its body is here already");
    assert_goes_on(&mut raw, "its body is here already");
    let (response, _) = expects("\r\n");
    assert_eq!(response.status, 200, "it has no body");
    let (response, mut raw) = expects("Content-Length: 99999999\r\n\r\n");
    assert_eq!(response.status, 413, "it would be refused");
    assert_over(&mut raw, "whether its body comes or not, nobody knows");
    let request =
        b"PUT /-/no/such/path/at/all HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    let (response, mut raw) = exchange(&node, "PUT", request);
    assert_eq!(response.status, 404);
    assert_over(&mut raw, "its body may come or not");
}

#[test]
fn head_is_get_without_the_body() {
    let node = node();
    for path in ["/-/ping", "/healthz", "/readyz", "/-/nothing/of/the/kind"] {
        let ask = |method: &str| format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
        let (get, _) = exchange(&node, "GET", &ask("GET"));
        let (head, mut raw) = exchange(&node, "HEAD", &ask("HEAD"));
        assert_eq!((head.status, head.header("content-length")), (get.status, get.header("content-length")), "{path}");
        assert_eq!(get.header("content-length"), Some(get.body.len().to_string().as_str()), "{path}");
        assert_goes_on(&mut raw, path);
    }
}

#[test]
fn one_empty_line_before_a_request_is_skipped() {
    let node = node();
    let (response, mut raw) = exchange(&node, "GET", &[b"\r\n", PING, b"\r\n", PING].concat());
    assert_eq!(response.status, 200);
    assert_eq!(raw.response("GET").status, 200);
}

#[test]
fn an_upgrade_nobody_knows_is_ignored() {
    let node = node();
    let request = b"GET /-/ping HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let (response, mut raw) = exchange(&node, "GET", request);
    assert_eq!(response.status, 200, "RFC 9110 §7.8 lets a server go on as before");
    assert_goes_on(&mut raw, "no tunnel");
}

#[test]
fn a_body_that_is_cut_off_is_never_answered() {
    let node = node();
    for part in [[&echo_head(10), &b"half"[..]].concat(), [CHUNKED, b"5\r\nhal"].concat(), [CHUNKED, b"0\r\n"].concat()]
    {
        let mut raw: Raw = node.connect();
        raw.send(&part);
        raw.finish();
        assert!(raw.is_closed_within(LONG));
        assert_eq!(raw.unread(), b"", "half a request");
    }
}
