//! An example in a process of its own.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use crate::support::{Log, Raw, Response, http};

const PATIENCE: Duration = Duration::from_secs(30);

/// An example that runs. It is killed on drop.
pub(crate) struct Example {
    child: Child,
    stdout: Log,
    address: SocketAddr,
}

impl Example {
    /// Starts it on a free port, with further arguments, and waits until it listens.
    pub(crate) fn start(name: &str, args: &[&str]) -> Example {
        let mut command = Command::new(binary(name));
        command.arg("127.0.0.1:0").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Log::default();
        stdout.follow(child.stdout.take().expect("stdout is piped"));
        let line = stdout.wait_for(Instant::now() + PATIENCE, |text| line_after(text, "listening on http://"));
        let Some(address) = line else {
            child.kill().ok();
            let mut said = String::new();
            child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut said));
            panic!("{name} does not listen: {}\n{said}", stdout.text());
        };
        Example { child, stdout, address: address.parse().expect("an address") }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it printed so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub(crate) fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        http(method, &format!("http://{}{target}", self.address), headers, body)
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.ask("GET", target, &[], b"")
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> Raw {
        Raw::connect(self.address)
    }

    /// Sends SIGTERM and waits for the end: what it printed.
    pub(crate) fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().is_ok_and(|status| status.success()));
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                assert!(status.success(), "{status}");
                self.stdout.wait_until_ended(deadline);
                return self.stdout();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not end");
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The rest of the whole line after `prefix`.
pub(crate) fn line_after(text: &str, prefix: &str) -> Option<String> {
    let rest = &text[text.find(prefix)? + prefix.len()..];
    rest.find('\n').map(|end| rest[..end].to_owned())
}

/// `target/debug/examples/NAME`: tests lie in `target/debug/deps`.
fn binary(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("it lies in deps");
    BUILT.call_once(|| build(profile.parent().expect("a profile lies in the target directory")));
    profile.join("examples").join(name)
}

/// Cargo builds examples for all tests together, not for one: an old one would be tested.
fn build(target: &Path) {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--examples", "--target-dir"])
        .arg(target);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    assert!(command.status().is_ok_and(|status| status.success()), "the examples cannot be built");
}
