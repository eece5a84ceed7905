//! Writers: one at a time, and never over somebody's head.
//!
//! An update happens under the lock of the open file, which the kernel ends with its process: the
//! config is looked at anew, changed, and the other slot written with one `pwrite`. Who gives the
//! sequence it read is refused if another came first. A child made by `fork` without `exec` has the same
//! open file, lock and all: it must open its own.
//!
//! A lock costs two system calls. [`Locked`] spreads them over many updates, and a [`Publisher`] needs
//! none at all: it stores into a writable mapping, which readers see just as well, the disk when the
//! kernel finds time, and those who wait for `inotify` only if they are woken ([`Publisher::wake_watchers`]).

use super::error::Error;
use super::fault::Fault;
use super::layout::SLOT_BYTES;
use super::line::{Line, View, view};
use super::slot::{Slot, plan};
use super::sys::{self, Mapping};
use super::{Config, ConfigFile, Flags, Refusal};

/// How long an update waits for the lock unless told otherwise.
pub const LOCK_WAIT_MS: u32 = 1000;

/// The first and the longest rest while the lock is another's.
const REST_MICROS: u32 = 20;
const REST_MICROS_MAX: u32 = 1000;

impl ConfigFile {
    /// Takes the lock, waiting at most so long.
    pub fn lock(&mut self, wait_ms: u32) -> Result<Locked<'_>, Error> {
        let held = self.hold(wait_ms)?;
        let view = view(held.0)?;
        Ok(Locked { held, view })
    }

    /// The same for a file that others read meanwhile. Whoever calls it sees to it that nobody else has the
    /// lock through this open file, for which it would not exclude them.
    pub(super) fn hold(&self, wait_ms: u32) -> Result<Held<'_>, Fault> {
        if !self.is_writable {
            return Err(Fault::READ_ONLY);
        }
        wait(self, wait_ms)?;
        let held = Held(self);
        held.0.check()?;
        Ok(held)
    }

    /// Replaces the config if its sequence is still the one expected; 0 if neither slot was whole.
    pub fn replace(&mut self, config: Config, expected: u64) -> Result<Slot, Error> {
        self.lock(LOCK_WAIT_MS)?.replace(config, expected)
    }

    /// Changes one byte, within the range of its field.
    pub fn set_byte(&mut self, offset: u32, value: u8) -> Result<Slot, Error> {
        self.lock(LOCK_WAIT_MS)?.change(|config| config.with_byte(offset, value))
    }

    /// Turns features on or off.
    pub fn set_features(&mut self, features: Flags, on: bool) -> Result<Slot, Error> {
        self.lock(LOCK_WAIT_MS)?.change(|config| Ok(config.with_features(features, on)))
    }

    /// Turns features over.
    pub fn toggle(&mut self, features: Flags) -> Result<Slot, Error> {
        self.lock(LOCK_WAIT_MS)?.change(|config| Ok(config.with_toggled(features)))
    }

    /// Waits until all updates so far are on the disk.
    pub fn sync(&self) -> Result<(), Error> {
        Ok(self.sync_bytes()?)
    }

    pub(super) fn sync_bytes(&self) -> Result<(), Fault> {
        self.descriptor.sync_bytes()
    }
}

#[inline(never)]
fn wait(file: &ConfigFile, wait_ms: u32) -> Result<(), Fault> {
    // The clock is only read when there is something to wait for.
    let mut end = None;
    let mut micros = REST_MICROS;
    loop {
        match file.descriptor.lock() {
            Err(Fault::LOCKED) => {}
            locked => return locked,
        }
        let now = sys::now_ms();
        if now >= *end.get_or_insert(now.saturating_add(wait_ms.into())) {
            return Err(Fault::LOCKED);
        }
        sys::rest(micros);
        micros = (micros * 2).min(REST_MICROS_MAX);
    }
}

/// The lock, given back when dropped.
pub(super) struct Held<'f>(&'f ConfigFile);

impl Held<'_> {
    /// Writes a slot.
    pub(super) fn write(&self, index: usize, slot: &[u8; SLOT_BYTES]) -> Result<(), Fault> {
        let written = self.0.descriptor.write(slot, offset(index))?;
        if written == SLOT_BYTES { Ok(()) } else { Err(Fault::SHORT_WRITE) }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.descriptor.unlock();
    }
}

/// A file whose lock is held: no other writer comes between.
pub struct Locked<'f> {
    held: Held<'f>,
    view: View,
}

impl Locked<'_> {
    /// The config; `None` if neither slot is whole.
    pub fn slot(&self) -> Option<Slot> {
        self.view.newest.map(|(_, slot)| slot)
    }

    /// Replaces the config if its sequence is still the one expected; 0 if neither slot was whole.
    pub fn replace(&mut self, config: Config, expected: u64) -> Result<Slot, Error> {
        self.look_again()?;
        let sequence = self.slot().map_or(0, |slot| slot.sequence);
        if sequence == expected { Ok(self.write(config)?) } else { Err(Error::Conflict) }
    }

    /// Replaces the config by what becomes of it.
    pub fn change(&mut self, change: impl FnOnce(Config) -> Result<Config, Refusal>) -> Result<Slot, Error> {
        self.look_again()?;
        let config = self.slot().ok_or(Error::Damaged)?.config;
        Ok(self.write(change(config)?)?)
    }

    /// Maps the file for writing, too.
    pub fn publisher(&mut self) -> Result<Publisher<'_>, Error> {
        let mapping = Mapping::new(&self.held.0.descriptor, true)?;
        self.look_again()?;
        Ok(Publisher { file: self.held.0, mapping, view: &mut self.view })
    }

    /// Waits until all updates so far are on the disk.
    pub fn sync(&self) -> Result<(), Error> {
        self.held.0.sync()
    }

    /// Nobody writes without the lock, but who does is not overwritten unseen.
    #[inline]
    fn look_again(&mut self) -> Result<(), Error> {
        look_again(self.held.0, &mut self.view)
    }

    /// Writes a config that comes from the one just looked at.
    fn write(&mut self, config: Config) -> Result<Slot, Fault> {
        let (index, sequence) = plan(self.view.newest.as_ref(), self.view.sequences, &config)?;
        let slot = Slot { config, sequence };
        self.held.write(index, &slot.encode())?;
        self.view.note(index, slot);
        Ok(slot)
    }
}

#[inline]
fn look_again(file: &ConfigFile, view: &mut View) -> Result<(), Error> {
    if file.sequences() == view.sequences { Ok(()) } else { look_closely(file, view) }
}

#[cold]
fn look_closely(file: &ConfigFile, now: &mut View) -> Result<(), Error> {
    file.verify()?;
    *now = view(file)?;
    Ok(())
}

const fn offset(index: usize) -> u32 {
    if index == 0 { 0 } else { SLOT_BYTES as u32 }
}

/// A writer without system calls. Updates reach readers at once and survive the end of the process, but
/// are on the disk only after [`Locked::sync`].
pub struct Publisher<'l> {
    file: &'l ConfigFile,
    mapping: Mapping,
    view: &'l mut View,
}

impl Publisher<'_> {
    /// The config; `None` if neither slot is whole.
    pub fn slot(&self) -> Option<Slot> {
        self.view.newest.map(|(_, slot)| slot)
    }

    /// Replaces the config.
    #[inline]
    pub fn publish(&mut self, config: Config) -> Result<Slot, Error> {
        look_again(self.file, self.view)?;
        let (index, slot) = self.view.plan(config)?;
        self.mapping.store(index, slot.to_words());
        if self.mapping.is_cut() {
            return Err(Error::Cut);
        }
        self.view.note(index, slot);
        Ok(slot)
    }

    /// Wakes those who wait for `inotify` to report that the file was written, a running node among them: it
    /// tells its clients of the newest config at once then, and else with the next message it receives. One
    /// system call, and the file's times become those of now.
    pub fn wake_watchers(&self) -> Result<(), Error> {
        Ok(self.file.descriptor.touch()?)
    }
}
