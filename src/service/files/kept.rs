//! What one thread keeps: files by the path they are asked for with, and when they were looked at.
//!
//! A file is believed for a while. In the second half of that while the first request that comes has it
//! looked at again, and the others are still answered at once; after it, everybody waits for a look. So
//! a file that is asked for all the time costs one job in half the while, and a change is seen by every
//! request that comes later than the while after it.
//!
//! What is open and not believed any more is of no use: it would be opened anew anyhow. It is let go.

use std::cell::Cell;
use std::sync::Arc;

use crate::app::cache::Cache;
use crate::limits::FILE_FRESH_NS;
use crate::service::files::entry::Entry;

/// Files by decoded path.
pub(crate) struct Kept {
    files: Cache<Arc<[u8]>, Slot>,
    /// When what is stale was last taken out.
    swept_ns: u64,
}

struct Slot {
    entry: Arc<Entry>,
    /// When the look that found it was begun.
    looked_ns: u64,
    /// When somebody last went to look.
    asked_ns: Cell<u64>,
}

/// What is known of a path.
pub(crate) enum Known<'a> {
    /// A file that can be sent.
    Fresh(&'a Entry),
    /// A file that must be looked at again first.
    Due(Arc<Entry>),
    /// Nothing.
    Nothing,
}

impl Kept {
    pub(crate) fn new() -> Self {
        Self { files: Cache::new(), swept_ns: 0 }
    }

    /// What is known at `now_ns`, when files are believed for `fresh_ns`.
    pub(crate) fn find(&mut self, path: &[u8], now_ns: u64, fresh_ns: u64) -> Known<'_> {
        let Some(slot) = self.files.get(path) else { return Known::Nothing };
        let age_ns = now_ns.saturating_sub(slot.looked_ns);
        let is_asked = slot.asked_ns.get() > slot.looked_ns;
        if age_ns < fresh_ns / 2 || (age_ns < fresh_ns && is_asked) {
            return Known::Fresh(&slot.entry);
        }
        slot.asked_ns.set(now_ns);
        Known::Due(Arc::clone(&slot.entry))
    }

    /// Keeps what a look that was begun at `looked_ns` has found, unless a later one was faster.
    pub(crate) fn keep(&mut self, path: &[u8], entry: &Arc<Entry>, looked_ns: u64, bytes_max: usize) {
        if self.files.get(path).is_some_and(|slot| slot.looked_ns > looked_ns) {
            return;
        }
        let slot = Slot { entry: Arc::clone(entry), looked_ns, asked_ns: Cell::new(looked_ns) };
        self.files.insert(path.into(), slot, entry.weight(bytes_max), bytes_max);
    }

    /// Takes out the files that are open and not believed any more, for whoever may block to close. Looks
    /// at everything, but not often.
    pub(crate) fn take_stale(&mut self, now_ns: u64, fresh_ns: u64) -> Vec<Arc<Entry>> {
        let mut stale = Vec::new();
        if now_ns.saturating_sub(self.swept_ns) < fresh_ns.max(FILE_FRESH_NS) {
            return stale;
        }
        self.swept_ns = now_ns;
        self.files.retain(|slot| {
            let is_stale = slot.entry.holds_handle() && now_ns.saturating_sub(slot.looked_ns) >= fresh_ns;
            if is_stale {
                stale.push(Arc::clone(&slot.entry));
            }
            !is_stale
        });
        stale
    }

    /// Forgets a path.
    pub(crate) fn forget(&mut self, path: &[u8]) {
        self.files.remove(path);
    }
}
