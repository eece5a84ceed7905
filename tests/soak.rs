//! A million requests over a handful of kept connections, and thousands of connections one after another:
//! every answer is the right one, and the node takes no more memory at the end than near the beginning.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

#[path = "soak/client.rs"]
mod client;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::{Client, Expected, Get};
use socket2::SockRef;
use support::{Node, Package, Setup};

const REQUESTS: u64 = 1_000_000;
const THREADS: u64 = 2;
const CONNECTIONS_PER_THREAD: usize = 3;
/// KiB by which the memory may change between a tenth of the way and its end.
const DRIFT_KIB: u64 = 2 * 1024;
/// Far more than it takes.
const TIME_LIMIT: Duration = Duration::from_secs(120);
/// Descriptors that the node opens when it first needs them and keeps: threads of its pool read the database.
const READERS_MAX: usize = 16;
/// Connections that come and go.
const CONNECTIONS: u64 = 20_000;

fn node() -> Node {
    let setup = Setup::new().threads(2).args(&["--echo"]);
    let token = setup.data_ref().token("alice", &[]);
    let node = setup.start();
    let package = Package::new("asked-for", "1.0.0").file("readme.md", &[b'x'; 4000]);
    let authorization = format!("Bearer {token}");
    let published = node.http("PUT", &package.path(), &[("Authorization", &authorization)], &package.body());
    assert_eq!(published.status, 201, "{}", published.text());
    node
}

#[test]
fn a_million_requests_are_answered_in_the_same_memory() {
    let node = node();
    let answer = node.get("/asked-for");
    let package =
        Get { etag: answer.header("etag").expect("a packument has one").to_owned(), bytes: answer.body.len() };
    let begun = node.meters().sum("requests");
    let (answered, begin) = (AtomicU64::new(0), Instant::now());
    let samples = std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| ask_share(&node, &package, &answered, begin + TIME_LIMIT))).collect();
        let samples = watch(&node, &answered, || clients.iter().all(|client| client.is_finished()));
        clients.into_iter().for_each(|client| client.join().expect("every answer is right"));
        samples
    });
    let total = answered.load(Ordering::Relaxed);
    println!("{total} requests in {:.1?}; RSS of each tenth in KiB: {samples:?}", begin.elapsed());
    assert!(total >= REQUESTS);
    assert_eq!(node.meters().sum("requests") - begun, total, "the node counts as the clients do");
    assert_eq!(node.meters().sum("panics"), 0);
    assert_is_flat(&samples);
}

#[test]
fn connections_that_come_and_go_leave_nothing() {
    let node = node();
    let files = node.open_files();
    let mut samples = Vec::new();
    for number in 0..CONNECTIONS {
        if number % (CONNECTIONS / 10) == CONNECTIONS / 10 - 1 {
            samples.push(node.proc_status("VmRSS"));
        }
        come_and_go(&node, number);
    }
    println!("{CONNECTIONS} connections; RSS of each tenth in KiB: {samples:?}");
    assert_is_flat(&samples);
    node.wait_for_meters("all have closed", TIME_LIMIT, |meters| meters.open() == 0);
    node.wait_for_open_files(files + READERS_MAX, TIME_LIMIT);
}

/// One connection, ended by the node, by a reset, or by a reset in the middle of a body.
fn come_and_go(node: &Node, number: u64) {
    let mut raw = node.connect();
    if number.is_multiple_of(3) {
        raw.send(b"GET /asked-for HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(raw.response("GET").status, 200);
        assert_eq!(raw.until_close(), b"");
        return;
    }
    raw.send(b"GET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(raw.response("GET").status, 200);
    if number % 3 == 1 {
        raw.send(b"POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nnot all of it");
    }
    SockRef::from(raw.stream()).set_linger(Some(Duration::ZERO)).expect("a socket takes this option");
}

/// One thread's part of the requests: a batch on each of its connections, then the answers of each.
fn ask_share(node: &Node, package: &Get, answered: &AtomicU64, deadline: Instant) {
    let mut clients: Vec<Client> = (0..CONNECTIONS_PER_THREAD).map(|_| Client::connect(node.address())).collect();
    let mut left = REQUESTS / THREADS;
    while left > 0 {
        assert!(Instant::now() < deadline, "{left} requests are left after {TIME_LIMIT:?}");
        let sent: Vec<Vec<Expected>> = clients.iter_mut().map(|client| client.send_batch(package)).collect();
        for (client, expected) in clients.iter_mut().zip(&sent) {
            client.read_batch(expected);
            answered.fetch_add(expected.len() as u64, Ordering::Relaxed);
            left = left.saturating_sub(expected.len() as u64);
        }
    }
}

/// The node's memory after each tenth of the requests, until `is_over`.
fn watch(node: &Node, answered: &AtomicU64, is_over: impl Fn() -> bool) -> Vec<u64> {
    let mut samples = Vec::new();
    while !is_over() {
        if answered.load(Ordering::Relaxed) > (samples.len() as u64 + 1) * REQUESTS / 10 {
            samples.push(node.proc_status("VmRSS"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    samples.push(node.proc_status("VmRSS"));
    samples
}

fn assert_is_flat(samples: &[u64]) {
    assert!(samples.len() > 5, "too few samples: {samples:?}");
    let (first, most) = (samples[0], samples.iter().max().copied().unwrap_or(0));
    assert!(most <= first + DRIFT_KIB, "memory grows: {samples:?} KiB");
}
