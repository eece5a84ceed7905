//! Replays what fuzzing knows: every file of every corpus, through the function its target calls.
#![allow(clippy::disallowed_methods, reason = "a test reads the corpus")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lattice::config;
use lattice::service::npm;
use lattice::session::ws::deflate;
use lattice::wire::{http, http1, proxy, ws};

/// What a fuzz target calls: it panics where a property does not hold.
type Property = fn(&[u8]);

/// Each fuzz target and its property.
const TARGETS: &[(&str, Property)] = &[
    ("chunked_body", http1::fuzz::chunked_body),
    ("config_file", config::fuzz::file),
    ("config_frame", config::fuzz::frame),
    ("cookie", http::cookie::fuzz),
    ("http_accept", http::fuzz::accept),
    ("http_conditional", http::fuzz::conditional),
    ("http_head", http1::fuzz::head),
    ("http_range", http::fuzz::range),
    ("package_name", npm::name::fuzz),
    ("proxy_header", proxy::fuzz::header),
    ("publish_document", npm::document::fuzz),
    ("ws_deflate", deflate::fuzz),
    ("ws_extensions", ws::extension::fuzz),
    ("ws_frames", ws::fuzz::frames),
    ("ws_handshake", ws::fuzz::handshake),
];

#[test]
fn every_corpus_holds_its_property() {
    for (target, files) in corpora() {
        let property = TARGETS.iter().find(|(name, _)| *name == target);
        let Some((_, property)) = property else { panic!("fuzz/corpus/{target} has no function in TARGETS") };
        assert!(!files.is_empty(), "fuzz/corpus/{target} is empty");
        for file in files {
            let data = fs::read(&file).expect("a readable file");
            // A property panics; the file's name tells which one to look at.
            let outcome = std::panic::catch_unwind(|| property(&data));
            assert!(outcome.is_ok(), "{}", file.display());
        }
    }
}

#[test]
fn every_target_has_a_corpus_and_a_source() {
    let corpora: BTreeSet<String> = corpora().into_iter().map(|(target, _)| target).collect();
    let sources: BTreeSet<String> = entries(&fuzz().join("fuzz_targets")).iter().map(|path| stem(path)).collect();
    let targets: BTreeSet<String> = TARGETS.iter().map(|(target, _)| (*target).to_string()).collect();
    assert_eq!(corpora, targets);
    assert_eq!(sources, targets);
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The folders of the corpus and the files in each.
fn corpora() -> Vec<(String, Vec<PathBuf>)> {
    entries(&fuzz().join("corpus")).iter().map(|folder| (stem(folder), entries(folder))).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = read.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("an entry has a name").to_string_lossy().into_owned()
}
