//! HTTP/1.1 against the running node: what each request is answered with, what is refused and how,
//! and what real clients make of it. Every byte goes over a socket.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

#[path = "http/clients.rs"]
mod clients;
#[path = "http/edge.rs"]
mod edge;
#[path = "http/errors.rs"]
mod errors;
#[path = "http/framing.rs"]
mod framing;
#[path = "http/limits.rs"]
mod limits;
#[path = "http/pipelines.rs"]
mod pipelines;
#[path = "http/refused.rs"]
mod refused;

use std::time::Duration;

use support::{Node, Raw, Response, Setup};

const PING: &[u8] = b"GET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n";
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// A node as it is configured by default, with `/-/echo`.
fn node() -> Node {
    Setup::new().args(&["--echo"]).start()
}

fn with_config(toml: &str) -> Node {
    Setup::new().args(&["--echo"]).config(toml).start()
}

/// A request for `/-/echo` with a body of this length.
fn echo_head(length: usize) -> Vec<u8> {
    format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

fn echo(body: &[u8]) -> Vec<u8> {
    [&echo_head(body.len()), body].concat()
}

/// Sends `bytes` on a connection of their own; the answer, and the connection.
fn exchange(node: &Node, method: &str, bytes: &[u8]) -> (Response, Raw) {
    let mut raw = node.connect();
    raw.send(bytes);
    let response = raw.response(method);
    (response, raw)
}

/// What every refusal has: JSON with a reason to read, and its length.
fn assert_is_error(response: &Response, status: u16, what: &str) {
    assert_eq!(response.status, status, "{what}: {}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"), "{what}");
    assert_eq!(response.header_count("content-length"), 1, "{what}");
    assert_eq!(response.header_count("date"), 1, "{what}");
    assert!(response.json()["error"].as_str().is_some_and(|error| !error.is_empty()), "{what}: {}", response.text());
}

/// The connection is over, and nothing more was said on it.
fn assert_over(raw: &mut Raw, what: &str) {
    let more = raw.until_close();
    assert!(more.is_empty(), "{what}: answered on: {}", String::from_utf8_lossy(&more));
}

fn assert_goes_on(raw: &mut Raw, what: &str) {
    raw.send(PING);
    assert_eq!(raw.response("GET").status, 200, "{what}: the connection goes on");
}
