//! WebSocket peers that mean harm: what they hold stays bounded, they are parted with, and others are served
//! meanwhile as quickly as alone. These look at the clock and at memory: they run one at a time.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../ws/peer.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod peer;

mod deaf;
mod leaks;
mod quick;
mod room;
mod silent;
mod subscribers;

use std::time::Duration;

use support::{Node, Setup};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(30);
const ECHO: &str = "/-/echo";

/// A node that echoes, with this in its `registry.toml`.
fn node(config: &str) -> Node {
    lattice::reactor::sys::raise_open_files().expect("a process may raise its own soft limit");
    Setup::new().threads(2).args(&["--echo"]).config(config).start()
}

/// Fails if the node has grown by more than this, at its peak.
fn assert_grown(node: &Node, base_kib: u64, most_kib: u64) {
    let peak = node.proc_status("VmHWM");
    println!("{base_kib} KiB before, {peak} KiB at the peak");
    assert!(peak <= base_kib + most_kib, "{peak} KiB at the peak, {base_kib} KiB before");
}
