//! What the slices of all threads share: the settings, the directory, and the files in memory, so that
//! a file that every thread serves is there once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::cache::Cache;
use crate::app::files::{FilePath, Files};
use crate::service::files::entry::Entry;
use crate::service::files::settings::Settings;

/// One for each directory that is served.
pub struct Shared {
    pub(crate) settings: Settings,
    pub(crate) files: Arc<dyn Files>,
    /// Touched only inside jobs.
    kept: Mutex<Cache<Arc<[u8]>, Arc<Entry>>>,
    threads: AtomicUsize,
}

impl Shared {
    /// Puts them together.
    pub fn new(settings: Settings, files: Arc<dyn Files>) -> Arc<Self> {
        Arc::new(Self { settings, files, kept: Mutex::new(Cache::new()), threads: AtomicUsize::new(0) })
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
        self.lock().get(path.as_bytes()).cloned()
    }

    /// Keeps what a path leads to now.
    pub(crate) fn keep(&self, path: &FilePath, entry: &Arc<Entry>) {
        let bytes_max = self.settings.cache_bytes;
        let mut kept = self.lock();
        match entry.is_keepable() {
            true => kept.insert(path.as_bytes().into(), Arc::clone(entry), entry.weight(bytes_max), bytes_max),
            false => kept.remove(path.as_bytes()),
        }
    }

    /// Nothing in here panics half-way through a change.
    fn lock(&self) -> MutexGuard<'_, Cache<Arc<[u8]>, Arc<Entry>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
