//! What `[http]` sets, at the limit, below it and above it.

use crate::{PING, assert_goes_on, assert_is_error, assert_over, echo, exchange, with_config};

/// A request whose head has exactly `length` bytes.
fn head_of(length: usize) -> Vec<u8> {
    let head =
        |filler: usize| format!("GET /-/ping HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(filler)).into_bytes();
    head(length - head(0).len())
}

#[test]
fn head_bytes() {
    for limit in [1024, 2048, 16 * 1024] {
        let node = with_config(&format!("[http]\nhead_bytes = {limit}\n"));
        for length in [limit - 1, limit] {
            let (response, mut raw) = exchange(&node, "GET", &head_of(length));
            assert_eq!(response.status, 200, "{length} bytes of {limit}");
            assert_goes_on(&mut raw, "within the limit");
        }
        let (response, mut raw) = exchange(&node, "GET", &head_of(limit + 1));
        assert_is_error(&response, 431, "one byte more");
        assert!(response.text().contains("head_bytes"), "{}", response.text());
        assert_over(&mut raw, "one byte more");
    }
}

#[test]
fn headers() {
    let node = with_config("[http]\nheaders = 10\n");
    let request = |fields: usize| format!("GET /-/ping HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(fields - 1));
    for fields in [9, 10] {
        assert_eq!(exchange(&node, "GET", request(fields).as_bytes()).0.status, 200, "{fields} fields");
    }
    let (response, _) = exchange(&node, "GET", request(11).as_bytes());
    assert_is_error(&response, 431, "11 fields");
    assert!(response.text().contains("headers"), "{}", response.text());
}

#[test]
fn body_bytes() {
    let node = with_config("[http]\nbody_bytes = 2000\n");
    for length in [1999, 2000] {
        let (response, mut raw) = exchange(&node, "POST", &echo(&vec![b'x'; length]));
        assert_eq!((response.status, response.body.len()), (200, length));
        assert_goes_on(&mut raw, "within the limit");
    }
    let (response, _) = exchange(&node, "POST", &echo(&[b'x'; 2001]));
    assert_is_error(&response, 413, "one byte more");
    let chunked = |length: usize| {
        let head = b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        [&head[..], format!("{length:x}\r\n").as_bytes(), &vec![b'x'; length], b"\r\n0\r\n\r\n"].concat()
    };
    assert_eq!(exchange(&node, "POST", &chunked(2000)).0.status, 200);
    assert_is_error(&exchange(&node, "POST", &chunked(2001)).0, 413, "one byte more in chunks");
}

#[test]
fn requests_per_connection() {
    for limit in [1, 3] {
        let node = with_config(&format!("[http]\nrequests_per_connection = {limit}\n"));
        let mut raw = node.connect();
        raw.send(&PING.repeat(limit + 2));
        for number in 1..=limit {
            let response = raw.response("GET");
            let close = (number == limit).then_some("close");
            assert_eq!((response.status, response.header("connection")), (200, close), "number {number} of {limit}");
        }
        assert_over(&mut raw, "beyond the limit");
    }
}

#[test]
fn impossible_limits_are_refused_before_the_node_listens() {
    for (key, value) in [("head_bytes", "1023"), ("head_bytes", "\"17 KiB\""), ("headers", "7"), ("headers", "101")] {
        let output = crate::Setup::new().config(&format!("[http]\n{key} = {value}\n")).start_and_fail();
        assert_eq!(output.status.code(), Some(78), "{key} = {value}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(key) && told.contains("registry.toml:2"), "{told}");
    }
}
