//! What one thread keeps: documents by the path they are asked for with, and open tarballs.
//!
//! A hot answer is one lookup by the bytes of the path: nothing is decoded, locked or allocated.
//!
//! A job may bring a value from before a change that this thread has heard of meanwhile. Such a
//! value answers its own request, which was asked before the change ended, and is not kept.

use std::sync::Arc;

use crate::app::Change;
use crate::app::cache::Cache;
use crate::service::npm::rendered::Document;
use crate::service::npm::tarball::Tarball;

/// Most files a thread keeps open.
const TARBALLS_MAX: usize = 64;
/// Longest path kept as a key: no name or file is longer in a spelling that clients use.
const KEY_BYTES_MAX: usize = 1024;
/// Slots for the changes a thread has heard of. Two names in one slot cost a value that could have
/// been kept, nothing else.
const SLOTS: usize = 256;

/// When a job was begun, in changes the thread had heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Begun(u64);

/// The caches of one thread.
pub(crate) struct Threaded {
    documents: Cache<Arc<[u8]>, Arc<Document>>,
    tarballs: Cache<Arc<[u8]>, Arc<Tarball>>,
    /// Changes heard of.
    heard: u64,
    /// The last of them for the names of a slot.
    heard_of: [u64; SLOTS],
}

impl Threaded {
    /// Empty caches.
    pub(crate) fn new() -> Self {
        Self { documents: Cache::new(), tarballs: Cache::new(), heard: 0, heard_of: [0; SLOTS] }
    }

    /// The document of a package as it stands in a path.
    pub(crate) fn document(&mut self, raw_name: &[u8]) -> Option<&Arc<Document>> {
        self.documents.get(raw_name)
    }

    /// The tarball of a path.
    pub(crate) fn tarball(&mut self, path: &[u8]) -> Option<&Arc<Tarball>> {
        self.tarballs.get(path)
    }

    /// What to give to a job that will bring something to keep.
    pub(crate) fn begin(&self) -> Begun {
        Begun(self.heard)
    }

    /// Keeps a document, unless its package has changed since the job was begun, or it was asked for
    /// in a spelling that no client uses (which could not be found again when it changes).
    pub(crate) fn keep_document(&mut self, raw_name: &[u8], document: &Arc<Document>, begun: Begun, bytes_max: usize) {
        if self.is_current(&document.name, begun) && spellings(&document.name).any(|known| known == raw_name) {
            self.documents.insert(raw_name.into(), Arc::clone(document), document.bytes, bytes_max);
        }
    }

    /// Keeps a tarball under its path, likewise.
    pub(crate) fn keep_tarball(&mut self, path: &[u8], tarball: &Arc<Tarball>, begun: Begun) {
        if self.is_current(&tarball.name, begun) && path.len() <= KEY_BYTES_MAX {
            self.tarballs.insert(path.into(), Arc::clone(tarball), 1, TARBALLS_MAX);
        }
    }

    /// Forgets what changed.
    pub(crate) fn on_change(&mut self, change: &Change) {
        match change {
            Change::Package(name) => {
                self.heard += 1;
                self.heard_of[slot(name)] = self.heard;
                spellings(name).for_each(|spelling| self.documents.remove(spelling.as_slice()));
                self.tarballs.retain(|tarball| tarball.name != *name);
            }
            Change::Caches | Change::Everything => {
                self.heard += 1;
                self.heard_of = [self.heard; SLOTS];
                self.documents.clear();
                self.tarballs.clear();
            }
            Change::Config | Change::Identity(_) => {}
        }
    }

    fn is_current(&self, name: &str, begun: Begun) -> bool {
        self.heard_of[slot(name)] <= begun.0
    }
}

/// How clients write a name into a path.
fn spellings(name: &str) -> impl Iterator<Item = Vec<u8>> {
    let plain = name.as_bytes().to_vec();
    let scoped = name.strip_prefix('@').and_then(|rest| rest.split_once('/'));
    let scoped = scoped.into_iter().flat_map(|(scope, base)| {
        let pairs = [("@", "%2f"), ("@", "%2F"), ("%40", "%2f"), ("%40", "%2F"), ("%40", "/")];
        pairs.into_iter().map(move |(at, slash)| format!("{at}{scope}{slash}{base}").into_bytes())
    });
    std::iter::once(plain).chain(scoped)
}

/// FNV-1a, folded to a slot.
fn slot(name: &str) -> usize {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash >> 32) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::npm::testing::{package, version};

    fn document(name: &str) -> Arc<Document> {
        Arc::new(Document::render(&package(name, vec![version("1.0.0", 1)]), "http://h", None, true))
    }

    #[test]
    fn every_spelling_that_is_kept_is_forgotten() {
        let raws = ["@s/n", "@s%2fn", "@s%2Fn", "%40s%2fn", "%40s%2Fn", "%40s/n"];
        let (document, mut kept) = (document("@s/n"), Threaded::new());
        for raw in raws {
            kept.keep_document(raw.as_bytes(), &document, kept.begin(), 1 << 20);
            assert!(kept.document(raw.as_bytes()).is_some(), "{raw}");
        }
        kept.keep_document(b"@%73/n", &document, kept.begin(), 1 << 20);
        assert!(kept.document(b"@%73/n").is_none(), "a spelling that could not be found again");
        kept.on_change(&Change::Package("@s/n".into()));
        for raw in raws {
            assert!(kept.document(raw.as_bytes()).is_none(), "{raw}");
        }
    }

    #[test]
    fn a_value_from_before_a_change_is_not_kept() {
        let (document, mut kept) = (document("n"), Threaded::new());
        let before = kept.begin();
        kept.on_change(&Change::Package("other".into()));
        assert_ne!(slot("n"), slot("other"));
        kept.keep_document(b"n", &document, before, 1 << 20);
        assert!(kept.document(b"n").is_some(), "another package's change does not matter");
        for change in [Change::Package("n".into()), Change::Caches, Change::Everything] {
            let before = kept.begin();
            kept.on_change(&change);
            kept.keep_document(b"n", &document, before, 1 << 20);
            assert!(kept.document(b"n").is_none(), "{change:?}");
            kept.keep_document(b"n", &document, kept.begin(), 1 << 20);
            assert!(kept.document(b"n").is_some());
        }
    }
}
