//! How a directory is served.

use crate::app::compress::Policy;
use crate::limits::{FILE_CACHE_BYTES, FILE_FRESH_NS, FILE_MEMORY_BYTES};
use crate::wire::http::accept::Coding;

/// The settings of one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `Cache-Control` of every file. The default has clients ask before each use, which costs a 304;
    /// files whose names change with their content deserve `public, max-age=31536000, immutable`.
    pub cache_control: Option<String>,
    /// The file that a directory is shown as.
    pub index: String,
    /// Names that begin with a dot are served too.
    pub dotfiles: bool,
    /// Files up to this size are kept in memory, larger ones are sent by the kernel from their file.
    pub memory_bytes_max: u64,
    /// Memory for kept files, over all threads.
    pub cache_bytes: usize,
    /// How long a file is believed not to have changed, in nanoseconds: a change is seen by every
    /// request that comes later than that.
    pub fresh_ns: u64,
    /// Compressed files that are looked for beside a file of a compressible type, the favourite first:
    /// `a.js.br`, `a.js.zst`, `a.js.gz`. One that is older than its file is not used.
    pub siblings: Vec<Coding>,
    /// Compresses files that are kept in memory and have no sibling, once for each state of the file.
    /// A file holds nothing of any request, so its length gives nothing away.
    pub compress: Option<Policy>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_control: Some("no-cache".into()),
            index: "index.html".into(),
            dotfiles: false,
            memory_bytes_max: FILE_MEMORY_BYTES,
            cache_bytes: FILE_CACHE_BYTES,
            fresh_ns: FILE_FRESH_NS,
            siblings: Coding::ALL.to_vec(),
            compress: None,
        }
    }
}
