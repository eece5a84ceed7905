//! A file that is cut while processes have it in memory.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use lattice::config::{Cache, ConfigFile, Error, sigbus};

use crate::child::command;
use crate::{Room, c, config};

const SIGBUS: i32 = 7;

/// Reads the file, cuts it to nothing, reads it again. The bits of `how` say which way.
pub(crate) fn reader(path: &Path, how: usize) {
    let (with_handler, other_signal, writes) = (how & 1 != 0, how & 2 != 0, how & 4 != 0);
    if with_handler {
        sigbus::install().unwrap();
        sigbus::install().unwrap();
    }
    let (mut file, other) = (ConfigFile::open_writable(&c(path)).unwrap(), ConfigFile::open(&c(path)).unwrap());
    let mut cache = Cache::new(&file).unwrap();
    let cut = || OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
    if other_signal {
        // The first one goes to Rust's own handler, which takes it for a stack that overflowed, finds that
        // none did, and leaves the signal to the kernel.
        for _ in 0..2 {
            let kill = format!("kill -BUS {}", std::process::id());
            std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_secs(5));
        unreachable!("a signal that somebody sent ends the process");
    }
    if writes {
        let mut locked = file.lock(0).unwrap();
        let mut publisher = locked.publisher().unwrap();
        cut();
        assert_eq!(publisher.publish(config(2)), Err(Error::Cut));
        drop(publisher);
        assert_eq!(locked.replace(config(2), 1), Err(Error::Cut));
        return;
    }
    cut();
    for _ in 0..3 {
        assert_eq!(cache.read(&file), Err(Error::Cut));
        assert_eq!(file.snapshot(), Err(Error::Cut));
        assert_eq!(other.snapshot(), Err(Error::Cut));
        assert_eq!(file.replace(config(2), 1), Err(Error::Cut));
    }
    assert_eq!(cache.last().config, config(1));
    drop((file, other));
    std::fs::write(path, lattice::config::Image::new(config(3)).to_bytes()).unwrap();
    assert_eq!(ConfigFile::open(&c(path)).unwrap().snapshot().unwrap().config, config(3));
}

/// Whether such a process ended well, or the signal that ended it.
fn outcome(how: usize) -> Result<bool, i32> {
    let room = Room::new();
    room.create(config(1));
    let status = command("cut", &room.path("config"), how).status().unwrap();
    status.signal().map_or_else(|| Ok(status.success()), Err)
}

#[test]
fn readers_with_the_handler_live_and_say_that_the_file_was_cut() {
    assert_eq!(outcome(1), Ok(true));
}

#[test]
fn a_publisher_does_not_call_lost_what_it_wrote() {
    assert_eq!(outcome(1 | 4), Ok(true));
}

#[test]
fn without_the_handler_the_signal_is_the_programs_own() {
    assert_eq!(outcome(0), Err(SIGBUS));
}

#[test]
fn a_signal_for_something_else_still_ends_the_process() {
    assert_eq!(outcome(1 | 2), Err(SIGBUS));
}

#[test]
fn a_file_cut_in_the_middle_gives_no_signal() {
    for bytes in 1..64 {
        let room = Room::new();
        let mut file = room.create(config(1));
        let mut cache = Cache::new(&file).unwrap();
        let newest = file.replace(config(2), 1).unwrap();
        assert_eq!(cache.read(&file), Ok(&newest));
        OpenOptions::new().write(true).open(room.path("config")).unwrap().set_len(bytes).unwrap();
        assert_eq!(file.verify(), Err(Error::Cut));
        // The last bytes of the checksum may be zero by chance: then nothing is lost.
        let read = cache.read(&file);
        assert!(read == Err(Error::Cut) || read == Ok(&newest), "{bytes}: {read:?}");
        assert_eq!(file.replace(config(3), 2), Err(Error::Cut));
        drop(file);
        assert_ne!(ConfigFile::open(&c(&room.path("config"))).err(), None);
    }
}
