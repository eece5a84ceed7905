//! Chromium: each page of `pages` runs a script that finds facts and reports them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Site;
use super::files::{BLOB_BYTES, SOUND_SAMPLES};
use super::seen::Seen;
use super::server::{all_lines, start_other, text};
use crate::support::browser;

/// What the page finds; the browser and all its processes have ended.
fn visit(site: &Site, url: &str) -> Value {
    let report = browser::visit(url, |patience| site.seen.wait_for_report(patience));
    serde_json::from_str(&report).expect("a page reports JSON")
}

fn page(site: &Site, name: &str) -> Value {
    visit(site, &site.url(&format!("/files/page.html?{name}")))
}

/// The sum of `pages/bytes.js`.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)))
}

#[test]
fn the_policy_holds_and_types_are_not_guessed() {
    let site = Site::start();
    let expected = json!({
        "evaluated": "EvalError",
        "far": "TypeError",
        "inline": "blocked",
        "script": "loaded",
        "text": "refused",
        "ran": ["script"],
        "violations": ["script-src-elem", "connect-src", "script-src"],
    });
    assert_eq!(page(&site, "policy"), expected);
}

#[test]
fn a_reload_asks_again_and_is_told_that_nothing_changed() {
    let site = Site::start();
    let found = page(&site, "reload");
    // 300 bytes is what browsers count for an answer that only confirms.
    let expected = json!({
        "same": true, "transferSize": 300, "decodedBodySize": BLOB_BYTES, "responseStatus": 200, "violations": [],
    });
    assert_eq!(found, expected);
    for name in ["page.html", "run.js", "reload.js", "bytes.js", "blob.bin"] {
        let path = format!("/files/{name}");
        assert_eq!(site.seen.answers(&path), ["GET 200", "GET 304"], "{path}");
        assert!(site.seen.asked(&path)[1].fields.contains_key("If-None-Match"), "{path}");
    }
}

#[test]
fn a_script_reads_parts() {
    let site = Site::start();
    let told = |start: usize, end: usize| json!([206, format!("bytes {start}-{}/{BLOB_BYTES}", end - 1), true]);
    let expected = json!({
        "bytes=0-0": told(0, 1),
        "bytes=1000-1999": told(1000, 2000),
        "bytes=-10": told(BLOB_BYTES - 10, BLOB_BYTES),
        "bytes=1000000-": told(1_000_000, BLOB_BYTES),
        "beyond": [416, format!("bytes */{BLOB_BYTES}")],
        "violations": [],
    });
    assert_eq!(page(&site, "ranges"), expected);
}

#[test]
fn a_sound_is_played_from_near_its_end() {
    let site = Site::start();
    let seconds = SOUND_SAMPLES / 8000;
    let found = page(&site, "sound");
    assert_eq!(found, json!({ "duration": seconds, "seekable": seconds, "at": 9, "violations": [] }));
    let asked = site.seen.asked("/files/sound.wav");
    assert_eq!(asked[0].fields.get("Range").map(String::as_str), Some("bytes=0-"));
    assert!(site.seen.answers("/files/sound.wav").iter().all(|answer| answer == "GET 206"));
}

#[test]
fn every_coding_is_decoded() {
    let site = Site::start();
    let mut expected = json!({ "violations": [] });
    for coding in ["gzip", "br", "zstd"] {
        for (path, plain) in [
            (format!("/siblings-{coding}/book.txt"), text(50_000)),
            (format!("/packed-{coding}/large"), text(300_000)),
            (format!("/packed-{coding}/lines"), all_lines()),
        ] {
            expected[path] = json!([coding, sum(plain.as_bytes())]);
        }
    }
    assert_eq!(page(&site, "codings"), expected);
}

#[test]
fn events_go_on_where_the_stream_ended() {
    let site = Site::start();
    let events: Vec<Value> = (1..=6).map(|id| json!([id.to_string(), format!("event {id}\nof many")])).collect();
    let expected = json!({ "events": events, "turns": ["open", "again", "open"], "violations": [] });
    assert_eq!(page(&site, "events"), expected);
    let asked = site.seen.asked("/events");
    let last: Vec<Option<&str>> =
        asked.iter().map(|asked| asked.fields.get("Last-Event-ID").map(String::as_str)).collect();
    assert_eq!(last, [None, Some("3")]);
}

#[test]
fn another_origin_decides_who_reads_it() {
    let site = Site::start();
    let seen = Arc::new(Seen::default());
    let other = start_other(&site.url(""), &seen);
    let hash = format!("#http://{}", other.local_addr());
    let found = visit(&site, &format!("{}{hash}", site.url("/files/page.html?cors")));
    let expected = json!({
        "get": ["cors", 200, "read by others", "3", null],
        "first": ["cors", 200, "a", null, null],
        "second": ["cors", 200, "a", null, null],
        "header": "TypeError",
        "method": "TypeError",
        "credentials": "TypeError",
        "blind": ["opaque", 0, "", null, null],
        "violations": [],
    });
    assert_eq!(found, expected);
    // One preflight for two changes, and one for each that was refused.
    let answers = ["GET 200", "OPTIONS 204", "PUT 200", "PUT 200", "OPTIONS 204", "OPTIONS 204", "GET 200", "GET 200"];
    assert_eq!(seen.answers("/data"), answers);

    let stranger = site.url("/files/page.html?cors").replace("127.0.0.1", "localhost");
    let found = visit(&site, &format!("{stranger}{hash}"));
    let refused = "TypeError";
    let expected = json!({
        "get": refused, "first": refused, "second": refused, "header": refused, "method": refused,
        "credentials": refused, "blind": ["opaque", 0, "", null, null], "violations": [],
    });
    assert_eq!(found, expected);
    let changes = seen.answers("/data").iter().filter(|answer| *answer == "PUT 200").count();
    assert_eq!(changes, 2, "nothing of the stranger's arrived");
}

#[test]
fn a_script_sees_heads() {
    let site = Site::start();
    let expected = json!({
        "given": [204, "mine"],
        "head": [200, BLOB_BYTES.to_string(), ""],
        "page": [["app", true]],
        "text": [["app", true]],
        "greetings": ["\"hello\"", "<p>hello"],
        "protocol": "http/1.1",
        "violations": [],
    });
    assert_eq!(page(&site, "heads"), expected);
}

#[test]
fn a_script_reads_a_stream_or_gives_it_up() {
    let site = Site::start();
    let lines = all_lines();
    let expected = json!({
        "length": lines.len(),
        "total": sum(lines.as_bytes()),
        "trailer": "X-Sum, X-Count",
        "some": true,
        "aborted": "AbortError",
        "violations": [],
    });
    assert_eq!(page(&site, "streams"), expected);
    site.seen.wait_for_dropped(1, crate::LONG);
}
