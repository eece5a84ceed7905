//! The library, built once for all tests, and programs compiled against it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::succeed;

/// The library and its header, as `scripts/cabi` leaves them.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut script = Command::new("scripts/cabi");
        script.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", target);
        let status = script.status().unwrap();
        assert!(status.success(), "scripts/cabi: {status}");
        target.join("cabi")
    })
}

pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a program is linked with.
#[derive(Clone, Copy)]
pub(crate) enum With {
    Shared,
    Static,
}

/// Compiles a program with all warnings; where it is.
pub(crate) fn compile(place: &Path, file: &str, with: With, options: &[&str]) -> PathBuf {
    let is_cpp = file.ends_with(".cpp");
    let program = place.join("program");
    let mut compiler = Command::new(if is_cpp { "c++" } else { "cc" });
    compiler.arg(if is_cpp { "-std=c++17" } else { "-std=c11" });
    compiler.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread", "-I"]).arg(library()).args(options);
    compiler.arg(source(file)).arg("-o").arg(&program);
    match with {
        With::Shared => compiler.arg("-L").arg(library()).args(["-llattice_config", "-Wl,-rpath"]).arg(library()),
        With::Static => compiler.arg(library().join("liblattice_config.a")),
    };
    succeed(compiler);
    program
}
