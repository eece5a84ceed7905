//! Whole bodies through a receiver, in pieces, into a store in memory.

use serde_json::{Value, json};

use super::fake::Fake;
use super::*;
use crate::app::Change;
use crate::service::npm::archive::tests::Pack;

const TARBALL_BYTES: u64 = 1024 * 1024;

fn receiver(store: &Arc<Fake>, name: &str) -> Receiver {
    Receiver::new(Context {
        name: PackageName::parse(name).unwrap(),
        actor: Actor { user: "me".into(), must_maintain: true },
        user_email: "me@example.org".into(),
        blobs: Arc::clone(store) as Arc<dyn Blobs>,
        packages: Arc::clone(store) as Arc<dyn Packages>,
        tarball_bytes: TARBALL_BYTES,
        metadata: Box::new(|metadata| Outcome::value(Answer::json(299, String::from_utf8(metadata.json).unwrap()))),
    })
}

/// Sends a body in pieces; the answer, and what changed.
fn send(store: &Arc<Fake>, name: &str, body: &[u8], piece: usize) -> (Answer, Vec<Change>) {
    let mut receiver = Box::new(receiver(store, name));
    let mut outcome = None;
    for bytes in body.chunks(piece) {
        if let ControlFlow::Break(early) = receiver.write(bytes) {
            outcome = Some(early);
            break;
        }
    }
    let outcome = outcome.unwrap_or_else(|| receiver.finish());
    (*outcome.value.downcast::<Answer>().expect("always an answer"), outcome.changes)
}

fn tarball() -> Vec<u8> {
    let manifest = json!({"name": "@s/n", "version": "1.0.0", "dependencies": {"a": "1"}, "scripts": {"test": "x"}});
    Pack::default()
        .file("package/package.json", manifest.to_string().as_bytes())
        .file("package/README.md", b"# n")
        .tgz()
}

fn document_of(tgz: &[u8]) -> Value {
    json!({
        "_id": "@s/n", "name": "@s/n", "dist-tags": {"latest": "1.0.0"}, "access": null,
        "versions": {"1.0.0": {"name": "@s/n", "version": "1.0.0", "_id": "@s/n@1.0.0", "dependencies": {"a": "1"}, "scripts": {"test": "x"}}},
        "_attachments": {"@s/n-1.0.0.tgz": {"content_type": "application/octet-stream", "data": STANDARD.encode(tgz), "length": tgz.len()}}
    })
}

/// The status and error that a changed document gets; nothing may be left of it.
fn refused(change: impl FnOnce(&mut Value)) -> (u16, String) {
    let mut document = document_of(&tarball());
    change(&mut document);
    refused_body(document.to_string().as_bytes())
}

fn refused_body(body: &[u8]) -> (u16, String) {
    let store = Arc::new(Fake::default());
    let (answer, changes) = send(&store, "@s/n", body, 1000);
    assert_eq!(changes, []);
    assert_eq!(store.kept.lock().unwrap().len(), 0);
    let error: Value = serde_json::from_str(&answer.json).unwrap();
    (answer.status, error["error"].as_str().unwrap().to_string())
}

#[track_caller]
fn assert_refused(got: (u16, String), status: u16, part: &str) {
    assert_eq!(got.0, status, "{}", got.1);
    assert!(got.1.contains(part), "{:?} in {:?}", part, got.1);
}

#[test]
fn a_version_is_published_however_its_body_is_cut() {
    let tgz = tarball();
    let body = document_of(&tgz).to_string();
    for piece in [1, 2, 3, 7, 100, body.len() - 1, body.len()] {
        let store = Arc::new(Fake::default());
        let (answer, changes) = send(&store, "@s/n", body.as_bytes(), piece);
        assert_eq!((answer, changes), (Answer::ok(201), vec![Change::Package("@s/n".into())]), "pieces of {piece}");
        let kept = store.kept.lock().unwrap().pop().unwrap();
        assert_eq!((kept.name.as_str(), kept.version.as_str(), kept.bytes), ("@s/n", "1.0.0", tgz.clone()));
        assert_eq!((kept.tags, kept.files, kept.readme.unwrap().text.as_str()), (vec!["latest".to_string()], 2, "# n"));
        assert!(kept.manifest.contains(r#""_npmUser":{"name":"me","email":"me@example.org"}"#));
        assert!(!kept.abbreviated.contains("scripts"));
    }
}

#[test]
fn the_same_bytes_again_are_no_error_and_other_bytes_are() {
    let store = Arc::new(Fake::default());
    let body = document_of(&tarball()).to_string();
    assert_eq!(send(&store, "@s/n", body.as_bytes(), 100).0.status, 201);
    assert_eq!(send(&store, "@s/n", body.as_bytes(), 100), (Answer::ok(200), vec![]));
    let other = Pack::default().file("package/package.json", br#"{"name":"@s/n","version":"1.0.0"}"#).tgz();
    let mut document = document_of(&other);
    document["versions"]["1.0.0"] = json!({"name": "@s/n", "version": "1.0.0"});
    let (answer, changes) = send(&store, "@s/n", document.to_string().as_bytes(), 100);
    assert_eq!((answer.status, changes), (409, vec![]));
    assert!(answer.json.contains("publish a new version"));
}

#[test]
fn what_the_store_decides_is_told() {
    let body = document_of(&tarball()).to_string();
    let full = StoreError { full: true, message: "full".into() };
    for (said, status, part) in [
        (Ok(Written::Tombstone), 409, "was unpublished"),
        (Ok(Written::NotMaintainer), 403, "npm owner add me @s/n"),
        (Ok(Written::Refused("because")), 400, "because"),
        (Ok(Written::Stale { revision: 1 }), 409, "publish again"),
        (Err(full), 507, "disk is full"),
    ] {
        let store = Arc::new(Fake::default());
        *store.says.lock().unwrap() = Some(said);
        let (answer, changes) = send(&store, "@s/n", body.as_bytes(), 100);
        assert_eq!(answer.status, status);
        // What a write that failed has left is not known, so nobody may go on with what is kept.
        let expected = if status == 507 { vec![Change::Package("@s/n".into())] } else { vec![] };
        assert_eq!(changes, expected, "{status}");
        assert!(answer.json.contains(part), "{}", answer.json);
    }
    let store = Arc::new(Fake { full: true, ..Fake::default() });
    assert_eq!(send(&store, "@s/n", body.as_bytes(), 100).0.status, 507);
}

#[test]
fn a_body_without_attachments_is_somebody_elses() {
    for body in
        [r#"{"_id":"@s/n","versions":{"1.0.0":{"deprecated":"x"}},"_attachments":{}}"#, r#"{"users":{"me":true}}"#]
    {
        let store = Arc::new(Fake::default());
        assert_eq!(send(&store, "@s/n", body.as_bytes(), 3).0, Answer::json(299, body));
        assert_eq!(*store.staged.lock().unwrap(), 0);
    }
}

#[test]
fn a_tarball_may_be_as_large_as_the_setting_says() {
    let body = |bytes: usize| document_of(&vec![0; bytes]).to_string();
    for bytes in [TARBALL_BYTES - 1, TARBALL_BYTES] {
        assert_refused(refused_body(body(bytes as usize).as_bytes()), 400, "not a gzipped tarball");
    }
    let (status, error) = refused_body(body(TARBALL_BYTES as usize + 1).as_bytes());
    assert_eq!(status, 413);
    assert!(error.contains("1048576"), "{error}");
    let store = Arc::new(Fake::default());
    let (answer, _) = send(&store, "@s/n", body(TARBALL_BYTES as usize + 1).as_bytes(), 4096);
    assert!(answer.json.contains("tarball_bytes under [npm]"));
}

#[test]
fn an_attachment_that_disagrees_with_its_length_is_refused() {
    let key = "@s/n-1.0.0.tgz";
    for length in [json!(1), json!(-1), json!("9"), json!(null), json!(1.5)] {
        assert_refused(refused(|document| document["_attachments"][key]["length"] = length.clone()), 400, "length");
    }
}

#[test]
fn an_attachment_that_disagrees_with_its_hash_is_refused() {
    let wrong = format!("sha512-{}", STANDARD.encode([7; 64]));
    for (dist, part) in [
        (json!({"integrity": wrong}), "dist.integrity (sha512)"),
        (json!({"integrity": "sha512-"}), "dist.integrity (sha512)"),
        (json!({"integrity": "sha1-AAAA"}), "dist.integrity (sha1)"),
        (json!({"integrity": 1}), "dist.integrity must be a string"),
        (json!({"shasum": "0".repeat(40)}), "dist.shasum"),
        (json!({"shasum": "short"}), "dist.shasum"),
    ] {
        assert_refused(refused(|document| document["versions"]["1.0.0"]["dist"] = dist), 400, part);
    }
    let store = Arc::new(Fake::default());
    let tgz = tarball();
    let mut document = document_of(&tgz);
    let sha512 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &tgz);
    let integrity = format!("sha256-ignored sha512-{}?x", STANDARD.encode(sha512));
    document["versions"]["1.0.0"]["dist"] = json!({"integrity": integrity, "shasum": null, "tarball": "http://evil/"});
    assert_eq!(send(&store, "@s/n", document.to_string().as_bytes(), 100).0.status, 201);
}

#[test]
fn names_must_be_the_same_everywhere() {
    assert_refused(refused(|document| document["name"] = json!("@s/other")), 400, "URL names the package @s/n");
    assert_refused(refused(|document| document["name"] = json!(null)), 400, "name is null");
    assert_refused(refused(|document| document["_id"] = json!("other")), 400, "_id");
    assert_refused(refused(|document| document["versions"]["1.0.0"]["name"] = json!("n")), 400, "the manifest's name");
    assert_refused(refused(|document| document["versions"]["1.0.0"]["_id"] = json!("@s/n@2.0.0")), 400, "_id");
    let other = Pack::default().file("package/package.json", br#"{"name":"@s/other","version":"1.0.0"}"#).tgz();
    assert_refused(refused_body(document_of(&other).to_string().as_bytes()), 400, "disagree on name");
}

#[test]
fn an_attachment_key_that_is_a_path_or_another_file_is_refused() {
    for key in [
        "../n-1.0.0.tgz",
        "@s/../n-1.0.0.tgz",
        "n-1.0.1.tgz",
        "n-1.0.0.tgz\0",
        "n\0-1.0.0.tgz",
        "/n-1.0.0.tgz",
        "n-1.0.0.zip",
        "",
        "\\n-1.0.0.tgz",
    ] {
        let renamed = refused(|document| {
            let attachment = document["_attachments"]["@s/n-1.0.0.tgz"].clone();
            document["_attachments"] = json!({ key: attachment });
        });
        assert_refused(renamed, 400, "the attachment is named");
    }
    for key in ["n-1.0.0.tgz", "@s/n-v1.0.0.tgz", "@s/n-1.0.0+build.tgz"] {
        let store = Arc::new(Fake::default());
        let mut document = document_of(&tarball());
        let attachment = document["_attachments"]["@s/n-1.0.0.tgz"].clone();
        document["_attachments"] = json!({ key: attachment });
        assert_eq!(send(&store, "@s/n", document.to_string().as_bytes(), 100).0.status, 201, "{key}");
    }
}

#[test]
fn a_publish_has_exactly_one_version_that_is_one() {
    assert_refused(refused(|document| document["versions"]["2.0.0"] = json!({})), 400, "has 2");
    assert_refused(refused(|document| document["versions"] = json!({})), 400, "has 0");
    assert_refused(refused(|document| document["versions"] = json!([])), 400, "has 0");
    assert_refused(refused(|document| document["versions"] = json!({"1.0.0": []})), 400, "not a JSON object");
    for version in ["1.0", "v1.0.0", "1.0.0+build", "latest", "1.0.0 ", "../1.0.0", "\0", ""] {
        assert_refused(refused(|document| document["versions"] = json!({ version: {} })), 400, "invalid version");
    }
    assert_refused(
        refused(|document| document["versions"]["1.0.0"]["version"] = json!("1.0.1")),
        400,
        "says its version",
    );
}

#[test]
fn a_tag_that_is_a_semver_range_or_names_another_version_is_refused() {
    for tag in ["1.0.0", "^1", "v2", "x", ">=1"] {
        assert_refused(
            refused(|document| document["dist-tags"] = json!({ tag: "1.0.0" })),
            400,
            "a tag may not be a version",
        );
    }
    assert_refused(refused(|document| document["dist-tags"] = json!({"a b": "1.0.0"})), 400, "invalid tag");
    assert_refused(refused(|document| document["dist-tags"]["next"] = json!("2.0.0")), 400, "must name the version");
    assert_refused(refused(|document| document["dist-tags"]["next"] = json!(1)), 400, "must name the version");
    assert_refused(refused(|document| document["dist-tags"] = json!([])), 400, "dist-tags is not");
}

#[test]
fn proto_keys_in_versions_or_tags_are_refused() {
    for place in ["versions", "dist-tags"] {
        for key in ["__proto__", "\\u005f\\u005fproto__", "constructor", "prototype"] {
            let body = format!(r#"{{"{place}":{{"{key}":{{}}}}}}"#);
            assert_refused(refused_body(body.as_bytes()), 400, "__proto__");
        }
    }
    let text = document_of(&tarball()).to_string().replacen("\"scripts\"", "\"x\":{\"__proto__\":1},\"scripts\"", 1);
    assert_refused(refused_body(text.as_bytes()), 400, "__proto__");
}

#[test]
fn bombs_and_junk_in_a_body_are_refused_early() {
    assert_refused(refused_body("[".repeat(10_000).as_bytes()), 400, "not a JSON object");
    assert_refused(refused_body(format!("{{\"a\":{}", "[".repeat(10_000)).as_bytes()), 400, "64 levels");
    assert_refused(refused_body(format!("{{\"a\":{}", "1".repeat(10_000)).as_bytes()), 400, "64 bytes");
    assert_refused(refused_body(b"{\"a\":\"\xff\"}"), 400, "UTF-8");
    assert_refused(refused_body(b"{\"a\":1}{"), 400, "not valid JSON");
    assert_refused(refused_body(b"{\"_attachments\":{\"@s/n-1.0.0.tgz\":{\"data\":\"AA AA\"}}}"), 400, "base64");
    assert_refused(refused_body(b"{\"a\":1"), 400, "ends too early");
    for odd in ["1e999", r#""\ud800""#] {
        let text = document_of(&tarball()).to_string().replacen("null", odd, 1);
        assert_refused(refused_body(text.as_bytes()), 400, "cannot be read");
    }
}

#[test]
fn an_attachment_that_is_no_safe_tarball_is_refused() {
    let with = |tgz: &[u8]| refused_body(document_of(tgz).to_string().as_bytes());
    assert_refused(with(b""), 400, "the attachment is empty");
    assert_refused(with(b"hello"), 400, "not a gzipped tarball");
    assert_refused(with(&Pack::default().file("package/../x", b"").tgz()), 400, "contains ..");
    assert_refused(with(&Pack::default().file("package/zeros", &vec![0; 20 << 20]).tgz()), 400, "unfolds to too much");
    assert_refused(with(&Pack::default().file("package/package.json", b"[]").tgz()), 400, "not a JSON object");
    let evil =
        br#"{"name":"@s/n","version":"1.0.0","dependencies":{"a":"1"},"scripts":{"test":"x","postinstall":"evil"}}"#;
    assert_refused(with(&Pack::default().file("package/package.json", evil).tgz()), 400, "scripts[\"postinstall\"]");
}

#[test]
fn provenance_is_refused_with_a_way_out() {
    let answer = refused(|document| document["_attachments"]["@s/n-1.0.0.sigstore"] = json!({"data": "{}"}));
    assert_refused(answer, 501, "without --provenance");
}

/// What clients sent for the two packages whose `package.json` is in each of these tarballs; how
/// they were recorded is in `tests/fixtures/publish/README.md`.
const REAL: [(&str, &str, &[u8]); 12] = [
    ("npm 10", "@scope/odd", include_bytes!("../../../../tests/fixtures/publish/npm10-odd.json")),
    ("npm 11", "@scope/odd", include_bytes!("../../../../tests/fixtures/publish/npm11-odd.json")),
    ("pnpm 10", "@scope/odd", include_bytes!("../../../../tests/fixtures/publish/pnpm10-odd.json")),
    ("yarn 1", "@scope/odd", include_bytes!("../../../../tests/fixtures/publish/yarn1-odd.json")),
    ("yarn 4", "@scope/odd", include_bytes!("../../../../tests/fixtures/publish/yarn4-odd.json")),
    ("bun", "@scope/odd", include_bytes!("../../../../tests/fixtures/publish/bun-odd.json")),
    ("npm 10", "gyp", include_bytes!("../../../../tests/fixtures/publish/npm10-gyp.json")),
    ("npm 11", "gyp", include_bytes!("../../../../tests/fixtures/publish/npm11-gyp.json")),
    ("pnpm 10", "gyp", include_bytes!("../../../../tests/fixtures/publish/pnpm10-gyp.json")),
    ("yarn 1", "gyp", include_bytes!("../../../../tests/fixtures/publish/yarn1-gyp.json")),
    ("yarn 4", "gyp", include_bytes!("../../../../tests/fixtures/publish/yarn4-gyp.json")),
    ("bun", "gyp", include_bytes!("../../../../tests/fixtures/publish/bun-gyp.json")),
];

#[test]
fn what_real_clients_sent_is_published() {
    for (client, name, body) in REAL {
        let store = Arc::new(Fake::default());
        assert_eq!(send(&store, name, body, 1000).0, Answer::ok(201), "{client}, {name}");
        let kept = store.kept.lock().unwrap().pop().unwrap();
        let manifest: Value = serde_json::from_str(&kept.manifest).unwrap();
        let abbreviated: Value = serde_json::from_str(&kept.abbreviated).unwrap();
        assert_eq!(kept.tags, ["beta"], "{client}");
        assert_eq!(kept.readme.as_ref().unwrap().text, "# A package for tests\n", "{client}");
        match name {
            "gyp" => {
                assert_eq!(manifest["bin"], json!({"gyp": "bin/a.js", "y": "bin/a.js"}), "{client}");
                assert_eq!(manifest["scripts"], json!({"install": "node-gyp rebuild"}), "{client}");
                assert_eq!(abbreviated["hasInstallScript"], json!(true), "{client}");
            }
            _ => {
                assert_eq!(kept.version, "1.2.3", "{client}");
                assert_eq!(manifest["bin"], json!({"odd": "bin/a.js"}), "{client}");
                assert_eq!(manifest["scripts"], json!({"empty": "", "lint": "b", "test": "a -p ."}), "{client}");
                assert_eq!(abbreviated["libc"], json!(["glibc"]), "{client}");
                assert_eq!(abbreviated["peerDependenciesMeta"], json!({"p": {"optional": true}}), "{client}");
            }
        }
    }
}
