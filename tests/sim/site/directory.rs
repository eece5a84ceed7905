//! The directory below `/files/`, in memory but for what is sent from a handle.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use lattice::app::files::{Contents, FilePath, Files, Found, OpenFile, Stat};
use lattice::app::store::Result;

use crate::site::content::{FILES, FILES_MODIFIED_NS};

/// One handle for each file, in their order.
static HANDLES: LazyLock<Vec<Arc<File>>> = LazyLock::new(|| {
    let handle = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().expect("the temp dir is writable");
        file.write_all(bytes).expect("the temp dir is writable");
        Arc::new(file)
    };
    FILES.iter().map(|file| handle(&file.bytes)).collect()
});

pub(crate) struct Directory;

fn stat(inode: u64, length: usize) -> Stat {
    Stat { device: 1, inode, length: length as u64, modified_ns: FILES_MODIFIED_NS, is_settled: true }
}

impl Files for Directory {
    fn open(&self, path: &FilePath) -> Result<Option<Found>> {
        if path.as_bytes() == b"sub" || path.as_bytes().is_empty() {
            return Ok(Some(Found::Directory));
        }
        let index = FILES.iter().position(|file| file.path.as_bytes() == path.as_bytes());
        Ok(index.map(|index| {
            let stat = stat(FILES[index].inode, FILES[index].bytes.len());
            Found::File(OpenFile { file: Arc::clone(&HANDLES[index]), stat })
        }))
    }

    fn read(&self, file: &OpenFile, bytes_max: u64) -> Result<Option<Contents>> {
        let found = FILES.iter().find(|known| known.inode == file.stat.inode && known.bytes.len() as u64 <= bytes_max);
        Ok(found.map(|known| Contents { bytes: known.bytes.as_slice().into(), stat: file.stat }))
    }
}
