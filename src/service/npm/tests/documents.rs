//! Rows 1, 2, 3, 7, 10: documents, their forms, codings and freshness.

use std::io::Read;
use std::sync::Arc;

use super::{ANN, node};
use crate::app::Change;
use crate::service::npm::testing::{Node, app, package, version};

const ABBREVIATED: &str = "Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";

fn versions(node: &mut Node, path: &str) -> Vec<String> {
    let json = node.get(path).json();
    json["versions"].as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn a_document_is_found_however_its_name_is_written_and_kept_by_the_thread() {
    let mut node = node();
    for path in ["/@s/n", "/@s%2fn", "/@s%2Fn", "/%40s%2fn", "/npm/@s%2Fn", "/open", "/npm/open/"] {
        let cold = node.get(path);
        let hot = node.get(path);
        assert_eq!((cold.status, hot.status, hot.jobs()), (200, 200, 0), "{path}");
        assert_eq!((cold.body, cold.head), (hot.body, hot.head));
    }
    assert_eq!(*node.store.loads.lock().unwrap(), 2, "one load for each package, whatever its spelling");
}

#[test]
fn the_form_is_what_accept_asks_for_and_the_type_says_which() {
    let mut node = node();
    let full = node.get("/open");
    assert_eq!(full.header("Content-Type"), Some("application/json"));
    assert!(full.json()["_rev"].as_str().is_some_and(|rev| rev.starts_with("2-")));
    let short = node.ask(&["GET /open HTTP/1.1", ABBREVIATED]);
    assert_eq!(short.header("Content-Type"), Some("application/vnd.npm.install-v1+json"));
    assert_eq!((short.json().get("_rev"), short.jobs()), (None, 0));
    for response in [&full, &short] {
        assert_eq!(response.header("Vary"), Some("Accept, Accept-Encoding"));
        assert_eq!(response.header("Cache-Control"), Some("public, no-cache"));
        assert_eq!(response.header("Content-Length"), Some(&*response.body.len().to_string()));
    }
    assert_ne!(full.header("ETag"), short.header("ETag"));
}

#[test]
fn gzip_is_another_representation_of_the_same_document() {
    let mut node = node();
    let plain = node.get("/open");
    let packed = node.ask(&["GET /open HTTP/1.1", "Accept-Encoding: gzip, deflate, br"]);
    assert_eq!((plain.header("Content-Encoding"), packed.header("Content-Encoding")), (None, Some("gzip")));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert_ne!(plain.header("ETag"), packed.header("ETag"));
    let refused = node.ask(&["GET /open HTTP/1.1", "Accept-Encoding: identity;q=0, gzip;q=0"]);
    assert_eq!(refused.status, 406);
}

#[test]
fn who_has_the_representation_is_told_so_and_nothing_else() {
    let mut node = node();
    let full = node.get("/open");
    let etag = full.header("ETag").unwrap().to_owned();
    let modified = full.header("Last-Modified").unwrap().to_owned();
    for condition in [
        format!("If-None-Match: {etag}"),
        format!("If-None-Match: \"x\", W/{etag}"),
        "If-None-Match: *".into(),
        format!("If-Modified-Since: {modified}"),
    ] {
        let response = node.ask(&["GET /open HTTP/1.1", &condition]);
        assert_eq!((response.status, response.body.len(), response.jobs()), (304, 0, 0), "{condition}");
        for name in ["ETag", "Last-Modified", "Vary", "Cache-Control"] {
            assert_eq!(response.header(name), full.header(name), "{condition} {name}");
        }
        assert_eq!(response.header("Content-Encoding"), None);
    }
    for condition in [
        "If-None-Match: \"other\"".to_owned(),
        "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT".into(),
        "If-Modified-Since: yesterday".into(),
        format!("If-None-Match: \"other\"\r\nIf-Modified-Since: {modified}"),
        format!("{ABBREVIATED}\r\nIf-None-Match: {etag}"),
    ] {
        assert_eq!(node.ask(&["GET /open HTTP/1.1", &condition]).status, 200, "{condition}");
    }
}

#[test]
fn whoever_takes_it_for_something_else_is_told_so() {
    let mut node = node();
    let full = node.get("/open");
    let (etag, modified) = (full.header("ETag").unwrap().to_owned(), full.header("Last-Modified").unwrap().to_owned());
    let known = format!("If-None-Match: {etag}");
    for (conditions, status) in [
        (&[format!("If-Match: {etag}")][..], 200),
        (&["If-Match: *".into()], 200),
        (&["If-Match: \"other\"".into()], 412),
        (&[format!("If-Match: W/{etag}")], 412),
        (&["If-Match: \"other\"".into(), known.clone()], 412),
        (&[format!("If-Match: {etag}"), known], 304),
        (&[format!("If-Unmodified-Since: {modified}")], 200),
        (&["If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT".into()], 412),
        (&["If-Unmodified-Since: yesterday".into()], 200),
        (&["If-None-Match: \"x\"".into(), format!("If-None-Match: {etag}")], 304),
        (&[format!("If-Modified-Since: {modified}"), format!("If-Modified-Since: {modified}")], 200),
    ] {
        let lines: Vec<&str> =
            ["GET /open HTTP/1.1"].into_iter().chain(conditions.iter().map(|line| &**line)).collect();
        let response = node.ask(&lines);
        assert_eq!((response.status, response.jobs()), (status, 0), "{conditions:?}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let mut node = node();
    for path in ["/open", "/open/1.0.0", "/open/-/open-1.0.0.tgz", "/-/package/open/dist-tags"] {
        let get = node.get(path);
        let head = node.ask(&[&format!("HEAD {path} HTTP/1.1")]);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.head, get.head, "{path}");
    }
}

#[test]
fn what_not_everybody_may_read_is_private() {
    let mut node = node();
    let response = node.ask(&["GET /@team%2ft HTTP/1.1", ANN]);
    assert_eq!((response.status, response.header("Cache-Control")), (200, Some("private, no-cache")));
    let response = node.ask(&["GET /@team/t/-/t-1.0.0.tgz HTTP/1.1", ANN]);
    assert_eq!(response.header("Cache-Control"), Some("private, max-age=31536000, immutable"));
}

#[test]
fn what_is_not_there_is_a_json_404_that_no_cache_keeps() {
    let mut node = node();
    for path in
        ["/nothing", "/@s/nothing", "/nothing/1.0.0", "/open/9.9.9", "/open/nosuchtag", "/nothing/-/nothing-1.0.0.tgz"]
    {
        let response = node.get(path);
        assert_eq!((response.status, response.json()["error"].as_str()), (404, Some("not found")), "{path}");
        assert_eq!(response.header("Cache-Control"), Some("no-store"), "{path}");
    }
}

#[test]
fn odd_names_are_names_and_bad_names_are_400() {
    let mut node = node();
    for name in ["JSONStream-x", "-x", "@scope/_x", "@con/x", "nul.js", "aux"] {
        node.store.put(package(name, vec![version("1.0.0", 1)]));
        assert_eq!(node.get(&format!("/{name}")).status, 200, "{name}");
    }
    for name in ["_x", "x@y", "@s%252fn", "..%2fx", "%00", "a%20b", "%ff", &"a".repeat(215)] {
        let response = node.get(&format!("/{name}"));
        assert_eq!(response.status, 400, "{name}");
        assert!(response.json()["error"].as_str().is_some_and(|error| error.contains("package name")), "{name}");
    }
    assert_eq!(node.get("/@x").status, 400);
}

#[test]
fn a_change_is_seen_at_once_on_every_thread() {
    let mut node = node();
    assert_eq!(versions(&mut node, "/open"), ["1.0.0", "2.0.0"]);
    let mut other = app(&node.shared);
    std::mem::swap(&mut node.app, &mut other);
    assert_eq!(versions(&mut node, "/open"), ["1.0.0", "2.0.0"], "the other thread keeps it as well");
    let tagged = node.send(&["PUT /-/package/open/dist-tags/next HTTP/1.1", ANN], b"\"1.0.0\"");
    assert_eq!(tagged.status, 201);
    assert_eq!(node.get("/open").json()["dist-tags"]["next"], "1.0.0");
    assert_eq!(node.changes, [Change::Package("open".into())]);
    other.on_change(&node.changes[0]);
    std::mem::swap(&mut node.app, &mut other);
    assert_eq!(node.get("/open").json()["dist-tags"]["next"], "1.0.0");
}

#[test]
fn a_document_that_a_change_overtakes_answers_once_and_is_not_kept() {
    let mut node = node();
    let name: Arc<str> = "open".into();
    let shared = Arc::clone(&node.shared);
    let overtaken = node.send_and(&["GET /open HTTP/1.1"], b"", |store, app| {
        // The job has loaded revision 2; now revision 3 is made durable and announced.
        store.add_version("open", version("3.0.0", 0));
        shared.renderings.forget(&name);
        app.on_change(&Change::Package(Arc::clone(&name)));
    });
    assert_eq!(overtaken.json()["versions"].as_object().map(|all| all.len()), Some(2));
    let next = node.get("/open");
    assert_eq!((next.json()["versions"].as_object().map(|all| all.len()), next.jobs()), (Some(3), 1));
    assert_eq!(node.get("/open").jobs(), 0);
}

#[test]
fn a_tarball_that_a_change_overtakes_is_not_kept() {
    let mut node = node();
    let path = "GET /open/-/open-1.0.0.tgz HTTP/1.1";
    node.send_and(&[path], b"", |_, app| app.on_change(&Change::Package("open".into())));
    assert_eq!(node.ask(&[path]).jobs(), 1);
    assert_eq!(node.ask(&[path]).jobs(), 0);
    node.app.on_change(&Change::Everything);
    assert_eq!(node.ask(&[path]).jobs(), 1);
}

#[test]
fn before_a_write_the_store_is_asked_and_nothing_is_kept() {
    let mut node = node();
    node.get("/open");
    node.store.add_version("open", version("3.0.0", 0));
    assert_eq!(versions(&mut node, "/open").len(), 2, "nobody announced it");
    let before =
        node.ask(&["GET /open?write=true HTTP/1.1", ABBREVIATED, "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"]);
    let json = before.json();
    assert_eq!((before.status, before.header("Cache-Control")), (200, Some("no-store")));
    assert_eq!((json["_id"].as_str(), json["versions"].as_object().map(|all| all.len())), (Some("open"), Some(3)));
    assert!(json["_rev"].as_str().is_some_and(|rev| rev.starts_with("3-")));
    assert_eq!(node.get("/open?write=false").jobs(), 0);
}

#[test]
fn one_manifest_is_found_by_version_and_by_tag() {
    let mut node = node();
    for (path, expected) in
        [("/open/1.0.0", "1.0.0"), ("/open/latest", "2.0.0"), ("/@s%2fn/latest", "2.0.0"), ("/@s/n/1.0.0", "1.0.0")]
    {
        let response = node.get(path);
        assert_eq!((response.status, response.json()["version"].as_str()), (200, Some(expected)), "{path}");
        let etag = format!("If-None-Match: {}", response.header("ETag").unwrap());
        assert_eq!(node.ask(&[&format!("GET {path} HTTP/1.1"), &etag]).status, 304);
    }
    assert!(node.get("/@s/n/1.0.0").json()["dist"]["tarball"] == "https://reg.example/npm/@s/n/-/n-1.0.0.tgz");
    assert_eq!(node.get("/open/%ff").status, 400);
    assert_eq!(node.get("/open/%2e%2e%2f1.0.0").status, 404);
}

#[test]
fn tags_are_listed_and_latest_is_among_them() {
    let mut node = node();
    let mut untagged = package("untagged", vec![version("1.0.0", 1)]);
    untagged.tags.clear();
    node.store.put(untagged);
    for (path, expected) in [
        ("/-/package/open/dist-tags", r#"{"latest":"2.0.0"}"#),
        ("/-/package/@s%2fn/dist-tags", r#"{"latest":"2.0.0"}"#),
        ("/-/package/@s/n/dist-tags", r#"{"latest":"2.0.0"}"#),
        ("/-/package/untagged/dist-tags", r#"{"latest":"1.0.0"}"#),
    ] {
        assert_eq!(node.get(path).body, expected.as_bytes(), "{path}");
    }
    assert_eq!(node.get("/-/package/nothing/dist-tags").status, 404);
}

#[test]
fn a_store_that_fails_is_told_without_its_secrets() {
    let mut node = node();
    for (full, status) in [(false, 500), (true, 507)] {
        *node.store.broken.lock().unwrap() = Some(full);
        for path in
            ["/open", "/open/1.0.0", "/open/-/open-1.0.0.tgz", "/-/v1/search?text=a", "/-/user/org.couchdb.user:ann"]
        {
            let response = node.get(path);
            assert_eq!(response.status, status, "{path}");
            assert!(!String::from_utf8_lossy(&response.body).contains("secret detail"));
        }
    }
    *node.store.broken.lock().unwrap() = None;
    assert_eq!(node.get("/open").status, 200);
}
