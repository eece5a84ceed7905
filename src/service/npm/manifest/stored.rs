//! What is kept of a manifest that agreed: the whole, and the part that installers read.

use serde_json::{Map, Value};

use super::{GYP_INSTALL, Manifest, normal};
use crate::service::npm::archive::Contents;
use crate::service::npm::name::PackageName;

/// Fields of an abbreviated packument's versions, as far as a manifest has them.
const ABBREVIATED: [&str; 18] = [
    "name",
    "version",
    "dependencies",
    "acceptDependencies",
    "optionalDependencies",
    "devDependencies",
    "bundleDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bin",
    "directories",
    "engines",
    "hasInstallScript",
    "funding",
    "cpu",
    "os",
    "libc",
    "_npmUser",
];

/// Fields that are kept elsewhere, that the registry alone may state, or that tell of the
/// publisher's machine.
const DROPPED: [&str; 16] = [
    "_attachments",
    "_from",
    "_id",
    "_integrity",
    "_npmUser",
    "_resolved",
    "_shasum",
    "_where",
    "bundledDependencies",
    "deprecated",
    "dist",
    "hasInstallScript",
    "maintainers",
    "readme",
    "readmeFilename",
    "time",
];

/// Who publishes, as the manifest will name them.
#[derive(Debug, Clone, Copy)]
pub struct Publisher<'p> {
    /// The user.
    pub name: &'p str,
    /// May be empty.
    pub email: &'p str,
}

/// A manifest as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The whole, as JSON, without `dist` and `deprecated`.
    pub manifest: String,
    /// What an abbreviated packument shows of it.
    pub abbreviated: String,
}

/// Makes what is kept of the document's manifest, once it agreed with the tarball's.
pub fn store(
    name: &PackageName,
    version: &str,
    document: &Manifest,
    tarball: &Manifest,
    contents: &Contents,
    publisher: Publisher<'_>,
) -> Stored {
    let mut manifest = Map::new();
    manifest.insert("name".into(), name.as_str().into());
    manifest.insert("version".into(), version.into());
    let kept = document.iter().filter(|(field, value)| !DROPPED.contains(&field.as_str()) && !value.is_null());
    for (field, value) in kept.filter(|(field, _)| *field != "name" && *field != "version") {
        manifest.insert(field.clone(), value.clone());
    }
    for field in ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"] {
        if let Some(value) = manifest.get_mut(field) {
            *value = normal::dependency_object(Some(value)).into();
        }
    }
    let has_install = put_scripts(&mut manifest, tarball, contents);
    set(&mut manifest, "bundleDependencies", strings(normal::bundled(tarball)));
    set(
        &mut manifest,
        "bin",
        normal::bins(name, document)
            .into_iter()
            .map(|(command, path)| (command, path.into()))
            .collect::<Map<_, _>>()
            .into(),
    );
    manifest.insert("_id".into(), format!("{name}@{version}").into());
    manifest.insert("_npmUser".into(), serde_json::json!({ "name": publisher.name, "email": publisher.email }));
    manifest.insert("_hasShrinkwrap".into(), contents.has_shrinkwrap.into());
    let abbreviated = abbreviate(&manifest, has_install, contents.has_shrinkwrap);
    Stored { manifest: Value::Object(manifest).to_string(), abbreviated: Value::Object(abbreviated).to_string() }
}

/// The scripts that the tarball has, and the one npm adds; whether installing runs one of them.
fn put_scripts(manifest: &mut Manifest, tarball: &Manifest, contents: &Contents) -> bool {
    let mut scripts = normal::scripts(tarball);
    let builds = contents.has_gyp && tarball.get("gypfile") != Some(&Value::Bool(false));
    if builds && !scripts.contains_key("install") && !scripts.contains_key("preinstall") {
        scripts.insert("install".into(), GYP_INSTALL.into());
    }
    let runs = normal::runs_on_install(&scripts);
    set(manifest, "scripts", scripts.into_iter().map(|(name, line)| (name, line.into())).collect::<Map<_, _>>().into());
    runs
}

fn strings(list: Vec<String>) -> Value {
    list.into_iter().map(Value::from).collect::<Vec<_>>().into()
}

/// Puts a list or an object there, or nothing if it is empty.
fn set(manifest: &mut Manifest, field: &str, value: Value) {
    let empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
    match empty {
        true => drop(manifest.shift_remove(field)),
        false => drop(manifest.insert(field.into(), value)),
    }
}

fn abbreviate(manifest: &Manifest, has_install: bool, has_shrinkwrap: bool) -> Manifest {
    let mut short = Map::new();
    for field in ABBREVIATED {
        if let Some(value) = manifest.get(field) {
            short.insert(field.into(), value.clone());
        }
    }
    // Installers look whether these are there, so they are there only where they are true.
    if has_install {
        short.insert("hasInstallScript".into(), true.into());
    }
    if has_shrinkwrap {
        short.insert("_hasShrinkwrap".into(), true.into());
    }
    short
}
