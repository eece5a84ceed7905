//! Memory: a flood of slow readers and of bodies that never end stays within the budget, essential
//! routes are answered meanwhile, and all of the others again when it is over.

use crate::support::{Node, Raw, Setup};
use crate::{LONG, ask, echo_head};

const MIB: usize = 1 << 20;
const BUDGET_MIB: u64 = 64;
/// The sockets of both sides hold some 3 MiB of it, or 4; the rest is the node's.
const BODY: usize = 7 * MIB;
/// Many times what the budget has room for.
const CROWD: usize = 80;
/// What a process may take beyond the budget and the quarter above it: buffers of its threads, a few
/// bodies on their way from one buffer to the next, what the allocator keeps.
const SLACK_KIB: u64 = 80 * 1024;

fn start() -> Node {
    let config = format!(
        "[node]\nbuffer_bytes = \"{BUDGET_MIB} MiB\"\n[http]\nbody_bytes = \"8 MiB\"\nwrite_timeout_s = 600\n\
         body_timeout_s = 600\nwrite_rate = 0\nbody_rate = 0\n"
    );
    Setup::new().threads(2).args(&["--echo"]).config(&config).start()
}

/// What the node answers to a small request that is not essential.
fn ordinary(node: &Node) -> u16 {
    let mut raw = node.connect();
    raw.send(&[&echo_head(2)[..], b"hi"].concat());
    raw.response("POST").status
}

/// Asks until the node has room again.
fn wait_for_room(node: &Node) {
    let deadline = std::time::Instant::now() + LONG;
    while ordinary(node) != 200 {
        assert!(std::time::Instant::now() < deadline, "still no room");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn assert_bounded(node: &Node, base_kib: u64) {
    let peak = node.proc_status("VmHWM");
    let most = base_kib + BUDGET_MIB * 1024 * 5 / 4 + SLACK_KIB;
    assert!(peak <= most, "{peak} KiB at the peak, {base_kib} KiB before; {most} KiB are right");
}

#[test]
fn readers_that_take_nothing_cannot_fill_the_memory() {
    let node = start();
    assert_eq!(ordinary(&node), 200);
    let base = node.proc_status("VmHWM");
    let body = vec![b'x'; BODY];
    let mut crowd: Vec<Raw> = Vec::new();
    for _ in 0..CROWD {
        let mut raw = Raw::connect_narrow(node.address());
        raw.send(&echo_head(BODY));
        raw.send(&body);
        crowd.push(raw);
        ask(&mut node.connect());
    }
    node.wait_for_meters("some are refused", LONG, |meters| meters.sum("requests") > CROWD as u64);
    assert_eq!(ordinary(&node), 503);
    for path in ["/-/ping", "/healthz", "/readyz"] {
        assert_eq!(node.get(path).status, 200, "{path}");
    }
    assert_bounded(&node, base);
    node.wait_for_meters("most found no room", LONG, |meters| meters.sum("shed") > CROWD as u64 / 2);
    drop(crowd);
    wait_for_room(&node);
}

#[test]
fn bodies_that_were_let_in_before_cannot_fill_it_either() {
    let node = start();
    assert_eq!(ordinary(&node), 200);
    let base = node.proc_status("VmHWM");
    // All heads are taken while there is room; then all bodies come but for their ends.
    let mut crowd: Vec<Raw> = (0..CROWD).map(|_| node.connect()).collect();
    crowd.iter_mut().for_each(|raw| raw.send(&echo_head(BODY)));
    node.wait_for_meters("all have begun", LONG, |meters| meters.sum("requests") > CROWD as u64);
    let part = vec![b'x'; BODY - 1];
    crowd.iter_mut().for_each(|raw| raw.send(&part));
    assert_eq!(ordinary(&node), 503);
    ask(&mut node.connect());
    assert_bounded(&node, base);
    // Those that found room are served to the end.
    crowd.iter_mut().for_each(|raw| raw.send(b"x"));
    let statuses: Vec<u16> =
        crowd.iter_mut().map(|raw| raw.try_response("POST").map_or(0, |response| response.status)).collect();
    let count = |wanted| statuses.iter().filter(|&&status| status == wanted).count();
    assert!(count(200) >= 1 && count(503) > CROWD / 2, "{statuses:?}");
    assert_eq!(count(200) + count(503), CROWD, "{statuses:?}");
    drop(crowd);
    wait_for_room(&node);
}
