//! What the functions do, once their pointers are references.

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};

use super::types::Cached;
use crate::config::fault::Fault;
use crate::config::layout::{CONFIG_BYTES, FEATURE_FLAGS, IMAGE_BYTES};
use crate::config::line::{Line, Look};
use crate::config::slot::{Padded, Words, bytes_of, next, with_checksum};
use crate::config::sys::{self, Shared, Text};
use crate::config::writer::LOCK_WAIT_MS;
use crate::config::{Config, ConfigFile};

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
pub(super) enum Change<'b> {
    /// The bits of `keep` stay, then those of `flip` are turned over.
    Byte {
        offset: u32,
        keep: u8,
        flip: u8,
    },
    Replace {
        bytes: &'b [u8; CONFIG_BYTES],
        expected: u64,
    },
}

impl Change<'_> {
    /// The flag of this bit is turned off (0), on (1) or over.
    pub(super) fn flag(bit: u32, how: u32) -> Option<Self> {
        let mask = 1u8 << (bit % 8);
        let offset = FEATURE_FLAGS.start as u32 + bit / 8;
        let keep = if how > 1 { u8::MAX } else { !mask };
        let flip = if how > 0 { mask } else { 0 };
        (bit < u32::BITS).then_some(Change::Byte { offset, keep, flip })
    }

    /// Makes of the last config, if there is one with this sequence, the next.
    #[inline(never)]
    fn make(&self, config: &mut Config, last: Option<u64>) -> Result<(), Fault> {
        match *self {
            Change::Replace { expected, .. } if last.unwrap_or(0) != expected => Err(Fault::CONFLICT),
            Change::Replace { bytes, .. } => {
                *config = Config::from_bytes(*bytes);
                Ok(())
            }
            Change::Byte { .. } if last.is_none() => Err(Fault::DAMAGED),
            Change::Byte { offset, keep, flip } => Ok(config.edit(offset, |byte| byte & keep ^ flip)?),
        }
    }
}

/// Bytes that somebody may still change, and their file, if they have one.
struct Shown<'l> {
    slots: &'l Shared,
    file: Option<&'l ConfigFile>,
}

impl Line for Shown<'_> {
    fn sequences(&self) -> [u64; 2] {
        self.slots.sequences()
    }

    fn slot(&self, index: usize) -> Words {
        self.slots.slot(index)
    }

    #[inline(never)]
    fn look(&self, seen: &mut Look) -> bool {
        self.slots.look(seen)
    }

    fn is_cut(&self) -> bool {
        self.file.is_some_and(Line::is_cut)
    }
}

/// A config as it was read, in the numbers that a caller keeps of it.
#[derive(PartialEq)]
pub(super) struct Seen {
    pub(super) snapshot: [u64; 3],
    pub(super) sequences: [u64; 2],
}

impl Shown<'_> {
    /// The config as it is now, after one of this sequence.
    #[inline(never)]
    fn read(&self, last: u64) -> Result<Seen, Fault> {
        let mut look = Look::default();
        if !self.look(&mut look) {
            return Err(Fault::BUSY);
        }
        let [first, middle, sequence, _] = look.words;
        // As a `Cache` does.
        if (look.index.is_none() || sequence < last) && self.is_cut() {
            return Err(Fault::CUT);
        }
        if look.index.is_none() {
            return Err(Fault::DAMAGED);
        }
        Ok(Seen { snapshot: [sequence, first, middle], sequences: look.settled() })
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
    pub(super) fn of(file: ConfigFile) -> Self {
        Self { file, is_writing: AtomicBool::new(false) }
    }

    fn shown(&self) -> Shown<'_> {
        Shown { slots: self.file.slots(), file: Some(&self.file) }
    }

    pub(super) fn read(&self) -> Result<Seen, Fault> {
        self.shown().read(0)
    }

    /// Returns 1 if it is another config than the cache had, or its first, else 0.
    pub(super) fn read_cached(&self, cached: &mut Cached) -> Result<c_int, Fault> {
        let before = cached.seen();
        // A file may hold two zeros; then each call looks closely, as for a cache that is new.
        if before.sequences != [0, 0] && self.file.sequences() == before.sequences {
            return Ok(0);
        }
        let [last, ..] = before.snapshot;
        let now = self.shown().read(last)?;
        *cached = Cached::of(&now);
        let ([a, b, c], [d, e, f]) = (now.snapshot, before.snapshot);
        Ok(((a ^ d) | (b ^ e) | (c ^ f) != 0).into())
    }

    pub(super) fn verify(&self) -> Result<(), Fault> {
        self.file.check()?;
        self.read().map(drop)
    }

    /// What the snapshot is then.
    pub(super) fn change(&self, change: &Change<'_>) -> Result<[u64; 3], Fault> {
        let _turn = self.turn()?;
        let held = self.file.hold(LOCK_WAIT_MS)?;
        let mut look = Look::default();
        if !self.shown().look(&mut look) {
            return Err(Fault::BUSY);
        }
        let [first, middle, sequence, _] = look.words;
        let last = Padded::from_words(first, middle);
        let mut new = last;
        change.make(&mut new.record, look.index.map(|_| sequence))?;
        new.record.may_follow(look.index.map(|_| &last.record))?;
        let (index, sequence) = next(look.index.map(|index| (index, sequence)), look.sequences)?;
        let [first, middle] = new.to_words();
        held.write(index, &bytes_of(with_checksum([first, middle, sequence])))?;
        Ok([sequence, first, middle])
    }

    pub(super) fn sync(&self) -> Result<(), Fault> {
        self.file.sync_bytes()
    }

    fn turn(&self) -> Result<Turn<'_>, Fault> {
        for _ in 0..LOCK_WAIT_MS {
            if !self.is_writing.swap(true, Ordering::Acquire) {
                return Ok(Turn(&self.is_writing));
            }
            sys::rest(1000);
        }
        Err(Fault::LOCKED)
    }
}

/// Makes a file of a record that may be the first.
pub(super) fn create(path: Text<'_>, record: &[u8; CONFIG_BYTES]) -> Result<ConfigFile, Fault> {
    let config: &Config = zerocopy::transmute_ref!(record);
    config.may_follow(None)?;
    ConfigFile::create_text(path, config)
}

/// The config of a file that is in memory; how many bytes it has.
pub(super) fn validate(bytes: Option<&[u8; IMAGE_BYTES]>, count: usize) -> Result<Seen, Fault> {
    let error = match count {
        0 => Fault::EMPTY,
        CONFIG_BYTES => Fault::BARE,
        1..IMAGE_BYTES => Fault::SHORT,
        IMAGE_BYTES => Fault::DAMAGED,
        _ => Fault::LONG,
    };
    let slots: Shared = zerocopy::transmute!(*bytes.ok_or(error)?);
    Shown { slots: &slots, file: None }.read(0)
}
