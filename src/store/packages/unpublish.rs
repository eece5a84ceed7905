//! Removing versions. What was published once stays taken: a tombstone keeps its name.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::app::store::{Actor, BlobId, Result, Written};
use crate::store::number::signed;
use crate::store::packages::row::{self, PackageRow};
use crate::store::packages::search;
use crate::store::writer::Work;

/// Removes some versions; all of them amounts to the whole package.
pub(super) fn some(
    work: &mut Work<'_>,
    name: &str,
    versions: &[String],
    latest: Option<&str>,
    seen: u64,
    actor: &Actor,
) -> Result<Written> {
    let package = match row::writable(work.db, name, actor)? {
        Ok(package) => package,
        Err(refusal) => return Ok(refusal),
    };
    let existing = existing(work.db, &package)?;
    let asked: BTreeSet<&String> = versions.iter().collect();
    let (going, staying): (Vec<&String>, Vec<&String>) = existing.iter().partition(|version| asked.contains(version));
    if has_unknown(work.db, &package, &asked, &going)? {
        return Ok(Written::Missing);
    }
    if going.is_empty() {
        return Ok(row::same(&package));
    }
    if row::is_stale(&package, Some(seen)) {
        return Ok(row::stale(&package));
    }
    if staying.is_empty() {
        return wholly(work, &package, &existing, actor);
    }
    if latest.is_some_and(|latest| !staying.iter().any(|version| *version == latest)) {
        return Ok(Written::Refused("latest must name one of the versions that are left"));
    }
    partly(work, &package, going, latest)
}

/// Was any of these never published?
fn has_unknown(
    db: &Connection,
    package: &PackageRow,
    asked: &BTreeSet<&String>,
    going: &[&String],
) -> rusqlite::Result<bool> {
    let going: BTreeSet<&String> = going.iter().copied().collect();
    for version in asked.difference(&going) {
        if !row::is_tombstone(db, package.id, version)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn partly(work: &mut Work<'_>, package: &PackageRow, going: Vec<&String>, latest: Option<&str>) -> Result<Written> {
    remove(work, package, going)?;
    if let Some(latest) = latest {
        row::set_tag(work.db, package.id, "latest", latest)?;
    }
    search::refresh(work.db, package.id)?;
    Ok(row::advance(work, package)?)
}

/// Removes the package. Done once more, it was so already.
pub(super) fn all(work: &mut Work<'_>, name: &str, seen: Option<u64>, actor: &Actor) -> Result<Written> {
    let Some(package) = row::find(work.db, name)? else {
        return Ok(Written::Missing);
    };
    if !row::may_write(work.db, &package, actor)? {
        return Ok(Written::NotMaintainer);
    }
    if package.is_unpublished {
        return Ok(row::same(&package));
    }
    if row::is_stale(&package, seen) {
        return Ok(row::stale(&package));
    }
    let existing = existing(work.db, &package)?;
    wholly(work, &package, &existing, actor)
}

fn existing(db: &Connection, package: &PackageRow) -> rusqlite::Result<Vec<String>> {
    row::names(db, "SELECT version FROM versions WHERE package = ?1 ORDER BY id", package.id)
}

fn wholly(work: &mut Work<'_>, package: &PackageRow, versions: &[String], actor: &Actor) -> Result<Written> {
    remove(work, package, versions)?;
    work.db.prepare_cached("DELETE FROM stars WHERE package = ?1")?.execute([package.id])?;
    let mut statement = work.db.prepare_cached(
        "UPDATE packages SET unpublished_ms = ?2, unpublished_by = ?3, unpublished_revision = ?4 WHERE id = ?1",
    )?;
    statement.execute((package.id, work.now_ms, &*actor.user, signed(package.revision + 1)))?;
    search::refresh(work.db, package.id)?;
    Ok(row::advance(work, package)?)
}

/// Versions, the tags that name them and, after the commit, the blobs that only they had.
fn remove<'v>(work: &mut Work<'_>, package: &PackageRow, versions: impl IntoIterator<Item = &'v String>) -> Result<()> {
    for version in versions {
        let db = work.db;
        db.prepare_cached("DELETE FROM tags WHERE package = ?1 AND version = ?2")?.execute((package.id, version))?;
        db.prepare_cached("INSERT INTO tombstones (package, version, revision) VALUES (?1, ?2, ?3)")?.execute((
            package.id,
            version,
            signed(package.revision + 1),
        ))?;
        let mut delete =
            db.prepare_cached("DELETE FROM versions WHERE package = ?1 AND version = ?2 RETURNING blob")?;
        let blob = delete.query_row((package.id, version), |row| row.get(0))?;
        work.doom(BlobId(blob))?;
    }
    Ok(())
}
