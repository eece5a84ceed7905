//! Peers that never quite stop: bodies that trickle, answers that are sipped.

use std::time::{Duration, Instant};

use crate::support::{Node, Raw, Setup};
use crate::{ask, echo_head};

fn start(http: &str) -> Node {
    Setup::new().threads(1).args(&["--echo"]).config(&format!("[http]\nbody_bytes = \"64 MiB\"\n{http}\n")).start()
}

/// Sends pieces of a body until it is whole or an answer is there.
fn trickle(node: &Node, piece: usize, count: usize, pause: Duration) -> (u16, Duration) {
    let mut raw = node.connect();
    raw.send(&echo_head(piece * count));
    let begin = Instant::now();
    for _ in 0..count {
        raw.send(&vec![b'x'; piece]);
        std::thread::sleep(pause);
        if raw.has_bytes() {
            break;
        }
    }
    (raw.response("POST").status, begin.elapsed())
}

#[test]
fn a_body_that_comes_too_slowly_is_answered_408_though_it_never_stops() {
    let node = start("body_timeout_s = 1\nbody_rate = 2000");
    // 500 bytes a second: a quarter of the rate, with no pause that alone would be too long.
    let (status, time) = trickle(&node, 50, 100, Duration::from_millis(100));
    assert_eq!(status, 408);
    assert!(time >= Duration::from_secs(1) && time < Duration::from_secs(8), "{time:?}");
    ask(&mut node.connect());
}

#[test]
fn a_body_that_keeps_up_is_taken_however_long_it_lasts() {
    let node = start("body_timeout_s = 2\nbody_rate = 200");
    let (status, time) = trickle(&node, 500, 40, Duration::from_millis(100));
    assert_eq!(status, 200);
    assert!(time > Duration::from_secs(3), "{time:?}");
}

#[test]
fn without_a_rate_a_byte_now_and_then_is_enough() {
    let node = start("body_timeout_s = 1\nbody_rate = 0");
    let (status, time) = trickle(&node, 1, 12, Duration::from_millis(250));
    assert_eq!(status, 200);
    assert!(time > Duration::from_secs(2), "{time:?}");
}

/// Reads an answer of `length` bytes a little at a time; how many bytes came until the end.
fn sip(node: &Node, length: usize) -> usize {
    let mut raw: Raw = node.connect();
    raw.send(&echo_head(length));
    raw.send(&vec![b'x'; length]);
    let (mut total, mut bytes) = (0, vec![0; 64 * 1024]);
    while total < length {
        match raw.read_some_into(&mut bytes) {
            0 => break,
            count => total += count,
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    total
}

#[test]
fn whoever_takes_too_little_is_cut_off_though_it_never_stops() {
    const LENGTH: usize = 60 << 20;
    let fast = start("write_timeout_s = 1\nwrite_rate = 1000000000");
    assert!(sip(&fast, LENGTH) < LENGTH);
    assert_eq!(fast.meters().sum("deaf"), 1);
    ask(&mut fast.connect());
    let slow = start("write_timeout_s = 1\nwrite_rate = 240");
    assert!(sip(&slow, LENGTH) >= LENGTH);
    assert_eq!(slow.meters().sum("deaf"), 0);
}
