//! Who may import whom, and who may write `unsafe`.
//!
//! Inside one package the compiler minds no cycle between modules, so this reads the sources: every
//! path that begins at the crate, outside of comments, strings and test modules, must lead to a room
//! that [`RULES`] allows.
#![allow(clippy::disallowed_methods, reason = "a test reads the sources")]

mod source_reader;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source_reader::{code_of, paths_of, words};

/// Which rooms a room may import besides itself. `service/x` is a room of its own for each x.
const RULES: &[(&str, Allowed)] = &[
    ("config", Allowed::Rooms(&[])),
    ("limits", Allowed::Rooms(&[])),
    ("buffer", Allowed::Rooms(&["limits"])),
    ("measure", Allowed::Rooms(&[])),
    ("wire", Allowed::Rooms(&["limits", "buffer"])),
    ("app", Allowed::Rooms(&["wire", "buffer", "limits", "config"])),
    ("session", Allowed::Rooms(&["app", "wire", "buffer", "limits"])),
    ("service", Allowed::Rooms(&["app", "wire", "buffer", "limits", "config"])),
    ("store", Allowed::Rooms(&["app", "wire", "limits"])),
    ("reactor", Allowed::Rooms(&["session", "app", "wire", "buffer", "limits", "config"])),
    ("web", Allowed::Rooms(&["service/files", "store", "reactor", "session", "app", "wire", "buffer", "limits"])),
    ("settings", Allowed::Everything),
    ("cli", Allowed::Everything),
    ("node", Allowed::Everything),
    ("main", Allowed::Everything),
];

/// The files that may contain `unsafe`, from `src`.
const UNSAFE: &[&str] = &[
    "config/cabi/mod.rs",
    "config/kernel/direct.rs",
    "config/kernel/mod.rs",
    "config/kernel/through_libc.rs",
    "config/sigbus.rs",
    "config/sys.rs",
    "reactor/sys.rs",
];

/// The rooms that may know the file of the config: all others know its values alone.
const MAPPED: &[&str] = &["config", "reactor", "node", "cli"];
/// What that file is opened with.
const FILE_NAME: &str = "ConfigFile";

#[derive(Debug, Clone, Copy)]
enum Allowed {
    Rooms(&'static [&'static str]),
    Everything,
}

#[test]
fn every_room_imports_only_what_it_may() {
    let faults: Vec<String> = sources().iter().flat_map(|(file, source)| faults_of(file, source)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn unsafe_stands_in_the_named_files_only() {
    for (file, source) in sources() {
        let contains = words(&code_of(&source)).any(|word| word == "unsafe");
        assert!(!contains || UNSAFE.contains(&file.as_str()), "src/{file} contains unsafe and is not named in UNSAFE");
    }
}

#[test]
fn the_file_of_the_config_is_known_to_rooms_with_side_effects_only() {
    for (file, source) in sources() {
        let room = module_of(&file).first().cloned().unwrap_or_default();
        let knows = words(&code_of(&source)).any(|word| word == FILE_NAME);
        let may = MAPPED.contains(&room.as_str());
        assert!(may || !knows, "src/{file}: {room} may not know the file of the config");
    }
}

/// Every source file of the package, by its path from `src` with slashes.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 10, "these are not all sources: {files:?}");
    files.sort();
    let name = |path: &Path| path.strip_prefix(&root).expect("found below it").to_string_lossy().replace('\\', "/");
    files.iter().map(|path| (name(path), fs::read_to_string(path).expect("a source is UTF-8"))).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// What the file imports and may not, a sentence each.
fn faults_of(file: &str, source: &str) -> Vec<String> {
    let module = module_of(file);
    if is_test_only(file) || module.is_empty() {
        return Vec::new();
    }
    let room = room_of(&module);
    let Some((_, allowed)) = RULES.iter().find(|(name, _)| *name == module[0]) else {
        return vec![format!("src/{file}: no rule says what the room {room} may import")];
    };
    let Allowed::Rooms(rooms) = allowed else { return Vec::new() };
    let targets: BTreeSet<String> = paths_of(&code_of(source), &module).iter().map(|path| room_of(path)).collect();
    let forbidden = targets.iter().filter(|target| **target != room && !rooms.contains(&target.as_str()));
    forbidden.map(|target| format!("src/{file}: {room} may not import {target}")).collect()
}

/// The module a file is: `wire/http1/mod.rs` is `wire::http1`. Empty for `lib.rs`.
fn module_of(file: &str) -> Vec<String> {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Vec::new() } else { path.split('/').map(String::from).collect() }
}

/// Files of a `#[cfg(test)] mod tests;`: their own text does not say that they are.
fn is_test_only(file: &str) -> bool {
    file.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// The room that a path from the crate's root leads to: its first name, and for a service the second
/// too. The root itself is no room that anyone may import whole.
fn room_of(path: &[String]) -> String {
    match path {
        [] => "the whole crate".into(),
        [first, second, ..] if first == "service" => format!("service/{second}"),
        [first, ..] => first.clone(),
    }
}

#[test]
fn what_a_room_may_not_import_is_named() {
    for (file, source, fault) in [
        ("wire/date.rs", "use crate::app::Request;", "wire may not import app"),
        ("wire/mod.rs", "use super::session;", "wire may not import session"),
        ("limits.rs", "use crate::buffer::SendBuf;", "limits may not import buffer"),
        ("config/slot.rs", "use crate::limits::X;", "config may not import limits"),
        ("measure/a.rs", "use crate::limits::X;", "measure may not import limits"),
        ("session/a.rs", "use crate::config::Config;", "session may not import config"),
        ("service/npm/mod.rs", "use crate::service::mcp::X;", "service/npm may not import service/mcp"),
        ("service/npm/mod.rs", "use super::ping;", "service/npm may not import service/ping"),
        ("service/npm/a.rs", "use crate::session::X;", "service/npm may not import session"),
        ("store/a.rs", "use crate::buffer::SendBuf;", "store may not import buffer"),
        ("reactor/a.rs", "fn f() { crate::service::npm::x() }", "reactor may not import service/npm"),
        ("session/a.rs", "use crate::*;", "session may not import the whole crate"),
        ("web/a.rs", "use crate::service::npm::X;", "web may not import service/npm"),
        ("attic/a.rs", "", "no rule says what the room attic may import"),
    ] {
        assert_eq!(faults_of(file, source), [format!("src/{file}: {fault}")]);
    }
}

#[test]
fn what_a_room_may_import_is_not() {
    for (file, source) in [
        ("wire/http1/head.rs", "use super::Error; use crate::limits::X; use super::super::date; use crate::buffer::Y;"),
        ("service/npm/a.rs", "use super::b; use crate::service::npm::c; use crate::app::X;"),
        ("service/mod.rs", "pub mod npm; pub use self::npm::X;"),
        ("reactor/a.rs", "use crate::session::X; use crate::app::Y;"),
        ("node.rs", "use crate::service::npm; use crate::store; use crate::reactor;"),
        ("cli/mod.rs", "use crate::config;"),
        ("web/a.rs", "use crate::reactor::X; use crate::session::Y; use super::b;"),
        ("lib.rs", "pub use crate::node::run;"),
        ("wire/http1/tests/head.rs", "use crate::app::X;"),
    ] {
        assert_eq!(faults_of(file, source), Vec::<String>::new(), "{file}");
    }
}
