//! How a node begins and ends: its first line, its port, its threads, and what becomes of requests in
//! flight when it is told to go.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::{Node, Raw, Setup};

const PING: &[u8] = b"GET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n";
/// More than two threads accept in several turns each.
const CROWD: usize = 1500;
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(20);

fn node() -> Node {
    with_drain(60)
}

/// A node that waits this many seconds for what is in flight: so long that a test which passes has not
/// waited for it. No other deadline ends anything.
fn with_drain(seconds: u32) -> Node {
    let http = "[http]\nhead_timeout_s = 600\nbody_timeout_s = 600\nidle_timeout_s = 600\n";
    let config = format!("[node]\ndrain_s = {seconds}\n{http}");
    Setup::new().threads(2).args(&["--echo"]).open_files_max(4096).config(&config).start()
}

/// A request that is in flight: its last byte is missing.
fn half_asked(node: &Node, path: &str) -> Raw {
    let mut raw = node.connect();
    raw.send(PING);
    assert_eq!(raw.response("GET").status, 200);
    raw.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r").as_bytes());
    raw
}

/// Waits until nobody can connect any more.
fn wait_until_deaf(node: &Node) {
    let deadline = Instant::now() + LONG;
    while TcpStream::connect(node.address()).is_ok() {
        assert!(Instant::now() < deadline, "the node still accepts");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn assert_ends_well(node: &Node) {
    let status = node.wait(LONG).expect("the node ends");
    assert_eq!(status.code(), Some(0), "{}", node.output());
}

#[test]
fn sigterm_answers_what_is_in_flight_and_ends_with_0() {
    for signal in ["TERM", "INT"] {
        let node = node();
        let mut in_flight = half_asked(&node, "/-/ping");
        let mut body = node.connect();
        body.send(b"POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
        node.wait_for_meters("the body has begun", LONG, |meters| meters.sum("requests") == 2);
        node.signal(signal);
        wait_until_deaf(&node);
        assert!(node.wait(Duration::from_millis(800)).is_none(), "{signal}: it waits for what is in flight");
        in_flight.send(b"\n");
        let response = in_flight.response("GET");
        assert_eq!((response.status, response.header("connection")), (200, Some("close")), "{signal}");
        assert_eq!(in_flight.until_close(), b"", "{signal}");
        body.send(b"lo");
        let response = body.response("POST");
        assert_eq!((response.text().as_str(), response.header("connection")), ("hello", Some("close")), "{signal}");
        // The node lingers for whoever has not closed its own side.
        drop((in_flight, body));
        assert_ends_well(&node);
    }
}

#[test]
fn a_draining_node_is_live_and_not_ready() {
    let node = node();
    let [mut ready, mut live] = ["/readyz", "/healthz"].map(|path| half_asked(&node, path));
    assert_eq!(node.get("/readyz").status, 200);
    node.signal("TERM");
    wait_until_deaf(&node);
    ready.send(b"\n");
    let response = ready.response("GET");
    assert_eq!((response.status, response.header("connection")), (503, Some("close")), "{}", response.text());
    live.send(b"\n");
    assert_eq!(live.response("GET").status, 200);
    drop((ready, live));
    assert_ends_well(&node);
}

#[test]
fn an_idle_connection_may_ask_once_more_and_is_then_closed() {
    let node = node();
    let mut idle: Vec<Raw> = (0..20).map(|_| node.connect()).collect();
    for raw in &mut idle {
        raw.send(PING);
        assert_eq!(raw.response("GET").status, 200);
    }
    node.signal("TERM");
    for (index, raw) in idle.iter_mut().enumerate() {
        if index % 2 == 0 {
            raw.send(PING);
            // Whether it comes in time is up to the machine. If it is answered, then as the last.
            if let Some(response) = raw.try_response("GET") {
                assert_eq!(response.status, 200);
            }
        }
        assert!(raw.is_closed_within(LONG), "idle connection {index}");
    }
    drop(idle);
    assert_ends_well(&node);
}

#[test]
fn an_idle_node_ends_at_once() {
    for signal in ["TERM", "INT"] {
        let node = node();
        assert_eq!(node.get("/-/ping").status, 200);
        node.signal(signal);
        assert_ends_well(&node);
    }
}

#[test]
fn a_second_signal_ends_the_node_at_once() {
    let node = node();
    let _in_flight = half_asked(&node, "/-/ping");
    node.signal("TERM");
    wait_until_deaf(&node);
    assert!(node.wait(Duration::from_millis(800)).is_none(), "it waits for what is in flight");
    node.signal("TERM");
    assert_ends_well(&node);
}

#[test]
fn nobody_is_waited_for_longer_than_drain_s() {
    let node = with_drain(1);
    let mut raw = half_asked(&node, "/-/ping");
    node.signal("TERM");
    assert_ends_well(&node);
    assert!(raw.is_closed_within(LONG));
}

#[test]
fn a_large_answer_on_its_way_is_sent_to_its_end() {
    let length = 32 * 1024 * 1024;
    let setup = Setup::new().args(&["--echo"]).config("[node]\ndrain_s = 60\n[http]\nbody_bytes = \"64 MiB\"\n");
    let node = setup.start();
    let mut raw = node.connect();
    raw.send(format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").as_bytes());
    raw.send(&vec![b'x'; length]);
    node.wait_for_meters("the request has arrived", LONG, |meters| meters.sum("requests") == 1);
    node.signal("TERM");
    wait_until_deaf(&node);
    assert!(node.wait(Duration::from_millis(800)).is_none(), "it waits for its reader");
    assert_eq!(raw.response("POST").body.len(), length);
    assert_eq!(raw.until_close(), b"");
    assert_ends_well(&node);
}

#[test]
fn whoever_connected_before_the_end_is_heard() {
    let node = node();
    node.signal("STOP");
    // The kernel completes these connections; the node has not seen them when it is told to go.
    let mut waiting: Vec<Raw> = (0..CROWD).map(|_| node.connect()).collect();
    waiting.iter_mut().for_each(|raw| raw.send(PING));
    node.signal("TERM");
    node.signal("CONT");
    for raw in &mut waiting {
        assert_eq!(raw.response("GET").status, 200);
    }
    drop(waiting);
    assert_ends_well(&node);
}

#[test]
fn a_second_node_on_the_same_port_is_refused() {
    let first = node();
    let output = Setup::new().listen(first.address()).start_and_fail();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&first.address().to_string()) && told.contains("--listen"), "{told}");
    assert_eq!(output.stdout, b"", "it did not claim to listen");
    assert_eq!(first.get("/-/ping").status, 200, "the first is not disturbed");
}

#[test]
fn a_port_is_free_again_as_soon_as_its_node_has_ended() {
    let first = node();
    let address = first.address();
    let mut raw = first.connect();
    raw.send(PING);
    assert_eq!(raw.response("GET").status, 200);
    assert_eq!(first.terminate().code(), Some(0));
    // The node closed first, so the kernel remembers the connection for a while.
    let second = first.setup().listen(address).start();
    assert_eq!((second.address(), second.get("/-/ping").status), (address, 200));
}

#[test]
fn the_first_line_says_where_it_listens() {
    let node = node();
    let output = node.output();
    let line = output.lines().next().expect("a line");
    assert!(line.starts_with("lattice ") && line.contains(&format!("http://{}", node.address())), "{line}");
    assert!(line.contains("with 2 threads") && line.contains("ready in "), "{line}");
    assert!(line.contains(&node.data().path().display().to_string()), "{line}");
}

#[test]
fn threads_share_the_connections() {
    let node = node();
    let mut connections: Vec<Raw> = (0..200).map(|_| node.connect()).collect();
    for raw in &mut connections {
        raw.send(PING);
        assert_eq!(raw.response("GET").status, 200);
    }
    let meters = node.meters();
    let accepted = meters.of_each_thread("accepted");
    assert_eq!((accepted.len(), accepted.iter().sum::<u64>()), (2, 200));
    // Each of 200 falls to either with the same chance.
    assert!(accepted.iter().all(|&count| count > 40), "{accepted:?}");
    assert!(meters.of_each_thread("requests").iter().all(|&count| count > 40));
}
