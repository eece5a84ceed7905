//! What a start finds after a crash, and decides.
//!
//! A complete file in `tmp/` is a publish that was cut off. The database knows whether it was
//! committed: then the blob gets its final name (it has it already, unless the disk lost it), else
//! both names go. Anything else in `tmp/` was never complete. Blobs whose last version went are
//! removed if the crash came between that commit and their removal. Only for the lock's holder.

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::Connection;

use crate::app::store::{BlobId, Result};
use crate::store::blobs::{BlobDir, parse_complete, remove};
use crate::store::error::failed;

/// Leaves `tmp/` empty and the blobs as the database wants them.
pub(crate) fn resolve(db: &Connection, dir: &BlobDir) -> Result<()> {
    let entries = fs::read_dir(dir.tmp()).map_err(|error| failed("reading tmp/", error))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed("reading tmp/", error))?;
        match parse_complete(&entry.file_name().to_string_lossy()) {
            Some(id) => resolve_publish(db, dir, &entry.path(), &id)?,
            None => clear(&entry.path())?,
        }
    }
    bury(db, dir, &doomed(db)?)
}

fn resolve_publish(db: &Connection, dir: &BlobDir, path: &Path, id: &BlobId) -> Result<()> {
    if is_referenced(db, id)? {
        complete_publish(dir, path, id).map_err(|error| failed("completing a publish", error))?;
    } else {
        dir.unlink(id).map_err(|error| failed("undoing a publish", error))?;
    }
    clear(path)
}

fn complete_publish(dir: &BlobDir, path: &Path, id: &BlobId) -> io::Result<()> {
    dir.link(path, id, fs::metadata(path)?.len())?;
    dir.sync_shard(id.0[0])
}

/// A directory in `tmp/` is not ours, and harmless.
fn clear(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    remove(path).map_err(|error| failed("clearing tmp/", error))
}

/// Does any version have this tarball?
pub(crate) fn is_referenced(db: &Connection, id: &BlobId) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM versions WHERE blob = ?1 LIMIT 1")?.exists([id.0])
}

fn doomed(db: &Connection) -> rusqlite::Result<Vec<BlobId>> {
    let mut statement = db.prepare_cached("SELECT blob FROM doomed_blobs")?;
    let rows = statement.query_map([], |row| Ok(BlobId(row.get(0)?)))?;
    rows.collect()
}

/// Removes the files of blobs that no version has any more, then forgets that they are to go.
/// Runs outside a transaction; cut off at any point, the next start goes on with it.
pub(crate) fn bury(db: &Connection, dir: &BlobDir, ids: &[BlobId]) -> Result<()> {
    for id in ids {
        if !is_referenced(db, id)? {
            dir.unlink(id).map_err(|error| failed("removing a blob", error))?;
            dir.sync_shard(id.0[0]).map_err(|error| failed("removing a blob", error))?;
        }
        db.prepare_cached("DELETE FROM doomed_blobs WHERE blob = ?1")?.execute([id.0])?;
    }
    Ok(())
}
