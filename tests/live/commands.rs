//! `lattice config`, without a node.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lattice::config::{Config, Flags, Image};
use tempfile::TempDir;

use super::{config, open, said};
use crate::support::{Running, lattice};

/// A directory with a config file.
struct Room {
    directory: TempDir,
}

impl Room {
    fn new() -> Self {
        let room = Self { directory: TempDir::new().expect("a temporary directory") };
        let record = Config::new().with_flags(Flags::CACHE_ENABLED).with_registry_hash(0x1234_5678).with_size(24, 80);
        fs::write(room.path("record"), record.to_bytes()).expect("the temp dir is writable");
        room.config(&["import", &room.text("record")]);
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a temporary path is UTF-8").to_owned()
    }

    fn file(&self) -> PathBuf {
        self.path("config.bin")
    }

    /// What the command says, which must succeed.
    fn config(&self, args: &[&str]) -> String {
        said(&config(&self.file(), args))
    }

    /// Exit code and what it said to the person.
    fn fails(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = config(&self.file(), args);
        assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    }
}

#[test]
fn every_field_and_flag_can_be_read_and_written() {
    let room = Room::new();
    for (field, value, shown) in [
        ("rows", "50", "50\n"),
        ("cols", "0xff", "255\n"),
        ("terminal_mode", "2", "2\n"),
        ("reserved", "7", "7\n"),
        ("registry_hash", "0xdeadbeef", "0xdeadbeef\n"),
        ("feature_flags", "248", "0x000000f8\n"),
        ("version", "1", "1\n"),
    ] {
        room.config(&["set", field, value]);
        assert_eq!(room.config(&["get", field]), shown, "{field}");
    }
    for name in Flags::NAMES {
        for state in ["on", "off"] {
            room.config(&["flag", name, state]);
            assert_eq!(room.config(&["get", name]), format!("{state}\n"), "{name}");
        }
    }
    assert_eq!(room.config(&["set", "rows", "51"]), "sequence 25: rows 50 → 51\n");
    assert_eq!(room.config(&["flag", "debug", "on"]), "sequence 26: DEBUG off → on\n");
    assert_eq!(room.config(&["get", "sequence"]), "26\n");
    assert_eq!(room.config(&["get", "--hex"]), "01efbeadde0400000002 33ff07\n".replace(' ', ""));
}

#[test]
fn programs_can_read_all_of_it() {
    let room = Room::new();
    let shown: serde_json::Value = serde_json::from_str(&room.config(&["get", "--json"])).expect("JSON");
    assert_eq!(
        (&shown["rows"], &shown["flags"]["CACHE_ENABLED"], &shown["sequence"]),
        (&24.into(), &true.into(), &1.into())
    );
    let script = format!("{}printf %s \"$LIVE_CONFIG_COLS\"", room.config(&["get", "--shell"]));
    let output = Command::new("sh").args(["-euc", &script]).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "80", "{output:?}");
    let picture = room.config(&["get"]);
    for line in
        ["0x01    78 56 34 12  registry_hash  0x12345678", "5    CACHE_ENABLED     on", "7    LOGGING           off"]
    {
        assert!(picture.contains(line), "{line} in\n{picture}");
    }
    assert!(!picture.contains('\u{1b}'), "no colour into a pipe");
}

#[test]
fn what_is_not_understood_exits_2_and_says_what_is() {
    let room = Room::new();
    for (args, parts) in [
        (&["set", "rows", "256"][..], &["rows may not be 256", "0 to 255"][..]),
        (&["set", "rows", "-1"], &["rows may not be \"-1\"", "0 to 255"]),
        (&["set", "rows", "many"], &["\"many\"", "0 to 255"]),
        (&["set", "terminal_mode", "3"], &["terminal_mode may not be 3", "0, 1 or 2"]),
        (&["set", "version", "2"], &["version may not be 2", "1, the only version"]),
        (&["set", "registry_hash", "0x100000000"], &["registry_hash may not be 4294967296", "0xffffffff"]),
        (&["set", "height", "1"], &["\"height\"", "version, registry_hash, feature_flags"]),
        (&["set", "DEBUG", "1"], &["DEBUG is a flag", "lattice config flag DEBUG on"]),
        (&["flag", "LOUD", "on"], &["\"LOUD\"", "PREMIUM_TYPES, PRIVATE_REGISTRY"]),
        (&["flag", "DEBUG", "maybe"], &["maybe", "on, off"]),
        (&["get", "colour"], &["\"colour\"", "sequence", "CACHE_ENABLED"]),
        (&["get", "rows", "--json"], &["--json"]),
        (&["set", "rows"], &["<VALUE>"]),
    ] {
        let (code, told) = room.fails(args);
        assert_eq!(code, Some(2), "{args:?}: {told}");
        for part in parts {
            assert!(told.contains(part), "{args:?}: {part} in {told}");
        }
    }
    assert_eq!(room.config(&["get", "sequence"]), "1\n", "nothing was written");
}

#[test]
fn who_expects_another_sequence_changes_nothing() {
    let room = Room::new();
    for args in [&["set", "rows", "9"][..], &["flag", "DEBUG", "on"], &["import", &room.text("record")]] {
        let (code, told) = room.fails(&[args, &["--expect", "7"]].concat());
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("the sequence is 1 and not 7"), "{told}");
    }
    assert_eq!(room.config(&["get", "rows"]), "24\n");
    assert!(room.config(&["set", "rows", "9", "--expect", "1"]).starts_with("sequence 2: "));
    assert!(room.config(&["import", &room.text("record"), "--expect", "2"]).starts_with("sequence 3: "));
}

#[test]
fn of_many_processes_that_expect_the_same_sequence_one_writes() {
    let room = Room::new();
    let start = |rows: u8| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
        command.args(["config", "set", "rows", &rows.to_string(), "--expect", "1", "--file"]).arg(room.file());
        Running::start(command, Duration::from_secs(30))
    };
    let all: Vec<Running> = (1..=6).map(start).collect();
    let done = all.into_iter().map(Running::finish).filter(support_succeeded).count();
    assert_eq!((done, room.config(&["get", "sequence"]).as_str()), (1, "2\n"));
}

fn support_succeeded(finished: &crate::support::Finished) -> bool {
    finished.is_success()
}

#[test]
fn a_record_is_carried_from_file_to_file() {
    let room = Room::new();
    room.config(&["set", "reserved", "200"]);
    room.config(&["export", &room.text("out")]);
    let bytes = fs::read(room.path("out")).expect("it was written");
    assert_eq!(bytes, open(&room.file()).snapshot().expect("a config").config.to_bytes());
    let output = config(&room.file(), &["export"]);
    assert_eq!(output.stdout, bytes, "into a pipe");
    let (code, told) = room.fails(&["export", &room.text("out")]);
    assert!(code == Some(1) && told.contains("cannot be written"), "{told}");
    // A whole file is taken over, too, and its own sequence does not matter.
    fs::copy(room.file(), room.path("whole")).expect("the temp dir is writable");
    room.config(&["set", "reserved", "0"]);
    assert!(room.config(&["import", &room.text("whole")]).starts_with("sequence 4: "));
    assert_eq!(room.config(&["get", "reserved"]), "200\n");
}

#[test]
fn what_is_no_config_is_not_imported() {
    let room = Room::new();
    let mut torn = Image::new(Config::new()).to_bytes();
    torn[3] ^= 1;
    let mut odd_mode = Config::new().to_bytes();
    odd_mode[9] = 3;
    for (bytes, why) in [
        (&[][..], "has 0 bytes"),
        (&[1; 12], "has 12 bytes"),
        (&[1; 14], "has 14 bytes"),
        (&[1; 65], "has more bytes"),
        (&[0; 13], "version may not be 0"),
        (&odd_mode, "terminal_mode may not be 3"),
        (&torn, "neither slot"),
    ] {
        fs::write(room.path("bad"), bytes).expect("the temp dir is writable");
        let (code, told) = room.fails(&["import", &room.text("bad")]);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains(why), "{why} in {told}");
    }
    assert!(room.fails(&["import", &room.text("nothing")]).1.contains("cannot be read"));
    assert_eq!(room.config(&["get", "sequence"]), "1\n");
}

#[test]
fn a_file_of_the_wrong_length_is_put_aside() {
    let room = Room::new();
    fs::write(room.file(), b"half a file").expect("ours");
    assert_eq!(room.fails(&["get"]).0, Some(1));
    room.config(&["import", &room.text("record")]);
    assert_eq!(room.config(&["get", "rows"]), "24\n");
    assert_eq!(fs::read(room.path("config.bin.damaged")).expect("it is kept"), b"half a file");
}

#[test]
fn verify_tells_slot_by_slot() {
    let room = Room::new();
    let told = room.config(&["verify"]);
    assert!(told.starts_with("slot 0: whole, sequence 1\nslot 1: never written\n"), "{told}");
    room.config(&["set", "rows", "1"]);
    let mut bytes = fs::read(room.file()).expect("ours");
    bytes[40] ^= 1;
    fs::write(room.file(), &bytes).expect("ours");
    let told = room.config(&["verify"]);
    assert!(told.contains("slot 1: not whole") && told.contains("ok, sequence 1 is in force"), "{told}");
    bytes[0] ^= 1;
    fs::write(room.file(), &bytes).expect("ours");
    let output = config(&room.file(), &["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("lattice config import"), "{output:?}");
    assert!(room.fails(&["verify", "--data", "x"]).1.contains("cannot be used with"), "one place at a time");
}

#[test]
fn the_file_is_found_as_the_node_would_find_it() {
    let room = Room::new();
    let directory = room.directory.path();
    let ask = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
        command.args(["config", "get", "rows"]).args(args).current_dir(directory).env_clear();
        let output = command.envs(variables.iter().copied()).output().expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let found = (Some(0), "24\n".to_owned());
    assert_eq!(ask(&[], &[]).0, Some(1), "there is no lattice-data here");
    assert_eq!(ask(&["--data", "."], &[]), found);
    assert_eq!(ask(&[], &[("LATTICE_DATA", ".")]), found);
    assert_eq!(ask(&[], &[("LATTICE_NODE_LIVE_CONFIG", "config.bin")]), found);
    fs::write(room.path("other.toml"), "[node]\nlive_config = 'config.bin'\n").expect("the temp dir is writable");
    assert_eq!(ask(&["--config", "other.toml"], &[]), found);
    fs::write(room.path("bad.toml"), "[node]\nlive = 1\n").expect("the temp dir is writable");
    assert_eq!(ask(&["--config", "bad.toml"], &[]).0, Some(78));
    assert_eq!(ask(&["--file", "config.bin"], &[]), found);
}

#[test]
fn watch_tells_each_change() {
    let room = Room::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
    command.args(["config", "watch", "--file"]).arg(room.file());
    let mut watch = Running::start(command, Duration::from_secs(60));
    // An answer is not read by it; this waits for what it says.
    assert!(watch.answer("sequence 1\n", ""));
    room.config(&["flag", "DEBUG", "on"]);
    assert!(watch.answer("sequence 2: DEBUG off → on\n", ""));
    open(&room.file()).set_byte(10, 99).expect("it is written");
    assert!(watch.answer("sequence 3: rows 24 → 99\n", ""));
    // Another file in its place.
    fs::write(room.path("new"), Image::new(Config::new().with_size(5, 80)).to_bytes())
        .expect("the temp dir is writable");
    fs::set_permissions(room.path("new"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("ours");
    fs::rename(room.path("new"), room.file()).expect("the same directory");
    assert!(watch.answer("sequence 1: ", ""), "{}", watch.stderr_so_far());
}

#[test]
fn the_help_tells_the_two_configurations_apart() {
    let output = lattice(&["config", "--help"], b"");
    let help = String::from_utf8(output.stdout).expect("help is text");
    for part in ["registry.toml is read when the node starts", "The live config is 13 bytes", "PRIVATE_REGISTRY"] {
        assert!(help.contains(part), "{part} in {help}");
    }
}
