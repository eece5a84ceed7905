//! Each tarball that any version has: is it there, and is it what was published?

use std::fs::File;
use std::io::{self, Read};

use rusqlite::{Connection, Row};

use crate::app::store::BlobId;
use crate::store::blobs::BlobDir;
use crate::store::number::unsigned;
use crate::store::staging::Hashes;
use crate::store::verify::{Finding, Progress, Report, Stop};

/// Blobs asked for at once: short reads let a running node reuse its log.
const PAGE: usize = 256;
/// Bytes read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// What the database says of a version's tarball.
struct Claim {
    sha1: [u8; 20],
    length: u64,
    version: String,
}

/// What the file is.
struct Found {
    id: BlobId,
    sha1: [u8; 20],
    length: u64,
}

pub(super) fn check(
    db: &Connection,
    dir: &BlobDir,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Stop> {
    let total = unsigned(db.query_row("SELECT count(DISTINCT blob) FROM versions", [], |row| row.get(0))?);
    let mut last = Vec::new();
    loop {
        let ids = page(db, &last)?;
        let Some(end) = ids.last() else { return Ok(()) };
        last = end.0.to_vec();
        for id in ids {
            check_blob(db, dir, &id, report)?;
            progress(Progress { done: report.blobs, total, bytes: report.bytes });
        }
    }
}

/// The next blobs, in the order of their names.
fn page(db: &Connection, last: &[u8]) -> rusqlite::Result<Vec<BlobId>> {
    let mut statement =
        db.prepare_cached("SELECT DISTINCT blob FROM versions WHERE blob > ?1 ORDER BY blob LIMIT ?2")?;
    let rows = statement.query_map((last, PAGE as i64), |row| Ok(BlobId(row.get(0)?)))?;
    rows.collect()
}

fn check_blob(db: &Connection, dir: &BlobDir, id: &BlobId, report: &mut Report) -> Result<(), Stop> {
    let read = read(dir, id);
    // Asked afterwards: what was unpublished meanwhile has no claims, and no file.
    let claims = claims(db, id)?;
    report.blobs += 1;
    if claims.is_empty() {
        return Ok(());
    }
    match read {
        Ok(found) => {
            report.bytes += found.length;
            compare(id, &found, &claims, report);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            report.add(Finding::MissingBlob { blob: *id, versions: names(&claims) });
        }
        Err(error) => {
            let message = error.to_string();
            report.add(Finding::UnreadableBlob { blob: *id, message, versions: names(&claims) });
        }
    }
    Ok(())
}

fn compare(id: &BlobId, found: &Found, claims: &[Claim], report: &mut Report) {
    if found.id != *id {
        let recorded = claims.first().map_or(0, |claim| claim.length);
        let versions = names(claims);
        report.add(Finding::DamagedBlob { blob: *id, recorded, found: found.length, versions });
        return;
    }
    for claim in claims {
        let mut wrong = |field| report.add(Finding::WrongRecord { blob: *id, version: claim.version.clone(), field });
        if claim.length != found.length {
            wrong("length");
        }
        if claim.sha1 != found.sha1 {
            wrong("sha1");
        }
    }
}

fn claims(db: &Connection, id: &BlobId) -> rusqlite::Result<Vec<Claim>> {
    let mut statement = db.prepare_cached(
        "SELECT v.sha1, v.length, coalesce(p.name, '?') || '@' || v.version
         FROM versions v LEFT JOIN packages p ON p.id = v.package
         WHERE v.blob = ?1 ORDER BY v.id",
    )?;
    let claim = |row: &Row<'_>| Ok(Claim { sha1: row.get(0)?, length: unsigned(row.get(1)?), version: row.get(2)? });
    let rows = statement.query_map([id.0], claim)?;
    rows.collect()
}

fn names(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(|claim| claim.version.clone()).collect()
}

fn read(dir: &BlobDir, id: &BlobId) -> io::Result<Found> {
    let mut file = File::open(dir.path(id))?;
    let mut hashes = Hashes::new();
    let mut length = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => {
                hashes.update(&chunk[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let (id, sha1) = hashes.finish();
    Ok(Found { id, sha1, length })
}
