//! The examples in five languages: each prints the config, changes it, and sees what this process changes.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lattice::config::{Config, ConfigFile, Flags};

use crate::library::{With, compile, library, source};
use crate::support::Running;
use crate::{c, client};

/// What an example prints of a config.
pub(crate) fn line(sequence: u64, config: Config, flags: &str) -> String {
    format!(
        "sequence {sequence}: version {}, registry 0x{:08x}, mode {}, {} x {}, flags{flags}\n",
        config.version(),
        config.registry_hash(),
        config.terminal_mode().unwrap() as u8,
        config.rows(),
        config.cols(),
    )
}

/// An example that runs with a file.
pub(crate) struct Talk {
    running: Running,
    what: String,
}

impl Talk {
    pub(crate) fn start(mut example: Command, path: &Path) -> Self {
        example.arg(path);
        let what = format!("{example:?}");
        Self { running: Running::start(example, Duration::from_secs(60)), what }
    }

    /// Waits until it says so.
    #[track_caller]
    pub(crate) fn says(mut self, line: &str) -> Self {
        if !self.running.answer(line, "") {
            self.running.close_input();
            panic!("{} does not say {line}{}", self.what, self.running.finish().report());
        }
        self
    }

    #[track_caller]
    pub(crate) fn hears(mut self, line: &str) -> Self {
        assert!(self.running.answer("", &format!("{line}\n")), "{} does not read", self.what);
        self
    }

    /// Its input ends, and so does it; all that it said.
    #[track_caller]
    pub(crate) fn ends(mut self) -> String {
        self.running.close_input();
        let finished = self.running.finish();
        assert!(finished.is_success() && !finished.stderr.contains("neither"), "{}: {}", self.what, finished.report());
        finished.stdout
    }
}

/// Runs an example with a file that is there, and changes it when the example waits for that.
fn check(example: Command) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("config");
    let before = Config::new().with_registry_hash(0x0123_abcd).with_size(24, 80).with_flags(Flags(1 << 31 | 4));
    let mut file = ConfigFile::create(&c(&path), before).unwrap();
    let [first, second, third] = [
        line(1, before, " DEBUG 31"),
        line(2, before, " DEBUG METRICS 31"),
        line(3, before.with_size(25, 80), " DEBUG METRICS 31"),
    ];
    let talk = Talk::start(example, &path).says(&first).hears("METRICS on").says(&second);
    let talk = talk.hears("wait 30").says("waiting\n");
    assert_eq!(file.set_byte(10, 25).unwrap().sequence, 3, "the example changed it once");
    assert_eq!(talk.says(&third).ends(), first + &second + "waiting\n" + &third);
}

/// Runs an example that makes the file, and waits for nobody.
fn check_fresh(example: Command) {
    let room = tempfile::tempdir().unwrap();
    let fresh = Config::new().with_size(24, 80);
    let expected = line(1, fresh, "") + &line(2, fresh, " METRICS") + "waiting\nno change\n" + &line(3, fresh, "");
    let talk = Talk::start(example, &room.path().join("config"));
    assert_eq!(talk.hears("METRICS on").hears("wait 0").hears("METRICS off").ends(), expected);
}

/// Runs an example that reads what it does not understand.
fn check_words(mut example: Command) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("config");
    example.arg(&path);
    let mut running = Running::start(example, Duration::from_secs(60));
    assert!(running.answer("sequence 1", "DEBUG maybe\nLOUD on\n"));
    running.close_input();
    let finished = running.finish();
    assert_eq!(finished.status.and_then(|status| status.code()), Some(1), "{}", finished.report());
    for part in ["on or off, nor a wait: DEBUG maybe\n", "no such flag"] {
        assert!(finished.stderr.contains(part), "{}", finished.report());
    }
    assert_eq!(ConfigFile::open(&c(&path)).unwrap().snapshot().unwrap().sequence, 1);
}

/// Runs an example with a file that is none.
fn check_error(mut example: Command) {
    let what = format!("{example:?}");
    example.arg("/dev/null");
    let finished = crate::run(example);
    assert_eq!(finished.status.and_then(|status| status.code()), Some(1), "{what}: {}", finished.report());
    assert!(finished.stderr.contains("this is a device or a socket"), "{what}: {}", finished.report());
}

fn check_all(example: impl Fn() -> Command) {
    check(example());
    check_fresh(example());
    check_words(example());
    check_error(example());
}

/// A compiled example.
fn compiled(file: &str, with: With, options: &[&str]) {
    let room = tempfile::tempdir().unwrap();
    let program = compile(room.path(), file, with, options);
    check_all(|| Command::new(&program));
}

/// A program in valgrind, which ends it with an error if it leaks or reads what is not there.
pub(crate) fn valgrind(program: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--leak-check=full", "--show-leak-kinds=all", "--track-fds=yes", "--error-exitcode=9"]);
    valgrind.arg(program);
    valgrind
}

/// An example that loads the library while it runs.
pub(crate) fn interpreted(interpreter: &Path, file: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(source(file)).env("LIBLATTICE_CONFIG", library().join("liblattice_config.so"));
    command.env("NODE_PATH", source("tests/clients/node_modules"));
    command
}

pub(crate) const SANITIZERS: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

#[test]
fn in_c() {
    compiled("examples/c/config.c", With::Shared, &[]);
    compiled("examples/c/config.c", With::Static, SANITIZERS);
}

#[test]
fn in_c_under_valgrind() {
    let room = tempfile::tempdir().unwrap();
    let program = compile(room.path(), "examples/c/config.c", With::Shared, &[]);
    check(valgrind(&program));
}

#[test]
fn in_cpp() {
    compiled("examples/cpp/config.cpp", With::Shared, &[]);
    compiled("examples/cpp/config.cpp", With::Static, SANITIZERS);
}

#[test]
fn in_python() {
    check_all(|| interpreted(Path::new("python3"), "examples/python/config.py"));
}

#[test]
fn in_node() {
    check_all(|| interpreted(&client::node_js(), "examples/node/config.cjs"));
}

#[test]
fn in_bun() {
    check_all(|| interpreted(&client::bun(), "examples/bun/config.js"));
}
