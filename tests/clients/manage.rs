//! What clients do to packages that exist: look, tag, deprecate, own, find, take back.

use std::path::PathBuf;

use crate::case::Case;
use crate::client::Family;
use crate::packages;
use crate::publish::{publish, publish_args};
use crate::support::http;

/// Shows a version and one field, of an unscoped and of a scoped package.
pub(crate) fn view(case: &Case) {
    let (folder, leaf, mid) = (anywhere(case), &case.names.leaf, &case.names.mid);
    let pinned = format!("{leaf}@1.0.0");
    match case.client.family() {
        Family::Npm | Family::Pnpm => {
            case.says(&folder, &["view", leaf, "dist-tags.latest"], "1.1.0");
            case.says(&folder, &["view", &pinned, "version"], "1.0.0");
            case.says(&folder, &["view", mid, "dependencies", "--json"], leaf);
        }
        Family::Bun => {
            case.says(&folder, &["info", leaf, "version"], "1.1.0");
            case.says(&folder, &["info", &pinned, "version"], "1.0.0");
            case.says(&folder, &["info", mid, "--json"], leaf);
        }
        Family::Yarn1 => {
            case.says(&folder, &["info", leaf, "version", "--json"], "1.1.0");
            case.says(&folder, &["info", &pinned, "version", "--json"], "1.0.0");
            case.says(&folder, &["info", mid, "dependencies", "--json"], leaf);
        }
        Family::Yarn4 => {
            case.says(&folder, &["npm", "info", leaf, "--fields", "version", "--json"], "1.1.0");
            case.says(&folder, &["npm", "info", &pinned, "--fields", "version", "--json"], "1.0.0");
            case.says(&folder, &["npm", "info", mid, "--fields", "dependencies", "--json"], leaf);
        }
    }
}

/// Sets, lists, moves and removes a tag, of an unscoped and of a scoped package.
pub(crate) fn dist_tags(case: &Case) {
    for name in [&case.names.leaf, &case.names.mid] {
        tag(case, &["add", &format!("{name}@1.0.0"), "stable"]);
        expect_tag(case, name, "stable", Some("1.0.0"));
        expect_listed(case, name, true);
        tag(case, &[verbs(case).1, name, "stable"]);
        expect_tag(case, name, "stable", None);
        expect_listed(case, name, false);
    }
    let leaf = &case.names.leaf;
    tag(case, &["add", &format!("{leaf}@1.0.0"), "latest"]);
    expect_tag(case, leaf, "latest", Some("1.0.0"));
    tag(case, &["add", &format!("{leaf}@1.1.0"), "latest"]);
    expect_tag(case, leaf, "latest", Some("1.1.0"));
    let absent = format!("{leaf}@9.9.9");
    case.refused(&anywhere(case), &[tag_command(case), &["add", &absent, "none"]].concat());
}

fn tag(case: &Case, args: &[&str]) {
    case.ok(&anywhere(case), &[tag_command(case), args].concat());
}

fn expect_listed(case: &Case, name: &str, is_listed: bool) {
    let args = [tag_command(case), &[verbs(case).0, name]].concat();
    if is_listed {
        case.says(&anywhere(case), &args, "stable");
    } else {
        case.says_no_more(&anywhere(case), &args, "stable");
    }
}

fn tag_command(case: &Case) -> &'static [&'static str] {
    match case.client.family() {
        Family::Yarn1 => &["tag"],
        Family::Yarn4 => &["npm", "tag"],
        Family::Npm | Family::Pnpm | Family::Bun => &["dist-tag"],
    }
}

/// The words for listing and for removing.
fn verbs(case: &Case) -> (&'static str, &'static str) {
    match case.client.family() {
        Family::Yarn1 | Family::Yarn4 => ("list", "remove"),
        Family::Npm | Family::Pnpm | Family::Bun => ("ls", "rm"),
    }
}

/// Adds an owner and removes them; nobody owns without an account.
pub(crate) fn owners(case: &Case) {
    let (folder, owner, friend) = (anywhere(case), case.registry.user(), friend(case));
    for name in [&case.names.leaf, &case.names.mid] {
        case.says(&folder, &["owner", "ls", name], owner);
        case.ok(&folder, &["owner", "add", &friend, name]);
        assert_eq!(maintainers(case, name), [owner, &friend], "{name}");
        case.says(&folder, &["owner", "ls", name], &friend);
        case.ok(&folder, &["owner", "rm", &friend, name]);
        assert_eq!(maintainers(case, name), [owner], "{name}");
    }
    case.refused(&folder, &["owner", "add", "nobody-of-that-name", &case.names.leaf]);
}

/// As much of it as yarn 1 can do with any registry: it refuses scoped names by itself, and takes an owner
/// that it should remove for an error when it finds them.
pub(crate) fn owners_yarn1(case: &Case) {
    let (folder, owner, friend) = (anywhere(case), case.registry.user(), friend(case));
    case.says(&folder, &["owner", "list", &case.names.mid], owner);
    case.ok(&folder, &["owner", "add", &friend, &case.names.leaf]);
    // It sends the new owner alone: those who were owners before must stay.
    assert_eq!(maintainers(case, &case.names.leaf), [owner, &friend]);
    case.says(&folder, &["owner", "list", &case.names.leaf], &friend);
    case.refused(&folder, &["owner", "add", "nobody-of-that-name", &case.names.leaf]);
}

/// Somebody else with an account.
fn friend(case: &Case) -> String {
    let name = format!("friend-{}", case.names.leaf);
    case.registry.sign_up(&name, "a-password-of-a-friend");
    name
}

fn maintainers(case: &Case, name: &str) -> Vec<String> {
    let packument = packument(case, name);
    let list = packument["maintainers"].as_array().unwrap_or_else(|| panic!("no maintainers: {packument:#}"));
    list.iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
}

pub(crate) fn whoami(case: &Case) {
    let args: &[&str] = match case.client.family() {
        Family::Bun => &["pm", "whoami"],
        Family::Yarn4 => &["npm", "whoami"],
        Family::Npm | Family::Pnpm | Family::Yarn1 => &["whoami"],
    };
    case.says(&anywhere(case), args, case.registry.user());
}

pub(crate) fn ping(case: &Case) {
    let finished = case.ok(&anywhere(case), &["ping"]);
    assert!(finished.stderr.contains("PONG"), "{}", case.report(&["ping"], &finished));
}

/// Finds a package by a part of its name, and nothing where nothing is.
pub(crate) fn search(case: &Case) {
    let folder = anywhere(case);
    let found = case.ok(&folder, &["search", &case.names.leaf, "--json"]);
    let objects = json(&found.stdout);
    let names: Vec<&str> = objects.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.contains(&&*case.names.leaf), "{}", case.report(&["search"], &found));
    case.says_no_more(&folder, &["search", "there-is-no-such-thing", "--json"], &case.names.leaf);
}

/// Marks one version and not its neighbour, and takes the mark back.
pub(crate) fn deprecate(case: &Case) {
    let folder = anywhere(case);
    let version = format!("{}@1.0.0", case.names.leaf);
    case.ok(&folder, &["deprecate", &version, "use 1.1 instead"]);
    case.says(&folder, &["view", &version, "deprecated"], "use 1.1 instead");
    case.says_no_more(&folder, &["view", &format!("{}@1.1.0", case.names.leaf), "deprecated"], "use 1.1");
    case.ok(&folder, &["deprecate", &version, ""]);
    case.says_no_more(&folder, &["view", &version, "deprecated"], "use 1.1");
}

/// Takes one version back: it leaves the packument, its tarball is gone, the others stay, and the version
/// can never be published again.
pub(crate) fn unpublish_version(case: &Case) {
    for name in [&case.names.leaf, &case.names.mid] {
        publish(case, name, "1.2.0", None);
        let tarball = packument(case, name)["versions"]["1.2.0"]["dist"]["tarball"].clone();
        case.ok(&anywhere(case), &["unpublish", &format!("{name}@1.2.0")]);
        let after = packument(case, name);
        assert!(after["versions"].get("1.2.0").is_none(), "{name}: {after:#}");
        assert!(after["versions"].get("1.0.0").is_some(), "{name}: {after:#}");
        assert_ne!(after["dist-tags"]["latest"], "1.2.0", "{name}: {after:#}");
        assert_eq!(http("GET", tarball.as_str().expect("a URL"), &[], b"").status, 404, "{tarball} is still there");
        let folder = packages::write(&case.sandbox, name, "1.2.0", None);
        case.refused(&folder, &publish_args(case.client.family(), "1.2.0"));
    }
}

/// Takes a whole package back, unscoped and scoped.
pub(crate) fn unpublish_package(case: &Case) {
    for name in [&case.names.top, &case.names.mid] {
        case.ok(&anywhere(case), &["unpublish", name, "--force"]);
        assert_eq!(http("GET", &packument_url(case, name), &[], b"").status, 404, "{name} is still there");
        case.refused(&anywhere(case), &["view", name]);
    }
}

fn expect_tag(case: &Case, name: &str, tag: &str, version: Option<&str>) {
    let packument = packument(case, name);
    assert_eq!(packument["dist-tags"][tag].as_str(), version, "{name}, tag {tag}: {}", packument["dist-tags"]);
}

fn packument(case: &Case, name: &str) -> serde_json::Value {
    let answer = http("GET", &packument_url(case, name), &[], b"");
    assert_eq!(answer.status, 200, "{name}: {answer:?}");
    answer.json()
}

fn packument_url(case: &Case, name: &str) -> String {
    format!("{}/{}", case.registry.url(), name.replace('/', "%2f"))
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}

/// A project that needs nothing, for commands that only talk to the registry.
fn anywhere(case: &Case) -> PathBuf {
    let folder = case.sandbox.folder("anywhere");
    packages::write_project(&folder, &[]);
    if case.client.family() == Family::Yarn4 {
        std::fs::write(folder.join("yarn.lock"), "").expect("the temp dir is writable");
    }
    folder
}
