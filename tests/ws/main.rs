//! Real WebSocket clients against the running node, and the field's conformance suite.
//!
//! kosoku drives the cases of Autobahn|Testsuite; the clients are `websockets` for Python, `ws` for Node, what
//! Node, Bun and Chromium have built in, and tungstenite. `scripts/test-deps` installs them.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

#[path = "../clients/client.rs"]
#[allow(dead_code, reason = "of the package managers' Node.js only the programs are used")]
mod client;
#[path = "../support/mod.rs"]
mod support;

mod browser;
mod clients;
mod differential;
#[allow(dead_code, reason = "each test binary uses its own part")]
mod peer;
mod refused;
mod suite;
mod tungstenite;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::{Node, Running, Setup};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(120);
/// For messages as large and as divided as clients here send them.
const ROOMY: &str = "[ws]\nmessage_bytes = \"64 MiB\"\nfragments = 100000\n";

/// A node that echoes, with this in its `registry.toml`.
fn node(config: &str) -> Node {
    Setup::new().threads(2).args(&["--echo"]).config(config).start()
}

fn url(node: &Node) -> String {
    node.url("/-/echo").replace("http://", "ws://")
}

/// A file that belongs to these tests.
fn here(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    assert!(path.exists(), "{} is missing: run scripts/test-deps", path.display());
    path
}

/// Runs a client's script to its end: the last line that it said. Nothing is left open at the node then.
fn run(node: &Node, program: &Path, script: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    command.arg(here(script)).arg(url(node)).args(args).current_dir(node.data().root());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "NODE_OPTIONS", "PYTHONPATH"] {
        command.env_remove(name);
    }
    let mut running = Running::start(command, LONG);
    running.close_input();
    let finished = running.finish();
    assert!(finished.is_success(), "{program:?} {script}: {}", finished.report());
    assert_eq!(node.meters().sum("panics"), 0);
    node.wait_for_meters("the client has left", LONG, |meters| meters.open() == 0);
    finished.stdout.lines().next_back().unwrap_or_default().to_owned()
}
