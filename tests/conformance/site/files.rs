//! The files of the site.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use lattice::app::compress::{Effort, compress};
use lattice::wire::http::accept::Coding;

use super::server::text;
use crate::support::noise;

/// Larger than what is kept in memory: the kernel sends it from its file.
pub(super) const BLOB_BYTES: usize = (1 << 20) + 1;
/// Kept in memory.
pub(super) const SMALL_BYTES: usize = 100_000;
/// 8 bits, one channel, 8,000 samples a second: ten seconds.
pub(super) const SOUND_SAMPLES: u32 = 80_000;

/// When all of them were modified, as HTTP writes it.
pub(super) const MODIFIED: &str = "Sun, 13 Sep 2020 12:26:40 GMT";
const MODIFIED_S: u64 = 1_600_000_000;

pub(super) fn blob() -> Vec<u8> {
    noise(BLOB_BYTES, 1)
}

pub(super) fn small() -> Vec<u8> {
    noise(SMALL_BYTES, 2)
}

/// Writes them, with the pages that a browser is shown.
pub(super) fn write(directory: &Path) {
    let put = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, bytes).expect("the temp dir is writable");
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED_S);
        File::options().append(true).open(&path).and_then(|file| file.set_modified(modified)).expect("it is ours");
    };
    put("blob.bin", &blob());
    put("small.bin", &small());
    put("sound.wav", &sound());
    put("empty.txt", b"");
    put("plain.txt", b"without siblings");
    let book = text(50_000);
    put("book.txt", book.as_bytes());
    for (coding, extension) in [(Coding::Brotli, "br"), (Coding::Gzip, "gz"), (Coding::Zstd, "zst")] {
        let packed = compress(coding, Effort::Live, book.as_bytes()).expect("there is memory");
        put(&format!("book.txt.{extension}"), &packed);
    }
    for page in std::fs::read_dir(crate::here("conformance/site/pages")).expect("the pages are here").flatten() {
        let bytes = std::fs::read(page.path()).expect("a page is a file");
        put(&page.file_name().to_string_lossy(), &bytes);
    }
}

/// A sound that no coding makes shorter.
fn sound() -> Vec<u8> {
    let words = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let format = [words(&[16]), vec![1, 0, 1, 0], words(&[8000, 8000]), vec![1, 0, 8, 0]].concat();
    let samples = noise(SOUND_SAMPLES as usize, 3);
    let head = [b"RIFF".to_vec(), words(&[36 + SOUND_SAMPLES]), b"WAVEfmt ".to_vec(), format].concat();
    [head, b"data".to_vec(), words(&[SOUND_SAMPLES]), samples].concat()
}
