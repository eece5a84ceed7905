//! What the tests of this room share.

use std::path::Path;

use tempfile::TempDir;

use crate::app::store::{Actor, Draft, Readme, Result, StagedBlob, Written};
use crate::store::Store;

pub(crate) fn new() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    (dir, store)
}

pub(crate) fn open(dir: &Path) -> Store {
    Store::open_exclusive(dir).unwrap()
}

pub(crate) fn actor(user: &str) -> Actor {
    Actor { user: user.into(), must_maintain: true }
}

pub(crate) fn stage(store: &Store, bytes: &[u8]) -> Box<dyn StagedBlob> {
    let mut writer = store.blobs().stage().unwrap();
    writer.write(bytes).unwrap();
    writer.finish().unwrap()
}

/// A version whose tarball and texts follow from its name.
pub(crate) fn draft(store: &Store, name: &str, version: &str) -> Draft {
    Draft {
        name: name.into(),
        version: version.to_owned(),
        manifest: format!(r#"{{"name":"{name}","version":"{version}"}}"#),
        abbreviated: "{}".to_owned(),
        blob: stage(store, format!("{name}@{version}").as_bytes()),
        files: 1,
        unpacked: 2,
        tags: Vec::new(),
        description: format!("about {version}"),
        keywords: vec!["key".to_owned(), version.to_owned()],
        readme: Some(Readme { text: format!("# {version}"), file: "README.md".to_owned() }),
    }
}

pub(crate) fn publish(store: &Store, name: &str, version: &str, user: &str) -> Result<Written> {
    store.packages().publish(draft(store, name, version), &actor(user))
}

pub(crate) fn done(revision: u64) -> Written {
    Written::Done { revision }
}

/// Every name in a directory.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
