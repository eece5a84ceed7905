//! The README's commands, run as they stand there.
//!
//! Three things stand in for a reader's machine: `cargo run --release` is the binary under test, `npm` the
//! one of `tests/clients`, and the port is a free one.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

#[path = "clients/client.rs"]
#[allow(dead_code, reason = "the README uses one client of seven")]
mod client;
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use client::Client;
use support::{Running, Setup};

const README: &str = include_str!("../README.md");

/// The shell blocks, in order.
fn blocks() -> Vec<Vec<&'static str>> {
    let blocks = README.split("```sh\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or("").lines().collect()).collect()
}

#[test]
fn the_readme_begins_with_two_commands_and_the_test_command() {
    let blocks = blocks();
    assert_eq!(blocks[0].len(), 2, "{:?}", blocks[0]);
    assert_eq!(blocks[1], ["scripts/test"], "what continuous integration runs");
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/test").exists());
}

#[test]
fn the_two_commands_and_the_tour_work() {
    let blocks = blocks();
    let (token, serve) = (blocks[0][0], blocks[0][1]);
    assert_eq!(serve, "cargo run --release", "the node needs no argument");
    let setup = Setup::new();
    let flags: Vec<&str> = token.strip_prefix("cargo run --release -- ").expect("it runs lattice").split(' ').collect();
    let output = setup.data_ref().run(&flags, b"");
    let said = String::from_utf8(output.stdout).expect("a token is text");
    let token = said.trim_end().lines().next_back().expect("the token is the last line").to_owned();
    setup.data_ref().user("bob", "correct horse battery staple");
    let node = setup.start();

    let home = node.data().root().join("home");
    let package = home.join("your-package");
    let project = home.join("project");
    std::fs::create_dir_all(&package).expect("the temp dir is writable");
    std::fs::create_dir_all(&project).expect("the temp dir is writable");
    let manifest = r#"{"name":"your-package","version":"1.0.0","description":"yours"}"#;
    std::fs::write(package.join("package.json"), manifest).expect("the temp dir is writable");
    for line in &blocks[2] {
        let line = line.replace("127.0.0.1:4873", &node.address().to_string());
        let place = if line == "npm publish" { &package } else { &project };
        let finished = Running::start(shell(&line, place, &home, &token), Duration::from_secs(60)).finish();
        assert!(finished.is_success(), "{line}: {}", finished.report());
    }
}

#[test]
fn the_live_config_is_changed_as_written() {
    let block = blocks().into_iter().find(|block| block[0] == "lattice config get").expect("the README changes it");
    let setup = Setup::new();
    let token = setup.data_ref().token("alice", &["--admin"]);
    let node = setup.start();
    for line in block {
        let line = line.replace("127.0.0.1:4873", &node.address().to_string());
        let line = line.replace("lattice config", &format!("'{}' config", env!("CARGO_BIN_EXE_lattice")));
        let mut command = Command::new("sh");
        command.arg("-euc").arg(&line).current_dir(node.data().root());
        command.env("ADMIN_TOKEN", &token).env("LATTICE_DATA", node.data().path());
        let finished = Running::start(command, Duration::from_secs(60)).finish();
        assert!(finished.is_success(), "{line}: {}", finished.report());
    }
    let shown = node.get("/_dashboard/api/config").json();
    assert_eq!((&shown["flags"]["DEBUG"], &shown["rows"]), (&true.into(), &24.into()), "{shown}");
}

#[test]
fn the_benches_run_as_written() {
    let block = blocks().into_iter().find(|block| block[0].contains(" bench ")).expect("the README measures");
    let place = Setup::new();
    let root = place.data_ref().root();
    // What a debug build on a busy machine takes is nobody's target.
    let targets = lattice::settings::keys::KEYS.iter().filter(|key| key.section == "performance");
    let none: String = targets.map(|key| format!("{} = 0\n", key.name)).collect();
    std::fs::write(root.join("registry.toml"), format!("[performance]\n{none}")).expect("the temp dir is writable");
    for line in block {
        let line = line.replace("cargo run --release --", env!("CARGO_BIN_EXE_lattice"));
        let mut command = Command::new("sh");
        command.arg("-c").arg(&line).current_dir(root);
        let finished = Running::start(command, Duration::from_secs(120)).finish();
        assert!(finished.is_success(), "{line}: {}", finished.report());
        assert!(finished.stdout.starts_with("# lattice bench\n"), "{line}: {}", finished.report());
    }
    assert!(root.join("result.json").exists(), "the block writes it");
}

/// `line` in a shell whose `npm` is the one of the tests.
fn shell(line: &str, place: &Path, home: &Path, token: &str) -> Command {
    let program: Vec<String> = Client::Npm11.program().iter().map(|path| format!("'{}'", path.display())).collect();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("npm() {{ {} \"$@\"; }}\n{line}", program.join(" ")));
    command.current_dir(place).env("HOME", home).env("TOKEN", token);
    command.env("NPM_CONFIG_USERCONFIG", home.join("npmrc")).env("NPM_CONFIG_CACHE", home.join("cache"));
    command.env("NPM_CONFIG_AUDIT", "false").env("NPM_CONFIG_UPDATE_NOTIFIER", "false");
    command
}

#[test]
fn the_table_of_commands_is_what_lattice_help_knows() {
    let help = String::from_utf8(support::lattice(&["--help"], b"").stdout).expect("help is text");
    for row in README.lines().filter(|line| line.starts_with("| `lattice ")) {
        let command = row.split('`').nth(1).and_then(|text| text.split(' ').nth(1)).expect("a command in the row");
        assert!(help.contains(command), "{command} is not in --help");
    }
}
