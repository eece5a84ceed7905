//! The binary's word on its configuration: exit codes, and messages that say what to do.
#![allow(clippy::disallowed_methods, reason = "tests write files")]

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs the binary in a directory of its own, without the environment of whoever runs the tests.
struct Room {
    directory: TempDir,
}

impl Room {
    fn new() -> Self {
        Self { directory: TempDir::new().expect("a temporary directory") }
    }

    fn with(config: &str) -> Self {
        let room = Self::new();
        room.write("registry.toml", config.as_bytes());
        room
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path().join(name), bytes).expect("the file is written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
        command.args(args).current_dir(self.path()).env_clear();
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        Ran::of(self.command(args).envs(variables.iter().copied()))
    }

    fn run_on(&self, args: &[&str], stdin: &str) -> Ran {
        self.write("stdin", stdin.as_bytes());
        let file = std::fs::File::open(self.path().join("stdin")).expect("the file is there");
        Ran::of(self.command(args).stdin(file))
    }
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what it says is UTF-8");
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{part} in {}", self.stderr);
        }
        self
    }

    #[track_caller]
    fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout.contains(part), "{part} in {}", self.stdout);
        }
        self
    }

    fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or("")
    }
}

const CHECK: [&str; 2] = ["config", "check"];

#[test]
fn a_right_configuration_is_ok_and_shown() {
    Room::new().run(&CHECK).ends(0).prints(&["ok\n", "listen = \"127.0.0.1:4873\"", "LATTICE_NODE_LISTEN, default"]);
    let room = Room::with("[node]\nthreads = 2\n");
    room.run(&CHECK).ends(0).prints(&["threads = 2", "default 0"]);
    room.run_with(&CHECK, &[("LATTICE_NODE_THREADS", "3")]).ends(0).prints(&["threads = 3"]);
}

#[test]
fn the_documented_file_is_right() {
    let documented = concat!(env!("CARGO_MANIFEST_DIR"), "/registry.toml");
    Room::new().run(&["config", "check", "--config", documented]).ends(0).prints(&["ok\n"]);
}

#[test]
fn a_wrong_configuration_exits_78_with_file_line_key_value_and_what_is_allowed() {
    let room = Room::with("[node]\nthreads = 500\nlisen = ''\n[http]\nheaders = 'many'\n");
    let expected = [
        "registry.toml:2:11: [node] threads = 500 is too large",
        "allowed: a whole number from 0 to 256",
        "registry.toml:3:1: there is no key lisen in [node]",
        "did you mean listen?",
        "registry.toml:5:11: [http] headers = 'many' is of the wrong type",
    ];
    for args in [&CHECK[..], &["serve"], &[], &["token", "list", "--user", "a"], &["verify"]] {
        let ran = room.run(args).ends(78).says(&expected);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
    assert!(!room.path().join("lattice-data").exists(), "nothing was begun");
}

#[test]
fn wrong_variables_and_flags_exit_78_too() {
    let room = Room::new();
    let set = |name, value| room.run_with(&CHECK, &[(name, value)]).ends(78);
    set("LATTICE_HTTP_HEAD_BYTES", "1").says(&["environment variable LATTICE_HTTP_HEAD_BYTES", "too small", "1 KiB"]);
    set("LATTICE_NODE_TREADS", "1").says(&["did you mean LATTICE_NODE_THREADS?"]);
    set("REGISTRY_HOST", "0.0.0.0").says(&["public_url is not set"]);
    room.run(&["serve", "--threads", "-1"]).ends(78).says(&["flag --threads: --threads = -1 is too small"]);
    room.run(&["--listen", "here"]).ends(78).says(&["flag --listen", "an IP address and a port"]);
    let both = [("REGISTRY_PORT", "1"), ("MCP_PORT", "2")];
    room.run_with(&CHECK, &both).ends(78).says(&["one port serves everything"]);
}

#[test]
fn a_file_that_was_named_must_be_readable_text() {
    let room = Room::new();
    room.run(&["config", "check", "--config", "none.toml"]).ends(78).says(&["none.toml", "--config", "leave it out"]);
    room.run_with(&CHECK, &[("LATTICE_CONFIG", "none.toml")]).ends(78).says(&["none.toml", "LATTICE_CONFIG"]);
    room.run(&["config", "check", "--config", "."]).ends(78).says(&["must be a file"]);
    room.write("latin1.toml", b"# a\n# \xe9\n");
    room.run(&["config", "check", "--config", "latin1.toml"]).ends(78).says(&["latin1.toml:2:", "UTF-8"]);
    room.write("full.toml", &[b'\n'; 1024 * 1024]);
    room.run(&["config", "check", "--config", "full.toml"]).ends(0);
    room.write("large.toml", &[b'\n'; 1024 * 1024 + 1]);
    room.run(&["config", "check", "--config", "large.toml"]).ends(78).says(&["larger than 1048576 bytes"]);
}

#[test]
fn a_file_named_by_flag_wins_over_the_variable_over_the_default() {
    let room = Room::with("[node]\nthreads = 1\n");
    room.write("two.toml", b"[node]\nthreads = 2\n");
    room.write("three.toml", b"[node]\nthreads = 3\n");
    let variable = [("LATTICE_CONFIG", "two.toml")];
    room.run_with(&CHECK, &variable).ends(0).prints(&["threads = 2"]);
    room.run_with(&["config", "check", "--config", "three.toml"], &variable).ends(0).prints(&["threads = 3"]);
}

#[test]
fn help_has_examples_and_goes_without_colour_into_a_pipe() {
    let room = Room::new();
    for args in [
        &["--help"][..],
        &["serve", "--help"],
        &["token", "create", "--help"],
        &["token", "list", "--help"],
        &["token", "revoke", "--help"],
        &["user", "add", "--help"],
        &["user", "list", "--help"],
        &["user", "passwd", "--help"],
        &["user", "remove", "--help"],
        &["verify", "--help"],
        &["config", "check", "--help"],
    ] {
        let ran = room.run(args).ends(0).prints(&["Example", "lattice "]);
        assert!(!ran.stdout.contains('\x1b'), "{args:?}");
    }
    room.run(&["--version"]).ends(0).prints(&[concat!("lattice ", env!("CARGO_PKG_VERSION"))]);
}

#[test]
fn arguments_that_are_not_understood_exit_2() {
    let room = Room::new();
    room.run(&["sreve"]).ends(2);
    room.run(&["token"]).ends(2);
    room.run(&["token", "create"]).ends(2).says(&["--user"]);
    room.run(&["token", "create", "--user", "a", "--admin", "--read-only"]).ends(2);
    room.run(&["token", "revoke", "seven"]).ends(2);
    room.run(&["--echo", "user", "list"]).ends(2);
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    let room = Room::new();
    let mut child = room.command(&CHECK).stdout(std::process::Stdio::piped()).spawn().expect("the binary runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let room = Room::new();
    let made = room.run(&["token", "create", "--user", "alice", "--data", "d"]).ends(0).says(&["user alice is new"]);
    assert_eq!(made.stdout.lines().count(), 1, "the token is alone");
    assert!(made.last_line().starts_with("lattice_"), "{}", made.stdout);
    assert!(!made.stderr.contains(made.last_line()), "it is nowhere else");
    room.run(&["token", "create", "--user", "alice", "--read-only", "--data", "d"]).ends(0).says(&["may only read"]);
    let listed = room.run(&["token", "list", "--user", "alice", "--data", "d"]).ends(0);
    assert_eq!(listed.stdout.lines().count(), 3, "{}", listed.stdout);
    assert!(!listed.stdout.contains(made.last_line()), "a list shows no token");
    room.run(&["token", "revoke", "1", "--data", "d"]).ends(0).says(&["token 1 is revoked"]);
    room.run(&["token", "revoke", "1", "--data", "d"]).ends(1).says(&["there is no token 1"]);
    let left = room.run(&["token", "list", "--user", "alice", "--data", "d"]).ends(0);
    assert_eq!(left.stdout.lines().count(), 2, "{}", left.stdout);
    room.run(&["token", "list", "--user", "alice", "--data", "slip"]).ends(1).says(&["there is no store", "slip"]);
    assert!(!room.path().join("slip").exists(), "a slip makes no store");
    room.run(&["token", "list", "--user", "bob", "--data", "d"]).ends(1).says(&["there is no user", "user list"]);
    room.run(&["token", "create", "--user", "A B", "--data", "d"]).ends(1).says(&["a-z, 0-9"]);
}

#[test]
fn users_are_added_listed_and_removed() {
    let room = Room::with("[node]\ndata = 'from-file'\n");
    let add = ["user", "add", "bob", "--email", "b@example.com", "--admin", "--password-stdin"];
    room.run_on(&add, "secret\n").ends(0).says(&["user bob is added"]);
    assert!(room.path().join("from-file").is_dir(), "the configuration says where");
    room.run_on(&add, "secret\n").ends(1).says(&["there is a user bob already", "user passwd"]);
    room.run(&["user", "list"]).ends(0).prints(&["bob", "b@example.com", "administrator", "set"]);
    room.run_on(&["user", "passwd", "bob", "--password-stdin"], "other\n").ends(0);
    room.run_on(&["user", "passwd", "bob", "--password-stdin"], "\n").ends(1).says(&["empty"]);
    room.run_on(&["user", "passwd", "eve", "--password-stdin"], "x\n").ends(1).says(&["there is no user"]);
    room.run(&["user", "remove", "bob"]).ends(0);
    room.run(&["user", "remove", "bob"]).ends(1).says(&["there is no user"]);
    room.run_on(&["user", "add", "../x", "--password-stdin"], "x\n").ends(1).says(&["a-z, 0-9"]);
    room.run_on(&["user", "add", "amy", "--email", "nowhere", "--password-stdin"], "x\n").ends(1).says(&["NAME@HOST"]);
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let room = Room::new();
    room.write("file", b"");
    room.run(&["user", "list", "--data", "file"]).ends(1).says(&["the store in file cannot be opened"]);
}

#[test]
fn verify_tells_a_sound_store_from_a_damaged_one() {
    let room = Room::new();
    room.run(&["verify"]).ends(1).says(&["there is no store", "lattice-data"]);
    room.run(&["token", "create", "--user", "a"]).ends(0);
    room.run(&["verify"]).ends(0).prints(&["ok: 0 tarballs read"]);
    room.run(&["verify", "--repair"]).ends(0).prints(&["removed 0 files"]);
    let database = room.path().join("lattice-data/lattice.db");
    let mut bytes = std::fs::read(&database).expect("there is a database");
    bytes.truncate(bytes.len() - 4096);
    std::fs::write(&database, bytes).expect("it can be cut off");
    room.run(&["verify"]).ends(1);
}
