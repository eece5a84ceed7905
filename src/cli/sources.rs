//! Where settings come from: the file, the environment, the flags.
#![allow(clippy::disallowed_methods, reason = "the configuration is read before there is a node")]

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::settings::{Document, Flag, Settings, Sources, load};

/// Read from the working directory if it is there and no other is named.
const DEFAULT: &str = "registry.toml";
/// Names the file as `--config` does.
const VARIABLE: &str = "LATTICE_CONFIG";
/// Largest configuration file.
const BYTES_MAX: u64 = 1024 * 1024;

/// Reads and judges everything that is set.
pub(crate) fn settings(config: Option<&Path>, flags: Vec<Flag>) -> Result<Settings, Failure> {
    let document = document(config)?;
    Ok(load(&Sources { document, variables: std::env::vars_os().collect(), flags })?)
}

fn document(config: Option<&Path>) -> Result<Option<Document>, Failure> {
    let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    match config.map(Path::to_path_buf).map(|path| (path, "--config")).or_else(|| Some((variable()?, VARIABLE))) {
        Some((path, named_by)) => read(&path, named_by).map(Some),
        None if std::fs::symlink_metadata(DEFAULT).is_err_and(|error| error.kind() == ErrorKind::NotFound) => Ok(None),
        None => read(Path::new(DEFAULT), "default").map(Some),
    }
}

fn read(path: &Path, named_by: &str) -> Result<Document, Failure> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let taken = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    taken.map_err(|error| Failure::Config(unreadable(&name, named_by, &error)))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(Failure::Config(format!(
            "{name}: the file is larger than {BYTES_MAX} bytes\n    is it the right file?"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| Failure::Config(not_text(&name, &error)))?;
    Ok(Document { name, text })
}

fn unreadable(name: &str, named_by: &str, error: &std::io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::NotFound => "make it, correct the path, or leave it out to use the defaults",
        _ => "it must be a file that this user may read",
    };
    format!("{name}: the configuration file ({named_by}) cannot be read: {error}\n    {remedy}")
}

fn not_text(name: &str, error: &std::string::FromUtf8Error) -> String {
    let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("{name}:{line}: the file is not UTF-8 here\n    save it as UTF-8")
}
