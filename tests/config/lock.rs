//! One writer at a time, also when it dies.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use lattice::config::{ConfigFile, Error};

use crate::child::{Running, command};
use crate::{Room, c, config};

/// Takes the lock, says so, and keeps it for good.
pub(crate) fn holder(path: &Path) {
    let mut file = ConfigFile::open_writable(&c(path)).unwrap();
    let _locked = file.lock(1000).unwrap();
    println!("\nlocked");
    std::thread::sleep(Duration::from_secs(60));
}

fn holder_of(room: &Room) -> Running {
    let mut child = command("holder", &room.path("config"), 0).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let running = Running(child);
    assert!(stdout.lines().any(|line| line.unwrap() == "locked"), "the holder ended");
    running
}

#[test]
fn two_files_of_one_process_exclude_each_other() {
    let room = Room::new();
    let (mut one, mut other) = (room.create(config(1)), room.open());
    let locked = one.lock(0).unwrap();
    assert_eq!(other.lock(0).err(), Some(Error::Locked));
    assert_eq!(other.snapshot().unwrap().config, config(1), "reading needs no lock");
    drop(locked);
    assert!(other.lock(0).is_ok());
}

#[test]
fn waiting_ends() {
    let room = Room::new();
    let (mut one, mut other) = (room.create(config(1)), room.open());
    let _locked = one.lock(0).unwrap();
    let started = Instant::now();
    assert_eq!(other.lock(50).err(), Some(Error::Locked));
    assert!(started.elapsed() >= Duration::from_millis(49));
}

#[test]
fn a_lock_ends_with_its_process() {
    let room = Room::new();
    let mut file = room.create(config(1));
    let holder = holder_of(&room);
    assert_eq!(file.lock(20).err(), Some(Error::Locked));
    assert_eq!(file.snapshot().unwrap().config, config(1));
    drop(holder);
    assert_eq!(file.replace(config(2), 1).unwrap().sequence, 2);
}

#[test]
fn a_file_that_lost_its_name_is_not_written() {
    let room = Room::new();
    let mut file = room.create(config(1));
    std::fs::rename(room.path("config"), room.path("moved")).unwrap();
    assert_eq!(file.verify(), Ok(()), "another name is a name");
    std::fs::remove_file(room.path("moved")).unwrap();
    room.create(config(5));
    assert_eq!(file.verify(), Err(Error::Replaced));
    assert_eq!(file.replace(config(2), 1), Err(Error::Replaced));
}

#[test]
fn threads_lose_no_update() {
    let room = Room::new();
    let first = room.create(config(0)).snapshot().unwrap();
    let (threads, times) = (4, 500);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut file = room.open();
                for _ in 0..times {
                    file.lock(10_000).unwrap().change(|last| Ok(config(last.registry_hash() + 1))).unwrap();
                }
            });
        }
    });
    let last = room.open().snapshot().unwrap();
    assert_eq!((last.config, last.sequence), (config(threads * times), first.sequence + u64::from(threads * times)));
}
