//! What the slices of all threads share: the settings, the directory, and the files in memory, so that
//! a file that every thread serves is there once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::app::cache::Cache;
use crate::app::files::{FilePath, Files};
use crate::service::files::entry::Entry;
use crate::service::files::settings::Settings;

/// One for each directory that is served.
pub struct Shared {
    pub(crate) settings: Settings,
    pub(crate) files: Arc<dyn Files>,
    /// Touched only inside jobs.
    kept: Mutex<Cache<Arc<[u8]>, Held>>,
    /// Files that are being compressed; touched only inside jobs.
    packing: Mutex<HashSet<FilePath>>,
    threads: AtomicUsize,
}

/// What is held of a file. One that is open is held by the threads that serve it, and closed with the
/// last of them: what was deleted would keep its room on the disk.
enum Held {
    Bytes(Arc<Entry>),
    Open(Weak<Entry>),
}

/// A file is being compressed, as long as this is there.
pub(crate) struct Packing<'s> {
    shared: &'s Shared,
    path: FilePath,
}

impl Shared {
    /// Puts them together.
    pub fn new(settings: Settings, files: Arc<dyn Files>) -> Arc<Self> {
        let (kept, packing) = (Mutex::new(Cache::new()), Mutex::default());
        Arc::new(Self { settings, files, kept, packing, threads: AtomicUsize::new(0) })
    }

    /// Counts one more thread that keeps files of its own.
    pub(crate) fn join(&self) {
        self.threads.fetch_add(1, Ordering::Relaxed);
    }

    /// What each thread may keep. Together they keep as much as this does, mostly the same files: the
    /// memory taken is between once and twice [`Settings::cache_bytes`].
    pub(crate) fn thread_bytes_max(&self) -> usize {
        self.settings.cache_bytes / self.threads.load(Ordering::Relaxed).max(1)
    }

    /// What is kept for a path, which may be out of date.
    pub(crate) fn peek(&self, path: &FilePath) -> Option<Arc<Entry>> {
        match lock(&self.kept).get(path.as_bytes())? {
            Held::Bytes(entry) => Some(Arc::clone(entry)),
            Held::Open(entry) => entry.upgrade(),
        }
    }

    /// Keeps what a path leads to now.
    pub(crate) fn keep(&self, path: &FilePath, entry: &Arc<Entry>) {
        let bytes_max = self.settings.cache_bytes;
        let held = match entry.holds_handle() {
            true => Held::Open(Arc::downgrade(entry)),
            false => Held::Bytes(Arc::clone(entry)),
        };
        let mut kept = lock(&self.kept);
        match entry.is_keepable() {
            true => kept.insert(path.as_bytes().into(), held, entry.weight(bytes_max), bytes_max),
            false => kept.remove(path.as_bytes()),
        }
    }

    /// Begins to compress a file, unless somebody is at it.
    pub(crate) fn begin_packing(&self, path: &FilePath) -> Option<Packing<'_>> {
        lock(&self.packing).insert(path.clone()).then(|| Packing { shared: self, path: path.clone() })
    }
}

impl Drop for Packing<'_> {
    fn drop(&mut self) {
        lock(&self.shared.packing).remove(&self.path);
    }
}

/// Nothing in here panics half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
