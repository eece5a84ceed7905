//! What the functions do, once their pointers are references.

use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicBool, Ordering};

use zerocopy::byteorder::little_endian::U64;

use super::code::Code;
use super::types::{Cached, Snapshot};
use crate::config::layout::{CONFIG_BYTES, IMAGE_BYTES, SLOTS};
use crate::config::line::Line;
use crate::config::slot::newest;
use crate::config::writer::LOCK_WAIT_MS;
use crate::config::{Cache, Config, ConfigFile, Error, Flags, Slot, sys};

/// What a `lattice_config *` points to. Any thread may use it, while others do.
pub(super) struct Handle {
    file: ConfigFile,
    is_writing: AtomicBool,
}

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Handle>();
};

/// What is to be done to a config.
pub(super) enum Change {
    Byte { offset: u32, value: u8 },
    Features { features: Flags, on: bool },
    Toggle(Flags),
    Replace { bytes: [u8; CONFIG_BYTES], expected: u64 },
}

impl Change {
    fn of(&self, slot: Option<Slot>) -> Result<Config, Error> {
        if let Change::Replace { bytes, expected } = *self {
            let sequence = slot.map_or(0, |slot| slot.sequence);
            return if sequence == expected { Ok(Config::from_bytes(bytes)) } else { Err(Error::Conflict) };
        }
        let config = slot.ok_or(Error::Damaged)?.config;
        match *self {
            Change::Byte { offset, value } => Ok(config.with_byte(offset, value)?),
            Change::Features { features, on } => Ok(config.with_features(features, on)),
            Change::Toggle(features) => Ok(config.with_toggled(features)),
            Change::Replace { .. } => Ok(config),
        }
    }
}

/// The lock of the file excludes other open files; threads that share one take turns before it.
struct Turn<'h>(&'h AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Handle {
    pub(super) fn open(path: &CStr, access: u32) -> Result<Self, Code> {
        match access {
            0 => Ok(Self::of(ConfigFile::open(path)?)),
            1 => Ok(Self::of(ConfigFile::open_writable(path)?)),
            _ => Err(Code::ARGUMENT),
        }
    }

    pub(super) fn create(path: &CStr, bytes: [u8; CONFIG_BYTES]) -> Result<Self, Code> {
        let config = Config::from_bytes(bytes);
        config.may_follow(None)?;
        Ok(Self::of(ConfigFile::create(path, config)?))
    }

    fn of(file: ConfigFile) -> Self {
        Self { file, is_writing: AtomicBool::new(false) }
    }

    /// Its number among the handles that are open, below `MAPPINGS_MAX`.
    pub(super) fn index(&self) -> usize {
        self.file.index()
    }

    pub(super) fn read(&self) -> Result<Slot, Code> {
        Ok(self.file.snapshot()?)
    }

    /// Returns 1 if it is another config than the cache had, or its first, else 0.
    pub(super) fn read_cached(&self, cached: &mut Cached) -> Result<c_int, Code> {
        let seen = cached.seen.map(|word| word.get());
        // A file may hold two zeros; then each call looks closely, as for a cache that is new.
        if seen != [0, 0] && self.file.sequences() == seen {
            return Ok(0);
        }
        self.refresh(cached, seen)
    }

    #[cold]
    #[inline(never)]
    fn refresh(&self, cached: &mut Cached, seen: [u64; 2]) -> Result<c_int, Code> {
        let last = Slot::from(cached.snapshot);
        let mut cache = Cache::from_parts(seen, last);
        cache.refresh(&self.file)?;
        let (seen, slot) = cache.into_parts();
        *cached = Cached { snapshot: slot.into(), seen: seen.map(Into::into) };
        Ok((slot != last).into())
    }

    pub(super) fn verify(&self) -> Result<(), Code> {
        self.file.verify()?;
        self.file.snapshot()?;
        Ok(())
    }

    pub(super) fn change(&self, change: &Change) -> Result<Slot, Code> {
        let _turn = self.turn()?;
        let mut locked = self.file.lock_shared(LOCK_WAIT_MS)?;
        let config = change.of(locked.slot())?;
        Ok(locked.write(config)?)
    }

    pub(super) fn sync(&self) -> Result<(), Code> {
        Ok(self.file.sync()?)
    }

    fn turn(&self) -> Result<Turn<'_>, Error> {
        for _ in 0..LOCK_WAIT_MS {
            if !self.is_writing.swap(true, Ordering::Acquire) {
                return Ok(Turn(&self.is_writing));
            }
            sys::rest(1000);
        }
        Err(Error::Locked)
    }
}

/// The config of a file that is in memory; how many bytes it has.
pub(super) fn validate(bytes: Option<&[u8; IMAGE_BYTES]>, count: usize) -> Result<Snapshot, Code> {
    let error = match count {
        0 => Error::Empty,
        CONFIG_BYTES => Error::Bare,
        1..IMAGE_BYTES => Error::Short,
        IMAGE_BYTES => Error::Damaged,
        _ => Error::Long,
    };
    let Some(bytes) = bytes else { return Err(error.into()) };
    let [first, second]: &[[U64; 4]; SLOTS] = zerocopy::transmute_ref!(bytes);
    let slot = |index: usize| if index == 0 { first } else { second }.map(U64::get);
    let [_, _, sequence, _] = first;
    let [_, _, other, _] = second;
    let newest = newest([sequence.get(), other.get()], slot);
    newest.map(|(_, slot)| slot.into()).ok_or(error.into())
}

/// The flag of this bit.
pub(super) fn flag(bit: u32) -> Result<Flags, Code> {
    1u32.checked_shl(bit).map(Flags).ok_or(Code::ARGUMENT)
}

/// Zero or one.
pub(super) fn switch(on: u32) -> Result<bool, Code> {
    match on {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Code::ARGUMENT),
    }
}
