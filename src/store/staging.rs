//! A blob on its way in: bytes to a file in `tmp/`, hashed as they pass, in bounded memory.

use std::any::Any;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA512};

use crate::app::store::{BlobId, BlobWriter, Result, StagedBlob};
use crate::store::blobs::{BlobDir, remove};
use crate::store::error::failed;

/// Small writes are gathered to this size.
const BUFFER_BYTES: usize = 64 * 1024;

/// Both hashes of one run of bytes.
pub(crate) struct Hashes {
    sha1: Context,
    sha512: Context,
}

impl Hashes {
    pub(crate) fn new() -> Self {
        Self { sha1: Context::new(&SHA1_FOR_LEGACY_USE_ONLY), sha512: Context::new(&SHA512) }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha1.update(bytes);
        self.sha512.update(bytes);
    }

    pub(crate) fn finish(self) -> (BlobId, [u8; 20]) {
        (BlobId(array(&self.sha512.finish())), array(&self.sha1.finish()))
    }
}

/// The length is the algorithm's own, which each caller asks for.
fn array<const N: usize>(digest: &Digest) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

/// A name in `tmp/` that goes when this does, unless it is disarmed.
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // What cannot be removed now is removed at the next start.
            let _ = remove(&path);
        }
    }
}

/// A blob being written.
pub(crate) struct Staging {
    dir: Arc<BlobDir>,
    path: PathBuf,
    temporary: Temporary,
    file: BufWriter<File>,
    hashes: Hashes,
    length: u64,
}

impl Staging {
    pub(crate) fn begin(dir: Arc<BlobDir>) -> Result<Self> {
        let path = dir.fresh()?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| failed("beginning a blob", error))?;
        let temporary = Temporary(Some(path.clone()));
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self { dir, path, temporary, file, hashes: Hashes::new(), length: 0 })
    }

    fn complete(mut self) -> Result<StagedFile> {
        self.file.flush().map_err(|error| failed("writing a blob", error))?;
        self.file.get_ref().sync_all().map_err(|error| failed("syncing a blob", error))?;
        let (id, sha1) = self.hashes.finish();
        let path = self.dir.complete(&id)?;
        fs::rename(&self.path, &path).map_err(|error| failed("naming a blob", error))?;
        self.temporary.0 = Some(path.clone());
        Ok(StagedFile { dir: self.dir, path, temporary: self.temporary, id, sha1, length: self.length })
    }
}

impl BlobWriter for Staging {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| failed("writing a blob", error))?;
        self.hashes.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn StagedBlob>> {
        Ok(Box::new(self.complete()?))
    }
}

/// A blob that is complete and durable under a name in `tmp/`.
pub(crate) struct StagedFile {
    dir: Arc<BlobDir>,
    path: PathBuf,
    temporary: Temporary,
    id: BlobId,
    sha1: [u8; 20],
    length: u64,
}

impl StagedFile {
    /// Was it staged in this directory?
    pub(crate) fn is_of(&self, dir: &Arc<BlobDir>) -> bool {
        Arc::ptr_eq(&self.dir, dir)
    }

    /// Gives it its final name; whether that name is new.
    pub(crate) fn link(&self) -> Result<bool> {
        let linked = self.dir.link(&self.path, &self.id, self.length);
        linked.map_err(|error| failed("publishing a blob", error))
    }

    /// Leaves the name in `tmp/` for the next start to resolve.
    pub(crate) fn keep(mut self) {
        self.temporary.0 = None;
    }
}

impl StagedBlob for StagedFile {
    fn id(&self) -> BlobId {
        self.id
    }

    fn sha1(&self) -> [u8; 20] {
        self.sha1
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self) -> Result<Box<dyn io::Read + '_>> {
        let file = File::open(&self.path).map_err(|error| failed("reading a blob", error))?;
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, file)))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir() -> (tempfile::TempDir, Arc<BlobDir>) {
        let root = tempfile::tempdir().unwrap();
        let dir = BlobDir::new(root.path());
        dir.create().unwrap();
        (root, Arc::new(dir))
    }

    fn names(dir: &BlobDir) -> Vec<String> {
        fs::read_dir(dir.tmp()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_hashes_and_bytes_do_not_depend_on_how_they_come() {
        let (_root, dir) = dir();
        for cut in 0..=3 {
            let mut staging = Box::new(Staging::begin(Arc::clone(&dir)).unwrap());
            staging.write(&b"abc"[..cut]).unwrap();
            staging.write(&b"abc"[cut..]).unwrap();
            let staged = staging.finish().unwrap();
            let hex = format!("{:?}", staged.id());
            assert!(hex.starts_with("ddaf35a193617abacc417349ae204131"), "FIPS 180: SHA-512 of abc, not {hex}");
            assert_eq!(staged.sha1()[..4], [0xa9, 0x99, 0x3e, 0x36], "FIPS 180: SHA-1 of abc");
            assert_eq!(staged.length(), 3);
            let mut read = String::new();
            staged.read().unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, "abc");
            assert!(names(&dir)[0].starts_with(&hex));
        }
    }

    #[test]
    fn whatever_is_dropped_leaves_nothing() {
        let (_root, dir) = dir();
        let mut staging = Staging::begin(Arc::clone(&dir)).unwrap();
        staging.write(b"half").unwrap();
        assert_eq!(names(&dir).len(), 1);
        drop(staging);
        assert_eq!(names(&dir).len(), 0);
        let staged = Box::new(Staging::begin(Arc::clone(&dir)).unwrap()).finish().unwrap();
        assert_eq!(names(&dir).len(), 1);
        drop(staged);
        assert_eq!(names(&dir).len(), 0);
    }

    #[test]
    fn a_kept_one_waits_for_the_next_start() {
        let (_root, dir) = dir();
        Staging::begin(Arc::clone(&dir)).unwrap().complete().unwrap().keep();
        assert_eq!(names(&dir).len(), 1);
    }
}
