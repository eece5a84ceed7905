//! The two manifests of a publish: the one in the document, which clients resolve by, and
//! `package.json` in the tarball, which is what runs. They must say the same, or an innocent
//! manifest could front for a hostile package.
//!
//! Compared: name, version, dependencies, optional and peer dependencies, bin and scripts, each as
//! npm, pnpm, yarn and bun normalise them, so that no client is refused for its normalisation.

pub mod normal;
pub mod stored;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::limits::PUBLISH_NODES_MAX;
use crate::service::npm::name::PackageName;
use crate::service::npm::{scan, version};

pub use stored::{Publisher, Stored, store};

/// A manifest, as JSON.
pub type Manifest = Map<String, Value>;

/// Longest value quoted in an error, in characters.
const QUOTE_CHARACTERS_MAX: usize = 100;
/// What npm makes of a `.gyp` file, and some make of any such file beside the package.
pub(crate) const GYP_INSTALL: &str = "node-gyp rebuild";
/// What npm makes of a `server.js`.
const SERVER_START: &str = "node server.js";

/// Why two manifests will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// They differ.
    Disagreement {
        /// Field, and its key if it has some.
        field: String,
        /// What the document says, shortened.
        document: String,
        /// What the tarball says, shortened.
        tarball: String,
    },
    /// `package.json` is not JSON, or beyond what is read of JSON.
    NotJson,
    /// `package.json` is not an object.
    NotAnObject,
    /// A key `__proto__` somewhere.
    PoisonKey,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disagreement { field, document, tarball } => write!(
                formatter,
                "the document and the tarball's package.json disagree on {field}: the document says {document}, the tarball says {tarball}"
            ),
            Self::NotJson => formatter.write_str("the tarball's package.json is not valid JSON"),
            Self::NotAnObject => formatter.write_str("the tarball's package.json is not a JSON object"),
            Self::PoisonKey => formatter.write_str("the manifest has a key named __proto__"),
        }
    }
}

impl std::error::Error for Error {}

/// Reads `package.json`.
pub fn parse(bytes: &[u8]) -> Result<Manifest, Error> {
    // Editors on Windows put a byte order mark in front, and npm takes it off.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    scan::check(bytes, PUBLISH_NODES_MAX).map_err(|_| Error::NotJson)?;
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(manifest)) => Ok(manifest),
        Ok(_) => Err(Error::NotAnObject),
        Err(_) => Err(Error::NotJson),
    }
}

/// Checks that the document's manifest says what the tarball's does.
pub fn agree(name: &PackageName, version: &str, document: &Manifest, tarball: &Manifest) -> Result<(), Error> {
    if has_poison(document) {
        return Err(Error::PoisonKey);
    }
    agree_on_identity(name, version, document, tarball)?;
    agree_on_dependencies(document, tarball)?;
    agree_on_bins(name, document, tarball)?;
    agree_on_scripts(document, tarball)
}

fn agree_on_identity(name: &PackageName, version: &str, document: &Manifest, tarball: &Manifest) -> Result<(), Error> {
    for manifest in [document, tarball] {
        if text_of(manifest, "name").map(str::trim) != Some(name.as_str()) {
            return Err(disagreement("name", document.get("name"), tarball.get("name")));
        }
    }
    let same = |manifest| text_of(manifest, "version").and_then(version::clean).as_deref() == Some(version);
    match same(document) && same(tarball) {
        true => Ok(()),
        false => Err(disagreement("version", document.get("version"), tarball.get("version"))),
    }
}

fn agree_on_dependencies(document: &Manifest, tarball: &Manifest) -> Result<(), Error> {
    let of = |manifest, field| normal::dependencies(manifest, field);
    let (optional, packed_optional) = (of(document, "optionalDependencies"), of(tarball, "optionalDependencies"));
    let (mut plain, mut packed_plain) = (of(document, "dependencies"), of(tarball, "dependencies"));
    // An optional dependency wins over a plain one; some clients copy it there, some take it away.
    plain.retain(|name, _| !optional.contains_key(name));
    packed_plain.retain(|name, _| !packed_optional.contains_key(name));
    // What is bundled but not asked for is asked for by npm, in any version.
    for bundled in normal::bundled(tarball) {
        if !packed_plain.contains_key(&bundled) && plain.get(&bundled).is_some_and(|spec| spec == "*") {
            plain.remove(&bundled);
        }
    }
    same("optionalDependencies", &optional, &packed_optional)?;
    same("dependencies", &plain, &packed_plain)?;
    same("peerDependencies", &of(document, "peerDependencies"), &of(tarball, "peerDependencies"))
}

fn agree_on_bins(name: &PackageName, document: &Manifest, tarball: &Manifest) -> Result<(), Error> {
    let mut bins = normal::bins(name, document);
    let mut packed = normal::bins(name, tarball);
    if let Some(directory) = normal::bin_directory(tarball) {
        bins.retain(|command, path| !normal::is_bin_of(&directory, command, path));
    }
    // Commands whose names are paths are renamed by some clients and dropped by others.
    packed.retain(|command, _| bins.contains_key(command) || !normal::is_odd_bin(tarball, command));
    same("bin", &bins, &packed)
}

fn agree_on_scripts(document: &Manifest, tarball: &Manifest) -> Result<(), Error> {
    let mut scripts = normal::scripts(document);
    let packed = normal::scripts(tarball);
    if !packed.contains_key("install") && !packed.contains_key("preinstall") {
        scripts.retain(|name, line| name != "install" || line != GYP_INSTALL);
    }
    if !packed.contains_key("start") {
        scripts.retain(|name, line| name != "start" || line != SERVER_START);
    }
    same("scripts", &scripts, &packed)
}

fn same(field: &str, document: &BTreeMap<String, String>, tarball: &BTreeMap<String, String>) -> Result<(), Error> {
    let differs = |key: &&String| document.get(*key) != tarball.get(*key);
    let Some(key) = document.keys().chain(tarball.keys()).find(differs) else { return Ok(()) };
    Err(Error::Disagreement {
        field: format!("{field}[{}]", quote(key)),
        document: document.get(key).map_or("nothing".into(), |value| quote(value)),
        tarball: tarball.get(key).map_or("nothing".into(), |value| quote(value)),
    })
}

fn disagreement(field: &str, document: Option<&Value>, tarball: Option<&Value>) -> Error {
    let show = |value: Option<&Value>| match value {
        None => "nothing".into(),
        Some(Value::String(text)) => quote(text),
        Some(other) => shorten(&other.to_string()),
    };
    Error::Disagreement { field: field.into(), document: show(document), tarball: show(tarball) }
}

fn quote(text: &str) -> String {
    format!("{:?}", shorten(text))
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARACTERS_MAX) {
        None => text.to_string(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The string in a field.
pub(crate) fn text_of<'m>(manifest: &'m Manifest, field: &str) -> Option<&'m str> {
    manifest.get(field)?.as_str()
}

/// Whether any object in here has a key that JavaScript would follow. The depth was bounded before.
fn has_poison(manifest: &Manifest) -> bool {
    fn value_has(value: &Value) -> bool {
        match value {
            Value::Object(object) => has_poison(object),
            Value::Array(values) => values.iter().any(value_has),
            _ => false,
        }
    }
    manifest.iter().any(|(key, value)| key == "__proto__" || value_has(value))
}

#[cfg(test)]
mod tests;
