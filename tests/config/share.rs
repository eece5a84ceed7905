//! What one writes, all others read at once.

use lattice::config::{Cache, ConfigFile, Error, Flags, Refusal, Slot, TerminalMode};

use crate::{Room, c, config, hash_of};

#[test]
fn an_update_is_seen_by_whoever_has_the_file_open() {
    let room = Room::new();
    let mut writer = room.create(config(1));
    let reader = ConfigFile::open(&c(&room.path("config"))).unwrap();
    let mut cache = Cache::new(&reader).unwrap();
    for n in 2..40 {
        assert_eq!(cache.read(&reader).unwrap().config, config(n - 1));
        let slot = writer.replace(config(n), u64::from(n) - 1).unwrap();
        assert_eq!(slot, Slot { config: config(n), sequence: n.into() });
        assert_eq!(reader.snapshot(), Ok(slot));
        assert_eq!(cache.read(&reader), Ok(&slot));
        assert_eq!(cache.read(&reader), Ok(&slot), "and again, from the cache");
    }
}

#[test]
fn a_cache_may_miss_any_number_of_updates() {
    let room = Room::new();
    let mut writer = room.create(config(1));
    for missed in 1..9 {
        let reader = room.open();
        let mut cache = Cache::new(&reader).unwrap();
        let last = (0..missed).map(|_| writer.toggle(Flags::METRICS).unwrap()).last();
        assert_eq!(cache.read(&reader).ok().copied(), last, "{missed} missed");
    }
}

#[test]
fn published_and_written_updates_take_turns() {
    let room = Room::new();
    let mut writer = room.create(config(0));
    let reader = room.open();
    let mut cache = Cache::new(&reader).unwrap();
    let mut locked = writer.lock(0).unwrap();
    for n in (1..40).step_by(3) {
        let published = locked.publisher().unwrap().publish(config(n)).unwrap();
        assert_eq!((cache.read(&reader), reader.snapshot()), (Ok(&published), Ok(published)));
        let written = locked.replace(config(n + 1), published.sequence).unwrap();
        assert_eq!((cache.read(&reader), reader.snapshot()), (Ok(&written), Ok(written)));
        let again = locked.publisher().unwrap().publish(config(n + 2)).unwrap();
        assert_eq!(again.sequence, published.sequence + 2);
    }
    locked.sync().unwrap();
    drop(locked);
    assert_eq!(std::fs::read(room.path("config")).unwrap().len(), 64);
    assert_eq!(hash_of(&room.open().snapshot().unwrap().config), 39);
}

#[test]
fn who_comes_second_is_told() {
    let room = Room::new();
    let (mut one, mut other) = (room.create(config(1)), room.open());
    let read = one.snapshot().unwrap().sequence;
    one.replace(config(2), read).unwrap();
    assert_eq!(other.replace(config(3), read), Err(Error::Conflict));
    assert_eq!(other.replace(config(3), 0), Err(Error::Conflict));
    assert_eq!(other.replace(config(3), read + 2), Err(Error::Conflict));
    assert_eq!(other.snapshot().unwrap().config, config(2));
    assert_eq!(other.replace(config(3), read + 1).unwrap().sequence, read + 2);
}

#[test]
fn bytes_and_features_are_changed_in_their_ranges() {
    let room = Room::new();
    let mut file = room.create(config(1));
    let refused = |refusal| Err(Error::Refused(refusal));
    assert_eq!(file.set_byte(9, 2).unwrap().config.terminal_mode(), Ok(TerminalMode::Two));
    assert_eq!(file.set_byte(9, 3), refused(Refusal::Value));
    assert_eq!(file.set_byte(13, 0), refused(Refusal::Offset));
    assert_eq!(file.set_byte(0, 2), refused(Refusal::UnknownVersion));
    assert_eq!(file.set_byte(12, 0xee).unwrap().config.reserved(), 0xee);
    let before = file.snapshot().unwrap().config;
    let on = file.set_features(Flags::DEBUG, true).unwrap().config;
    assert!(on.flags().contains(Flags::DEBUG));
    assert_eq!(file.toggle(Flags::DEBUG).unwrap().config, before.with_features(Flags::DEBUG, false));
    assert_eq!(file.snapshot().unwrap().sequence, 5, "what was refused has no number");
}

#[test]
fn a_writer_that_minds_no_lock_is_not_written_over() {
    let room = Room::new();
    let mut file = room.create(config(1));
    let mut locked = file.lock(0).unwrap();
    let mut rude = room.open();
    // As somebody would who writes the slot without asking.
    let image = lattice::config::Image::from_bytes(std::fs::read(room.path("config")).unwrap().try_into().unwrap());
    let (index, bytes) = image.update(config(9)).unwrap();
    crate::torn::write_at(&room, index as u64 * 32, &bytes);
    assert_eq!(locked.replace(config(2), 1), Err(Error::Conflict));
    assert_eq!(locked.change(|config| Ok(config.with_size(1, 2))).unwrap().config, config(9).with_size(1, 2));
    drop(locked);
    assert_eq!(rude.replace(config(3), 3).unwrap().sequence, 4);
}
