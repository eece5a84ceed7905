//! The live config: a node that runs, and everybody who may write the 13 bytes meanwhile.
//!
//! Whoever makes a change sees the node obey it with the next request, on every thread: no test here waits
//! for a change to become known, except where a file took the place of another.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

#[path = "live/commands.rs"]
mod commands;
#[path = "live/dashboard.rs"]
mod dashboard;
#[path = "live/file.rs"]
mod file;
#[path = "live/flags.rs"]
mod flags;
#[path = "live/http.rs"]
mod http;
#[path = "live/socket.rs"]
mod socket;
#[path = "live/start.rs"]
mod start;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use lattice::config::{ConfigFile, Flags};
use support::{Data, Node, Package, Raw, Response, Setup, lattice};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(20);
/// Enough that both threads have some of them.
const CONNECTIONS: usize = 24;

/// Two threads, a package that everybody may read, and tokens of an administrator and of a user.
struct Site {
    node: Node,
    root: String,
    user: String,
}

impl Site {
    fn start() -> Self {
        Self::with(Setup::new())
    }

    fn with(setup: Setup) -> Self {
        let data = setup.data_ref().clone();
        let (root, user) = (data.token("root", &["--admin"]), data.token("ann", &[]));
        let node = setup.threads(2).start();
        let site = Self { node, root, user };
        let document = Package::new("open", "1.0.0").document().to_string();
        let published =
            site.node.http("PUT", "/open", &[("Authorization", &site.bearer(&site.user))], document.as_bytes());
        assert_eq!(published.status, 201, "{published:?}");
        site
    }

    fn bearer(&self, token: &str) -> String {
        format!("Bearer {token}")
    }

    /// The file of its live config.
    fn file(&self) -> PathBuf {
        config_of(self.node.data())
    }

    /// `lattice config ARGS --file …`, which must succeed; what it said.
    fn config(&self, args: &[&str]) -> String {
        said(&config(&self.file(), args))
    }

    /// `POST /_dashboard/api/config` by the administrator, for the config as it is.
    fn post(&self, body: &str) -> Response {
        let etag = self.node.get("/_dashboard/api/config").header("ETag").expect("a tag").to_owned();
        self.post_for(&etag, body)
    }

    fn post_for(&self, etag: &str, body: &str) -> Response {
        let fields = [("Authorization", &*self.bearer(&self.root)), ("If-Match", etag)];
        self.node.http("POST", "/_dashboard/api/config", &fields, body.as_bytes())
    }

    /// Connections that stay, to both threads.
    fn connections(&self) -> Vec<Raw> {
        let before = self.node.meters();
        let mut connections: Vec<Raw> = (0..CONNECTIONS).map(|_| self.node.connect()).collect();
        for connection in &mut connections {
            assert_eq!(ask(connection, "/-/ping").status, 200);
        }
        let after = self.node.meters().of_each_thread("requests");
        let asked = after.iter().zip(before.of_each_thread("requests")).filter(|(after, before)| **after > *before);
        assert_eq!(asked.count(), 2, "both threads have connections");
        connections
    }
}

fn config_of(data: &Data) -> PathBuf {
    data.path().join("config.bin")
}

/// Asks on a connection that stays.
fn ask(connection: &mut Raw, path: &str) -> Response {
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    connection.response("GET")
}

/// `lattice config ARGS --file FILE`.
fn config(file: &Path, args: &[&str]) -> Output {
    let file = file.to_str().expect("a temporary path is UTF-8");
    lattice(&[&["config"], args, &["--file", file]].concat(), b"")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("what it says is text")
}

/// The file, opened by this process, which is not the node's.
fn open(file: &Path) -> ConfigFile {
    let name = CString::new(file.as_os_str().as_bytes()).expect("no zero byte");
    ConfigFile::open_writable(&name).expect("a config file")
}

/// How a flag may be turned on and off.
const WAYS: [fn(&Site, &str, Flags, bool); 4] = [by_command, by_http, by_another_process, by_a_mapping];

fn by_command(site: &Site, name: &str, _flag: Flags, on: bool) {
    site.config(&["flag", name, if on { "on" } else { "off" }]);
}

fn by_http(site: &Site, name: &str, _flag: Flags, on: bool) {
    let etag = format!("\"{}\"", site.config(&["get", "sequence"]).trim());
    let changed = site.post_for(&etag, &format!(r#"{{"flag": {{"name": "{name}", "on": {on}}}}}"#));
    assert_eq!(changed.status, 200, "{changed:?}");
}

fn by_another_process(site: &Site, _name: &str, flag: Flags, on: bool) {
    open(&site.file()).set_features(flag, on).expect("it is written");
}

/// Without a system call that anybody could be told of.
fn by_a_mapping(site: &Site, _name: &str, flag: Flags, on: bool) {
    let mut file = open(&site.file());
    let mut locked = file.lock(1000).expect("nobody else writes");
    let mut publisher = locked.publisher().expect("a second mapping");
    let config = publisher.slot().expect("a config").config;
    publisher.publish(config.with_features(flag, on)).expect("it is stored");
}
