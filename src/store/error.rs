//! What can go wrong here, in words an operator can act on.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::app::store::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        Self { full, message: format!("database: {error}") }
    }
}

/// An error with what was being done, for the operator.
pub(crate) fn failed(doing: &str, error: io::Error) -> StoreError {
    let StoreError { full, message } = StoreError::from(error);
    StoreError { full, message: format!("{doing}: {message}") }
}

/// A failure that is no fault of the disk.
pub(crate) fn broken(message: impl Into<String>) -> StoreError {
    StoreError { full: false, message: message.into() }
}

/// The same error once more, for each caller of a batch that failed.
pub(crate) fn again(error: &StoreError) -> StoreError {
    StoreError { full: error.full, message: error.message.clone() }
}

/// Why a store did not open.
#[derive(Debug)]
pub enum OpenError {
    /// Another process serves it.
    Busy {
        /// The directory.
        dir: PathBuf,
        /// The other process, if it left its number.
        pid: Option<u32>,
    },
    /// The file is a database of some other program.
    Foreign {
        /// The database.
        file: PathBuf,
    },
    /// A directory or file cannot be used.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is no store.
    Missing {
        /// The database that is not there.
        file: PathBuf,
    },
    /// A later release wrote it.
    Newer {
        /// The database.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version this program knows.
        known: i64,
    },
    /// The database refused.
    Store(StoreError),
}

impl OpenError {
    pub(crate) fn io(path: impl Into<PathBuf>, error: io::Error) -> Self {
        OpenError::Io { path: path.into(), error }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Busy { dir, pid: Some(pid) } => {
                write!(formatter, "{} is in use by process {pid}: stop it first", dir.display())
            }
            OpenError::Busy { dir, pid: None } => {
                write!(formatter, "{} is in use by another process: stop it first", dir.display())
            }
            OpenError::Foreign { file } => {
                write!(formatter, "{} is the database of another program: choose another directory", file.display())
            }
            OpenError::Io { path, error } => write!(formatter, "{}: {error}", path.display()),
            OpenError::Missing { file } => write!(formatter, "there is no store: {} does not exist", file.display()),
            OpenError::Newer { file, found, known } => write!(
                formatter,
                "{} has schema {found}, written by a later release; this one knows up to {known}: use that release",
                file.display()
            ),
            OpenError::Store(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        OpenError::Store(error)
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        OpenError::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> StoreError {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None).into()
    }

    #[test]
    fn a_full_database_is_told_apart_from_a_broken_one() {
        assert!(sqlite(rusqlite::ffi::SQLITE_FULL).full);
        assert!(!sqlite(rusqlite::ffi::SQLITE_IOERR_WRITE).full);
        assert!(!sqlite(rusqlite::ffi::SQLITE_BUSY).full);
    }

    #[test]
    fn a_full_disk_and_a_used_up_quota_are_both_full() {
        for errno in [libc::ENOSPC, libc::EDQUOT] {
            let error = failed("writing a blob", io::Error::from_raw_os_error(errno));
            assert!(error.full, "{error}");
            assert!(error.message.starts_with("writing a blob: "), "{error}");
            assert!(again(&error).full);
        }
        assert!(!failed("writing a blob", io::Error::from_raw_os_error(libc::EIO)).full);
    }

    #[test]
    fn a_busy_store_names_the_process_if_it_can() {
        let named = OpenError::Busy { dir: "/data".into(), pid: Some(7) }.to_string();
        let unnamed = OpenError::Busy { dir: "/data".into(), pid: None }.to_string();
        assert!(named.contains("process 7"), "{named}");
        assert!(unnamed.contains("another process"), "{unnamed}");
    }
}
