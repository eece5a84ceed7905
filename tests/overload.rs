//! More than a node has room for: too many connections of one address, peers that are too slow, more
//! memory than connections may hold together. Whoever keeps to the bounds is served meanwhile.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

#[path = "overload/memory.rs"]
mod memory;
#[path = "overload/peers.rs"]
mod peers;
#[path = "overload/rates.rs"]
mod rates;

use std::time::Duration;

use support::Raw;

const PING: &[u8] = b"GET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n";
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(20);

fn ask(raw: &mut Raw) {
    raw.send(PING);
    assert_eq!(raw.response("GET").status, 200);
}

/// The head of a request that is answered with its own body.
fn echo_head(length: usize) -> Vec<u8> {
    format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}
