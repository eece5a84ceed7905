//! The C programs of this folder: wrong arguments, every error, threads, a crash, a file that is cut.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use lattice::config::{Config, ConfigFile, Flags, Image, SLOT_BYTES, Slot};

use crate::examples::Talk;
use crate::library::{With, compile};
use crate::{c, run, succeed};

const SIGBUS: i32 = 7;
const SIGKILL: i32 = 9;

const SANITIZERS: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// A program with its arguments, after one that may run it.
fn command(runner: &[&str], program: &Path, arguments: &[&Path]) -> Command {
    let mut words = runner.iter().map(|word| word.as_ref()).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(arguments);
    command
}

const PLAIN: &[&str] = &[];
const VALGRIND: &[&str] =
    &["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=all", "--track-fds=yes", "--error-exitcode=9"];

#[test]
fn wrong_arguments_are_refused() {
    let room = tempfile::tempdir().unwrap();
    for (with, options, runner) in [
        (With::Shared, PLAIN, PLAIN),
        (With::Static, PLAIN, PLAIN),
        (With::Shared, PLAIN, VALGRIND),
        (With::Static, SANITIZERS, PLAIN),
    ] {
        let program = compile(room.path(), "tests/cabi/arguments.c", with, options);
        succeed(command(runner, &program, &[room.path()]));
    }
}

#[test]
fn every_error_of_a_file_can_be_had() {
    let room = tempfile::tempdir().unwrap();
    let program = compile(room.path(), "tests/cabi/faults.c", With::Shared, &[]);
    let (place, last) = (room.path().join("place"), room.path().join("last"));
    std::fs::create_dir(&place).unwrap();
    drop(ConfigFile::create(&c(&last), Config::new()).unwrap());
    let mut image = [0; 2 * SLOT_BYTES];
    image[SLOT_BYTES..].copy_from_slice(&Slot { config: Config::new(), sequence: u64::MAX }.encode());
    std::fs::write(&last, image).unwrap();
    succeed(command(PLAIN, &program, &[&place, &last]));
}

#[test]
fn threads_share_a_handle() {
    let room = tempfile::tempdir().unwrap();
    for (with, options, runner, changes) in [
        (With::Shared, PLAIN, PLAIN, "1000"),
        (With::Static, SANITIZERS, PLAIN, "300"),
        (With::Shared, PLAIN, VALGRIND, "30"),
    ] {
        let program = compile(room.path(), "tests/cabi/threads.c", with, options);
        let path = room.path().join("config");
        succeed(command(runner, &program, &[&path, changes.as_ref()]));
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_crash_in_the_middle_of_a_change_leaves_the_config_and_no_lock() {
    let room = tempfile::tempdir().unwrap();
    let program = compile(room.path(), "tests/cabi/crash.c", With::Shared, &[]);
    for bytes in 0..=SLOT_BYTES {
        let path = room.path().join("config");
        let mut file = ConfigFile::create(&c(&path), Config::new().with_size(24, 80)).unwrap();
        let finished = run(command(PLAIN, &program, &[&path, bytes.to_string().as_ref()]));
        assert_eq!(finished.status.and_then(|status| status.signal()), Some(SIGKILL), "{}", finished.report());
        let (left, expected) = (file.snapshot().unwrap().config, Config::new().with_size(24, 80));
        // The last bytes of the checksum may be zero by chance, as those of a slot never written are.
        let is_whole = left == expected.with_flags(Flags::DEBUG);
        assert!(left == expected || is_whole && bytes > SLOT_BYTES - 3, "{bytes}: {left:?}");
        assert_eq!(file.lock(0).unwrap().change(|last| Ok(last.with_size(1, 2))).unwrap().config.rows(), 1);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_program_chooses_what_happens_when_a_file_is_cut() {
    let room = tempfile::tempdir().unwrap();
    let program = compile(room.path(), "tests/cabi/cut.c", With::Shared, &[]);
    for (how, signal) in [("guard", None), ("pread", None), ("nothing", Some(SIGBUS))] {
        let path = room.path().join("config");
        drop(ConfigFile::create(&c(&path), Config::new()).unwrap());
        let finished = run(command(PLAIN, &program, &[&path, how.as_ref()]));
        let status = finished.status.expect("it ends by itself");
        assert_eq!(
            (status.signal(), status.code()),
            (signal, signal.map_or(Some(0), |_| None)),
            "{}",
            finished.report()
        );
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn what_it_writes_is_what_the_node_reads() {
    let room = tempfile::tempdir().unwrap();
    let program = compile(room.path(), "examples/c/config.c", With::Static, &["-I", "."]);
    let path = room.path().join("config");
    let said = Talk::start(command(PLAIN, &program, &[]), &path).hears("METRICS on").ends();
    assert!(said.ends_with(" METRICS\n"), "{said}");
    let expected = Config::new().with_size(24, 80).with_flags(Flags::METRICS);
    assert_eq!(ConfigFile::open(&c(&path)).unwrap().snapshot(), Ok(Slot { config: expected, sequence: 2 }));
    let bytes: [u8; 2 * SLOT_BYTES] = std::fs::read(&path).unwrap().try_into().unwrap();
    let fresh = Image::new(Config::new().with_size(24, 80)).to_bytes();
    assert_eq!(bytes[..SLOT_BYTES], fresh[..SLOT_BYTES], "a change leaves the slot before it");
}
