//! Processes that read and write, and are killed at any moment (`kill -9`).
//!
//! Each update counts one up in the config's hash, and is noted by its writer when it is acknowledged.
//! So at the end everything must add up: the count is that of all acknowledged updates and of those,
//! at most one for each killed writer, that were done and not acknowledged any more.
//! `LATTICE_KILL_SECONDS` says for how long.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lattice::config::{Cache, Config, ConfigFile, Error, Slot};

use crate::child::Running;
use crate::{Room, c, config, hash_of};

const WRITERS: usize = 4;
const READERS: usize = 4;
const SECONDS: u64 = 4;
/// How many updates a publisher makes before others may.
const PUBLISHED: usize = 50;

fn notes(path: &Path, number: usize) -> PathBuf {
    path.with_file_name(format!("notes-{number}"))
}

/// The next config, given the last.
fn next(last: Config) -> Config {
    config(hash_of(&last) + 1)
}

/// Writes for good, in three ways.
pub(crate) fn writer(path: &Path, number: usize) {
    let mut file = ConfigFile::open_writable(&c(path)).unwrap();
    let mut notes = OpenOptions::new().create(true).append(true).open(notes(path, number)).unwrap();
    let mut note = |slot: Slot| {
        let (sequence, hash) = (slot.sequence.to_le_bytes(), u64::from(hash_of(&slot.config)).to_le_bytes());
        notes.write_all(&[sequence, hash].concat()).unwrap();
    };
    for turn in 0.. {
        match turn % 3 {
            0 => {
                let read = file.snapshot().unwrap();
                match file.replace(next(read.config), read.sequence) {
                    Err(Error::Conflict) => {}
                    written => note(written.unwrap()),
                }
            }
            1 => note(file.lock(5000).unwrap().change(|last| Ok(next(last))).unwrap()),
            _ => publish(&mut file, &mut note),
        }
    }
}

fn publish(file: &mut ConfigFile, note: &mut impl FnMut(Slot)) {
    let mut locked = file.lock(5000).unwrap();
    let mut publisher = locked.publisher().unwrap();
    for _ in 0..PUBLISHED {
        let last = publisher.slot().unwrap();
        note(publisher.publish(next(last.config)).unwrap());
    }
}

/// Reads for good: never a config that nobody wrote, never back. Ends well when the file is deleted.
pub(crate) fn reader(path: &Path, number: usize) {
    let file = ConfigFile::open(&c(path)).unwrap();
    let mut cache = Cache::new(&file).unwrap();
    let mut last = *cache.last();
    for turn in 0u32.. {
        let read = if turn as usize % 2 == number % 2 { *cache.read(&file).unwrap() } else { file.snapshot().unwrap() };
        assert!(read.sequence >= last.sequence, "{read:?} after {last:?}");
        assert_eq!(read.sequence > last.sequence, hash_of(&read.config) > hash_of(&last.config));
        last = read;
        if turn % 4096 == 0 && file.verify() == Err(Error::Replaced) {
            return;
        }
    }
}

#[test]
fn no_update_is_lost_when_processes_are_killed() {
    let seconds = std::env::var("LATTICE_KILL_SECONDS").map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let room = Room::new();
    let path = room.path("config");
    room.create(config(0));
    let start = |at: usize| Running::start(if at < WRITERS { "writer" } else { "reader" }, &path, at);
    let mut processes: Vec<Running> = (0..WRITERS + READERS).map(start).collect();
    let (mut killed_writers, mut kills) = (0, 0);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(15));
        // Each in turn, at a moment that nothing in them has to do with.
        let at = kills % processes.len();
        assert_eq!(processes[at].0.try_wait().unwrap(), None, "process {at} found a fault");
        processes[at] = start(at); // the one before is killed
        killed_writers += usize::from(at < WRITERS);
        kills += 1;
    }
    let readers = processes.split_off(WRITERS);
    drop(processes);
    check_notes(&room, killed_writers + WRITERS, kills);
    fs::remove_file(&path).unwrap();
    for mut reader in readers {
        assert!(reader.0.wait().unwrap().success(), "a reader found a fault");
    }
}

/// Adds up. `unsaid` is how many updates may have been done without being acknowledged.
fn check_notes(room: &Room, unsaid: usize, kills: usize) {
    let mut acknowledged = BTreeMap::new();
    for number in 0..WRITERS {
        let notes = fs::read(notes(&room.path("config"), number)).unwrap();
        let (notes, rest) = notes.as_chunks::<16>();
        assert!(rest.is_empty() && !notes.is_empty(), "writer {number}");
        let numbers = notes.iter().map(|note| {
            let number = |at: usize| u64::from_le_bytes(*note[at..].first_chunk().unwrap());
            (number(0), number(8))
        });
        let own: Vec<(u64, u64)> = numbers.collect();
        assert!(own.is_sorted_by(|one, next| one < next), "the sequences of a writer rise");
        for (sequence, hash) in own {
            assert_eq!(acknowledged.insert(sequence, hash), None, "sequence {sequence} was acknowledged twice");
        }
    }
    assert!(acknowledged.values().is_sorted_by(|one, next| one < next), "an acknowledged update was lost");
    let last = room.open().snapshot().unwrap();
    let (&sequence, &hash) = acknowledged.last_key_value().unwrap();
    assert!(last.sequence >= sequence && u64::from(hash_of(&last.config)) >= hash, "the last update was lost");
    let missing = u64::from(hash_of(&last.config)) - acknowledged.len() as u64;
    assert!(missing <= unsaid as u64, "{missing} updates that nobody acknowledged");
    eprintln!("{kills} kills, {} updates acknowledged, {missing} done and not acknowledged", acknowledged.len());
}
