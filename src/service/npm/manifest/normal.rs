//! The fields of a manifest in one form each, whatever form a client gave them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Manifest, text_of};
use crate::service::npm::name::PackageName;

/// Name and spec of each dependency in a field, with specs of well-known git hosts in one form.
pub fn dependencies(manifest: &Manifest, field: &str) -> BTreeMap<String, String> {
    let object = dependency_object(manifest.get(field));
    object.into_iter().map(|(name, spec)| (name, spec_form(spec.as_str().unwrap_or_default()))).collect()
}

/// A field of dependencies as an object of strings, in order: very old packages have a list.
pub fn dependency_object(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object
            .iter()
            .filter(|(_, spec)| spec.is_string())
            .map(|(name, spec)| (name.clone(), spec.clone()))
            .collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(named_spec).collect(),
        Some(Value::String(list)) => {
            list.split([' ', '\t', '\n', '\r', ',']).filter(|item| !item.is_empty()).map(named_spec).collect()
        }
        _ => Map::new(),
    }
}

/// `name@spec`, `name >=1` and the like, taken apart.
fn named_spec(item: &str) -> (String, Value) {
    let item = item.trim();
    let cut = item.find(['@', ' ', '\t', '>', '<', '=']).unwrap_or(item.len());
    let (name, spec) = item.split_at(cut);
    let spec = spec.trim();
    (name.to_string(), Value::from(spec.strip_prefix('@').unwrap_or(spec)))
}

/// A spec that names a repository on a well-known host, in the one form `host:path#commit`.
fn spec_form(spec: &str) -> String {
    hosted(spec).unwrap_or_else(|| spec.to_string())
}

fn hosted(spec: &str) -> Option<String> {
    let (location, commit) = spec.split_once('#').map_or((spec, ""), |(location, commit)| (location, commit));
    let (host, path) = match location.split_once("://") {
        Some((scheme, rest)) => {
            let scheme = scheme.strip_prefix("git+").unwrap_or(scheme);
            if !matches!(scheme, "https" | "http" | "ssh" | "git") {
                return None;
            }
            let rest = rest.strip_prefix("git@").unwrap_or(rest);
            let cut = rest.find(['/', ':'])?;
            (host_of(&rest[..cut])?, &rest[cut + 1..])
        }
        None => match location.split_once(':') {
            Some((host @ ("github" | "gitlab" | "bitbucket"), path)) => (host, path),
            Some((place, path)) => (host_of(place.strip_prefix("git@")?)?, path),
            None => ("github", location),
        },
    };
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (owner, repository) = path.split_once('/')?;
    let plain = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '~', '@']) && !part.contains(['/', ':', ' ', '@', '?'])
    };
    (plain(owner) && plain(repository)).then(|| format!("{host}:{path}#{commit}"))
}

fn host_of(name: &str) -> Option<&'static str> {
    match name {
        "github.com" | "www.github.com" => Some("github"),
        "gitlab.com" | "www.gitlab.com" => Some("gitlab"),
        "bitbucket.org" | "www.bitbucket.org" => Some("bitbucket"),
        _ => None,
    }
}

/// Names of the dependencies that are in the tarball.
pub fn bundled(manifest: &Manifest) -> Vec<String> {
    match manifest.get("bundleDependencies").or_else(|| manifest.get("bundledDependencies")) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(String::from).collect(),
        Some(Value::Object(object)) => object.keys().cloned().collect(),
        Some(Value::Bool(true)) => {
            dependency_object(manifest.get("dependencies")).into_iter().map(|(name, _)| name).collect()
        }
        _ => Vec::new(),
    }
}

/// Commands and their files: paths from the package's directory, without dots.
pub fn bins(name: &PackageName, manifest: &Manifest) -> BTreeMap<String, String> {
    let mut bins = BTreeMap::new();
    let mut add = |command: &str, path: &str| {
        let command = command_name(command);
        if !command.is_empty() {
            bins.insert(command.to_string(), path_form(path));
        }
    };
    match manifest.get("bin") {
        Some(Value::String(path)) => add(name.base(), path),
        Some(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).for_each(|path| add(path, path)),
        Some(Value::Object(object)) => {
            object
                .iter()
                .filter_map(|(command, path)| Some((command, path.as_str()?)))
                .for_each(|(command, path)| add(command, path));
        }
        _ => {}
    }
    bins
}

/// What a command is linked as: the last component of its name.
fn command_name(command: &str) -> &str {
    match command.rsplit(['/', '\\', ':']).next() {
        None | Some("." | "..") => "",
        Some(last) => last,
    }
}

/// Whether a command has a name that clients disagree on.
pub fn is_odd_bin(manifest: &Manifest, command: &str) -> bool {
    let Some(Value::Object(object)) = manifest.get("bin") else { return false };
    !object.contains_key(command)
}

/// The directory all of whose files are commands, where that is how a package names them.
pub fn bin_directory(manifest: &Manifest) -> Option<String> {
    match manifest.get("bin") {
        None | Some(Value::Null) => Some(path_form(manifest.get("directories")?.get("bin")?.as_str()?)),
        Some(_) => None,
    }
}

/// Whether a command is what a file of that directory becomes.
pub fn is_bin_of(directory: &str, command: &str, path: &str) -> bool {
    let inside = match directory {
        "" => true,
        _ => path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/')),
    };
    inside && path.rsplit('/').next() == Some(command)
}

/// A path from the package's directory: no leading slash, no dots.
fn path_form(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Scripts and their command lines, without the directory that runners search anyway.
pub fn scripts(manifest: &Manifest) -> BTreeMap<String, String> {
    let Some(Value::Object(scripts)) = manifest.get("scripts") else { return BTreeMap::new() };
    let lines = scripts.iter().filter_map(|(name, line)| Some((name.clone(), script_form(line.as_str()?).to_string())));
    lines.collect()
}

fn script_form(line: &str) -> &str {
    let separator = ['/', '\\'];
    let start = line.strip_prefix('.').and_then(|rest| rest.strip_prefix(separator)).unwrap_or(line);
    let within = start.strip_prefix("node_modules").and_then(|rest| rest.strip_prefix(separator));
    within.and_then(|rest| rest.strip_prefix(".bin")?.strip_prefix(separator)).unwrap_or(line)
}

/// Whether installing the package runs something of it, once `scripts` are what npm makes of them.
pub fn runs_on_install(scripts: &BTreeMap<String, String>) -> bool {
    ["preinstall", "install", "postinstall"].iter().any(|name| scripts.get(*name).is_some_and(|line| !line.is_empty()))
}

/// What search finds a package by.
pub fn keywords(manifest: &Manifest) -> Vec<String> {
    let words: Vec<&str> = match manifest.get("keywords") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(list)) => list.split([',', ' ', '\t']).collect(),
        _ => Vec::new(),
    };
    words.into_iter().map(str::trim).filter(|word| !word.is_empty()).map(String::from).collect()
}

/// The description, if it is a text.
pub fn description(manifest: &Manifest) -> String {
    text_of(manifest, "description").unwrap_or_default().to_string()
}
