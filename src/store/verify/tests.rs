//! Every kind of damage is found, named, and nothing else is.

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::app::store::BlobId;
use crate::store::testing::{actor, draft, names, new, open, publish, stage};
use crate::store::verify::{Finding, Progress, Removed, Report, Severity, remove_orphans, verify};
use crate::store::{OpenError, Store};

/// A closed store with `p@1.0.0` and `q@1.0.0`.
struct Closed {
    dir: tempfile::TempDir,
    blob: BlobId,
}

const OTHER: BlobId = BlobId([0xAB; 64]);

impl Closed {
    fn new() -> Self {
        let (dir, store) = new();
        publish(&store, "p", "1.0.0", "ann").unwrap();
        publish(&store, "q", "1.0.0", "ann").unwrap();
        let blob = store.packages().load("p").unwrap().unwrap().versions[0].tarball.blob;
        Self { dir, blob }
    }

    fn path(&self, blob: &BlobId) -> PathBuf {
        self.dir.path().join("blobs").join(format!("{:02x}", blob.0[0])).join(format!("{blob:?}"))
    }

    fn tamper(&self, sql: &str) {
        let db = Connection::open(self.dir.path().join("lattice.db")).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        db.execute_batch(sql).unwrap();
    }

    fn verify(&self) -> Report {
        verify(self.dir.path(), &mut |_| {}).unwrap()
    }

    /// The one finding there is.
    fn only(&self) -> Finding {
        let report = self.verify();
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
        let finding = report.findings.into_iter().next().unwrap();
        assert!(!finding.to_string().is_empty() && finding.advice().ends_with('.'));
        finding
    }
}

fn of_p() -> Vec<String> {
    vec!["p@1.0.0".to_owned()]
}

#[test]
fn a_sound_store_is_clean_and_progress_is_told() {
    let closed = Closed::new();
    let mut told = Vec::new();
    let report = verify(closed.dir.path(), &mut |progress| told.push(progress)).unwrap();
    assert_eq!(report, Report { findings: Vec::new(), blobs: 2, bytes: 14 });
    assert_eq!((report.worst(), report.orphan_bytes()), (None, 0));
    assert_eq!(told, [Progress { done: 1, total: 2, bytes: 7 }, Progress { done: 2, total: 2, bytes: 14 }]);
}

#[test]
fn more_blobs_than_a_page_are_all_read() {
    let (dir, store) = new();
    let db = Connection::open(dir.path().join("lattice.db")).unwrap();
    publish(&store, "p", "1.0.0", "ann").unwrap();
    let mut copy = db
        .prepare(
            "INSERT INTO versions (package, version, revision, created_ms, publisher, manifest, abbreviated, blob,
                sha1, length, files, unpacked, description, keywords)
             SELECT package, ?1, revision, created_ms, publisher, manifest, abbreviated, ?2,
                sha1, length, files, unpacked, description, keywords FROM versions WHERE version = '1.0.0'",
        )
        .unwrap();
    for number in 0..600_u16 {
        let mut blob = [0; 64];
        blob[..2].copy_from_slice(&number.to_be_bytes());
        copy.execute((number.to_string(), blob)).unwrap();
    }
    let report = verify(dir.path(), &mut |_| {}).unwrap();
    assert_eq!((report.blobs, report.findings.len()), (601, 600));
    assert!(report.findings.iter().all(|finding| matches!(finding, Finding::MissingBlob { .. })));
}

#[test]
fn a_flipped_byte_is_found() {
    let closed = Closed::new();
    let mut bytes = fs::read(closed.path(&closed.blob)).unwrap();
    bytes[3] ^= 1;
    fs::write(closed.path(&closed.blob), bytes).unwrap();
    let finding = closed.only();
    assert_eq!(finding, Finding::DamagedBlob { blob: closed.blob, recorded: 7, found: 7, versions: of_p() });
    assert_eq!(finding.severity(), Severity::Error);
}

#[test]
fn a_tarball_cut_short_is_found() {
    let closed = Closed::new();
    fs::write(closed.path(&closed.blob), b"p@1").unwrap();
    let damaged = Finding::DamagedBlob { blob: closed.blob, recorded: 7, found: 3, versions: of_p() };
    assert_eq!(closed.only(), damaged);
}

#[test]
fn a_tarball_that_is_gone_is_found() {
    let closed = Closed::new();
    fs::remove_file(closed.path(&closed.blob)).unwrap();
    assert_eq!(closed.only(), Finding::MissingBlob { blob: closed.blob, versions: of_p() });
}

#[test]
fn a_tarball_that_cannot_be_read_is_found() {
    let closed = Closed::new();
    fs::remove_file(closed.path(&closed.blob)).unwrap();
    fs::create_dir(closed.path(&closed.blob)).unwrap();
    assert!(matches!(closed.only(), Finding::UnreadableBlob { versions, .. } if versions == of_p()));
}

#[test]
fn a_wrong_record_is_told_apart_from_a_wrong_tarball() {
    for (sql, field) in [("length = 8", "length"), ("sha1 = zeroblob(20)", "sha1")] {
        let closed = Closed::new();
        closed.tamper(&format!("UPDATE versions SET {sql} WHERE package = (SELECT id FROM packages WHERE name = 'p')"));
        let version = "p@1.0.0".to_owned();
        assert_eq!(closed.only(), Finding::WrongRecord { blob: closed.blob, version, field });
    }
}

#[test]
fn an_orphan_is_found_and_removed_while_nobody_serves() {
    let closed = Closed::new();
    fs::write(closed.path(&OTHER), b"orphan").unwrap();
    let finding = closed.only();
    assert_eq!(finding, Finding::OrphanBlob { blob: OTHER, bytes: 6 });
    assert_eq!((finding.severity(), closed.verify().orphan_bytes()), (Severity::Warning, 6));
    let serving = open(closed.dir.path());
    assert!(matches!(remove_orphans(closed.dir.path()), Err(OpenError::Busy { .. })));
    assert!(closed.path(&OTHER).exists());
    drop(serving);
    assert_eq!(remove_orphans(closed.dir.path()).unwrap(), Removed { files: 1, bytes: 6 });
    assert_eq!(remove_orphans(closed.dir.path()).unwrap(), Removed::default());
    assert_eq!(closed.verify().findings, []);
}

#[test]
fn a_file_that_is_no_blob_is_named_and_never_removed() {
    let closed = Closed::new();
    let wrong_shard = closed.dir.path().join("blobs/00").join(format!("{OTHER:?}"));
    let strays = [closed.dir.path().join("blobs/notes.txt"), closed.dir.path().join("blobs/ab/x"), wrong_shard];
    for stray in &strays {
        fs::write(stray, b"?").unwrap();
    }
    let found = closed.verify().findings;
    assert_eq!(found.len(), 3);
    assert!(strays.iter().all(|path| found.contains(&Finding::StrayFile { path: path.clone() })));
    assert_eq!(remove_orphans(closed.dir.path()).unwrap(), Removed::default());
    assert!(strays.iter().all(|path| path.exists()));
}

#[test]
fn a_dangling_tag_is_found() {
    let closed = Closed::new();
    closed.tamper("INSERT INTO tags SELECT id, 'beta', '9.9.9' FROM packages WHERE name = 'p'");
    let (package, tag, version) = ("p".to_owned(), "beta".to_owned(), "9.9.9".to_owned());
    assert_eq!(closed.only(), Finding::DanglingTag { package, tag, version });
}

#[test]
fn a_dangling_row_is_found() {
    let closed = Closed::new();
    closed.tamper("INSERT INTO stars (package, user) VALUES (999, 'ann')");
    assert!(
        matches!(closed.only(), Finding::DanglingRow { table, parent, .. } if table == "stars" && parent == "packages")
    );
}

#[test]
fn a_damaged_database_is_found() {
    let closed = Closed::new();
    let file = closed.dir.path().join("lattice.db");
    let whole = fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 8;
    bytes[middle..].fill(0x5A);
    fs::write(&file, &bytes).unwrap();
    let report = closed.verify();
    assert!(report.findings.iter().any(|finding| matches!(finding, Finding::Database { .. })), "{report:?}");
    fs::write(&file, b"this is no database, though it is long enough to look like one, perhaps").unwrap();
    assert!(matches!(closed.only(), Finding::Database { .. }));
    fs::write(&file, whole).unwrap();
    assert_eq!(closed.verify().findings, []);
}

#[test]
fn leftovers_are_a_note_and_uploads_of_a_running_node_are_nothing() {
    let closed = Closed::new();
    let path = closed.dir.path().join("tmp/0123");
    fs::write(&path, b"half").unwrap();
    let finding = closed.only();
    assert_eq!((&finding, finding.severity()), (&Finding::Leftover { path, bytes: 4 }, Severity::Note));
    let store = open(closed.dir.path());
    let staged = stage(&store, b"uploading");
    fs::hard_link(
        closed.dir.path().join("tmp").join(&names(&closed.dir.path().join("tmp"))[0]),
        closed.path(&staged.id()),
    )
    .unwrap();
    assert_eq!(closed.verify().findings, [], "it has its final name but is not committed yet");
}

#[test]
fn a_node_that_publishes_and_removes_meanwhile_is_not_damage() {
    let (dir, store) = new();
    publish(&store, "kept", "1.0.0", "ann").unwrap();
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            for number in 0..30 {
                let name = format!("p{number}");
                store.packages().publish(draft(&store, &name, "1.0.0"), &actor("ann")).unwrap();
                store.packages().unpublish_all(&name, None, &actor("ann")).unwrap();
            }
        });
        while !busy.is_finished() {
            assert_eq!(verify(dir.path(), &mut |_| {}).unwrap().findings, []);
        }
    });
}

#[test]
fn where_there_is_no_store_there_is_nothing_to_check() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(verify(dir.path(), &mut |_| {}), Err(OpenError::Missing { .. })));
    assert!(matches!(remove_orphans(dir.path()), Err(OpenError::Missing { .. })));
    assert_eq!(names(dir.path()).len(), 0, "and nothing is made");
    fs::write(dir.path().join("lattice.db"), b"").unwrap();
    assert!(matches!(verify(dir.path(), &mut |_| {}), Err(OpenError::Missing { .. })));
    drop(Store::open_shared(dir.path()).unwrap());
    assert_eq!(verify(dir.path(), &mut |_| {}).unwrap(), Report::default());
}
