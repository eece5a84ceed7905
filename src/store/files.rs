//! A directory that is served: paths in, open files out, and nothing from outside of it.
//!
//! A path is opened with `openat2` and `RESOLVE_BENEATH` where the kernel has it (Linux 5.6): the
//! kernel itself refuses every step that leaves the directory, by `..`, an absolute link or a relative
//! one, at the moment of opening, so there is no gap between looking and opening. Links that stay inside
//! are followed. Elsewhere each name is opened by itself and no link at all is followed.
//!
//! The directory is opened anew each time: it may be a link itself, and a deployment may point it
//! elsewhere. Only regular files are handed out; a pipe or a device is opened without waiting and closed.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use crate::app::files::{Contents, FilePath, Files, Found, OpenFile, Stat};
use crate::app::store::Result;
use crate::store::error::failed;

/// How often a file that changes while it is read is read again.
const READS_MAX: usize = 3;
/// How often the kernel may say that a name was moved while it looked.
#[cfg(target_os = "linux")]
const RACES_MAX: usize = 16;

/// A directory on disk.
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Serves `root`, which must be a directory now.
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = std::path::absolute(root)?;
        match root.metadata()?.is_dir() {
            true => Ok(Self { root }),
            false => Err(ErrorKind::NotADirectory.into()),
        }
    }
}

impl Files for Directory {
    fn open(&self, path: &FilePath) -> Result<Option<Found>> {
        let explain = |error| failed("opening a file", error);
        let root = File::open(&self.root).map_err(|error| failed("opening the directory of files", error))?;
        let file = match beneath(&root, path) {
            Ok(file) => File::from(file),
            Err(error) if is_absence(error) => return Ok(None),
            Err(error) => return Err(explain(error.into())),
        };
        let metadata = file.metadata().map_err(explain)?;
        Ok(match metadata.file_type() {
            kind if kind.is_dir() => Some(Found::Directory),
            kind if kind.is_file() => Some(Found::File(OpenFile { file: Arc::new(file), stat: stat(&metadata) })),
            _ => None,
        })
    }

    fn read(&self, open: &OpenFile, bytes_max: u64) -> Result<Option<Contents>> {
        let mut before = open.stat;
        for _ in 0..READS_MAX {
            let Some(length) = usize::try_from(before.length).ok().filter(|_| before.length <= bytes_max) else {
                break;
            };
            let mut bytes = vec![0; length];
            let whole = match open.file.read_exact_at(&mut bytes, 0) {
                Ok(()) => true,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
                Err(error) => return Err(failed("reading a file", error)),
            };
            let after = stat(&open.file.metadata().map_err(|error| failed("reading a file", error))?);
            if whole && after.is_same(&before) {
                // What was settled before it was read stays so; what was not may have changed since.
                return Ok(Some(Contents { bytes: bytes.into(), stat: before }));
            }
            before = after;
        }
        Ok(None)
    }
}

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

#[cfg(target_os = "linux")]
fn beneath(root: &File, path: &FilePath) -> std::result::Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    let name = if path.as_bytes().is_empty() { b"." } else { path.as_bytes() };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..RACES_MAX {
        match openat2(root, name, FLAGS, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            // An old kernel, or a sandbox that does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => return step_by_step(root, path),
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

#[cfg(not(target_os = "linux"))]
fn beneath(root: &File, path: &FilePath) -> std::result::Result<OwnedFd, Errno> {
    step_by_step(root, path)
}

/// Opens each name in what was opened before it, and follows no link.
fn step_by_step(root: &File, path: &FilePath) -> std::result::Result<OwnedFd, Errno> {
    let mut names = path.names().peekable();
    let mut open = openat(root, ".", FLAGS | OFlags::DIRECTORY, Mode::empty())?;
    while let Some(name) = names.next() {
        let kind = if names.peek().is_some() { OFlags::DIRECTORY } else { OFlags::empty() };
        open = openat(&open, name, FLAGS | OFlags::NOFOLLOW | kind, Mode::empty())?;
    }
    Ok(open)
}

/// What a client may not tell apart from a file that is not there.
fn is_absence(error: Errno) -> bool {
    matches!(
        error,
        Errno::NOENT
            | Errno::NOTDIR
            | Errno::LOOP
            | Errno::XDEV
            | Errno::ACCESS
            | Errno::PERM
            | Errno::NAMETOOLONG
            | Errno::NXIO
            | Errno::INVAL
            | Errno::MLINK
    )
}

fn stat(metadata: &Metadata) -> Stat {
    let seconds = u64::try_from(metadata.mtime()).unwrap_or(0);
    let modified = UNIX_EPOCH + Duration::from_secs(seconds.saturating_add(1).min(u64::from(u32::MAX) * 1000));
    Stat {
        device: metadata.dev(),
        inode: metadata.ino(),
        length: metadata.len(),
        modified_ns: seconds.saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec().unsigned_abs()),
        is_settled: SystemTime::now() >= modified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// `root/` with a few files and links, beside `secret`.
    fn tree() -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::write(root.join("a.txt"), "hello").unwrap();
        fs::write(root.join("sub/b.txt"), "below").unwrap();
        symlink("../secret", root.join("out-relative")).unwrap();
        symlink(dir.path().join("secret"), root.join("out-absolute")).unwrap();
        symlink(root.join("a.txt"), root.join("in-absolute")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("../../..", root.join("sub/up")).unwrap();
        symlink("sub/b.txt", root.join("inside")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        dir
    }

    fn path(text: &str) -> FilePath {
        FilePath::new(text.as_bytes(), true).unwrap()
    }

    fn read(directory: &Directory, text: &str) -> Option<String> {
        match directory.open(&path(text)).unwrap()? {
            Found::Directory => Some("a directory".into()),
            Found::File(file) => {
                let contents = directory.read(&file, 5).unwrap().expect("nobody changes it");
                assert_eq!(contents.stat.length, contents.bytes.len() as u64);
                Some(String::from_utf8(contents.bytes.to_vec()).unwrap())
            }
        }
    }

    const OUTSIDE: [&str; 8] = [
        "out-relative",
        "out-absolute",
        "up/secret",
        "sub/up/etc/passwd",
        "loop",
        "magic/etc/passwd",
        "up",
        "in-absolute",
    ];

    #[test]
    fn what_is_inside_is_opened_and_what_is_outside_is_not() {
        let tree = tree();
        let directory = Directory::open(&tree.path().join("root")).unwrap();
        assert_eq!(read(&directory, "a.txt").as_deref(), Some("hello"));
        assert_eq!(read(&directory, "sub/b.txt").as_deref(), Some("below"));
        assert_eq!(read(&directory, "sub").as_deref(), Some("a directory"));
        assert_eq!(read(&directory, "").as_deref(), Some("a directory"));
        for absent in OUTSIDE.iter().chain(&["nothing", "a.txt/b", "sub/nothing", "sub/b.txt/c", "secret"]) {
            assert_eq!(read(&directory, absent), None, "{absent}");
        }
    }

    #[test]
    fn without_the_kernels_help_no_link_is_followed() {
        let tree = tree();
        let root = File::open(tree.path().join("root")).unwrap();
        for inside in ["a.txt", "sub/b.txt", "sub/deep", ""] {
            assert!(step_by_step(&root, &path(inside)).is_ok(), "{inside}");
        }
        for absent in OUTSIDE.iter().chain(&["inside", "nothing", "a.txt/b"]) {
            assert!(step_by_step(&root, &path(absent)).is_err_and(is_absence), "{absent}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn links_that_stay_inside_are_followed() {
        let tree = tree();
        let directory = Directory::open(&tree.path().join("root")).unwrap();
        assert_eq!(read(&directory, "inside").as_deref(), Some("below"));
    }

    #[test]
    fn the_directory_itself_may_be_a_link_that_moves() {
        let tree = tree();
        let current = tree.path().join("current");
        symlink("root", &current).unwrap();
        let directory = Directory::open(&current).unwrap();
        assert_eq!(read(&directory, "b.txt"), None);
        fs::remove_file(&current).unwrap();
        symlink("root/sub", &current).unwrap();
        assert_eq!(read(&directory, "b.txt").as_deref(), Some("below"));
        fs::remove_file(&current).unwrap();
        assert!(directory.open(&path("b.txt")).is_err(), "that is no missing file");
        assert!(Directory::open(&current).is_err());
        assert!(Directory::open(&tree.path().join("secret")).is_err());
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let tree = tree();
        let root = tree.path().join("root");
        let directory = Directory::open(&root).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        for odd in ["pipe", "socket"] {
            assert_eq!(read(&directory, odd), None, "{odd}");
        }
    }

    #[test]
    fn a_file_that_changed_since_it_was_opened_is_read_as_it_is() {
        let tree = tree();
        let root = tree.path().join("root");
        let directory = Directory::open(&root).unwrap();
        let Some(Found::File(open)) = directory.open(&path("a.txt")).unwrap() else { panic!("a file") };
        for text in ["longer than before", "short", ""] {
            fs::write(root.join("a.txt"), text).unwrap();
            let contents = directory.read(&open, 100).unwrap().unwrap();
            assert_eq!((&contents.bytes[..], contents.stat.length), (text.as_bytes(), text.len() as u64));
            assert!(!contents.stat.is_same(&open.stat));
        }
        for (length, is_read) in [(9, true), (10, true), (11, false)] {
            fs::write(root.join("a.txt"), "x".repeat(length)).unwrap();
            assert_eq!(directory.read(&open, 10).unwrap().is_some(), is_read, "{length}");
        }
    }

    #[test]
    fn a_state_is_settled_once_its_second_is_over() {
        let tree = tree();
        let root = tree.path().join("root");
        let file = File::options().write(true).open(root.join("a.txt")).unwrap();
        let now = SystemTime::now();
        for (ago_s, settled) in [(3600, true), (2, true)] {
            file.set_modified(now - Duration::from_secs(ago_s)).unwrap();
            assert_eq!(stat(&file.metadata().unwrap()).is_settled, settled, "{ago_s}");
        }
        file.set_modified(now + Duration::from_secs(60)).unwrap();
        assert!(!stat(&file.metadata().unwrap()).is_settled);
        file.set_modified(UNIX_EPOCH + Duration::new(1, 5)).unwrap();
        assert_eq!(stat(&file.metadata().unwrap()).modified_ns, 1_000_000_005);
    }
}
