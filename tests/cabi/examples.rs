//! The examples in five languages: each prints the config, changes it, and sees what this process changes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lattice::config::{Config, ConfigFile, Flags};

use crate::library::{With, compile, library, source};
use crate::support::Running;
use crate::{c, client, succeed};

/// What an example prints of a config.
fn line(sequence: u64, config: Config, flags: &str) -> String {
    format!(
        "sequence {sequence}: version {}, registry 0x{:08x}, mode {}, {} x {}, flags{flags}\n",
        config.version(),
        config.registry_hash(),
        config.terminal_mode().unwrap() as u8,
        config.rows(),
        config.cols(),
    )
}

/// Runs an example with a file that is there, and changes it when the example waits for that.
fn check(mut example: Command) {
    let what = format!("{example:?}");
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("config");
    let before = Config::new().with_registry_hash(0x0123_abcd).with_size(24, 80).with_flags(Flags(1 << 31 | 4));
    let mut file = ConfigFile::create(&c(&path), before).unwrap();
    example.arg(&path).arg("30");
    let mut running = Running::start(example, Duration::from_secs(60));
    assert!(running.answer("waiting\n", ""), "{what}: {}", running.finish().report());
    assert_eq!(file.set_byte(10, 25).unwrap().sequence, 3, "{what}: the example changed it once");
    let finished = running.finish();
    assert!(finished.is_success(), "{what}: {}", finished.report());
    let expected = line(1, before, " DEBUG 31")
        + &line(2, before, " DEBUG METRICS 31")
        + "waiting\n"
        + &line(3, before.with_size(25, 80), " DEBUG METRICS 31");
    assert_eq!(finished.stdout, expected, "{what}: {}", finished.stderr);
}

/// Runs an example that makes the file, and waits for nobody.
fn check_fresh(mut example: Command) {
    let room = tempfile::tempdir().unwrap();
    let fresh = Config::new().with_size(24, 80);
    let expected = line(1, fresh, "") + &line(2, fresh, " METRICS") + "waiting\nno change\n";
    example.arg(room.path().join("config")).arg("0");
    assert_eq!(succeed(example), expected);
}

/// Runs an example with a file that is none.
fn check_error(mut example: Command) {
    let what = format!("{example:?}");
    example.arg("/dev/null").arg("0");
    let finished = crate::run(example);
    assert_eq!(finished.status.and_then(|status| status.code()), Some(1), "{what}: {}", finished.report());
    assert!(finished.stderr.contains("this is a device or a socket"), "{what}: {}", finished.report());
}

fn check_all(example: impl Fn() -> Command) {
    check(example());
    check_fresh(example());
    check_error(example());
}

/// A compiled example, perhaps in a tool that watches it.
fn compiled(file: &str, with: With, options: &[&str], tool: &[&str]) {
    let room = tempfile::tempdir().unwrap();
    let program = compile(room.path(), file, with, options);
    check_all(|| {
        let words: Vec<PathBuf> = tool.iter().map(PathBuf::from).chain([program.clone()]).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    });
}

/// An example that loads the library while it runs.
fn interpreted(interpreter: &Path, file: &str) {
    check_all(|| {
        let mut command = Command::new(interpreter);
        command.arg(source(file)).env("LATTICE_CONFIG_LIBRARY", library().join("liblattice_config.so"));
        command.env("NODE_PATH", source("tests/clients/node_modules"));
        command
    });
}

const SANITIZERS: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

#[test]
fn in_c() {
    compiled("examples/c/config.c", With::Shared, &[], &[]);
    compiled("examples/c/config.c", With::Static, SANITIZERS, &[]);
}

#[test]
fn in_c_under_valgrind() {
    let room = tempfile::tempdir().unwrap();
    let program = compile(room.path(), "examples/c/config.c", With::Shared, &[]);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--leak-check=full", "--show-leak-kinds=all", "--track-fds=yes", "--error-exitcode=9"]);
    valgrind.arg(program);
    check(valgrind);
}

#[test]
fn in_cpp() {
    compiled("examples/cpp/config.cpp", With::Shared, &[], &[]);
    compiled("examples/cpp/config.cpp", With::Static, SANITIZERS, &[]);
}

#[test]
fn in_python() {
    interpreted(Path::new("python3"), "examples/python/config.py");
}

#[test]
fn in_node() {
    interpreted(&client::node_js(), "examples/node/config.cjs");
}

#[test]
fn in_bun() {
    interpreted(&client::bun(), "examples/bun/config.js");
}
