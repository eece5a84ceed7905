//! Clients that hold the node to the letter of HTTP/1.1: h11, which refuses whatever the grammar does not
//! allow; undici, which pipelines; curl with its many flags.
//!
//! h11 comes from `tests/conformance/requirements.txt`, undici from `tests/clients/package.json`;
//! `scripts/test-deps` installs both.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

#[path = "clients/client.rs"]
#[allow(dead_code, reason = "of the package managers' Node.js only the program is used")]
mod client;
mod support;

#[path = "conformance/curl.rs"]
mod curl;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::{Finished, Node, Package, Running, Setup};

const LONG: Duration = Duration::from_secs(60);

/// A node with an echo and one package.
fn node() -> (Node, Package) {
    let setup = Setup::new().threads(2).args(&["--echo"]);
    let token = setup.data_ref().token("alice", &[]);
    let node = setup.start();
    let package = Package::new("thing", "1.0.0").noise(3_000_000, 1);
    let authorization = format!("Bearer {token}");
    let published = node.http("PUT", &package.path(), &[("Authorization", &authorization)], &package.body());
    assert_eq!(published.status, 201, "{}", published.text());
    (node, package)
}

/// Runs a client to its end beside the node's files, without the proxies of this machine.
fn run(node: &Node, program: &Path, args: &[&str]) -> Finished {
    let mut command = Command::new(program);
    command.args(args).current_dir(node.data().root());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "NODE_OPTIONS", "PYTHONPATH", "CURL_HOME"] {
        command.env_remove(name);
    }
    let mut running = Running::start(command, LONG);
    running.close_input();
    let finished = running.finish();
    assert!(finished.is_success(), "{program:?} {args:?}: {}", finished.report());
    finished
}

/// A file that belongs to these tests.
fn here(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    assert!(path.exists(), "{} is missing: run scripts/test-deps", path.display());
    path
}

/// Runs a script that says "done" when everything was as it should be.
fn assert_done(program: &Path, script: &str, more: &[&str]) {
    let (node, package) = node();
    let script = here(script);
    let port = node.port().to_string();
    let path = package.tarball_path();
    let length = package.tarball().len().to_string();
    let args = [&[script.to_str().expect("a path is UTF-8"), &port, &path, &length], more].concat();
    let told = run(&node, program, &args);
    assert_eq!(told.stdout.lines().next_back(), Some("done"), "{}", told.report());
    assert_eq!(node.meters().sum("panics"), 0);
    node.wait_for_meters("the client has left", LONG, |meters| meters.open() == 0);
}

#[test]
fn h11_finds_no_fault() {
    assert_done(&here("conformance/venv/bin/python"), "conformance/h11_client.py", &[]);
}

#[test]
fn undici_finds_no_fault() {
    let modules = here("clients/node_modules");
    let modules = modules.to_str().expect("a path is UTF-8");
    assert_done(&client::node_js(), "conformance/undici_client.cjs", &[modules]);
}
