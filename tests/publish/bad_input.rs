//! Bad input by name: each is refused with its status, nothing of it is kept, others are served
//! during it.

use std::io::Write;

use serde_json::{Value, json};

use super::Registry;
use super::support::{Package, Response};

/// Publishes what `spoil` makes of a good document; the answer, with proof that others were served.
fn publish_spoilt(spoil: impl FnOnce(&mut Value)) -> Response {
    let mut document = Package::new("bad", "1.0.0").document();
    spoil(&mut document);
    publish_bytes("/bad", &serde_json::to_vec(&document).expect("a JSON value"))
}

/// Publishes bytes; nothing of a refused publish may be visible.
fn publish_bytes(path: &str, body: &[u8]) -> Response {
    let registry = Registry::start(1);
    let mut answer = None;
    registry.serves_during(|| answer = Some(registry.put(path, body)));
    let answer = answer.expect("the work ran");
    if answer.status >= 400 {
        assert!(answer.json()["error"].is_string(), "{}", answer.text());
        assert_eq!(registry.node.get("/bad").status, 404);
        let blobs = registry.node.data().path().join("tmp");
        assert_eq!(std::fs::read_dir(blobs).expect("the store made it").count(), 0, "no temporary file stays");
    }
    answer
}

fn publish_tarball(tarball: &[u8]) -> Response {
    let package = Package::new("bad", "1.0.0");
    publish_bytes("/bad", &serde_json::to_vec(&package.document_of(tarball)).expect("a JSON value"))
}

fn attachment(document: &mut Value) -> &mut Value {
    document["_attachments"].as_object_mut().expect("an object").values_mut().next().expect("one attachment")
}

#[test]
fn names_that_climb_or_lie_are_400() {
    let registry = Registry::start(1);
    let long = format!("/{}", "a".repeat(215));
    let names = [
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e",
        "/a%00b",
        "/a%5cb",
        "/@s%252fn",
        "/@s%2f..",
        "/@s%2fa%2fb",
        "/_x",
        "/@x",
        "/x@y",
        "/.x",
        "/node_modules",
        "/favicon.ico",
        "/__proto__",
        "/constructor",
        "/a%20b",
        "/%ff",
        "/a%zz",
        &long,
    ];
    for name in names {
        let body = Package::new("bad", "1.0.0").body();
        assert_eq!(registry.put(name, &body).status, 400, "PUT {name}");
        assert_eq!(registry.node.get(name).status, 400, "GET {name}");
    }
    assert_eq!(registry.node.get(&format!("/{}", "a".repeat(214))).status, 404, "214 bytes are a legal name");
    assert_eq!(registry.node.get("/-/ping").status, 200);
}

#[test]
fn odd_names_that_npm_knows_are_good() {
    let registry = Registry::start(1);
    for name in ["JSONStream-x", "-x", "@scope/_x", "@con/x", "nul.js", "aux"] {
        let package = Package::new(name, "1.0.0");
        assert_eq!(registry.publish(&package).status, 201, "{name}");
        assert_eq!(registry.node.get(&package.tarball_path()).status, 200, "{name}");
        assert_eq!(registry.node.get(&package.path()).json()["name"], *name);
    }
}

#[test]
fn file_names_that_climb_are_404_or_400() {
    let registry = Registry::start(1);
    assert_eq!(registry.publish(&Package::new("good", "1.0.0")).status, 201);
    let files = [
        "..%2f..%2flattice.db",
        "%2e%2e%2f%2e%2e%2flattice.db",
        "../../lattice.db",
        "good-1.0.0.tgz%00",
        "good-1.0.1.tgz",
        "other-1.0.0.tgz",
        "..%252f..%252flattice.db",
        "good-1.0.0.tgz/../../x",
    ];
    for file in files {
        let response = registry.node.get(&format!("/good/-/{file}"));
        assert!([400, 404].contains(&response.status), "{file}: {}", response.status);
        assert!(response.json()["error"].is_string(), "{file}");
    }
}

#[test]
fn an_attachment_key_is_never_a_path() {
    let package = Package::new("bad", "1.0.0");
    let mut document = package.document();
    let data = attachment(&mut document).take();
    document["_attachments"] = json!({ "../../../../tmp/evil-1.0.0.tgz": data });
    let answer = publish_bytes("/good", &serde_json::to_vec(&document).expect("a JSON value"));
    assert_eq!(answer.status, 400, "the name in the URL is another: {}", answer.text());
    assert!(!std::path::Path::new("/tmp/evil-1.0.0.tgz").exists());
}

#[test]
fn reserved_keys_in_versions_and_tags_are_400() {
    for key in ["__proto__", "constructor", "prototype"] {
        let answer = publish_spoilt(|document| document["dist-tags"][key] = json!("1.0.0"));
        assert_eq!(answer.status, 400, "tag {key}: {}", answer.text());
        let answer = publish_spoilt(|document| {
            let manifest = document["versions"]["1.0.0"].take();
            document["versions"] = json!({ key: manifest });
        });
        assert_eq!(answer.status, 400, "version {key}: {}", answer.text());
    }
    let escaped = String::from_utf8(Package::new("bad", "1.0.0").body()).expect("JSON is text");
    let escaped = escaped.replace(r#""dist-tags":{"#, r#""dist-tags":{"\u005f_proto__":"1.0.0","#);
    assert_eq!(publish_bytes("/bad", escaped.as_bytes()).status, 400);
}

#[test]
fn a_tag_that_is_a_semver_range_is_400() {
    for tag in ["1.x", "^1.0.0", "1.0.0", "*", ">=2", "1 || 2"] {
        let answer = publish_spoilt(|document| document["dist-tags"] = json!({ tag: "1.0.0" }));
        assert_eq!(answer.status, 400, "{tag}: {}", answer.text());
    }
}

#[test]
fn json_bombs_are_400_or_413() {
    let deep = format!(r#"{{"name":"bad","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(publish_bytes("/bad", deep.as_bytes()).status, 400);
    let number = format!(r#"{{"name":"bad","x":{}}}"#, "9".repeat(100_000));
    assert_eq!(publish_bytes("/bad", number.as_bytes()).status, 400);
    // Far larger than any publish document, before an attachment is seen and after.
    let large = format!(r#"{{"name":"bad","x":"{}"}}"#, "y".repeat(65 * 1024 * 1024));
    assert_eq!(publish_bytes("/bad", large.as_bytes()).status, 413);
    for junk in ["", "null", "[]", "\"x\"", "{", "{}{}", "{\"name\":\"bad\",}", "\u{feff}{}"] {
        let answer = publish_bytes("/bad", junk.as_bytes());
        assert!([400, 411].contains(&answer.status), "{junk:?}: {}", answer.status);
    }
}

#[test]
fn base64_with_junk_is_400() {
    for data in ["%%%%", "AAA", "AAAA====", "AA=A", "AAAA AAAA", "AAAA\nAAAA", "-_-_"] {
        let answer = publish_spoilt(|document| attachment(document)["data"] = json!(data));
        assert_eq!(answer.status, 400, "{data:?}: {}", answer.text());
    }
}

#[test]
fn an_attachment_that_disagrees_with_its_length_or_hash_is_400() {
    let answer = publish_spoilt(|document| attachment(document)["length"] = json!(5));
    assert_eq!(answer.status, 400, "{}", answer.text());
    let answer = publish_spoilt(|document| {
        let wrong = format!("sha512-{}==", "A".repeat(86));
        document["versions"]["1.0.0"]["dist"]["integrity"] = json!(wrong);
    });
    assert_eq!(answer.status, 400, "{}", answer.text());
    let answer = publish_spoilt(|document| document["versions"]["1.0.0"]["dist"]["shasum"] = json!("0".repeat(40)));
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn a_document_that_disagrees_with_its_tarball_is_400() {
    let spoils: [(&str, Value); 5] = [
        ("name", json!("other")),
        ("version", json!("2.0.0")),
        ("dependencies", json!({ "evil": "1.0.0" })),
        ("bin", json!({ "bad": "evil.js" })),
        ("scripts", json!({ "postinstall": "evil" })),
    ];
    for (field, value) in spoils {
        let answer = publish_spoilt(|document| document["versions"]["1.0.0"][field] = value);
        assert_eq!(answer.status, 400, "{field}: {}", answer.text());
        assert!(answer.text().contains(field), "it names the field: {}", answer.text());
    }
}

#[test]
fn tarballs_that_climb_link_or_lie_are_400() {
    assert_eq!(publish_tarball(b"no gzip").status, 400);
    assert_eq!(
        publish_tarball(&gzip(b"no tar at all, but long enough to be read as something else entirely")).status,
        400
    );
    assert_eq!(publish_tarball(&tarball_with("package/../../evil", tar::EntryType::Regular, None)).status, 400);
    assert_eq!(publish_tarball(&tarball_with("/etc/evil", tar::EntryType::Regular, None)).status, 400);
    assert_eq!(publish_tarball(&tarball_with("package/l", tar::EntryType::Symlink, Some("../../../etc"))).status, 400);
    assert_eq!(publish_tarball(&tarball_with("package/l", tar::EntryType::Link, Some("/etc/passwd"))).status, 400);
    assert_eq!(publish_tarball(&tarball_with("package/pipe", tar::EntryType::Fifo, None)).status, 400);
    assert_eq!(publish_tarball(&tarball_with("package/disk", tar::EntryType::Block, None)).status, 400);
    assert_eq!(publish_tarball(&tarball_with("package/package.json", tar::EntryType::Regular, None)).status, 400);
}

#[test]
fn a_gzip_bomb_in_a_tarball_is_400() {
    // Some 300 MiB of zeros in 300 KiB.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut header = tar::Header::new_gnu();
    header.set_size(300 * 1024 * 1024);
    header.set_path("package/zeros").expect("a short path");
    header.set_cksum();
    gzip.write_all(header.as_bytes()).expect("memory");
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..300 {
        gzip.write_all(&zeros).expect("memory");
    }
    let bomb = gzip.finish().expect("memory");
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(publish_tarball(&bomb).status, 400);
}

#[test]
fn a_gzipped_body_is_415() {
    let registry = Registry::start(1);
    let body = gzip(&Package::new("bad", "1.0.0").body());
    let authorization = format!("Bearer {}", registry.token);
    let headers = [("Authorization", authorization.as_str()), ("Content-Encoding", "gzip")];
    let answer = registry.node.http("PUT", "/bad", &headers, &body);
    assert_eq!(answer.status, 415, "{}", answer.text());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

/// A good package.json and one more entry; its path is written as it is, whatever a library thinks.
fn tarball_with(path: &str, kind: tar::EntryType, link: Option<&str>) -> Vec<u8> {
    let manifest = serde_json::to_vec(&Package::new("bad", "1.0.0").manifest).expect("a JSON value");
    let mut bytes = Vec::new();
    push_entry(&mut bytes, "package/package.json", tar::EntryType::Regular, None, &manifest);
    push_entry(&mut bytes, path, kind, link, b"");
    bytes.resize(bytes.len() + 1024, 0);
    gzip(&bytes)
}

fn push_entry(bytes: &mut Vec<u8>, path: &str, kind: tar::EntryType, link: Option<&str>, data: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    if let Some(link) = link {
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    }
    header.set_entry_type(kind);
    header.set_size(data.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
}
