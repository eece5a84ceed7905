//! A store in memory, as strict as it must be for these tests.

use std::any::Any;
use std::io::Read;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest;

use crate::app::store::*;

/// What a publish left in the store.
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest: String,
    pub(crate) abbreviated: String,
    pub(crate) tags: Vec<String>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) readme: Option<Readme>,
    pub(crate) files: u64,
    pub(crate) publisher: String,
}

/// The store.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) kept: Mutex<Vec<Kept>>,
    /// What `publish` says instead of publishing.
    pub(crate) says: Mutex<Option<Result<Written>>>,
    /// Blobs that were begun.
    pub(crate) staged: Mutex<usize>,
    /// Writes fail for want of space.
    pub(crate) full: bool,
}

#[derive(Default)]
struct Writing {
    bytes: Vec<u8>,
    full: bool,
}

struct Staged(Vec<u8>);

impl BlobWriter for Writing {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.full {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn StagedBlob>> {
        Ok(Box::new(Staged(self.bytes)))
    }
}

impl StagedBlob for Staged {
    fn id(&self) -> BlobId {
        BlobId(digest::digest(&digest::SHA512, &self.0).as_ref().try_into().unwrap())
    }

    fn sha1(&self) -> [u8; 20] {
        digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.0).as_ref().try_into().unwrap()
    }

    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.as_slice()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

impl Blobs for Fake {
    fn stage(&self) -> Result<Box<dyn BlobWriter>> {
        *self.staged.lock().unwrap() += 1;
        Ok(Box::new(Writing { bytes: Vec::new(), full: self.full }))
    }

    fn open(&self, _: &BlobId) -> Result<Option<(Arc<std::fs::File>, u64)>> {
        Ok(None)
    }
}

impl Packages for Fake {
    fn publish(&self, draft: Draft, actor: &Actor) -> Result<Written> {
        if let Some(said) = self.says.lock().unwrap().take() {
            return said;
        }
        let Draft { name, version, manifest, abbreviated, blob, files, tags, readme, .. } = draft;
        let bytes = blob.into_any().downcast::<Staged>().unwrap().0;
        let mut kept = self.kept.lock().unwrap();
        if let Some(old) = kept.iter().find(|old| old.name == *name && old.version == version) {
            return Ok(match old.bytes == bytes && old.publisher == *actor.user {
                true => Written::Same { revision: 1 },
                false => Written::Exists,
            });
        }
        let (name, publisher) = (name.to_string(), actor.user.to_string());
        kept.push(Kept { name, version, manifest, abbreviated, tags, bytes, readme, files, publisher });
        Ok(Written::Done { revision: kept.len() as u64 })
    }

    fn load(&self, _: &str) -> Result<Option<Package>> {
        unreachable!("publishing asks nothing else of the store")
    }
    fn deprecate(&self, _: &str, _: Option<u64>, _: &[(String, Option<String>)], _: &Actor) -> Result<Written> {
        unreachable!("publishing asks nothing else of the store")
    }
    fn tag(&self, _: &str, _: &str, _: Option<&str>, _: &Actor) -> Result<Written> {
        unreachable!("publishing asks nothing else of the store")
    }
    fn unpublish(&self, _: &str, _: &[String], _: Option<&str>, _: u64, _: &Actor) -> Result<Written> {
        unreachable!("publishing asks nothing else of the store")
    }
    fn unpublish_all(&self, _: &str, _: Option<u64>, _: &Actor) -> Result<Written> {
        unreachable!("publishing asks nothing else of the store")
    }
    fn maintain(&self, _: &str, _: Option<u64>, _: &[String], _: &Actor) -> Result<Written> {
        unreachable!("publishing asks nothing else of the store")
    }
    fn star(&self, _: &str, _: &str, _: bool) -> Result<Written> {
        unreachable!("publishing asks nothing else of the store")
    }
    fn starred(&self, _: &str) -> Result<Vec<String>> {
        unreachable!("publishing asks nothing else of the store")
    }
    fn search(&self, _: &SearchQuery, _: &dyn Fn(&str) -> bool) -> Result<SearchPage> {
        unreachable!("publishing asks nothing else of the store")
    }
}
