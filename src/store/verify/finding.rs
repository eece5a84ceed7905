//! What can be wrong with a store, how bad it is, and what to do about it.

use std::fmt;
use std::path::PathBuf;

use crate::app::store::BlobId;

/// How bad a finding is, from harmless to lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing needs to be done.
    Note,
    /// Everything can be served, but something should be tidied.
    Warning,
    /// Something that was published cannot be served, or the database cannot be trusted.
    Error,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The bytes are not those that the name says.
    DamagedBlob {
        /// Its name.
        blob: BlobId,
        /// Bytes that were published.
        recorded: u64,
        /// Bytes that are there.
        found: u64,
        /// `name@version` of those whose tarball it is.
        versions: Vec<String>,
    },
    /// A tag names a version that does not exist.
    DanglingTag {
        /// Full name.
        package: String,
        /// The tag.
        tag: String,
        /// The version that is not there.
        version: String,
    },
    /// The database contradicts itself or cannot be read.
    Database {
        /// In SQLite's words.
        message: String,
    },
    /// A row refers to one that is not there.
    DanglingRow {
        /// The table of the row.
        table: String,
        /// Its number, if it has one.
        row: Option<i64>,
        /// The table of what is not there.
        parent: String,
    },
    /// An upload that was cut off, while nobody serves the store.
    Leftover {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        bytes: u64,
    },
    /// A tarball is gone.
    MissingBlob {
        /// Its name.
        blob: BlobId,
        /// `name@version` of those whose tarball it was.
        versions: Vec<String>,
    },
    /// A blob that no version refers to.
    OrphanBlob {
        /// Its name.
        blob: BlobId,
        /// Its bytes.
        bytes: u64,
    },
    /// A file among the blobs that is none.
    StrayFile {
        /// The file.
        path: PathBuf,
    },
    /// A tarball cannot be read.
    UnreadableBlob {
        /// Its name.
        blob: BlobId,
        /// In the system's words.
        message: String,
        /// `name@version` of those whose tarball it is.
        versions: Vec<String>,
    },
    /// A whole tarball whose length or SHA-1 is recorded wrongly.
    WrongRecord {
        /// Its name.
        blob: BlobId,
        /// `name@version`.
        version: String,
        /// What is recorded wrongly: `length` or `sha1`.
        field: &'static str,
    },
}

impl Finding {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Finding::Leftover { .. } => Severity::Note,
            Finding::OrphanBlob { .. } | Finding::StrayFile { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Finding::DamagedBlob { .. } | Finding::MissingBlob { .. } => {
                "Restore that file from a backup of blobs/; without one, unpublish these versions and publish anew \
                 under other numbers."
            }
            Finding::DanglingTag { .. } => {
                "Point the tag at a version that exists: npm dist-tag add PACKAGE@VERSION TAG."
            }
            Finding::Database { .. } | Finding::DanglingRow { .. } => {
                "Stop the node, keep a copy of the directory, and restore lattice.db from a backup."
            }
            Finding::Leftover { .. } => "Nothing to do: the next start of the node removes it.",
            Finding::OrphanBlob { .. } => "Stop the node and remove orphans with the repair option of verify.",
            Finding::StrayFile { .. } => "Lattice did not put it there: move it out of the data directory.",
            Finding::UnreadableBlob { .. } => {
                "Check the file's rights and the disk, then restore the file from a backup of blobs/."
            }
            Finding::WrongRecord { .. } => {
                "Keep a copy of the directory and restore lattice.db from a backup; the tarball itself is whole."
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::DamagedBlob { blob, recorded, found, versions } => write!(
                formatter,
                "the tarball of {} is damaged: {found} bytes whose SHA-512 is not {blob:?} (published: {recorded} bytes)",
                versions.join(", ")
            ),
            Finding::DanglingTag { package, tag, version } => {
                write!(formatter, "the tag {tag} of {package} names {version}, which does not exist")
            }
            Finding::Database { message } => write!(formatter, "the database is damaged: {message}"),
            Finding::DanglingRow { table, row, parent } => {
                let row = row.map_or_else(String::new, |row| format!(" {row}"));
                write!(formatter, "row{row} of {table} refers to a row of {parent} that does not exist")
            }
            Finding::Leftover { path, bytes } => {
                write!(formatter, "{} ({bytes} bytes) is left from an upload that was cut off", path.display())
            }
            Finding::MissingBlob { blob, versions } => {
                write!(formatter, "the tarball of {} is missing: {blob:?}", versions.join(", "))
            }
            Finding::OrphanBlob { blob, bytes } => {
                write!(formatter, "no version has the blob {blob:?} ({bytes} bytes)")
            }
            Finding::StrayFile { path } => write!(formatter, "{} is not a blob", path.display()),
            Finding::UnreadableBlob { blob, message, versions } => {
                write!(formatter, "the tarball of {} cannot be read: {message}: {blob:?}", versions.join(", "))
            }
            Finding::WrongRecord { blob, version, field } => {
                write!(formatter, "the {field} recorded for {version} is not that of its tarball {blob:?}")
            }
        }
    }
}
