//! The file of the config, in a directory of its own: read, changed and opened, each beside what it cannot be
//! faster than. Changes do not wait for the disk.

use std::ffi::CString;
use std::fs::File;
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::super::super::output::Failure;
use super::super::super::scratch::Scratch;
use super::super::{Bench, FallibleBatch, Pair, Subject, TargetKey};
use super::bench;
use crate::config::line::Line;
use crate::config::{Cache, Config, ConfigFile, Error, Flags, SLOT_BYTES, Slot, layout};
use crate::reactor::sys::map_once;

/// Operations of a batch: so many loads and stores, or so many with system calls, that what happens once a batch,
/// such as taking the lock, is nothing beside them.
const LOADS: u64 = 1 << 14;
const CALLS: u64 = 1 << 10;
/// Operations of a turn of the loop: a jump each would cost as much as the least of them.
const UNROLLED: u64 = 8;

const OF_CACHED: TargetKey = TargetKey::Nanoseconds(|targets| targets.config_cached_ns);
const OF_SNAPSHOT: TargetKey = TargetKey::Nanoseconds(|targets| targets.config_snapshot_ns);
const OF_PUBLISH: TargetKey = TargetKey::Nanoseconds(|targets| targets.config_publish_ns);
const OF_WRITE: TargetKey = TargetKey::Ratio(|targets| targets.config_write_ratio);
const OF_OPEN: TargetKey = TargetKey::Ratio(|targets| targets.config_open_ratio);

pub(super) fn benches() -> Vec<Bench> {
    let loads = |bare, make| Subject::Beside { operations: LOADS, bare, make };
    let calls = |bare, make| Subject::Beside { operations: CALLS, bare, make };
    const PWRITE: &str = "pwrite of 32 bytes to the same file";
    let cached = loads("a plain load", cached);
    let snapshot = loads("its 64 bytes loaded", snapshot);
    let publish = loads("32 bytes stored", publish);
    let open = calls("open, mmap, a load, munmap, close", open);
    vec![
        bench("config_cached", "a read when nothing changed", Some(OF_CACHED), cached),
        bench("config_snapshot", "a read of the file, checksum included", Some(OF_SNAPSHOT), snapshot),
        bench("config_publish", "a change in the mapping, lock held", Some(OF_PUBLISH), publish),
        bench("config_write", "a change in the file, lock held", Some(OF_WRITE), calls(PWRITE, write)),
        bench("config_write_locked", "the same, lock taken and given back", None, calls(PWRITE, write_locked)),
        bench("config_open", "open, check, map, read, close", Some(OF_OPEN), open),
    ]
}

fn cached() -> Result<Pair, Failure> {
    let (place, file) = Place::with_file()?;
    let kept = Rc::clone(&place);
    let mut cache = Cache::new(&file).map_err(broken)?;
    let work = move || {
        let _kept = &kept;
        // At hand, as in a loop that looks at each turn.
        let mut at_hand = cache.clone();
        let sum = sum(LOADS, |_| at_hand.read(&file).map(|slot| slot.sequence));
        cache = at_hand;
        sum
    };
    let word = Box::new(AtomicU64::new(7));
    Ok(Pair { work: Box::new(work), bare: place.keep_for(LOADS, move |_| Ok(word.load(Ordering::Relaxed))) })
}

fn snapshot() -> Result<Pair, Failure> {
    let (place, file) = Place::with_file()?;
    let (file, same) = (Rc::new(file), place.open()?);
    Ok(Pair {
        work: place.keep_for(LOADS, move |_| black_box(file.snapshot()).map(|slot| slot.sequence)),
        bare: place.keep_for(LOADS, move |_| Ok([same.slot(0), same.slot(1)].as_flattened().iter().fold(0, add))),
    })
}

fn add(sum: u64, word: &u64) -> u64 {
    sum.wrapping_add(*word)
}

fn publish() -> Result<Pair, Failure> {
    let (place, mut file) = Place::with_file()?;
    let kept = Rc::clone(&place);
    let work = move || {
        let _kept = &kept;
        let mut locked = file.lock(0).map_err(broken)?;
        let mut publisher = locked.publisher().map_err(broken)?;
        sum(LOADS, |time| publisher.publish(black_box(config(time))).map(|slot| hash(&slot)))
    };
    let words = Box::new([const { AtomicU64::new(0) }; 4]);
    let bare = move |time| {
        words.iter().for_each(|word| word.store(time, Ordering::Relaxed));
        Ok(time)
    };
    Ok(Pair { work: Box::new(work), bare: place.keep_for(LOADS, bare) })
}

fn write() -> Result<Pair, Failure> {
    let (place, mut file) = Place::with_file()?;
    let kept = Rc::clone(&place);
    let work = move || {
        let _kept = &kept;
        let mut locked = file.lock(0).map_err(broken)?;
        sum(CALLS, |time| locked.change(|_| Ok(black_box(config(time)))).map(|slot| hash(&slot)))
    };
    Ok(Pair { work: Box::new(work), bare: pwrite(&place)? })
}

fn write_locked() -> Result<Pair, Failure> {
    let (place, mut file) = Place::with_file()?;
    let change = move |time| file.set_byte(layout::ROWS as u32, time as u8).map(|slot| u64::from(slot.config.rows()));
    Ok(Pair { bare: pwrite(&place)?, work: place.keep_for(CALLS, change) })
}

/// Writes both slots in turn, as changes do: a config that is whole, and older than any change.
fn pwrite(place: &Rc<Place>) -> Result<FallibleBatch, Failure> {
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(place.path.as_bytes()));
    let file = File::options().write(true).open(path).map_err(|error| failed(&error))?;
    let slots = [2, 3].map(|sequence| Slot { config: config(1), sequence }.encode());
    let kept = Rc::clone(place);
    Ok(Box::new(move || {
        let (_kept, mut sum) = (&kept, 0);
        for time in 0..CALLS as usize {
            let index = time % 2;
            let written = file.write_at(black_box(&slots[index]), (index * SLOT_BYTES) as u64);
            sum += written.map_err(|error| failed(&error))? as u64;
        }
        Ok(sum)
    }))
}

fn open() -> Result<Pair, Failure> {
    let (place, file) = Place::with_file()?;
    drop(file);
    let kept = Rc::clone(&place);
    let bare = move || {
        let mut sum = 0_u64;
        for _ in 0..CALLS {
            sum = sum.wrapping_add(map_once(&kept.path).map_err(|error| failed(&error))?);
        }
        Ok(sum)
    };
    let path = place.path.clone();
    let work = move |_| ConfigFile::open(&path)?.snapshot().map(|slot| slot.sequence);
    Ok(Pair { work: place.keep_for(CALLS, work), bare: Box::new(bare) })
}

/// A directory with a config file, which goes with the last batch that needs it.
struct Place {
    path: CString,
    _scratch: Scratch,
}

impl Place {
    fn with_file() -> Result<(Rc<Self>, ConfigFile), Failure> {
        let scratch = Scratch::new()?;
        let path = scratch.path().join("config.bin");
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|error| failed(&error))?;
        let file = ConfigFile::create(&path, config(1)).map_err(broken)?;
        Ok((Rc::new(Self { path, _scratch: scratch }), file))
    }

    fn open(&self) -> Result<ConfigFile, Failure> {
        ConfigFile::open(&self.path).map_err(broken)
    }

    /// A batch of so many operations, which keeps the directory.
    fn keep_for(
        self: &Rc<Self>,
        times: u64,
        mut operation: impl FnMut(u64) -> Result<u64, Error> + 'static,
    ) -> FallibleBatch {
        let place = Rc::clone(self);
        Box::new(move || {
            let _place = &place;
            sum(times, &mut operation)
        })
    }
}

/// What the operations answer, added up: that costs less than anything here. `times` is a multiple of [`UNROLLED`].
#[inline]
fn sum(times: u64, mut operation: impl FnMut(u64) -> Result<u64, Error>) -> Result<u64, Failure> {
    let mut sum = 0_u64;
    for first in (0..times).step_by(UNROLLED as usize) {
        for time in first..first + UNROLLED {
            sum = sum.wrapping_add(operation(time).map_err(broken)?);
        }
    }
    Ok(sum)
}

fn config(number: u64) -> Config {
    Config::new().with_registry_hash(number as u32).with_flags(Flags::METRICS).with_size(24, 80)
}

fn hash(slot: &Slot) -> u64 {
    slot.config.registry_hash().into()
}

#[cold]
fn broken(error: Error) -> Failure {
    failed(&error)
}

#[cold]
fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::Failed(format!("the config file of a bench: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_bare_take_turns_on_one_file() {
        for make in [write, write_locked] {
            let Ok(Pair { mut work, mut bare }) = make() else { panic!("a temporary file") };
            for _ in 0..3 {
                assert_eq!(bare().ok(), Some(CALLS * SLOT_BYTES as u64));
                assert!(work().is_ok_and(|sum| sum > 0));
            }
        }
    }

    #[test]
    fn the_directory_goes_with_the_last_batch() {
        let (place, file) = Place::with_file().unwrap_or_else(|_| panic!("a temporary file"));
        let path = place._scratch.path().to_owned();
        let batch = place.keep_for(1, move |_| file.snapshot().map(|slot| slot.sequence));
        drop(place);
        assert!(path.exists());
        drop(batch);
        assert!(!path.exists());
    }
}
