//! Reading a package whole, in one transaction.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::app::store::{BlobId, Maintainer, Package, Readme, Tarball, Unpublished, Version};
use crate::store::number::{signed, unsigned};
use crate::store::packages::row;

pub(super) fn load(db: &Connection, name: &str) -> rusqlite::Result<Option<Package>> {
    let mut statement = db.prepare_cached(
        "SELECT id, name, revision, created_ms, modified_ms, unpublished_ms, unpublished_by, unpublished_revision
         FROM packages WHERE name = ?1",
    )?;
    let found = statement.query_row([name], |row| Ok((row.get(0)?, head(row)?, tombstone(row)?))).optional()?;
    let Some((id, mut package, tombstone)) = found else { return Ok(None) };
    package.maintainers = maintainers(db, id)?;
    package.tags = tags(db, id)?;
    package.versions = versions(db, id)?;
    package.stars = row::names(db, "SELECT user FROM stars WHERE package = ?1 ORDER BY user", id)?;
    package.readme = readme(db, id)?;
    if let Some((unpublished, revision)) = tombstone {
        package.unpublished = Some(Unpublished { versions: removed(db, id, revision)?, ..unpublished });
    }
    Ok(Some(package))
}

fn head(row: &Row<'_>) -> rusqlite::Result<Package> {
    Ok(Package {
        name: row.get(1)?,
        revision: unsigned(row.get(2)?),
        created_ms: unsigned(row.get(3)?),
        modified_ms: unsigned(row.get(4)?),
        maintainers: Vec::new(),
        tags: Vec::new(),
        versions: Vec::new(),
        stars: Vec::new(),
        readme: None,
        unpublished: None,
    })
}

/// With the revision that the removal made.
fn tombstone(row: &Row<'_>) -> rusqlite::Result<Option<(Unpublished, u64)>> {
    let Some(time_ms) = row.get::<_, Option<i64>>(5)? else { return Ok(None) };
    let unpublished = Unpublished { time_ms: unsigned(time_ms), by: row.get(6)?, versions: Vec::new() };
    Ok(Some((unpublished, unsigned(row.get(7)?))))
}

fn removed(db: &Connection, package: i64, revision: u64) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        db.prepare_cached("SELECT version FROM tombstones WHERE package = ?1 AND revision = ?2 ORDER BY id")?;
    let rows = statement.query_map((package, signed(revision)), |row| row.get(0))?;
    rows.collect()
}

/// A user who was removed is named still, without an address.
pub(super) fn maintainers(db: &Connection, package: i64) -> rusqlite::Result<Vec<Maintainer>> {
    let mut statement = db.prepare_cached(
        "SELECT m.user, coalesce(u.email, '')
         FROM maintainers m LEFT JOIN users u ON u.name = m.user AND u.removed_ms IS NULL
         WHERE m.package = ?1 ORDER BY m.id",
    )?;
    let rows = statement.query_map([package], |row| Ok(Maintainer { name: row.get(0)?, email: row.get(1)? }))?;
    rows.collect()
}

fn tags(db: &Connection, package: i64) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = db.prepare_cached("SELECT tag, version FROM tags WHERE package = ?1 ORDER BY tag")?;
    let rows = statement.query_map([package], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn versions(db: &Connection, package: i64) -> rusqlite::Result<Vec<Version>> {
    let mut statement = db.prepare_cached(
        "SELECT version, revision, created_ms, publisher, manifest, abbreviated, deprecated,
            blob, sha1, length, files, unpacked
         FROM versions WHERE package = ?1 ORDER BY id",
    )?;
    let rows = statement.query_map([package], version)?;
    rows.collect()
}

fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    Ok(Version {
        version: row.get(0)?,
        revision: unsigned(row.get(1)?),
        created_ms: unsigned(row.get(2)?),
        publisher: row.get(3)?,
        manifest: row.get(4)?,
        abbreviated: row.get(5)?,
        deprecated: row.get(6)?,
        tarball: Tarball {
            blob: BlobId(row.get(7)?),
            sha1: row.get(8)?,
            length: unsigned(row.get(9)?),
            files: unsigned(row.get(10)?),
            unpacked: unsigned(row.get(11)?),
        },
    })
}

fn readme(db: &Connection, package: i64) -> rusqlite::Result<Option<Readme>> {
    let mut statement = db.prepare_cached(
        "SELECT r.text, r.file
         FROM tags t
         JOIN versions v ON v.package = t.package AND v.version = t.version
         JOIN readmes r ON r.version = v.id
         WHERE t.package = ?1 AND t.tag = 'latest'",
    )?;
    statement.query_row([package], |row| Ok(Readme { text: row.get(0)?, file: row.get(1)? })).optional()
}

pub(super) fn starred(db: &Connection, user: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT p.name FROM stars s JOIN packages p ON p.id = s.package WHERE s.user = ?1 ORDER BY p.name";
    row::names(db, sql, user)
}
