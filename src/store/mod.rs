//! The embedded store: SQLite for what is known, files named by their content for tarballs.
//!
//! ```text
//! dir/lattice.db   metadata, users, tokens, search (WAL, synchronous = FULL)
//! dir/blobs/ab/…   tarballs by their SHA-512
//! dir/tmp/         uploads that are not published (yet)
//! dir/lock         held by the process that serves
//! ```
//!
//! Reads go to read-only connections, each seeing one moment; writes queue for the one thread that
//! owns the connection for writing and return when they are on disk. Invariants: an acknowledged
//! publish survives `kill -9` and a loss of power, whole; one that was not acknowledged is there
//! wholly or not at all; after a start `tmp/` is empty.
#![allow(clippy::disallowed_methods, reason = "this room is where files and the clock belong")]

mod accounts;
mod blobs;
mod effects;
mod error;
pub mod files;
mod lock;
mod number;
mod packages;
mod password;
mod readers;
mod recovery;
mod schema;
mod staging;
mod token;
mod users;
pub mod verify;
mod writer;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::store::{Blobs, Packages, Standings, Users};

pub use accounts::{Account, AccountError, Accounts, TokenInfo, TokenRights, check_name};
pub use error::OpenError;

/// The database's name in the directory.
const DATABASE: &str = "lattice.db";

/// Connections for reading that are kept when nobody uses them: about as many as the pool has threads.
const READERS_KEPT: usize = 8;

/// An open store. Its parts keep it open; when the last of them is dropped, what is queued is
/// written and the lock is released.
pub struct Store {
    inner: Arc<Inner>,
}

/// What the parts share. The lock is the last to go.
pub(crate) struct Inner {
    readers: readers::Readers,
    writer: writer::Writer,
    blobs: Arc<blobs::BlobDir>,
    exclusive: bool,
    _lock: Option<lock::Lock>,
}

impl Store {
    /// Opens the store to serve it: takes the lock, creates what is missing, and settles what a
    /// crash left behind.
    pub fn open_exclusive(dir: &Path) -> Result<Self, OpenError> {
        let dir = create(dir)?;
        let lock = lock::acquire(&dir)?;
        Self::open(&dir, Some(lock))
    }

    /// Opens the store beside the process that serves it: for users and tokens, and to read. Blobs
    /// and what removes them are refused.
    pub fn open_shared(dir: &Path) -> Result<Self, OpenError> {
        let dir = create(dir)?;
        Self::open(&dir, None)
    }

    fn open(dir: &Path, lock: Option<lock::Lock>) -> Result<Self, OpenError> {
        let file = database(dir)?;
        let exclusive = lock.is_some();
        let db = schema::open_writer(dir, &file, exclusive)?;
        let blobs = Arc::new(blobs::BlobDir::new(dir));
        if exclusive {
            blobs.create().map_err(|error| OpenError::io(dir, error))?;
            recovery::resolve(&db, &blobs)?;
        }
        let writer = writer::Writer::start(db, Arc::clone(&blobs))?;
        let readers = readers::Readers::new(file, READERS_KEPT);
        Ok(Self { inner: Arc::new(Inner { readers, writer, blobs, exclusive, _lock: lock }) })
    }

    /// The packages.
    pub fn packages(&self) -> Arc<dyn Packages> {
        Arc::new(packages::PackageStore(Arc::clone(&self.inner)))
    }

    /// The users, as the node asks about them.
    pub fn users(&self) -> Arc<dyn Users> {
        Arc::new(users::UserStore(Arc::clone(&self.inner)))
    }

    /// The users, as those are asked about who have been let in.
    pub fn standings(&self) -> Arc<dyn Standings> {
        Arc::new(users::UserStore(Arc::clone(&self.inner)))
    }

    /// The users, as the operator changes them.
    pub fn accounts(&self) -> Arc<Accounts> {
        Arc::new(Accounts(Arc::clone(&self.inner)))
    }

    /// The tarballs.
    pub fn blobs(&self) -> Arc<dyn Blobs> {
        let dir = Arc::clone(&self.inner.blobs);
        Arc::new(blobs::BlobStore { dir, exclusive: self.inner.exclusive })
    }
}

/// The directory, for the owner alone, by its absolute name.
fn create(dir: &Path) -> Result<PathBuf, OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.and_then(|()| dir.canonicalize()).map_err(|error| OpenError::io(dir, error))
}

/// The database's file, for the owner alone: SQLite gives its other files the same rights.
fn database(dir: &Path) -> Result<PathBuf, OpenError> {
    let file = dir.join(DATABASE);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(OpenError::io(&file, error)),
        _ => Ok(file),
    }
}
