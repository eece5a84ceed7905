//! A write that stops anywhere: the reader has the config before it or the one after, and knows which.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};

use lattice::config::{Cache, ConfigFile, Error, Image, SLOT_BYTES, Slot};

use crate::child::command;
use crate::{Room, c, config};

pub(crate) fn write_at(room: &Room, offset: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(room.path("config")).unwrap().write_all_at(bytes, offset).unwrap();
}

fn image_of(room: &Room) -> Image {
    Image::from_bytes(std::fs::read(room.path("config")).unwrap().try_into().unwrap())
}

/// What a write may leave of a slot: `old` and `new` bytes and those that are neither.
fn leftovers(old: [u8; SLOT_BYTES], new: [u8; SLOT_BYTES]) -> Vec<[u8; SLOT_BYTES]> {
    let mut all = Vec::new();
    for end in 0..=SLOT_BYTES {
        for rest in [old, [0; SLOT_BYTES], [0xff; SLOT_BYTES], old.map(|byte| byte ^ 0x5a)] {
            let front = |at: usize| if at < end { new[at] } else { rest[at] };
            let back = |at: usize| if at >= end { new[at] } else { rest[at] };
            all.extend([std::array::from_fn(front), std::array::from_fn(back)]);
        }
    }
    all
}

/// Every state that an update of the file may leave, one after the other on the same file.
fn each_leftover(mut check: impl FnMut(&Room, &ConfigFile, Slot, Option<Slot>)) {
    for updates in 0..4 {
        let room = Room::new();
        let mut file = room.create(config(0));
        for n in 1..=updates {
            file.replace(config(n), n.into()).unwrap();
        }
        let (before, image) = (file.snapshot().unwrap(), image_of(&room));
        let (index, new) = image.update(config(99)).unwrap();
        let offset = index * SLOT_BYTES;
        let old = *image.to_bytes()[offset..].first_chunk().unwrap();
        for bytes in leftovers(old, new) {
            write_at(&room, 0, &image.to_bytes());
            let mut cache = Cache::new(&file).unwrap();
            assert_eq!(cache.read(&file), Ok(&before));
            write_at(&room, offset as u64, &bytes);
            let after = (bytes == new).then(|| Slot { config: config(99), sequence: before.sequence + 1 });
            assert_eq!(cache.read(&file), Ok(&after.unwrap_or(before)), "{bytes:x?}");
            check(&room, &file, before, after);
        }
    }
}

#[test]
fn a_reader_has_the_old_config_or_the_new_one() {
    let mut whole = 0;
    each_leftover(|room, file, before, after| {
        whole += usize::from(after.is_some());
        let expected = after.unwrap_or(before);
        assert_eq!(file.snapshot(), Ok(expected));
        assert_eq!(room.open().snapshot(), Ok(expected), "opened after the crash");
    });
    assert!(whole >= 8, "some writes end");
}

#[test]
fn the_next_update_is_seen_by_readers_from_before_the_crash_and_after() {
    each_leftover(|room, file, before, after| {
        let last = after.unwrap_or(before);
        let (mut reader, mut cache) = (room.open(), Cache::new(file).unwrap());
        assert_eq!(cache.read(file), Ok(&last));
        let next = reader.replace(config(100), last.sequence).unwrap();
        assert!(next.sequence > last.sequence);
        assert_eq!(cache.read(file), Ok(&next));
        let second = reader.replace(config(101), next.sequence).unwrap();
        assert_eq!(cache.read(file), Ok(&second));
        assert_eq!(file.snapshot(), Ok(second));
    });
}

/// Updates the file, of which only a part may be written. `written` is how much of a slot.
pub(crate) fn short_writer(path: &Path, written: usize) {
    let mut file = ConfigFile::open_writable(&c(path)).unwrap();
    let before = file.snapshot().unwrap();
    let mut locked = file.lock(0).unwrap();
    for _ in 0..2 {
        assert_eq!(locked.replace(config(99), before.sequence), Err(Error::ShortWrite), "{written} bytes");
    }
    drop(locked);
    assert_eq!(file.snapshot(), Ok(before));
}

#[test]
fn a_write_the_kernel_cuts_short_is_told() {
    for updates in 0..2 {
        for written in 1..SLOT_BYTES {
            let room = Room::new();
            let mut file = room.create(config(0));
            let last = (0..updates).map(|_| file.replace(config(1), 1).unwrap()).last();
            let before = last.unwrap_or_else(|| file.snapshot().unwrap());
            let offset = if updates == 0 { SLOT_BYTES } else { 0 };
            // The kernel writes up to the largest size that files may have.
            let child = command("short", &room.path("config"), written);
            let mut limited = Command::new("prlimit");
            limited.stdout(Stdio::null());
            limited.arg(format!("--fsize={}", offset + written)).arg(child.get_program()).args(child.get_args());
            limited.envs(child.get_envs().filter_map(|(key, value)| Some((key, value?))));
            assert!(limited.status().unwrap().success(), "{written} bytes");
            assert_eq!(file.snapshot(), Ok(before));
            let next = file.replace(config(2), before.sequence).unwrap();
            assert_eq!(file.snapshot(), Ok(next));
        }
    }
}
