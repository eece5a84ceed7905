//! A config file that is open: found fit, mapped, read.
//!
//! Refused: what is not a regular file of 64 bytes, symbolic links, files that belong to neither this
//! user nor root, files that group or others may write. A file whose slots are not whole opens, and
//! says [`Error::Damaged`] when it is read: it can be written again.
//!
//! The file is on a local file system. Those of a network promise neither that a mapping shows what
//! another machine wrote nor, all of them, that a lock excludes it.

use core::ffi::{CStr, c_int};

use super::error::Error;
use super::fault::Fault;
use super::layout::{CONFIG_BYTES, IMAGE_BYTES};
use super::line::{self, Line, Look};
use super::slot::{Slot, Words};
use super::sys::{self, Descriptor, Mapping, Shared, Text};

/// Permissions that a config file may not have: writing, for group and others.
const MODE_REFUSED: libc::mode_t = 0o022;

/// A config file, open for as long as this is kept. Threads may share it for reading.
pub struct ConfigFile {
    pub(super) descriptor: Descriptor,
    mapping: Mapping,
    pub(super) is_writable: bool,
}

impl ConfigFile {
    /// Opens a file for reading.
    pub fn open(path: &CStr) -> Result<Self, Error> {
        Ok(Self::open_text(path.into(), libc::O_RDONLY)?)
    }

    /// Opens a file for reading and writing. Threads that write open it once each.
    pub fn open_writable(path: &CStr) -> Result<Self, Error> {
        Ok(Self::open_text(path.into(), libc::O_RDWR)?)
    }

    /// Opens a file, if it is fit, with `O_RDONLY` or `O_RDWR`.
    pub(super) fn open_text(path: Text<'_>, access: c_int) -> Result<Self, Fault> {
        let descriptor = checked(path, access, IMAGE_BYTES).or_else(|fault| match fault {
            // If it can be read at least, that is what to say.
            Fault::DENIED if access != libc::O_RDONLY => {
                checked(path, libc::O_RDONLY, IMAGE_BYTES).and(Err(Fault::READ_ONLY))
            }
            other => Err(other),
        })?;
        let mapping = Mapping::new(&descriptor, false)?;
        Ok(Self { descriptor, mapping, is_writable: access != libc::O_RDONLY })
    }

    /// Its number among those that are open, below [`MAPPINGS_MAX`](super::sigbus::MAPPINGS_MAX).
    #[cfg(any(feature = "cabi", test))]
    pub(super) fn index(&self) -> usize {
        self.mapping.index()
    }

    /// What is in its memory.
    #[inline]
    pub(super) fn slots(&self) -> &Shared {
        self.mapping.slots()
    }

    /// The config as it is now, its checksum verified. For one read now and then; see
    /// [`Cache`](super::Cache) for many.
    pub fn snapshot(&self) -> Result<Slot, Error> {
        line::snapshot(self)
    }

    /// Whether it is still the file it was: not cut, and not deleted or replaced by another one. Asks
    /// the kernel, so it is for now and then. A reader of a replaced file sees no further update.
    pub fn verify(&self) -> Result<(), Error> {
        Ok(self.check()?)
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let status = self.descriptor.status()?;
        match status.bytes() {
            bytes if bytes < IMAGE_BYTES as i64 || self.mapping.is_cut() => Err(Fault::CUT),
            bytes if bytes > IMAGE_BYTES as i64 => Err(Fault::LONG),
            _ if !status.has_name() => Err(Fault::REPLACED),
            _ => Ok(()),
        }
    }
}

impl Line for ConfigFile {
    #[inline]
    fn sequences(&self) -> [u64; 2] {
        self.slots().sequences()
    }

    #[inline]
    fn slot(&self, index: usize) -> Words {
        self.slots().slot(index)
    }

    #[inline]
    fn look(&self, seen: &mut Look) -> bool {
        self.slots().look(seen)
    }

    #[cold]
    fn is_cut(&self) -> bool {
        self.check() == Err(Fault::CUT)
    }
}

/// Opens a file of so many bytes, if it is one that may be used.
pub(super) fn checked(path: Text<'_>, access: c_int, bytes: usize) -> Result<Descriptor, Fault> {
    let descriptor = sys::open(path, access | libc::O_NOFOLLOW, 0)?;
    let status = descriptor.status()?;
    match status.kind() {
        libc::S_IFREG => {}
        libc::S_IFDIR => return Err(Fault::DIRECTORY),
        libc::S_IFIFO => return Err(Fault::FIFO),
        _ => return Err(Fault::NOT_REGULAR),
    }
    if status.owner() != 0 && status.owner() != sys::user() {
        return Err(Fault::OWNER);
    }
    if status.mode() & MODE_REFUSED != 0 {
        return Err(Fault::MODE);
    }
    match usize::try_from(status.bytes()) {
        Ok(found) if found == bytes => Ok(descriptor),
        Ok(0) => Err(Fault::EMPTY),
        Ok(CONFIG_BYTES) => Err(Fault::BARE),
        Ok(found) if found < IMAGE_BYTES => Err(Fault::SHORT),
        Ok(IMAGE_BYTES) => Err(Fault::EXISTS),
        _ => Err(Fault::LONG),
    }
}
