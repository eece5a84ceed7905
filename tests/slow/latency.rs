//! How long a quick client waits.

use std::time::{Duration, Instant};

use crate::support::{Node, Raw};

/// What the node promises to whoever is quick.
const P99_MAX: Duration = Duration::from_millis(20);
const REQUESTS: usize = 2_000;
/// Connections that are used in turn, so that every thread of the node is asked.
const CONNECTIONS: usize = 8;
/// Between two requests: all of them take longer than a second, in which each slow peer moves.
const PAUSE: Duration = Duration::from_micros(600);
/// Another process may take this machine's cores for a moment; the node would have to be slow each time.
const ATTEMPTS: usize = 3;

/// Nine and ninety of a hundred requests are answered in time. Prints what it saw.
pub(crate) fn assert_served_quickly(node: &Node, what: &str) {
    let is_quick = (0..ATTEMPTS).any(|_| p99(node, what) < P99_MAX);
    assert!(is_quick, "{what}: the p99 of each attempt is above {P99_MAX:?}");
}

fn p99(node: &Node, what: &str) -> Duration {
    let mut connections: Vec<Raw> = (0..CONNECTIONS).map(|_| node.connect()).collect();
    let mut waits: Vec<Duration> =
        (0..REQUESTS).map(|number| wait(&mut connections[number % CONNECTIONS], number)).collect();
    waits.sort_unstable();
    let p99 = waits[REQUESTS * 99 / 100];
    println!("{what}: p50 {:?}, p99 {p99:?}, longest {:?}", waits[REQUESTS / 2], waits[REQUESTS - 1]);
    p99
}

/// Asks once, for something small or for a package.
fn wait(raw: &mut Raw, number: usize) -> Duration {
    std::thread::sleep(PAUSE);
    let path = if number.is_multiple_of(4) { "/large" } else { "/-/ping" };
    let begin = Instant::now();
    raw.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    assert_eq!(raw.response("GET").status, 200);
    begin.elapsed()
}
