//! What is no config file, and how it is told.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use lattice::config::sigbus::MAPPINGS_MAX;
use lattice::config::{Config, ConfigFile, Error, Image};

use crate::child::command;
use crate::{Room, c, config};

fn errors(room: &Room, name: &str) -> [Option<Error>; 2] {
    let path = c(&room.path(name));
    [ConfigFile::open(&path).err(), ConfigFile::open_writable(&path).err()]
}

/// A file that is as it should be but for its bytes.
fn plain(room: &Room, name: &str, bytes: &[u8]) {
    fs::write(room.path(name), bytes).unwrap();
    mode(room, name, 0o600);
}

fn mode(room: &Room, name: &str, mode: u32) {
    fs::set_permissions(room.path(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn each_length_is_named() {
    let room = Room::new();
    let image = Image::new(config(1)).to_bytes();
    for length in 0..=65 {
        let mut bytes = image.to_vec();
        bytes.resize(length, 0);
        plain(&room, "f", &bytes);
        let expected = match length {
            0 => Some(Error::Empty),
            13 => Some(Error::Bare),
            64 => None,
            65 => Some(Error::Long),
            _ => Some(Error::Short),
        };
        assert_eq!(errors(&room, "f"), [expected; 2], "{length} bytes");
    }
}

#[test]
fn what_is_no_regular_file_is_named_and_never_waited_for() {
    let room = Room::new();
    room.create(config(1));
    fs::create_dir(room.path("directory")).unwrap();
    symlink("config", room.path("link")).unwrap();
    symlink("nowhere", room.path("dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(room.path("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(room.path("socket")).unwrap();
    let started = Instant::now();
    for (name, error) in [
        ("directory", Error::Directory),
        ("link", Error::Symlink),
        ("dangling", Error::Symlink),
        ("fifo", Error::Fifo),
        ("socket", Error::NotRegular),
        ("missing", Error::NotFound),
        ("config/below", Error::NotFound),
    ] {
        assert_eq!(errors(&room, name), [Some(error); 2], "{name}");
    }
    assert!(started.elapsed().as_secs() < 5, "something was waited for");
    assert_eq!(ConfigFile::open(c"/dev/null").err(), Some(Error::NotRegular));
    assert_eq!(errors(&room, &"n".repeat(300)), [Some(Error::PathTooLong); 2]);
}

#[test]
fn nobody_else_may_write_it() {
    let room = Room::new();
    room.create(config(1));
    for (bits, refused) in [(0o600, false), (0o644, false), (0o620, true), (0o602, true), (0o666, true)] {
        mode(&room, "config", bits);
        assert_eq!(errors(&room, "config"), [refused.then_some(Error::Mode); 2], "{bits:o}");
    }
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let room = Room::new();
    room.create(config(1));
    if chown(room.path("config"), Some(65534), None).is_err() {
        eprintln!("skipped: only root gives files away");
        return;
    }
    assert_eq!(errors(&room, "config"), [Some(Error::Owner); 2]);
    chown(room.path("config"), Some(0), None).unwrap();
    assert_eq!(errors(&room, "config"), [None; 2]);
}

#[test]
fn a_file_opened_for_reading_is_not_written() {
    let room = Room::new();
    room.create(config(1));
    let mut file = ConfigFile::open(&c(&room.path("config"))).unwrap();
    assert_eq!(file.replace(config(2), 1), Err(Error::ReadOnly));
    assert_eq!(file.snapshot().unwrap().config, config(1));
}

#[test]
fn bytes_without_a_whole_slot_open_and_are_called_damaged() {
    let room = Room::new();
    for bytes in [[0; 64], [0xff; 64], core::array::from_fn(|at| at as u8)] {
        plain(&room, "config", &bytes);
        let mut file = room.open();
        assert_eq!(file.snapshot(), Err(Error::Damaged));
        assert_eq!(file.toggle(lattice::config::Flags::DEBUG), Err(Error::Damaged));
        assert_eq!(file.replace(config(2), 7), Err(Error::Conflict));
        let slot = file.replace(config(2), 0).unwrap();
        assert_eq!(file.snapshot(), Ok(slot));
        assert_eq!(room.open().snapshot(), Ok(slot));
    }
}

/// Opens the file as often as a process can.
pub(crate) fn collector(path: &Path) {
    let mut files: Vec<ConfigFile> = (0..MAPPINGS_MAX).map(|_| ConfigFile::open_writable(&c(path)).unwrap()).collect();
    assert_eq!(ConfigFile::open(&c(path)).err(), Some(Error::TooMany));
    assert_eq!(files[0].lock(0).unwrap().publisher().err(), Some(Error::TooMany));
    files.pop();
    assert!(files[0].lock(0).unwrap().publisher().is_ok());
    assert!(ConfigFile::open(&c(path)).is_ok());
}

#[test]
fn a_process_opens_only_so_many() {
    let room = Room::new();
    room.create(config(1));
    assert!(command("collector", &room.path("config"), 0).status().unwrap().success());
}

#[test]
fn a_version_from_the_future_is_read_and_never_written() {
    let room = Room::new();
    let mut bytes = config(4).to_bytes();
    bytes[0] = 2;
    let mut file = room.create(Config::from_bytes(bytes));
    let before = fs::read(room.path("config")).unwrap();
    assert_eq!(file.snapshot().unwrap().config.registry_hash(), 4);
    let refused = Err(Error::Refused(lattice::config::Refusal::UnknownVersion));
    assert_eq!(file.replace(config(5), 1), refused);
    assert_eq!(file.set_byte(0, 1), refused);
    assert_eq!(file.set_features(lattice::config::Flags::DEBUG, true), refused);
    assert_eq!(fs::read(room.path("config")).unwrap(), before);
}
