//! Packuments: a [`Package`] in, the JSON that clients read out.
//!
//! Manifests are kept as JSON text; what may change after a publish (`dist`, which carries our URL,
//! and `deprecated`) is spliced in, so that a document is put together without being parsed. Only the manifest of `latest` is looked into, for
//! the fields that a full packument repeats at its top.

use std::fmt::Write;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::app::reply::push_json_string;
use crate::app::store::{Maintainer, Package, Version};
use crate::service::npm::version;
use crate::wire::date::rfc3339;

/// Renders the documents of one package.
pub(crate) struct Renderer<'a> {
    package: &'a Package,
    public_url: &'a str,
}

/// What a full packument repeats of the manifest of `latest`.
#[derive(Default, Deserialize)]
struct Top<'a> {
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    author: Option<&'a RawValue>,
    #[serde(borrow)]
    repository: Option<&'a RawValue>,
    #[serde(borrow)]
    bugs: Option<&'a RawValue>,
    #[serde(borrow)]
    homepage: Option<&'a RawValue>,
    #[serde(borrow)]
    license: Option<&'a RawValue>,
    #[serde(borrow)]
    keywords: Option<&'a RawValue>,
}

impl<'a> Renderer<'a> {
    /// For `package`, whose tarballs are under `public_url` (no slash at its end).
    pub(crate) fn new(package: &'a Package, public_url: &'a str) -> Self {
        Self { package, public_url }
    }

    /// The version `latest` names; there is always one as long as there is a version.
    pub(crate) fn latest(&self) -> Option<&'a str> {
        let tagged = self.package.tags.iter().find(|(tag, _)| tag == "latest").map(|(_, version)| version.as_str());
        tagged.or_else(|| version::highest(self.package.versions.iter().map(|version| version.version.as_str())))
    }

    /// The version that a version or a tag names.
    pub(crate) fn resolve(&self, version_or_tag: &str) -> Option<&'a Version> {
        let versions = &self.package.versions;
        let find = |name: &str| versions.iter().find(|version| version.version == name);
        find(version_or_tag).or_else(|| match version_or_tag {
            "latest" => self.latest().and_then(find),
            tag => self.package.tags.iter().find(|(name, _)| name == tag).and_then(|(_, version)| find(version)),
        })
    }

    /// Everything there is.
    pub(crate) fn full(&self) -> String {
        let package = self.package;
        let manifests: usize = package.versions.iter().map(|version| version.manifest.len() + 700).sum();
        let mut json = String::with_capacity(manifests + 8192);
        json.push_str("{\"_id\":");
        push_json_string(&mut json, &package.name);
        json.push_str(",\"_rev\":");
        push_json_string(&mut json, &rev(package));
        json.push_str(",\"name\":");
        push_json_string(&mut json, &package.name);
        self.push_top(&mut json);
        self.push_tags(&mut json);
        json.push_str(",\"versions\":{");
        self.push_versions(&mut json, |version| &version.manifest);
        json.push('}');
        self.push_time(&mut json);
        json.push_str(",\"maintainers\":");
        push_maintainers(&mut json, &package.maintainers);
        json.push_str(",\"users\":{");
        push_list(&mut json, &package.stars, |json, user| {
            push_json_string(json, user);
            json.push_str(":true");
        });
        json.push('}');
        self.push_readme(&mut json);
        json.push('}');
        json
    }

    /// What installing needs.
    pub(crate) fn abbreviated(&self) -> String {
        let package = self.package;
        let manifests: usize = package.versions.iter().map(|version| version.abbreviated.len() + 700).sum();
        let mut json = String::with_capacity(manifests + 1024);
        json.push_str("{\"name\":");
        push_json_string(&mut json, &package.name);
        json.push_str(",\"modified\":\"");
        push_iso(&mut json, package.modified_ms);
        json.push('"');
        self.push_tags(&mut json);
        json.push_str(",\"versions\":{");
        self.push_versions(&mut json, |version| &version.abbreviated);
        json.push('}');
        self.push_time(&mut json);
        json.push('}');
        json
    }

    /// One version's whole manifest.
    pub(crate) fn manifest(&self, version: &Version) -> String {
        let mut json = String::with_capacity(version.manifest.len() + 700);
        self.push_version(&mut json, version, &version.manifest);
        json
    }

    /// `{tag: version}`
    pub(crate) fn tags(&self) -> String {
        let mut json = String::from("{");
        let tagged = self.package.tags.iter().map(|(tag, version)| (tag.as_str(), version.as_str()));
        let has_latest = self.package.tags.iter().any(|(tag, _)| tag == "latest");
        let latest = self.latest().filter(|_| !has_latest).map(|version| ("latest", version));
        push_list(&mut json, latest.into_iter().chain(tagged), |json, (tag, version)| {
            push_json_string(json, tag);
            json.push(':');
            push_json_string(json, version);
        });
        json.push('}');
        json
    }

    fn push_tags(&self, json: &mut String) {
        json.push_str(",\"dist-tags\":");
        json.push_str(&self.tags());
    }

    fn push_top(&self, json: &mut String) {
        let latest = self.latest().and_then(|latest| self.resolve(latest));
        let Some(latest) = latest else { return };
        // A manifest was checked before it was kept; one that does not parse has no such fields.
        let top: Top<'_> = serde_json::from_str(&latest.manifest).unwrap_or_default();
        for (name, value) in [
            ("description", top.description),
            ("author", top.author),
            ("repository", top.repository),
            ("bugs", top.bugs),
            ("homepage", top.homepage),
            ("license", top.license),
            ("keywords", top.keywords),
        ] {
            if let Some(value) = value {
                json.push(',');
                push_json_string(json, name);
                json.push(':');
                json.push_str(value.get());
            }
        }
    }

    fn push_readme(&self, json: &mut String) {
        if let Some(readme) = &self.package.readme {
            json.push_str(",\"readme\":");
            push_json_string(json, &readme.text);
            json.push_str(",\"readmeFilename\":");
            push_json_string(json, &readme.file);
        }
    }

    fn push_time(&self, json: &mut String) {
        json.push_str(",\"time\":{\"created\":\"");
        push_iso(json, self.package.created_ms);
        json.push_str("\",\"modified\":\"");
        push_iso(json, self.package.modified_ms);
        json.push('"');
        for version in &self.package.versions {
            json.push(',');
            push_json_string(json, &version.version);
            json.push_str(":\"");
            push_iso(json, version.created_ms);
            json.push('"');
        }
        json.push('}');
    }

    fn push_versions(&self, json: &mut String, manifest: impl Fn(&'a Version) -> &'a str) {
        push_list(json, &self.package.versions, |json, version| {
            push_json_string(json, &version.version);
            json.push(':');
            self.push_version(json, version, manifest(version));
        });
    }

    /// `manifest` with `dist` and, if need be, `deprecated`.
    fn push_version(&self, json: &mut String, version: &Version, manifest: &str) {
        let open = manifest.trim_end().strip_suffix('}').unwrap_or("{").trim_end();
        json.push_str(open);
        if !open.ends_with('{') {
            json.push(',');
        }
        json.push_str("\"dist\":");
        self.push_dist(json, version);
        if let Some(message) = &version.deprecated {
            json.push_str(",\"deprecated\":");
            push_json_string(json, message);
        }
        json.push('}');
    }

    fn push_dist(&self, json: &mut String, version: &Version) {
        let tarball = &version.tarball;
        json.push_str("{\"integrity\":\"sha512-");
        STANDARD.encode_string(tarball.blob.0, json);
        json.push_str("\",\"shasum\":\"");
        push_hex(json, &tarball.sha1);
        json.push_str("\",\"tarball\":");
        let name = &*self.package.name;
        let base = name.rsplit_once('/').map_or(name, |(_, base)| base);
        push_json_string(json, &format!("{}/{name}/-/{base}-{}.tgz", self.public_url, version.version));
        let (files, unpacked) = (tarball.files, tarball.unpacked);
        let written = write!(json, ",\"fileCount\":{files},\"unpackedSize\":{unpacked}}}");
        debug_assert!(written.is_ok(), "a String takes everything");
    }
}

/// `_rev`: the revision, and enough of a hash that two packages' revisions look different.
pub(crate) fn rev(package: &Package) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(package.name.as_bytes());
    context.update(&package.revision.to_le_bytes());
    context.update(&package.modified_ms.to_le_bytes());
    let mut text = format!("{}-", package.revision);
    push_hex(&mut text, &context.finish().as_ref()[..8]);
    text
}

/// `[{"name": …, "email": …}]`
fn push_maintainers(json: &mut String, maintainers: &[Maintainer]) {
    json.push('[');
    push_list(json, maintainers, |json, one| push_user(json, "name", &one.name, &one.email));
    json.push(']');
}

/// A user; search calls the name `username`.
pub(crate) fn push_user(json: &mut String, name_key: &str, name: &str, email: &str) {
    json.push('{');
    push_json_string(json, name_key);
    json.push(':');
    push_json_string(json, name);
    json.push_str(",\"email\":");
    push_json_string(json, email);
    json.push('}');
}

/// Items with commas between them.
pub(crate) fn push_list<T>(
    json: &mut String,
    items: impl IntoIterator<Item = T>,
    mut push: impl FnMut(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        push(json, item);
    }
}

/// A moment, given in milliseconds since 1970, as `2026-11-21T10:00:00.000Z`.
pub(crate) fn push_iso(text: &mut String, unix_ms: u64) {
    text.extend(rfc3339(unix_ms).iter().copied().map(char::from));
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::store::Readme;
    use crate::service::npm::testing::{package, version};
    use serde_json::{Value, json};

    fn parsed(json: &str) -> Value {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
    }

    fn sample() -> Package {
        let mut first = version("1.0.0", 1);
        first.manifest = r#"{"name":"@s/n","version":"1.0.0","description":"old"}"#.into();
        first.abbreviated = r#"{"name":"@s/n","version":"1.0.0","libc":["glibc"]}"#.into();
        first.deprecated = Some("use \"2\"\n".into());
        let mut second = version("2.0.0", 2);
        second.manifest = r#"{"name":"@s/n","version":"2.0.0","description":"new","license":"MIT","keywords":["a"],
            "author":{"name":"Ann"},"repository":{"url":"r"},"bugs":{"url":"b"},"homepage":"h"} "#
            .into();
        second.abbreviated = "{}".into();
        let mut package = package("@s/n", vec![first, second]);
        package.tags = vec![("latest".into(), "2.0.0".into()), ("next".into(), "1.0.0".into())];
        package.stars = vec!["bob".into()];
        package.readme = Some(Readme { text: "# hi".into(), file: "README.md".into() });
        package
    }

    #[test]
    fn a_full_packument_has_every_field_a_client_looks_for() {
        let package = sample();
        let full = parsed(&Renderer::new(&package, "https://host/npm").full());
        for (key, expected) in [
            ("_id", json!("@s/n")),
            ("name", json!("@s/n")),
            ("_rev", json!(rev(&package))),
            ("description", json!("new")),
            ("license", json!("MIT")),
            ("keywords", json!(["a"])),
            ("author", json!({"name": "Ann"})),
            ("repository", json!({"url": "r"})),
            ("bugs", json!({"url": "b"})),
            ("homepage", json!("h")),
            ("dist-tags", json!({"latest": "2.0.0", "next": "1.0.0"})),
            ("maintainers", json!([{"name": "ann", "email": "ann@example.org"}])),
            ("users", json!({"bob": true})),
            ("readme", json!("# hi")),
            ("readmeFilename", json!("README.md")),
        ] {
            assert_eq!(full[key], expected, "{key}");
        }
        assert!(full["_rev"].as_str().is_some_and(|rev| rev.starts_with("2-")));
        assert_eq!(full["time"]["2.0.0"], "1970-01-01T00:00:02.000Z");
        assert_eq!(full["time"]["created"], "1970-01-01T00:00:00.000Z");
        assert_eq!(full["versions"]["1.0.0"]["deprecated"], "use \"2\"\n");
        assert_eq!(full["versions"]["2.0.0"].get("deprecated"), None);
    }

    #[test]
    fn dist_is_ours_and_its_path_is_valid_on_our_mount() {
        let package = sample();
        let full = parsed(&Renderer::new(&package, "https://host/npm").full());
        let dist = &full["versions"]["1.0.0"]["dist"];
        assert_eq!(dist["tarball"], "https://host/npm/@s/n/-/n-1.0.0.tgz");
        assert_eq!(dist["integrity"], format!("sha512-{}", STANDARD.encode(package.versions[0].tarball.blob.0)));
        assert_eq!(dist["shasum"].as_str().map(str::len), Some(40));
        assert_eq!((&dist["fileCount"], &dist["unpackedSize"]), (&json!(3), &json!(4096)));
    }

    #[test]
    fn an_abbreviated_packument_has_what_installing_needs_and_nothing_private() {
        let package = sample();
        let short = parsed(&Renderer::new(&package, "http://h").abbreviated());
        for absent in ["readme", "_id", "_rev", "readmeFilename", "maintainers", "users"] {
            assert_eq!(short.get(absent), None, "{absent}");
        }
        assert_eq!(short["modified"], "1970-01-01T00:00:02.000Z");
        assert_eq!(short["time"]["1.0.0"], "1970-01-01T00:00:01.000Z");
        let first = &short["versions"]["1.0.0"];
        assert_eq!(first["libc"], json!(["glibc"]));
        assert_eq!(first["deprecated"], "use \"2\"\n");
        assert_eq!(short["versions"]["2.0.0"]["dist"]["tarball"], "http://h/@s/n/-/n-2.0.0.tgz");
    }

    #[test]
    fn latest_is_always_there() {
        let mut package = sample();
        package.tags.clear();
        let renderer = Renderer::new(&package, "http://h");
        assert_eq!(parsed(&renderer.tags()), json!({"latest": "2.0.0"}));
        assert_eq!(renderer.resolve("latest").map(|found| &*found.version), Some("2.0.0"));
        assert_eq!(renderer.resolve("next"), None);
        package.tags = vec![("beta".into(), "1.0.0".into())];
        let tags = parsed(&Renderer::new(&package, "http://h").tags());
        assert_eq!(tags, json!({"latest": "2.0.0", "beta": "1.0.0"}));
    }

    #[test]
    fn one_manifest_is_found_by_version_and_by_tag() {
        let package = sample();
        let renderer = Renderer::new(&package, "http://h");
        for (name, expected) in
            [("1.0.0", Some("1.0.0")), ("next", Some("1.0.0")), ("latest", Some("2.0.0")), ("3.0.0", None), ("x", None)]
        {
            let found = renderer.resolve(name).map(|version| parsed(&renderer.manifest(version)));
            assert_eq!(found.as_ref().and_then(|manifest| manifest["version"].as_str()), expected, "{name}");
        }
    }

    #[test]
    fn a_name_that_means_something_to_javascript_is_just_a_name() {
        let mut package = sample();
        package.tags.push(("__proto__".into(), "1.0.0".into()));
        let json = Renderer::new(&package, "http://h").full();
        assert!(json.contains(r#""__proto__":"1.0.0""#));
        assert_eq!(parsed(&json)["dist-tags"]["latest"], "2.0.0");
    }
}
