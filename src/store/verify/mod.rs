//! Checks a store: the database against itself, each tarball against its hashes, each against the
//! other. Also beside a running node, which it neither stops nor slows by a long read transaction.
//!
//! What is being published or removed during the check is not mistaken for damage: whatever looks
//! wrong is asked for once more.

mod contents;
mod finding;
mod orphans;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use crate::store::blobs::BlobDir;
use crate::store::error::OpenError;
use crate::store::{DATABASE, lock, schema};

pub use finding::{Finding, Severity};
pub use orphans::{Removed, remove_orphans};

/// How far the check of the tarballs has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Blobs that were read.
    pub done: u64,
    /// Blobs there were when the check began.
    pub total: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, in the order it was found.
    pub findings: Vec<Finding>,
    /// Blobs that were read.
    pub blobs: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

impl Report {
    /// The worst there is; none if all is well.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }

    /// Bytes that removing orphans would free.
    pub fn orphan_bytes(&self) -> u64 {
        let bytes = |finding: &Finding| match finding {
            Finding::OrphanBlob { bytes, .. } => *bytes,
            _ => 0,
        };
        self.findings.iter().map(bytes).sum()
    }

    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

/// Why a check did not end.
enum Stop {
    /// The database is damaged so far that there is nothing more to ask it.
    Damaged(String),
    Open(OpenError),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Stop::Damaged(error.to_string()),
            _ => Stop::Open(error.into()),
        }
    }
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Stop::Open(error)
    }
}

/// Checks the store in `dir`. `progress` is told after each blob.
pub fn verify(dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, OpenError> {
    let mut report = Report::default();
    match check(dir, &mut report, progress) {
        Ok(()) => Ok(report),
        Err(Stop::Damaged(message)) => {
            report.add(Finding::Database { message });
            Ok(report)
        }
        Err(Stop::Open(error)) => Err(error),
    }
}

fn check(dir: &Path, report: &mut Report, progress: &mut dyn FnMut(Progress)) -> Result<(), Stop> {
    let db = open(dir)?;
    let blobs = BlobDir::new(dir);
    check_integrity(&db, report)?;
    check_references(&db, report)?;
    check_tags(&db, report)?;
    contents::check(&db, &blobs, report, progress)?;
    orphans::check(&db, &blobs, report)?;
    if !lock::is_held(dir) {
        orphans::check_leftovers(&blobs, report)?;
    }
    Ok(())
}

fn open(dir: &Path) -> Result<Connection, Stop> {
    let file = dir.join(DATABASE);
    let missing = || OpenError::Missing { file: file.clone() };
    if !file.try_exists().map_err(|error| OpenError::io(&file, error))? {
        return Err(missing().into());
    }
    let db = schema::open_reader(&file)?;
    let version = schema::version(&db)?;
    schema::check(&db, &file)?;
    if version == 0 { Err(missing().into()) } else { Ok(db) }
}

fn check_integrity(db: &Connection, report: &mut Report) -> Result<(), Stop> {
    let mut statement = db.prepare("PRAGMA integrity_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let message: String = row.get(0)?;
        if message != "ok" {
            report.add(Finding::Database { message });
        }
    }
    Ok(())
}

/// Tags are looked at by themselves, to name them.
fn check_references(db: &Connection, report: &mut Report) -> Result<(), Stop> {
    let mut statement = db.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let table: String = row.get(0)?;
        if table != "tags" {
            report.add(Finding::DanglingRow { table, row: row.get(1)?, parent: row.get(2)? });
        }
    }
    Ok(())
}

fn check_tags(db: &Connection, report: &mut Report) -> Result<(), Stop> {
    let mut statement = db.prepare(
        "SELECT coalesce(p.name, '?'), t.tag, t.version
         FROM tags t LEFT JOIN packages p ON p.id = t.package
         WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.package = t.package AND v.version = t.version)",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.add(Finding::DanglingTag { package: row.get(0)?, tag: row.get(1)?, version: row.get(2)? });
    }
    Ok(())
}

/// An error with the place it happened at.
fn at(path: &Path) -> impl Fn(io::Error) -> Stop {
    move |error| Stop::Open(OpenError::io(path, error))
}
