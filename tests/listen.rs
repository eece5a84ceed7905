//! Where a node listens: Unix sockets beside addresses, sockets that a service manager hands over, and
//! what it tells the manager; proxies that say whose a connection is.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

#[path = "listen/manager.rs"]
mod manager;
#[path = "listen/proxy.rs"]
mod proxy;
#[path = "listen/unix.rs"]
mod unix;

use std::time::Duration;

use support::{Raw, Setup};

const PING: &[u8] = b"GET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n";
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(20);
const NAMED: &str = "[node]\npublic_url = \"http://npm.example\"\n";

fn ask(raw: &mut Raw) {
    raw.send(PING);
    assert_eq!(raw.response("GET").status, 200);
}

/// A node that also listens at the file `socket` of its own directory.
fn with_socket() -> Setup {
    Setup::new().places("127.0.0.1:0,unix:socket")
}
