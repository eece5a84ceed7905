//! The row of one package, and what every change of it begins and ends with.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::app::store::{Actor, Written};
use crate::store::number::{signed, unsigned};
use crate::store::writer::Work;

/// A package that exists, or did.
pub(super) struct PackageRow {
    pub(super) id: i64,
    pub(super) revision: u64,
    pub(super) is_unpublished: bool,
}

/// Why a change is not begun; the outer result is the world's.
pub(super) type Refusable<T> = rusqlite::Result<Result<T, Written>>;

pub(super) fn find(db: &Connection, name: &str) -> rusqlite::Result<Option<PackageRow>> {
    let mut statement =
        db.prepare_cached("SELECT id, revision, unpublished_ms IS NOT NULL FROM packages WHERE name = ?1")?;
    statement.query_row([name], from_row).optional()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<PackageRow> {
    Ok(PackageRow { id: row.get(0)?, revision: unsigned(row.get(1)?), is_unpublished: row.get(2)? })
}

/// A package that is there and that the actor may write.
pub(super) fn writable(db: &Connection, name: &str, actor: &Actor) -> Refusable<PackageRow> {
    let Some(package) = find(db, name)?.filter(|package| !package.is_unpublished) else {
        return Ok(Err(Written::Missing));
    };
    Ok(if may_write(db, &package, actor)? { Ok(package) } else { Err(Written::NotMaintainer) })
}

pub(super) fn may_write(db: &Connection, package: &PackageRow, actor: &Actor) -> rusqlite::Result<bool> {
    if !actor.must_maintain {
        return Ok(true);
    }
    let mut statement = db.prepare_cached("SELECT 1 FROM maintainers WHERE package = ?1 AND user = ?2")?;
    statement.exists((package.id, &*actor.user))
}

/// Is the revision that the client decided on still the current one?
pub(super) fn is_stale(package: &PackageRow, seen: Option<u64>) -> bool {
    seen.is_some_and(|seen| seen != package.revision)
}

/// Ends a change: the next revision.
pub(super) fn advance(work: &Work<'_>, package: &PackageRow) -> rusqlite::Result<Written> {
    let revision = package.revision + 1;
    let mut statement = work.db.prepare_cached(
        // A clock that was set back must not make a package younger than its parts.
        "UPDATE packages SET revision = ?2, modified_ms = max(modified_ms, ?3) WHERE id = ?1",
    )?;
    statement.execute((package.id, signed(revision), work.now_ms))?;
    Ok(Written::Done { revision })
}

pub(super) fn same(package: &PackageRow) -> Written {
    Written::Same { revision: package.revision }
}

pub(super) fn stale(package: &PackageRow) -> Written {
    Written::Stale { revision: package.revision }
}

/// What a tag names.
pub(super) fn tagged(db: &Connection, package: i64, tag: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT version FROM tags WHERE package = ?1 AND tag = ?2")?;
    statement.query_row((package, tag), |row| row.get(0)).optional()
}

pub(super) fn set_tag(db: &Connection, package: i64, tag: &str, version: &str) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO tags (package, tag, version) VALUES (?1, ?2, ?3)
         ON CONFLICT (package, tag) DO UPDATE SET version = excluded.version",
    )?;
    statement.execute((package, tag, version)).map(drop)
}

pub(super) fn has_version(db: &Connection, package: i64, version: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM versions WHERE package = ?1 AND version = ?2")?.exists((package, version))
}

pub(super) fn is_tombstone(db: &Connection, package: i64, version: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM tombstones WHERE package = ?1 AND version = ?2")?.exists((package, version))
}

/// Names, in the order they were given.
pub(super) fn set_maintainers<'n>(
    db: &Connection,
    package: i64,
    names: impl IntoIterator<Item = &'n str>,
) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM maintainers WHERE package = ?1")?.execute([package])?;
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO maintainers (package, user) VALUES (?1, ?2)")?;
    names.into_iter().try_for_each(|name| insert.execute((package, name)).map(drop))
}

/// The names of one column.
pub(super) fn names(db: &Connection, sql: &str, key: impl rusqlite::ToSql) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([key], |row| row.get(0))?;
    rows.collect()
}
