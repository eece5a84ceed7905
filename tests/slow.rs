//! Slow and stuck peers, thousands at once, while somebody else wants a quick answer.
//!
//! Three kinds: whoever sends a head byte by byte, whoever sends a body so, and whoever asks for a large
//! answer and reads little or nothing of it. One thread moves them all; the client that is timed has another.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

#[path = "slow/latency.rs"]
mod latency;
#[path = "slow/peers.rs"]
mod peers;

use std::time::Duration;

use latency::assert_served_quickly;
use peers::{Kind, Peers};
use support::{Node, Package, Setup};

/// Peers of one kind.
const PEERS: usize = 2_000;
/// More than the sockets of both sides hold.
const TARBALL_BYTES: usize = 8 * 1024 * 1024;
/// Descriptors that the node opens when it first needs them and keeps: threads of its pool read the database.
const READERS_MAX: usize = 16;
const LONG: Duration = Duration::from_secs(30);

/// A node with two threads and a package; `times` are the keys of `[http]` that end a connection.
fn node(times: &str) -> (Node, Package) {
    lattice::reactor::sys::raise_open_files().expect("a process may raise its own soft limit");
    let config = format!("[http]\n{times}[node]\nconnections = 20000\n");
    let setup = Setup::new().threads(2).args(&["--echo"]).config(&config);
    let token = setup.data_ref().token("alice", &[]);
    let node = setup.start();
    let package = Package::new("large", "1.0.0").noise(TARBALL_BYTES, 1);
    let authorization = format!("Bearer {token}");
    let published = node.http("PUT", &package.path(), &[("Authorization", &authorization)], &package.body());
    assert_eq!(published.status, 201, "{}", published.text());
    (node, package)
}

const PATIENT: &str = "head_timeout_s = 600\nbody_timeout_s = 600\nidle_timeout_s = 600\nwrite_timeout_s = 600\n";

#[test]
fn two_thousand_slow_peers_of_each_kind_do_not_slow_the_others_down() {
    let (node, package) = node(PATIENT);
    let mut crowd = Vec::new();
    for kind in [Kind::Head, Kind::Body, Kind::Read] {
        crowd.push(Peers::start(kind, PEERS, node.address(), &package.tarball_path()));
        let expected = (crowd.len() * PEERS) as u64;
        node.wait_for_meters("all are connected", LONG, |meters| meters.open() == expected);
        assert_served_quickly(&node, &format!("among {expected} slow peers, the last of them {kind:?}"));
    }
    // None was lost on the way: they were there while the others were served.
    assert_eq!(node.meters().open(), 3 * PEERS as u64);
    let moved: Vec<u64> = crowd.iter().map(Peers::moved).collect();
    println!("bytes moved by each kind: {moved:?}; RSS {} KiB", node.proc_status("VmRSS"));
    assert!(moved.iter().all(|&bytes| bytes > PEERS as u64), "each peer did something: {moved:?}");
    drop(crowd);
    node.wait_for_meters("all are gone", LONG, |meters| meters.open() == 0);
    assert_served_quickly(&node, "alone again");
    let meters = node.meters();
    assert_eq!((meters.sum("panics"), meters.sum("refused")), (0, 0));
}

#[test]
fn deadlines_end_slow_heads_stuck_bodies_and_deaf_readers() {
    let (node, package) = node("head_timeout_s = 2\nbody_timeout_s = 2\nidle_timeout_s = 2\nwrite_timeout_s = 2\n");
    assert_served_quickly(&node, "alone");
    let files = node.open_files();
    let kinds = [Kind::Head, Kind::StuckBody, Kind::Deaf];
    let crowd = kinds.map(|kind| Peers::start(kind, PEERS / 2, node.address(), &package.tarball_path()));
    let all = (3 * PEERS / 2) as u64;
    assert_served_quickly(&node, "while deadlines pass");
    let meters = node.wait_for_meters("deadlines end them", LONG, |meters| meters.sum("expired") >= all);
    assert_eq!(meters.sum("panics"), 0);
    node.wait_for_meters("all are gone", LONG, |meters| meters.open() == 0);
    node.wait_for_open_files(files + READERS_MAX, LONG);
    drop(crowd);
}
