//! Publishing, and installing what was published with a lockfile.

use std::path::Path;

use crate::case::Case;
use crate::client::Family;
use crate::packages;
use crate::support::http;

/// Publishes what the later steps need: `leaf` twice, `mid`, which needs it, and `top`, which needs `mid`.
pub(crate) fn everything(case: &Case) {
    let names = &case.names;
    publish(case, &names.leaf, "1.0.0", None);
    publish(case, &names.leaf, "1.1.0", None);
    publish(case, &names.mid, "1.0.0", Some(&names.leaf));
    publish(case, &names.top, "1.0.0", Some(&names.mid));
    refuses_other_bytes_for_a_version(case);
}

/// Installs twice: the first makes the lockfile, the second follows it in a clean folder without caches.
pub(crate) fn install_with_lockfile(case: &Case) {
    let first = case.sandbox.folder("app");
    packages::write_project(&first, &[&case.names.top, &case.names.mid]);
    case.ok(&first, install_args(case.client.family()));
    expect_installed(case, &first);

    let lockfile = case.client.lockfile();
    let lock = std::fs::read(first.join(lockfile)).unwrap_or_else(|error| panic!("{lockfile}: {error}"));
    let second = case.sandbox.folder("app-again");
    packages::write_project(&second, &[&case.names.top, &case.names.mid]);
    std::fs::write(second.join(lockfile), &lock).expect("the temp dir is writable");
    case.sandbox.forget_downloads();
    case.ok(&second, frozen_args(case.client.family()));
    expect_installed(case, &second);
    let after = std::fs::read(second.join(lockfile)).unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(&after), String::from_utf8_lossy(&lock), "a frozen lockfile changed");
}

/// Publishes one version from a folder of its own.
pub(crate) fn publish(case: &Case, name: &str, version: &str, needs: Option<&str>) {
    let folder = packages::write(&case.sandbox, name, version, needs);
    publish_folder(case, &folder, version);
    expect_served(case, name, version);
}

fn publish_folder(case: &Case, folder: &Path, version: &str) {
    if case.client.family() == Family::Yarn4 {
        // berry publishes only what stands in a lockfile; an empty one makes the folder a project.
        std::fs::write(folder.join("yarn.lock"), "").expect("the temp dir is writable");
        case.ok(folder, &["install"]);
    }
    case.ok(folder, &publish_args(case.client.family(), version));
}

pub(crate) fn publish_args(family: Family, version: &str) -> Vec<&str> {
    match family {
        Family::Bun => vec!["publish", "--access", "public"],
        Family::Npm => vec!["publish", "--access", "public"],
        Family::Pnpm => vec!["publish", "--access", "public", "--no-git-checks"],
        Family::Yarn1 => vec!["publish", "--access", "public", "--new-version", version, "--no-git-tag-version"],
        Family::Yarn4 => vec!["npm", "publish", "--access", "public"],
    }
}

fn install_args(family: Family) -> &'static [&'static str] {
    match family {
        Family::Npm => &["install"],
        // In CI a client may freeze by itself; the first install has to write.
        Family::Yarn4 => &["install", "--no-immutable"],
        Family::Bun | Family::Pnpm | Family::Yarn1 => &["install"],
    }
}

fn frozen_args(family: Family) -> &'static [&'static str] {
    match family {
        Family::Npm => &["ci"],
        Family::Yarn4 => &["install", "--immutable"],
        Family::Bun | Family::Pnpm | Family::Yarn1 => &["install", "--frozen-lockfile"],
    }
}

/// The registry has the version, and its tarball is what its integrity says, by node's own hash.
fn expect_served(case: &Case, name: &str, version: &str) {
    let answer = http("GET", &format!("{}/{}", case.registry.url(), name.replace('/', "%2f")), &[], b"");
    assert_eq!(answer.status, 200, "{name}: {answer:?}");
    let packument = answer.json();
    let dist = &packument["versions"][version]["dist"];
    let url = dist["tarball"].as_str().unwrap_or_else(|| panic!("{name}@{version} has no tarball: {packument:#}"));
    assert!(url.starts_with(case.registry.url()), "{url} is not below {}", case.registry.url());
    let integrity = dist["integrity"].as_str().unwrap_or_else(|| panic!("no integrity: {packument:#}"));
    let script = format!(
        "fetch('{url}').then(r => r.arrayBuffer()).then(b => console.log('sha512-' + \
         require('crypto').createHash('sha512').update(Buffer.from(b)).digest('base64')))"
    );
    let hash = case.sandbox.run_node(&case.sandbox.folder("."), &script);
    assert_eq!(hash.stdout.trim(), integrity, "{name}@{version}: {}", hash.report());
}

/// A version that exists keeps its bytes.
fn refuses_other_bytes_for_a_version(case: &Case) {
    let folder = packages::write(&case.sandbox, &case.names.leaf, "1.0.0", None);
    std::fs::write(folder.join("index.js"), "exports.path = 'other';\n").expect("the temp dir is writable");
    case.refused(&folder, &publish_args(case.client.family(), "1.0.0"));
}

fn expect_installed(case: &Case, folder: &Path) {
    let names = &case.names;
    let script = format!("console.log(require('{}').path)", names.top);
    let expected = format!("{}@1.0.0 > {}@1.0.0 > {}@1.1.0", names.top, names.mid, names.leaf);
    let said = case.sandbox.run_node(folder, &script);
    assert_eq!(said.stdout.trim(), expected, "in {}: {}", folder.display(), said.report());
    let say = folder.join("node_modules/.bin/say");
    assert!(say.exists(), "{} is missing", say.display());
}
