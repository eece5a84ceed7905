//! Twenty thousand idle connections: what they cost in memory and in wakes, and that nothing of them stays.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use support::{Node, Setup};

const PING: &[u8] = b"GET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n";
/// As many as the limit of open files leaves room for, up to this.
const WANTED: usize = 20_000;
/// Fewer than this would show nothing.
const NEEDED: usize = 10_000;
/// Descriptors of the test and of the node that are no idle connections.
const SPARE: usize = 300;
/// Connections of one of our addresses: each has its own range of ports.
const PER_ADDRESS: usize = 5_000;
/// Memory of the node for one idle connection, in bytes.
const BYTES_PER_CONNECTION: u64 = 600;
/// Memory of the loop itself, in KiB: event lists, buffers, and a table that grows by doubling.
const LOOP_KIB: u64 = 512;
const LONG: Duration = Duration::from_secs(60);

fn node() -> Node {
    let config = "[http]\nidle_timeout_s = 3600\nhead_timeout_s = 600\n[node]\nconnections = 60000\n";
    Setup::new().threads(2).config(config).start()
}

/// A connection from one of our many addresses.
fn connect(number: usize, node: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("descriptors are left");
    let last = 1 + u8::try_from(number / PER_ADDRESS).expect("a few addresses");
    let ours = SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), 0));
    socket.bind(&ours.into()).unwrap_or_else(|error| panic!("bind {ours}: {error}"));
    socket.connect(&node.into()).unwrap_or_else(|error| panic!("connection {number}: {error}"));
    TcpStream::from(socket)
}

/// Asks for something small and reads all of the answer.
fn ask(mut stream: &TcpStream) {
    stream.write_all(PING).expect("an idle connection takes this");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n{}") {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).expect("an answer");
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&bytes[..count]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{:?}", String::from_utf8_lossy(&answer));
}

/// `count` connections more, each of which has asked once.
fn grow(held: &mut Vec<TcpStream>, count: usize, node: SocketAddr) {
    for number in held.len()..held.len() + count {
        let stream = connect(number, node);
        ask(&stream);
        held.push(stream);
    }
}

/// How many connections the limit of open files allows on both ends.
fn room() -> usize {
    let limit = lattice::reactor::sys::raise_open_files().expect("a process may raise its own soft limit");
    let count = WANTED.min(usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(SPARE));
    assert!(count >= NEEDED, "{limit} open files are too few for this test: raise the hard limit (ulimit -Hn)");
    count
}

#[test]
fn twenty_thousand_idle_connections_cost_little_and_leave_nothing() {
    let count = room();
    let node = node();
    let mut held = Vec::with_capacity(count);
    // What the first connections make the node load and allocate is no cost of a connection.
    grow(&mut held, 100, node.address());
    let (before_kib, files) = (node.proc_status("VmRSS"), node.open_files());

    for goal in [NEEDED, count] {
        let more = goal - held.len();
        grow(&mut held, more, node.address());
        assert_eq!(node.meters().open(), goal as u64);
        assert_costs_little(&node, goal - 100, before_kib);
    }
    assert_rests(&node, held.len());
    assert_all_are_served(&node, &held);

    held.truncate(100);
    node.wait_for_meters("the others have closed", LONG, |meters| meters.open() == 100);
    node.wait_for_open_files(files, LONG);
    held.iter().for_each(ask);
    drop(held);
    let meters = node.wait_for_meters("all have closed", LONG, |meters| meters.open() == 0);
    node.wait_for_open_files(files - 100, LONG);
    let faults = ["refused", "pauses", "quarantined", "expired", "panics", "stale"].map(|name| meters.sum(name));
    assert_eq!(faults, [0; 6], "{meters:?}");
    assert_eq!(node.get("/-/ping").status, 200);
}

fn assert_costs_little(node: &Node, connections: usize, before_kib: u64) {
    let more_kib = node.proc_status("VmRSS").saturating_sub(before_kib);
    let each = more_kib * 1024 / connections as u64;
    println!("{connections} idle connections: {more_kib} KiB more, {each} bytes each");
    let bound_kib = BYTES_PER_CONNECTION * connections as u64 / 1024 + LOOP_KIB;
    assert!(more_kib < bound_kib, "{connections} idle connections take {more_kib} KiB, {bound_kib} are right");
}

/// Nothing happens for two seconds, and the node knows it.
fn assert_rests(node: &Node, connections: usize) {
    std::thread::sleep(Duration::from_millis(300));
    let (wakes, ticks) = (node.meters().sum("wakes"), node.cpu_ticks());
    std::thread::sleep(Duration::from_secs(2));
    let woken = node.meters().sum("wakes") - wakes;
    assert_eq!(woken, 0, "wakes with {connections} idle connections");
    // Asking for the meters is the main thread's work: a tick at most.
    assert!(node.cpu_ticks() - ticks <= 1, "CPU time with {connections} idle connections");
}

/// New clients are served, and so is each of the idle ones when it asks again.
fn assert_all_are_served(node: &Node, held: &[TcpStream]) {
    for _ in 0..100 {
        assert_eq!(node.get("/-/ping").status, 200);
    }
    held.iter().for_each(ask);
    let meters = node.meters();
    assert_eq!(meters.sum("requests"), 2 * held.len() as u64 + 100);
}
