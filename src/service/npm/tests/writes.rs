//! Rows 6, 8, 9, 11 to 13: one URL, four meanings; tags; the steps of an unpublish.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{ANN, BOB, node};
use crate::app::Change;
use crate::service::npm::archive::tests::Pack;
use crate::service::npm::testing::{Node, Response, version};

fn put(node: &mut Node, path: &str, who: &str, json: &str) -> Response {
    node.send(&[&format!("PUT {path} HTTP/1.1"), who, "Content-Type: application/json"], json.as_bytes())
}

fn versions(node: &Node, name: &str) -> Vec<String> {
    node.store.get(name).versions.into_iter().map(|version| version.version).collect()
}

fn latest(node: &Node, name: &str) -> Option<String> {
    node.store.get(name).tags.into_iter().find(|(tag, _)| tag == "latest").map(|(_, version)| version)
}

/// A tarball of a package's version, and the document that publishes it.
fn publication(name: &str, version: &str) -> (Vec<u8>, String) {
    let manifest = serde_json::json!({"name": name, "version": version});
    let tgz = Pack::default().file("package/package.json", manifest.to_string().as_bytes()).tgz();
    let data = STANDARD.encode(&tgz);
    let attachment = serde_json::json!({"content_type": "application/octet-stream", "data": data, "length": tgz.len()});
    let document = serde_json::json!({
        "_id": name, "name": name, "dist-tags": {"latest": version},
        "versions": {version: manifest}, "_attachments": {format!("{name}-{version}.tgz"): attachment}
    });
    (tgz, document.to_string())
}

#[test]
fn what_was_published_is_there_at_once_byte_for_byte() {
    let mut node = node();
    assert_eq!(node.get("/@s%2fn").json()["versions"].as_object().map(|all| all.len()), Some(2));
    for (path, name) in [("/@s%2fn", "@s/n"), ("/fresh", "fresh")] {
        let (tgz, document) = publication(name, "3.0.0");
        let response = put(&mut node, path, ANN, &document);
        assert!(matches!(response.status, 200 | 201), "{response:?}");
        assert_eq!((response.streamed, node.changes.last()), (true, Some(&Change::Package(name.into()))));
        let new = node.get(path).json()["versions"]["3.0.0"].clone();
        assert_eq!(new["_npmUser"], serde_json::json!({"name": "ann", "email": "ann@example.org"}));
        let url = new["dist"]["tarball"].as_str().unwrap().to_owned();
        let tarball = node.get(url.strip_prefix("https://reg.example").unwrap());
        assert_eq!((tarball.status, tarball.body), (200, tgz), "{name}");
    }
}

#[test]
fn who_may_not_publish_is_told_so_before_the_body_is_read() {
    for (who, status) in [("bad", 401), ("ann!", 403), ("eve", 403)] {
        let mut node = node();
        let (_, document) = publication("@closed/c", "3.0.0");
        let response = put(&mut node, "/@closed%2fc", &format!("Authorization: Bearer {who}"), &document);
        assert_eq!((response.status, response.streamed, response.jobs()), (status, false, 0), "{who}");
    }
    let mut node = node();
    let (_, document) = publication("@prune/p", "3.0.0");
    let eve = put(&mut node, "/@prune%2fp", "Authorization: Bearer eve", &document);
    assert_eq!((eve.status, versions(&node, "@prune/p").len()), (403, 2), "small enough to be a star, but none");
}

#[test]
fn deprecating_applies_the_messages_and_nothing_else() {
    let mut node = node();
    let sent = r#"{"_id":"open","_rev":"2-abc","name":"open","dist-tags":{"latest":"1.0.0"},"maintainers":[],
        "versions":{"1.0.0":{"name":"evil","deprecated":"use 2"}},"users":{"ann":true},"readme":"x","_attachments":{}}"#;
    let response = put(&mut node, "/open", ANN, sent);
    assert_eq!((response.status, response.json()["ok"].as_bool()), (201, Some(true)));
    let package = node.store.get("open");
    assert_eq!(package.versions[0].deprecated.as_deref(), Some("use 2"));
    assert_eq!((package.versions.len(), package.stars.len(), package.maintainers.len()), (2, 0, 1));
    assert_eq!(latest(&node, "open").as_deref(), Some("2.0.0"));
    assert_eq!(node.changes, [Change::Package("open".into())]);
    assert_eq!(node.get("/open").json()["versions"]["1.0.0"]["deprecated"], "use 2");

    let undo = r#"{"_id":"open","versions":{"1.0.0":{"deprecated":""},"2.0.0":{},"9.0.0":{"deprecated":"x"}}}"#;
    assert_eq!(put(&mut node, "/open", ANN, undo).status, 201);
    assert_eq!(node.store.get("open").versions[0].deprecated, None);
    let revision = node.store.get("open").revision;
    let same = put(&mut node, "/open", ANN, undo);
    assert_eq!((same.status, node.changes.len()), (200, 3), "whose change it is may not be told yet");
    assert_eq!(node.store.get("open").revision, revision, "what is so already changes nothing");
}

#[test]
fn a_deprecation_of_an_old_document_is_a_conflict() {
    let mut node = node();
    for rev in ["1-abc", "3-abc"] {
        let sent = format!(r#"{{"_rev":"{rev}","versions":{{"1.0.0":{{"deprecated":"x"}}}}}}"#);
        let response = put(&mut node, "/open", ANN, &sent);
        assert_eq!((response.status, node.changes.len()), (409, 0), "{rev}");
    }
    let garbage = put(&mut node, "/open", ANN, r#"{"_rev":"x","versions":{"1.0.0":{"deprecated":"x"}}}"#);
    assert_eq!(garbage.status, 400);
    let message = "x".repeat(8193);
    let long = put(&mut node, "/open", ANN, &format!(r#"{{"versions":{{"1.0.0":{{"deprecated":"{message}"}}}}}}"#));
    assert_eq!(long.status, 400);
    let fits =
        put(&mut node, "/open", ANN, &format!(r#"{{"versions":{{"1.0.0":{{"deprecated":"{}"}}}}}}"#, &message[1..]));
    assert_eq!(fits.status, 201);
}

#[test]
fn a_star_is_ones_own_and_anybody_who_may_read_has_one() {
    let mut node = node();
    let star = r#"{"_id":"@prune/p","_rev":"2-x","users":{"eve":true,"ann":true}}"#;
    assert_eq!(put(&mut node, "/@prune%2fp", "Authorization: Bearer eve", star).status, 201);
    assert_eq!(node.store.get("@prune/p").stars, ["eve"], "nobody stars for another");
    assert_eq!(put(&mut node, "/@prune%2fp", ANN, star).status, 201);
    let rows = node.get("/-/_view/starredByUser?key=%22ann%22").json();
    assert_eq!(rows, serde_json::json!({"rows": [{"value": "@prune/p"}]}));
    let unstar = r#"{"_id":"@prune/p","_rev":"3-x","users":{"ann":true}}"#;
    assert_eq!(put(&mut node, "/@prune/p", "Authorization: Bearer eve", unstar).status, 201);
    assert_eq!(node.store.get("@prune/p").stars, ["ann"]);
}

#[test]
fn who_may_only_read_can_star_and_nothing_more() {
    let mut node = node();
    let eve = "Authorization: Bearer eve";
    for sent in [
        r#"{"versions":{"1.0.0":{"deprecated":"x"}}}"#,
        r#"{"maintainers":[{"name":"eve"}]}"#,
        r#"{"versions":{"1.0.0":{}},"_attachments":{"x":{"data":""}}}"#,
        r#"{"users":{"eve":true},"_attachments":{"x":{}}}"#,
    ] {
        assert_eq!(put(&mut node, "/@prune/p", eve, sent).status, 403, "{sent}");
    }
    let large = put(&mut node, "/@prune/p", eve, &" ".repeat(256 * 1024 + 1));
    assert_eq!((large.status, large.streamed), (403, false));
    assert_eq!(put(&mut node, "/@prune/p/-rev/2-x", eve, "{}").status, 403);
    assert!(node.changes.is_empty());
}

#[test]
fn owners_are_replaced_and_nothing_else() {
    let mut node = node();
    let sent = r#"{"_id":"open","_rev":"2-x","maintainers":[{"name":"ann","email":"e"},{"name":"bob","email":"f"}]}"#;
    let response = put(&mut node, "/open/-rev/2-x", ANN, sent);
    assert_eq!(response.status, 201);
    let names: Vec<String> = node.store.get("open").maintainers.into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["ann", "bob"]);
    assert_eq!(put(&mut node, "/open/-rev/2-x", ANN, sent).status, 409, "the revision has moved on");
    let none = put(&mut node, "/open/-rev/3-x", ANN, r#"{"_rev":"3-x","maintainers":[]}"#);
    assert_eq!((none.status, none.json()["error"].as_str()), (400, Some("a package needs a maintainer")));
    assert_eq!(put(&mut node, "/open", BOB, r#"{"maintainers":[{"name":"bob"}]}"#).status, 201);
    assert_eq!(put(&mut node, "/open", ANN, r#"{"maintainers":[{"name":"ann"}]}"#).status, 403, "no longer hers");
}

#[test]
fn owners_from_a_client_that_saw_none_are_added() {
    let mut node = node();
    let yarn = r#"{"maintainers":[{"name":"bob","email":"f"}]}"#;
    assert_eq!(put(&mut node, "/open/-rev/undefined", ANN, yarn).status, 201);
    let names: Vec<String> = node.store.get("open").maintainers.into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["ann", "bob"]);
    assert_eq!(put(&mut node, "/open/-rev/undefined", ANN, yarn).status, 201, "asked again, nothing changes");
    assert_eq!(node.store.get("open").maintainers.len(), 2);
    assert_eq!(put(&mut node, "/absent/-rev/undefined", ANN, yarn).status, 404);
}

#[test]
fn unpublishing_removes_what_is_missing_and_moves_latest() {
    let mut node = node();
    node.store.add_version("open", version("3.0.0-rc.1", 0));
    let sent = r#"{"_id":"open","_rev":"3-x","dist-tags":{"latest":"2.0.0"},"versions":{"1.0.0":{},"3.0.0-rc.1":{}}}"#;
    assert_eq!(put(&mut node, "/open/-rev/3-x", ANN, sent).status, 201);
    assert_eq!(versions(&node, "open"), ["1.0.0", "3.0.0-rc.1"]);
    assert_eq!(latest(&node, "open").as_deref(), Some("1.0.0"), "a release before any pre-release");
    assert_eq!(node.get("/open/-/open-2.0.0.tgz").status, 404);
    let again = put(&mut node, "/open/-rev/3-x", ANN, sent);
    assert_eq!((again.status, versions(&node, "open").len()), (200, 2), "a repeated request changes nothing more");
}

#[test]
fn what_the_client_had_not_seen_stays() {
    let mut node = node();
    node.store.add_version("open", version("3.0.0", 0));
    let sent = r#"{"_id":"open","_rev":"2-x","versions":{"2.0.0":{}}}"#;
    assert_eq!(put(&mut node, "/open/-rev/2-x", ANN, sent).status, 201);
    assert_eq!(versions(&node, "open"), ["2.0.0", "3.0.0"]);
}

#[test]
fn what_is_published_while_an_unpublish_is_worked_out_stays() {
    let mut node = node();
    *node.store.intruder.lock().unwrap() = Some(("open".into(), version("3.0.0", 0)));
    let sent = r#"{"_id":"open","_rev":"2-x","versions":{"1.0.0":{}}}"#;
    assert_eq!(put(&mut node, "/open/-rev/2-x", ANN, sent).status, 201);
    assert_eq!(versions(&node, "open"), ["1.0.0", "3.0.0"]);
}

#[test]
fn an_unpublish_says_what_it_is_based_on() {
    let mut node = node();
    for (path, sent, status) in [
        ("/open/-rev/undefined", r#"{"versions":{"1.0.0":{}}}"#, 400),
        ("/open/-rev/x", r#"{"versions":{"1.0.0":{}}}"#, 400),
        ("/open/-rev/%ff", r#"{"versions":{"1.0.0":{}}}"#, 400),
        ("/open/-rev/9-x", r#"{"versions":{"1.0.0":{}}}"#, 409),
        ("/open/-rev/2-x", r#"{"versions":{}}"#, 400),
        ("/open/-rev/2-x", r#"{"versions":{"9.9.9":{}}}"#, 400),
        ("/open/-rev/2-x", r#"{"_id":"other","versions":{"1.0.0":{}}}"#, 400),
        ("/nothing/-rev/2-x", r#"{"versions":{"1.0.0":{}}}"#, 404),
        ("/open/-rev/undefined", r#"{"_rev":"2-x","versions":{"1.0.0":{}}}"#, 201),
    ] {
        let response = put(&mut node, path, ANN, sent);
        assert_eq!(response.status, status, "{path} {sent}");
        assert_eq!(versions(&node, "open").len(), if status == 201 { 1 } else { 2 }, "{path} {sent}");
    }
}

#[test]
fn fewer_versions_at_the_packages_own_path_unpublish_nothing() {
    let mut node = node();
    let sent = r#"{"_id":"open","_rev":"2-x","versions":{"1.0.0":{}}}"#;
    assert_eq!(put(&mut node, "/open", ANN, sent).status, 200);
    assert_eq!(versions(&node, "open").len(), 2);
}

#[test]
fn who_may_unpublish_but_not_publish_does_just_that() {
    let mut node = node();
    node.store.packages.lock().unwrap().get_mut("@prune/p").unwrap().maintainers[0].name = "bob".into();
    for (path, sent, status) in [
        ("/@prune/p", r#"{"versions":{"1.0.0":{"deprecated":"x"},"2.0.0":{}}}"#, 403),
        ("/@prune/p/-rev/2-x", r#"{"_rev":"2-x","maintainers":[{"name":"bob"}]}"#, 403),
        ("/@prune/p/-rev/2-x", r#"{"_rev":"2-x","versions":{"1.0.0":{}},"_attachments":{"x":{}}}"#, 403),
        ("/@prune/p/-rev/2-x", r#"{"_rev":"2-x","versions":{"1.0.0":{}}}"#, 201),
    ] {
        assert_eq!(put(&mut node, path, BOB, sent).status, status, "{path} {sent}");
    }
    node.store.packages.lock().unwrap().get_mut("@prune/p").unwrap().maintainers[0].name = "ann".into();
    let reduced = r#"{"_rev":"3-x","versions":{"9.0.0":{}}}"#;
    assert_eq!(put(&mut node, "/@prune/p/-rev/3-x", ANN, reduced).status, 403, "and the other way round");
}

#[test]
fn the_steps_of_npm_unpublish_end_well() {
    let mut node = node();
    let before = node.ask(&["GET /@s%2fn?write=true HTTP/1.1", ANN]).json();
    let rev = before["_rev"].as_str().unwrap().to_owned();
    let mut reduced = before.clone();
    reduced["versions"].as_object_mut().unwrap().remove("2.0.0");
    reduced["dist-tags"]["latest"] = "1.0.0".into();
    let sent = reduced.to_string();
    assert_eq!(put(&mut node, &format!("/@s%2fn/-rev/{rev}"), ANN, &sent).status, 201);
    let second = node.ask(&["GET /@s%2fn?write=true HTTP/1.1", ANN]).json();
    let rev = second["_rev"].as_str().unwrap().to_owned();
    let delete = format!("DELETE /@s/n/-/n-2.0.0.tgz/-rev/{rev} HTTP/1.1");
    assert_eq!(node.ask(&[&delete, ANN]).status, 200);
    assert_eq!(node.ask(&[&delete, ANN]).status, 200, "again");
    let existing = format!("DELETE /@s/n/-/n-1.0.0.tgz/-rev/{rev} HTTP/1.1");
    assert_eq!(node.ask(&[&existing, ANN]).status, 409, "a version that exists keeps its tarball");
    assert_eq!(node.get("/@s/n/-/n-1.0.0.tgz").status, 200);
    let whole = format!("DELETE /@s%2fn/-rev/{rev} HTTP/1.1");
    assert_eq!(node.ask(&[&whole, ANN]).status, 200);
    let gone = node.get("/@s%2fn");
    assert_eq!((gone.status, gone.json()["error"].as_str()), (404, Some("not_found")));
    assert_eq!(gone.json()["reason"], "Unpublished on 1970-01-01T00:00:05.000Z");
    for path in ["/@s/n/1.0.0", "/@s/n/-/n-1.0.0.tgz", "/@s/n?write=true"] {
        assert_eq!(node.get(path).status, 404, "{path}");
    }
}

#[test]
fn the_whole_package_goes_only_as_it_was_seen() {
    let mut node = node();
    assert_eq!(node.ask(&["DELETE /open/-rev/1-x HTTP/1.1", ANN]).status, 409);
    assert_eq!(node.ask(&["DELETE /open/-rev/x HTTP/1.1", ANN]).status, 400);
    assert_eq!(node.ask(&["DELETE /nothing/-rev/1-x HTTP/1.1", ANN]).status, 404);
    assert_eq!(node.ask(&["DELETE /open/-rev/2-x HTTP/1.1", BOB]).status, 403, "bob maintains nothing");
    assert_eq!(node.ask(&["DELETE /open/-rev/undefined HTTP/1.1", ANN]).status, 200);
    assert_eq!(node.changes, [Change::Package("open".into())]);
}

#[test]
fn a_write_that_failed_is_announced_too() {
    let mut node = node();
    node.get("/open");
    *node.store.broken.lock().unwrap() = Some(false);
    let response = node.send(&["PUT /-/package/open/dist-tags/next HTTP/1.1", ANN], b"\"1.0.0\"");
    assert_eq!((response.status, &node.changes[..]), (500, &[Change::Package("open".into())][..]));
    *node.store.broken.lock().unwrap() = None;
    node.get("/open");
    assert_eq!(*node.store.loads.lock().unwrap(), 2, "nobody goes on with what was kept before");
}

#[test]
fn a_document_that_asks_for_nothing_or_is_none_is_400() {
    let mut node = node();
    for sent in [
        "{}",
        "[]",
        "null",
        "{",
        r#"{"name":"open","readme":"x"}"#,
        r#"{"users":[]}"#,
        r#"{"maintainers":{}}"#,
        r#"{"users":{"ann":1}}"#,
    ] {
        let response = put(&mut node, "/open", ANN, sent);
        assert_eq!(response.status, 400, "{sent}");
        assert!(response.json()["error"].is_string(), "{sent}");
    }
    assert!(node.changes.is_empty());
}

#[test]
fn tags_are_set_and_removed() {
    let mut node = node();
    for (method, tag, body, status) in [
        ("PUT", "next", "\"1.0.0\"", 201),
        ("PUT", "aux", "\"2.0.0\"", 201),
        ("PUT", "latest", "\"1.0.0\"", 201),
        ("PUT", "next", "\"9.0.0\"", 404),
        ("PUT", "1.0.0", "\"1.0.0\"", 400),
        ("PUT", "%5E1", "\"1.0.0\"", 400),
        ("PUT", "__proto__", "\"1.0.0\"", 400),
        ("PUT", "%ff", "\"1.0.0\"", 400),
        ("PUT", "next", "1.0.0", 400),
        ("PUT", "next", "\"latest\"", 400),
        ("PUT", "next", "{}", 400),
        ("PUT", "next", "", 400),
        ("DELETE", "aux", "", 200),
        ("DELETE", "aux", "", 404),
        ("DELETE", "latest", "", 400),
    ] {
        for path in ["@s%2fn", "@s/n"] {
            let line = format!("{method} /-/package/{path}/dist-tags/{tag} HTTP/1.1");
            let response = node.send(&[&line, ANN], body.as_bytes());
            if (method, tag, path) == ("DELETE", "aux", "@s/n") {
                continue;
            }
            assert_eq!(response.status, status, "{line} {body}");
        }
    }
    assert_eq!(node.get("/-/package/@s%2fn/dist-tags").json(), serde_json::json!({"next": "1.0.0", "latest": "1.0.0"}));
    let missing = node.send(&["PUT /-/package/nothing/dist-tags/next HTTP/1.1", ANN], b"\"1.0.0\"");
    assert_eq!(missing.status, 404);
    let stranger = node.send(&["PUT /-/package/@s%2fn/dist-tags/next HTTP/1.1", BOB], b"\"1.0.0\"");
    assert_eq!(stranger.status, 403, "bob is no maintainer");
}
