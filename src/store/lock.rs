//! One node for each data directory: an advisory lock that ends with the process that holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::store::error::OpenError;

const NAME: &str = "lock";
/// A process number and a line end are shorter.
const NOTE_BYTES_MAX: u64 = 32;
/// Tries before somebody is believed to hold it.
const TRIES_MAX: usize = 3;
/// Rest between them.
const PAUSE: Duration = Duration::from_millis(10);

/// Held: no other process serves, migrates or repairs this directory.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the lock, or tells who has it.
pub(crate) fn acquire(dir: &Path) -> Result<Lock, OpenError> {
    let path = dir.join(NAME);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = opened.map_err(|error| OpenError::io(&path, error))?;
    match try_lock(&file) {
        Ok(()) => {
            note(&mut file).map_err(|error| OpenError::io(&path, error))?;
            Ok(Lock { _file: file })
        }
        Err(TryLockError::WouldBlock) => Err(OpenError::Busy { dir: dir.to_path_buf(), pid: holder(&mut file) }),
        Err(TryLockError::Error(error)) => Err(OpenError::io(&path, error)),
    }
}

/// Does another process (or another part of this one) hold it right now?
pub(crate) fn is_held(dir: &Path) -> bool {
    File::open(dir.join(NAME)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Tries a few times: [`is_held`] takes the lock for a moment to find out.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES_MAX {
        if file.try_lock().is_ok() {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    file.try_lock()
}

fn note(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> Option<u32> {
    let mut note = String::new();
    file.take(NOTE_BYTES_MAX).read_to_string(&mut note).ok()?;
    note.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_learns_who_is_first_and_may_come_after() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_held(dir.path()));
        let first = acquire(dir.path()).unwrap();
        assert!(is_held(dir.path()));
        match acquire(dir.path()).unwrap_err() {
            OpenError::Busy { pid, .. } => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other}"),
        }
        drop(first);
        assert!(!is_held(dir.path()));
        acquire(dir.path()).unwrap();
    }

    #[test]
    fn a_note_that_is_no_number_names_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let _first = acquire(dir.path()).unwrap();
        std::fs::write(dir.path().join(NAME), b"\xFF\xFE?").unwrap();
        assert!(matches!(acquire(dir.path()), Err(OpenError::Busy { pid: None, .. })));
    }
}
