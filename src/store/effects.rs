//! What a transaction does to files: done before the commit, undone with a rollback.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::store::{BlobId, Result, StagedBlob};
use crate::store::blobs::BlobDir;
use crate::store::error::failed;
use crate::store::staging::StagedFile;

/// The files that one batch touched so far.
pub(crate) struct Effects {
    dir: Arc<BlobDir>,
    /// Their names in `tmp/` go when these are dropped.
    adopted: Vec<StagedFile>,
    /// Final names that were not there before.
    linked: Vec<BlobId>,
    shards: BTreeSet<u8>,
    doomed: Vec<BlobId>,
}

/// A point that [`Effects::undo`] goes back to.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    adopted: usize,
    linked: usize,
    doomed: usize,
}

impl Effects {
    pub(crate) fn new(dir: Arc<BlobDir>) -> Self {
        Self { dir, adopted: Vec::new(), linked: Vec::new(), shards: BTreeSet::new(), doomed: Vec::new() }
    }

    pub(crate) fn adopt(&mut self, staged: StagedFile) -> Result<()> {
        if staged.link()? {
            self.linked.push(staged.id());
        }
        self.shards.insert(staged.id().0[0]);
        self.adopted.push(staged);
        Ok(())
    }

    pub(crate) fn doom(&mut self, id: BlobId) {
        self.doomed.push(id);
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { adopted: self.adopted.len(), linked: self.linked.len(), doomed: self.doomed.len() }
    }

    /// Takes back everything since the mark.
    pub(crate) fn undo(&mut self, mark: Mark) {
        for id in self.linked.drain(mark.linked..) {
            // At worst a blob that nothing refers to: `verify` names it.
            let _ = self.dir.unlink(&id);
        }
        self.adopted.truncate(mark.adopted);
        self.doomed.truncate(mark.doomed);
    }

    /// Makes the final names durable, once for each directory.
    pub(crate) fn make_durable(&self) -> Result<()> {
        for &shard in &self.shards {
            self.dir.sync_shard(shard).map_err(|error| failed("syncing blobs/", error))?;
        }
        Ok(())
    }

    /// The transaction is committed: takes the names in `tmp/` away, returns what is to be buried.
    pub(crate) fn settle(self) -> Vec<BlobId> {
        self.doomed
    }

    /// The transaction failed. If it may come back after a crash, both names of each blob stay for
    /// the next start to decide.
    pub(crate) fn abandon(mut self, certain: bool) {
        if certain {
            self.undo(Mark { adopted: 0, linked: 0, doomed: 0 });
        } else {
            self.adopted.into_iter().for_each(StagedFile::keep);
        }
    }
}
