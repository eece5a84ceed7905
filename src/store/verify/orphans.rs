//! Files that no version has. They cost space and nothing else, and can be removed while no other
//! process has the lock.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use rusqlite::Connection;

use crate::app::store::BlobId;
use crate::store::blobs::{BlobDir, parse_id};
use crate::store::error::OpenError;
use crate::store::verify::{Finding, Report, Stop, at, open};
use crate::store::{lock, recovery};

/// What [`remove_orphans`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Removes blobs that no version has. Refused while another process has the store.
pub fn remove_orphans(dir: &Path) -> Result<Removed, OpenError> {
    let blobs = BlobDir::new(dir);
    let remove = || -> Result<Removed, Stop> {
        let db = open(dir)?;
        let _lock = lock::acquire(dir)?;
        let mut report = Report::default();
        check(&db, &blobs, &mut report)?;
        let mut removed = Removed::default();
        for finding in &report.findings {
            if let Finding::OrphanBlob { blob, bytes } = finding {
                blobs.unlink(blob).map_err(at(&blobs.path(blob)))?;
                removed.files += 1;
                removed.bytes += bytes;
            }
        }
        Ok(removed)
    };
    remove().map_err(|stop| match stop {
        Stop::Damaged(message) => OpenError::Store(crate::store::error::broken(message)),
        Stop::Open(error) => error,
    })
}

/// Looks at every file under `blobs/`.
pub(super) fn check(db: &Connection, dir: &BlobDir, report: &mut Report) -> Result<(), Stop> {
    for entry in entries(dir.blobs())? {
        let path = entry.path();
        match parse_shard(&entry.file_name().to_string_lossy()) {
            Some(shard) if path.is_dir() => check_shard(db, dir, shard, report)?,
            _ => report.add(Finding::StrayFile { path }),
        }
    }
    Ok(())
}

fn check_shard(db: &Connection, dir: &BlobDir, shard: u8, report: &mut Report) -> Result<(), Stop> {
    for entry in entries(&dir.shard(shard))? {
        match parse_id(&entry.file_name().to_string_lossy()).filter(|id| id.0[0] == shard) {
            Some(id) => check_file(db, dir, id, report)?,
            None => report.add(Finding::StrayFile { path: entry.path() }),
        }
    }
    Ok(())
}

fn check_file(db: &Connection, dir: &BlobDir, id: BlobId, report: &mut Report) -> Result<(), Stop> {
    if is_wanted(db, &id)? || dir.is_in_flight(&id).map_err(at(dir.tmp()))? {
        return Ok(());
    }
    // It was not in flight just now: if it was being published, that has been decided.
    if is_wanted(db, &id)? {
        return Ok(());
    }
    match fs::metadata(dir.path(&id)) {
        Ok(metadata) => report.add(Finding::OrphanBlob { blob: id, bytes: metadata.len() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(at(&dir.path(&id))(error)),
    }
    Ok(())
}

/// A version has it, or it is about to be removed anyway.
fn is_wanted(db: &Connection, id: &BlobId) -> rusqlite::Result<bool> {
    let mut doomed = db.prepare_cached("SELECT 1 FROM doomed_blobs WHERE blob = ?1")?;
    Ok(recovery::is_referenced(db, id)? || doomed.exists([id.0])?)
}

/// What is in `tmp/` while nobody serves the store.
pub(super) fn check_leftovers(dir: &BlobDir, report: &mut Report) -> Result<(), Stop> {
    for entry in entries(dir.tmp())? {
        let path = entry.path();
        match entry.metadata() {
            Ok(metadata) => report.add(Finding::Leftover { path, bytes: metadata.len() }),
            // A node that is just starting has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&path)(error)),
        }
    }
    Ok(())
}

/// A directory that does not exist has no entries: a node makes it when it starts.
fn entries(dir: &Path) -> Result<Vec<DirEntry>, Stop> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.collect::<io::Result<_>>().map_err(at(dir)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(at(dir)(error)),
    }
}

fn parse_shard(name: &str) -> Option<u8> {
    let shard = u8::from_str_radix(name, 16).ok()?;
    (name == format!("{shard:02x}")).then_some(shard)
}
