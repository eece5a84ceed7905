//! Publishing: a version exists once, and never again after it was removed.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use crate::app::store::{Actor, BlobId, Draft, Readme, Result, StagedBlob, Written};
use crate::store::number::signed;
use crate::store::packages::row::{self, PackageRow};
use crate::store::packages::search;
use crate::store::staging::StagedFile;
use crate::store::writer::Work;

/// A [`Draft`] without its blob.
pub(super) struct Publication {
    name: Arc<str>,
    version: String,
    manifest: String,
    abbreviated: String,
    files: u64,
    unpacked: u64,
    tags: Vec<String>,
    description: String,
    /// A JSON array.
    keywords: String,
    readme: Option<Readme>,
}

pub(super) fn take_apart(draft: Draft) -> (Publication, Box<dyn StagedBlob>) {
    let publication = Publication {
        name: draft.name,
        version: draft.version,
        manifest: draft.manifest,
        abbreviated: draft.abbreviated,
        files: draft.files,
        unpacked: draft.unpacked,
        tags: draft.tags,
        description: draft.description,
        keywords: serde_json::Value::from(draft.keywords).to_string(),
        readme: draft.readme,
    };
    (publication, draft.blob)
}

/// Publishes, unless a rule is against it.
pub(super) fn publish(
    work: &mut Work<'_>,
    publication: &Publication,
    staged: StagedFile,
    actor: &Actor,
) -> Result<Written> {
    let package = row::find(work.db, &publication.name)?;
    if let Some(package) = &package
        && let Some(refusal) = refusal(work.db, package, publication, &staged.id(), actor)?
    {
        return Ok(refusal);
    }
    let package = match package {
        Some(package) if !package.is_unpublished => package,
        Some(package) => revive(work, package, actor)?,
        None => create(work, &publication.name, actor)?,
    };
    insert(work, &package, publication, &staged, actor)?;
    let moved = set_tags(work.db, &package, publication)?;
    if moved {
        search::refresh(work.db, package.id)?;
    }
    let written = row::advance(work, &package)?;
    work.adopt(staged)?;
    Ok(written)
}

/// What speaks against it, for a package that exists or did.
fn refusal(
    db: &Connection,
    package: &PackageRow,
    publication: &Publication,
    blob: &BlobId,
    actor: &Actor,
) -> rusqlite::Result<Option<Written>> {
    if !package.is_unpublished && !row::may_write(db, package, actor)? {
        return Ok(Some(Written::NotMaintainer));
    }
    if row::is_tombstone(db, package.id, &publication.version)? {
        return Ok(Some(Written::Tombstone));
    }
    let mut statement = db.prepare_cached(
        "SELECT blob = ?3 AND publisher = ?4, revision FROM versions WHERE package = ?1 AND version = ?2",
    )?;
    let found = statement
        .query_row((package.id, &publication.version, blob.0, &*actor.user), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((is_same, revision)) = found else { return Ok(None) };
    let is_retry = is_same && has_tags(db, package, publication, revision)?;
    Ok(Some(if is_retry { row::same(package) } else { Written::Exists }))
}

/// Whether every tag asked for names this version or one that was published later: else this is no
/// repeated request but another one, and to answer that it is done would be a lie.
fn has_tags(db: &Connection, package: &PackageRow, publication: &Publication, revision: i64) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM tags t JOIN versions v ON v.package = t.package AND v.version = t.version
         WHERE t.package = ?1 AND t.tag = ?2 AND v.revision >= ?3",
    )?;
    for tag in &publication.tags {
        if !statement.exists((package.id, tag, revision))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn create(work: &Work<'_>, name: &str, actor: &Actor) -> rusqlite::Result<PackageRow> {
    let mut statement = work
        .db
        .prepare_cached("INSERT INTO packages (name, revision, created_ms, modified_ms) VALUES (?1, 0, ?2, ?2)")?;
    let id = statement.insert((name, work.now_ms))?;
    row::set_maintainers(work.db, id, [&*actor.user])?;
    Ok(PackageRow { id, revision: 0, is_unpublished: false })
}

/// A package that was wholly unpublished begins again, with the actor as its only maintainer.
fn revive(work: &Work<'_>, package: PackageRow, actor: &Actor) -> rusqlite::Result<PackageRow> {
    let mut statement = work.db.prepare_cached(
        "UPDATE packages SET unpublished_ms = NULL, unpublished_by = NULL, unpublished_revision = NULL WHERE id = ?1",
    )?;
    statement.execute([package.id])?;
    row::set_maintainers(work.db, package.id, [&*actor.user])?;
    Ok(PackageRow { is_unpublished: false, ..package })
}

fn insert(
    work: &Work<'_>,
    package: &PackageRow,
    publication: &Publication,
    staged: &StagedFile,
    actor: &Actor,
) -> rusqlite::Result<()> {
    let mut statement = work.db.prepare_cached(
        "INSERT INTO versions (package, version, revision, created_ms, publisher, manifest, abbreviated,
            blob, sha1, length, files, unpacked, description, keywords)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    let id = statement.insert(rusqlite::params![
        package.id,
        publication.version,
        signed(package.revision + 1),
        work.now_ms,
        &*actor.user,
        publication.manifest,
        publication.abbreviated,
        staged.id().0,
        staged.sha1(),
        signed(staged.length()),
        signed(publication.files),
        signed(publication.unpacked),
        publication.description,
        publication.keywords,
    ])?;
    keep_readme(work.db, id, publication.readme.as_ref())
}

/// Kept for each version, because `latest` may come to name any of them.
fn keep_readme(db: &Connection, version: i64, readme: Option<&Readme>) -> rusqlite::Result<()> {
    let Some(readme) = readme else { return Ok(()) };
    let mut statement = db.prepare_cached("INSERT INTO readmes (version, text, file) VALUES (?1, ?2, ?3)")?;
    statement.execute((version, &readme.text, &readme.file)).map(drop)
}

/// Whether `latest` names this version now.
fn set_tags(db: &Connection, package: &PackageRow, publication: &Publication) -> rusqlite::Result<bool> {
    for tag in &publication.tags {
        row::set_tag(db, package.id, tag, &publication.version)?;
    }
    match row::tagged(db, package.id, "latest")? {
        Some(latest) => Ok(latest == publication.version),
        None => row::set_tag(db, package.id, "latest", &publication.version).map(|()| true),
    }
}
