//! What a slice that serves a directory needs of the file system, and the paths it may ask for.
//!
//! Every call may block; slices make them only inside jobs. Implemented in `store/`.

use std::fs::File;
use std::sync::Arc;

use crate::app::store::Result;
use crate::limits::{FILE_NAME_BYTES_MAX, FILE_PATH_BYTES_MAX};

/// A directory whose files are served.
pub trait Files: Send + Sync {
    /// Opens what is at `path`. `None` for what is not there, may not be read, is neither file nor
    /// directory, or lies outside, wherever links lead.
    fn open(&self, path: &FilePath) -> Result<Option<Found>>;

    /// Reads a whole file of at most `bytes_max`; `None` if it has grown beyond that since it was
    /// opened, or kept changing.
    fn read(&self, file: &OpenFile, bytes_max: u64) -> Result<Option<Contents>>;
}

/// What is at a path.
#[derive(Debug)]
pub enum Found {
    /// A directory; its entries are nobody's business.
    Directory,
    /// A regular file.
    File(OpenFile),
}

/// An open file and what it was when it was opened.
#[derive(Debug, Clone)]
pub struct OpenFile {
    /// Its handle.
    pub file: Arc<File>,
    /// What it was.
    pub stat: Stat,
}

/// The bytes of a file and what it was before and after they were read.
#[derive(Debug)]
pub struct Contents {
    /// All of them.
    pub bytes: Arc<[u8]>,
    /// What it was.
    pub stat: Stat,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Which file system it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last modified, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// The second of that moment was over when this was seen, so that no later change has the same
    /// date.
    pub is_settled: bool,
}

impl Stat {
    /// Whether both are the same state of the same file, as far as anybody can tell.
    pub fn is_same(&self, other: &Stat) -> bool {
        let key = |stat: &Stat| (stat.device, stat.inode, stat.length, stat.modified_ns);
        key(self) == key(other)
    }
}

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathError {
    /// It cannot be decoded: the client is wrong.
    Malformed,
    /// There is no such file, nor may there be.
    Refused,
}

/// The path of a file within its directory: names with a slash between each two; empty for the
/// directory itself.
///
/// Invariant: no name is empty, `.`, `..`, too long, or has a slash, backslash or NUL in it; none begins
/// with a dot unless that was allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilePath(Vec<u8>);

impl FilePath {
    /// The path that a decoded part of a request's path names, without slashes around it.
    pub fn new(decoded: &[u8], dotfiles: bool) -> std::result::Result<Self, PathError> {
        let is_good = |name: &[u8]| is_name(name) && (dotfiles || name[0] != b'.');
        let fits = decoded.len() <= FILE_PATH_BYTES_MAX;
        if decoded.is_empty() || (fits && decoded.split(|&byte| byte == b'/').all(is_good)) {
            return Ok(Self(decoded.to_vec()));
        }
        Err(PathError::Refused)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The names in it, from the outside in.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|&byte| byte == b'/').filter(|name| !name.is_empty())
    }

    /// What follows the last dot of the last name, unless the name begins with it.
    pub fn extension(&self) -> Option<&[u8]> {
        let name = self.names().last()?;
        let dot = memchr::memrchr(b'.', name).filter(|&at| at > 0)?;
        Some(&name[dot + 1..])
    }

    /// The path of a file in this directory. `None` when it gets too long.
    pub fn join(&self, name: &str) -> Option<Self> {
        debug_assert!(is_name(name.as_bytes()));
        let slash: &[u8] = if self.0.is_empty() { b"" } else { b"/" };
        Self::bounded([&self.0[..], slash, name.as_bytes()].concat())
    }

    /// The path of a file beside this one, with an extension more. `None` when it gets too long.
    pub fn with_extension(&self, extension: &str) -> Option<Self> {
        let path = Self::bounded([&self.0[..], b".", extension.as_bytes()].concat())?;
        path.names().last().is_some_and(is_name).then_some(path)
    }

    fn bounded(path: Vec<u8>) -> Option<Self> {
        (path.len() <= FILE_PATH_BYTES_MAX).then_some(Self(path))
    }
}

fn is_name(name: &[u8]) -> bool {
    let length = (1..=FILE_NAME_BYTES_MAX).contains(&name.len());
    length && name != b"." && name != b".." && memchr::memchr3(b'/', b'\\', 0, name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_made_of_names() {
        for good in ["", "a", "a/b.c", "a b/\u{e4}", "a..b", "...a..", "a./b", "\n"] {
            assert_eq!(FilePath::new(good.as_bytes(), true).map(|path| path.0), Ok(good.as_bytes().to_vec()), "{good}");
        }
        for bad in ["/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\0", "a\\b", "a/\0/b"] {
            assert_eq!(FilePath::new(bad.as_bytes(), true), Err(PathError::Refused), "{bad:?}");
        }
        for (hidden, allowed) in [(".env", true), ("a/.git/config", true), ("..", false)] {
            assert_eq!(FilePath::new(hidden.as_bytes(), false), Err(PathError::Refused), "{hidden}");
            assert_eq!(FilePath::new(hidden.as_bytes(), true).is_ok(), allowed, "{hidden}");
        }
    }

    #[test]
    fn names_and_paths_are_bounded() {
        let name = |length: usize| "n".repeat(length);
        for (length, good) in [(FILE_NAME_BYTES_MAX, true), (FILE_NAME_BYTES_MAX + 1, false)] {
            assert_eq!(FilePath::new(name(length).as_bytes(), false).is_ok(), good, "{length}");
        }
        let path = |length: usize| "n/".repeat(length).into_bytes()[..length - 1].to_vec();
        for (length, good) in [(FILE_PATH_BYTES_MAX, true), (FILE_PATH_BYTES_MAX + 2, false)] {
            assert_eq!(FilePath::new(&path(length), false).is_ok(), good, "{length}");
        }
        let long = FilePath::new(&path(FILE_PATH_BYTES_MAX), false).unwrap();
        assert_eq!((long.join("index.html"), long.with_extension("br")), (None, None));
        let long = FilePath::new(name(FILE_NAME_BYTES_MAX - 2).as_bytes(), false).unwrap();
        assert_eq!(long.with_extension("br"), None);
    }

    #[test]
    fn paths_beside_and_below() {
        let path = |text: &str| FilePath::new(text.as_bytes(), true).unwrap();
        assert_eq!(path("").join("index.html"), Some(path("index.html")));
        assert_eq!(path("a/b").join("index.html"), Some(path("a/b/index.html")));
        assert_eq!(path("a/b.js").with_extension("gz"), Some(path("a/b.js.gz")));
        for (text, extension) in [("a.JS", Some("JS")), ("a/b.tar.gz", Some("gz")), ("a.b/c", None), (".env", None)] {
            assert_eq!(path(text).extension(), extension.map(str::as_bytes), "{text}");
        }
        assert_eq!(path("a/b").names().collect::<Vec<_>>(), [b"a", b"b"]);
    }
}
