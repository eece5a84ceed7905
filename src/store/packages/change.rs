//! Small changes of a package that is there: deprecations, tags, maintainers, stars.
//!
//! Each asks in the same order: is it there, may this user, would anything differ, is the client's
//! copy current. What would change nothing is never stale, so that a retry ends well.

use rusqlite::Connection;

use crate::app::store::{Actor, Written};
use crate::store::packages::row::{self, PackageRow, Refusable};
use crate::store::packages::search;
use crate::store::writer::Work;

pub(super) fn deprecate(
    work: &Work<'_>,
    name: &str,
    seen: Option<u64>,
    changes: &[(String, Option<String>)],
    actor: &Actor,
) -> rusqlite::Result<Written> {
    let package = match row::writable(work.db, name, actor)? {
        Ok(package) => package,
        Err(refusal) => return Ok(refusal),
    };
    let differing = match differing(work.db, &package, changes)? {
        Ok(differing) => differing,
        Err(refusal) => return Ok(refusal),
    };
    if differing.is_empty() {
        return Ok(row::same(&package));
    }
    if row::is_stale(&package, seen) {
        return Ok(row::stale(&package));
    }
    let mut update =
        work.db.prepare_cached("UPDATE versions SET deprecated = ?3 WHERE package = ?1 AND version = ?2")?;
    for (version, message) in differing {
        update.execute((package.id, version, message))?;
    }
    row::advance(work, &package)
}

/// Those of the changes that would change something.
fn differing<'c>(
    db: &Connection,
    package: &PackageRow,
    changes: &'c [(String, Option<String>)],
) -> Refusable<Vec<&'c (String, Option<String>)>> {
    let mut found = Vec::new();
    let mut statement = db.prepare_cached("SELECT deprecated FROM versions WHERE package = ?1 AND version = ?2")?;
    for change in changes {
        let mut rows = statement.query((package.id, &change.0))?;
        let Some(row) = rows.next()? else { return Ok(Err(Written::Missing)) };
        if row.get::<_, Option<String>>(0)? != change.1 {
            found.push(change);
        }
    }
    Ok(Ok(found))
}

pub(super) fn tag(
    work: &Work<'_>,
    name: &str,
    tag: &str,
    version: Option<&str>,
    actor: &Actor,
) -> rusqlite::Result<Written> {
    let package = match row::writable(work.db, name, actor)? {
        Ok(package) => package,
        Err(refusal) => return Ok(refusal),
    };
    match version {
        Some(version) => point(work, &package, tag, version),
        None => untag(work, &package, tag),
    }
}

fn point(work: &Work<'_>, package: &PackageRow, tag: &str, version: &str) -> rusqlite::Result<Written> {
    if !row::has_version(work.db, package.id, version)? {
        return Ok(Written::Missing);
    }
    if row::tagged(work.db, package.id, tag)?.as_deref() == Some(version) {
        return Ok(row::same(package));
    }
    row::set_tag(work.db, package.id, tag, version)?;
    if tag == "latest" {
        search::refresh(work.db, package.id)?;
    }
    row::advance(work, package)
}

fn untag(work: &Work<'_>, package: &PackageRow, tag: &str) -> rusqlite::Result<Written> {
    if tag == "latest" {
        return Ok(Written::Refused("the tag latest can be moved but not removed"));
    }
    let mut statement = work.db.prepare_cached("DELETE FROM tags WHERE package = ?1 AND tag = ?2")?;
    if statement.execute((package.id, tag))? == 0 {
        return Ok(Written::Missing);
    }
    row::advance(work, package)
}

pub(super) fn maintain(
    work: &Work<'_>,
    name: &str,
    seen: Option<u64>,
    maintainers: &[String],
    actor: &Actor,
) -> rusqlite::Result<Written> {
    let package = match row::writable(work.db, name, actor)? {
        Ok(package) => package,
        Err(refusal) => return Ok(refusal),
    };
    let before = row::names(work.db, "SELECT user FROM maintainers WHERE package = ?1 ORDER BY id", package.id)?;
    if before == maintainers {
        return Ok(row::same(&package));
    }
    if let Some(refusal) = unfit(work.db, &before, maintainers)? {
        return Ok(refusal);
    }
    if row::is_stale(&package, seen) {
        return Ok(row::stale(&package));
    }
    row::set_maintainers(work.db, package.id, maintainers.iter().map(String::as_str))?;
    row::advance(work, &package)
}

/// Whoever is added must be a user. A user who was removed may stay, for clients send the whole list
/// back, but not alone: nobody could write the package then.
fn unfit(db: &Connection, before: &[String], maintainers: &[String]) -> rusqlite::Result<Option<Written>> {
    let mut statement = db.prepare_cached("SELECT 1 FROM users WHERE name = ?1 AND removed_ms IS NULL")?;
    let mut is_kept_up = false;
    for name in maintainers {
        let is_user = statement.exists([name])?;
        if !is_user && !before.contains(name) {
            return Ok(Some(Written::Refused("a maintainer must be a user of this registry")));
        }
        is_kept_up |= is_user;
    }
    Ok((!is_kept_up).then_some(Written::Refused("a package needs at least one maintainer who is a user")))
}

pub(super) fn star(work: &Work<'_>, name: &str, user: &str, on: bool) -> rusqlite::Result<Written> {
    let Some(package) = row::find(work.db, name)?.filter(|package| !package.is_unpublished) else {
        return Ok(Written::Missing);
    };
    let sql = if on {
        "INSERT OR IGNORE INTO stars (package, user) VALUES (?1, ?2)"
    } else {
        "DELETE FROM stars WHERE package = ?1 AND user = ?2"
    };
    if work.db.prepare_cached(sql)?.execute((package.id, user))? == 0 {
        return Ok(row::same(&package));
    }
    row::advance(work, &package)
}
