//! Files named by their content: `blobs/ab/<128 hexadecimal digits>`, with `tmp/` beside them.
//!
//! A file in `tmp/` is either being written (a random name) or complete and durable but not yet
//! published (`<sha-512>.<nonce>`). Publishing gives it a second name, a hard link, under `blobs/`
//! before the database commits, and takes the first name away after. So at every moment a crash
//! leaves either no final name, or both names and the database to decide (see [`super::recovery`]).
//! All names come from hashes and randomness: nothing a client says becomes part of a path.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::store::{BlobId, BlobWriter, Blobs, Result};
use crate::store::error::{broken, failed};
use crate::store::staging::Staging;

/// Where the files are.
pub(crate) struct BlobDir {
    blobs: PathBuf,
    tmp: PathBuf,
}

/// What [`Blobs`] is here.
pub(crate) struct BlobStore {
    pub(crate) dir: Arc<BlobDir>,
    /// Only the process that holds the lock may stage: others could not tell its files from debris.
    pub(crate) exclusive: bool,
}

impl Blobs for BlobStore {
    fn stage(&self) -> Result<Box<dyn BlobWriter>> {
        if !self.exclusive {
            return Err(broken("tarballs are published through the node, not beside it"));
        }
        Ok(Box::new(Staging::begin(Arc::clone(&self.dir))?))
    }

    fn open(&self, id: &BlobId) -> Result<Option<(Arc<File>, u64)>> {
        let file = match File::open(self.dir.path(id)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("opening a blob", error)),
        };
        let length = file.metadata()?.len();
        Ok(Some((Arc::new(file), length)))
    }
}

impl BlobDir {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { blobs: dir.join("blobs"), tmp: dir.join("tmp") }
    }

    /// Makes all directories there will ever be, durably, so that a publish never has to.
    pub(crate) fn create(&self) -> io::Result<()> {
        let create = |dir: &Path| DirBuilder::new().recursive(true).mode(0o700).create(dir);
        create(&self.tmp)?;
        create(&self.blobs)?;
        for shard in 0..=u8::MAX {
            create(&self.shard(shard))?;
        }
        sync(&self.blobs)?;
        // The names of both are in here: without it a loss of power could take the whole folder.
        self.blobs.parent().map_or(Ok(()), sync)
    }

    pub(crate) fn blobs(&self) -> &Path {
        &self.blobs
    }

    pub(crate) fn tmp(&self) -> &Path {
        &self.tmp
    }

    pub(crate) fn shard(&self, first: u8) -> PathBuf {
        self.blobs.join(format!("{first:02x}"))
    }

    /// The final name of a blob.
    pub(crate) fn path(&self, id: &BlobId) -> PathBuf {
        self.shard(id.0[0]).join(format!("{id:?}"))
    }

    /// A name that nobody has, for a file whose hash is not known yet.
    pub(crate) fn fresh(&self) -> Result<PathBuf> {
        Ok(self.tmp.join(nonce()?))
    }

    /// A name that nobody has, for a file that is complete.
    pub(crate) fn complete(&self, id: &BlobId) -> Result<PathBuf> {
        Ok(self.tmp.join(format!("{id:?}.{}", nonce()?)))
    }

    /// Gives a complete file its final name; whether that name is new. Not durable until
    /// [`BlobDir::sync_shard`].
    pub(crate) fn link(&self, from: &Path, id: &BlobId, length: u64) -> io::Result<bool> {
        let to = self.path(id);
        match fs::hard_link(from, &to) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.keep_or_mend(from, &to, length),
            Err(error) => Err(error),
        }
    }

    /// A file of that name and length is taken for the same. One that was cut short is replaced.
    fn keep_or_mend(&self, from: &Path, to: &Path, length: u64) -> io::Result<bool> {
        if fs::metadata(to)?.len() == length {
            return Ok(false);
        }
        fs::remove_file(to)?;
        fs::hard_link(from, to)?;
        // Versions may refer to it already: it must survive a publish that fails.
        Ok(false)
    }

    /// Makes the names in one shard durable.
    pub(crate) fn sync_shard(&self, first: u8) -> io::Result<()> {
        sync(&self.shard(first))
    }

    /// Takes the final name away, if there is one.
    pub(crate) fn unlink(&self, id: &BlobId) -> io::Result<()> {
        remove(&self.path(id))
    }

    /// Is a complete file of this content waiting in `tmp/`?
    pub(crate) fn is_in_flight(&self, id: &BlobId) -> io::Result<bool> {
        for entry in fs::read_dir(&self.tmp)? {
            if parse_complete(&entry?.file_name().to_string_lossy()) == Some(*id) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The hash in the name of a complete file in `tmp/`.
pub(crate) fn parse_complete(name: &str) -> Option<BlobId> {
    let (hash, nonce) = name.split_once('.')?;
    if nonce.is_empty() { None } else { parse_id(hash) }
}

/// The hash that a final name is.
pub(crate) fn parse_id(name: &str) -> Option<BlobId> {
    let digits: &[u8; 128] = name.as_bytes().try_into().ok()?;
    let mut id = BlobId([0; 64]);
    for (byte, pair) in id.0.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(id)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

fn nonce() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| broken("no randomness"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_hash_and_nothing_else_is_a_name() {
        let id = BlobId(std::array::from_fn(|index| index as u8 * 4));
        let name = format!("{id:?}");
        assert_eq!(parse_id(&name), Some(id));
        assert_eq!(parse_complete(&format!("{name}.0")), Some(id));
        for wrong in ["", "..", &name[1..], &format!("{name}0"), &name.to_uppercase(), &format!("g{}", &name[1..])] {
            assert_eq!(parse_id(wrong), None, "{wrong}");
        }
        for wrong in [name.as_str(), &format!("{name}."), &format!(".{name}"), "0.0"] {
            assert_eq!(parse_complete(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_file_cut_short_is_replaced_and_a_whole_one_kept() {
        let root = tempfile::tempdir().unwrap();
        let dir = BlobDir::new(root.path());
        dir.create().unwrap();
        let id = BlobId([7; 64]);
        let from = dir.complete(&id).unwrap();
        fs::write(&from, b"whole").unwrap();
        assert!(dir.link(&from, &id, 5).unwrap());
        assert!(!dir.link(&from, &id, 5).unwrap());
        fs::remove_file(dir.path(&id)).unwrap();
        fs::write(dir.path(&id), b"who").unwrap();
        assert!(!dir.link(&from, &id, 5).unwrap());
        assert_eq!(fs::read(dir.path(&id)).unwrap(), b"whole");
    }
}
