//! The packages that the steps publish: three that need each other, under names no other test uses.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::sandbox::Sandbox;

/// The names of one case. `top` needs `mid` needs `leaf`.
pub(crate) struct Names {
    pub(crate) leaf: String,
    pub(crate) mid: String,
    pub(crate) top: String,
}

impl Names {
    /// Distinct even in a registry that outlives the run.
    pub(crate) fn new(client: &str, threads: usize) -> Names {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the clock is set");
        let mark = format!("{client}-{threads}t-{:x}", since.as_millis());
        Names { leaf: format!("leaf-{mark}"), mid: format!("@team-{mark}/mid"), top: format!("top-{mark}") }
    }
}

/// Writes a package into a folder of its own, so that it can be published from there.
pub(crate) fn write(sandbox: &Sandbox, name: &str, version: &str, needs: Option<&str>) -> PathBuf {
    let folder = sandbox.folder(&format!("{}-{version}", name.replace(['@', '/'], "_")));
    let mut manifest = json!({
        "name": name, "version": version, "description": format!("The package {name} of a test"),
        "license": "MIT", "main": "index.js", "keywords": ["lattice-test"],
        "bin": {"say": "say.js"}, "files": ["index.js", "say.js", "data.bin"],
    });
    if let Some(needs) = needs {
        manifest["dependencies"] = json!({needs: "^1.0.0"});
    }
    write_file(&folder, "package.json", &format!("{manifest:#}\n"));
    write_file(&folder, "index.js", &module_text(name, version, needs));
    write_file(&folder, "say.js", "#!/usr/bin/env node\nconsole.log(require('./index.js').path)\n");
    write_file(&folder, "README.md", &format!("# {name}\n\nA package of a test.\n"));
    // Bytes that do not compress: the tarball is larger than one read of the node.
    std::fs::write(folder.join("data.bin"), noise(300_000)).expect("the temp dir is writable");
    folder
}

/// Writes a project that needs `needs`.
pub(crate) fn write_project(folder: &Path, needs: &[&str]) {
    let dependencies: serde_json::Map<_, _> = needs.iter().map(|&name| (name.to_owned(), json!("^1.0.0"))).collect();
    let manifest = json!({"name": "app", "version": "1.0.0", "private": true, "dependencies": dependencies});
    write_file(folder, "package.json", &format!("{manifest:#}\n"));
}

/// What `require(name).path` says: the package and those it needs, with their versions.
fn module_text(name: &str, version: &str, needs: Option<&str>) -> String {
    let rest = needs.map(|needs| format!(" + ' > ' + require('{needs}').path")).unwrap_or_default();
    format!("exports.path = '{name}@{version}'{rest};\n")
}

fn write_file(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("the temp dir is writable");
}

/// Bytes of a linear congruential generator: the same in each run.
fn noise(count: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}
