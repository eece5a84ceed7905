//! The spin-guard: each rule that makes a busy loop impossible, over real sockets.
//!
//! | rule | tests |
//! |---|---|
//! | no periodic tick: the wait ends at the next deadline, or never | `idle` |
//! | a thread stays awake before it sleeps only if told to, and no longer than that | `awake` |
//! | write interest is armed only with bytes pending, disarmed on drain | `writing` |
//! | a peer that reads nothing is cut off, and costs nothing until then | `writing` |
//! | half-close, reset and urgent data end in progress or in close | `ending`, `urgent` |
//! | events that lead nowhere end in quarantine, events that wait for us do not | `urgent`, `writing`, `jobs` |
//! | out of descriptors, accepting pauses | `descriptors` |
//! | a budget that ends keeps the connection on the list: readiness is not repeated | `budget` |
//! | an event never reaches the next owner of its place | `budget` |
//! | whoever says nothing, or half of something, costs nothing | `silent` |
//!
//! "Does not spin" is counted, never timed: the loop's own wakes, and the CPU time of the process.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

#[path = "spin/awake.rs"]
mod awake;
#[path = "spin/budget.rs"]
mod budget;
#[path = "spin/descriptors.rs"]
mod descriptors;
#[path = "spin/ending.rs"]
mod ending;
#[path = "spin/idle.rs"]
mod idle;
#[path = "spin/jobs.rs"]
mod jobs;
#[path = "spin/silent.rs"]
mod silent;
#[path = "spin/urgent.rs"]
mod urgent;
#[path = "spin/writing.rs"]
mod writing;

use std::time::Duration;

use socket2::SockRef;
use support::{Node, Raw, Setup};

const PING: &[u8] = b"GET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n";
/// A request whose head is whole but not its body.
const PART_OF_A_BODY: &[u8] = b"POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhal";
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(20);
/// CPU time of a process that does nothing much: 5 ticks are 50 ms.
const QUIET_TICKS: u64 = 5;

/// One thread, so that what one connection does to it is plain to see. Deadlines are out of the way.
fn patient() -> Setup {
    hurried(600, 600, 600)
}

/// The same with deadlines: seconds for a head, for a rest between requests, and for a blocked write.
fn hurried(head_s: u32, idle_s: u32, write_s: u32) -> Setup {
    let config = format!(
        "[http]\nbody_bytes = \"64 MiB\"\nbody_timeout_s = 600\nhead_timeout_s = {head_s}\nidle_timeout_s = {idle_s}\n\
         write_timeout_s = {write_s}\n"
    );
    Setup::new().threads(1).args(&["--echo"]).config(&config)
}

/// What a node has used up at one moment.
struct Watch<'n> {
    node: &'n Node,
    wakes: u64,
    ticks: u64,
}

impl<'n> Watch<'n> {
    fn begin(node: &'n Node) -> Self {
        let wakes = node.meters().sum("wakes");
        Watch { node, wakes, ticks: node.cpu_ticks() }
    }

    /// Since the beginning the node woke at most `wakes_max` times and used next to no CPU time.
    fn assert_quiet(self, wakes_max: u64, what: &str) {
        let ticks = self.node.cpu_ticks() - self.ticks;
        let wakes = self.node.meters().sum("wakes") - self.wakes;
        assert!(wakes <= wakes_max, "{what}: {wakes} wakes, at most {wakes_max} are right");
        assert!(ticks <= QUIET_TICKS, "{what}: {ticks} ticks of CPU time for {wakes} wakes");
    }
}

/// Looks at a node that has nothing to do for `time`, once what came before is over.
fn assert_rests(node: &Node, time: Duration, what: &str) {
    node.wait_until_asleep();
    let watch = Watch::begin(node);
    std::thread::sleep(time);
    watch.assert_quiet(0, what);
}

fn ask(raw: &mut Raw) {
    raw.send(PING);
    assert_eq!(raw.response("GET").status, 200);
}

/// Makes the close that follows a reset.
fn reset(raw: &Raw) {
    SockRef::from(raw.stream()).set_linger(Some(Duration::ZERO)).expect("a socket takes this option");
}

/// A request that is answered with `length` bytes.
fn echo(length: usize) -> Vec<u8> {
    let mut request = format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    request.resize(request.len() + length, b'x');
    request
}
