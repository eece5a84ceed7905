//! Conditional requests, in the order of RFC 9110 §13.2.2.

use super::files::MODIFIED;
use super::{Answer, Site};

const BEFORE: &str = "Sun, 13 Sep 2020 12:26:39 GMT";
const AFTER: &str = "Sun, 13 Sep 2020 12:26:41 GMT";

fn replace(site: &Site, body: &str, fields: &[&str]) -> Answer {
    let fields: Vec<&str> = fields.iter().flat_map(|field| ["-H", field]).collect();
    site.curl(&[&["-X", "PUT", "-d", body][..], &fields].concat(), "/document")
}

#[test]
fn if_none_match_compares_weakly_and_if_match_strongly() {
    let site = Site::start();
    for (path, field, status) in [
        ("/document", "If-None-Match: \"v1\"", 304),
        ("/document", "If-None-Match: W/\"v1\"", 304),
        ("/document", "If-None-Match: \"v2\"", 200),
        ("/document", "If-None-Match: \"v0\", \"v1\"", 304),
        ("/document", "If-None-Match: *", 304),
        ("/document/weak", "If-None-Match: \"v1\"", 304),
        ("/document/weak", "If-None-Match: W/\"v1\"", 304),
        ("/document", "If-Match: \"v1\"", 200),
        ("/document", "If-Match: W/\"v1\"", 412),
        ("/document", "If-Match: \"v2\"", 412),
        ("/document", "If-Match: \"v2\" , \"v1\"", 200),
        ("/document", "If-Match: *", 200),
        ("/document/weak", "If-Match: \"v1\"", 412),
        ("/document/weak", "If-Match: W/\"v1\"", 412),
        ("/document/weak", "If-Match: *", 200),
    ] {
        let answer = site.with(path, &[field]);
        assert_eq!(answer.status, status, "{path} {field}");
        assert_eq!(answer.text() == "0123456789", status == 200, "{path} {field}");
        assert_eq!(site.curl(&["-I", "-H", field], path).status, status, "HEAD {path} {field}");
    }
}

#[test]
fn dates_count_to_the_second_and_curl_sends_them_with_z() {
    let site = Site::start();
    let path = "/files/small.bin";
    assert_eq!(site.get(path).field("last-modified"), Some(MODIFIED));
    // What is exactly as old as it says, curl itself takes for too young and calls a 304.
    for (date, since, unmodified, by_curl) in
        [(BEFORE, 200, 412, 412), (MODIFIED, 304, 200, 304), (AFTER, 304, 200, 200)]
    {
        assert_eq!(site.curl(&["-z", date], path).status, since, "-z {date}");
        assert_eq!(site.curl(&["-z", &format!("-{date}")], path).status, by_curl, "-z -{date}");
        assert_eq!(site.status_with(path, &[&format!("If-Modified-Since: {date}")]), since, "{date}");
        assert_eq!(site.status_with(path, &[&format!("If-Unmodified-Since: {date}")]), unmodified, "{date}");
    }
    for unreadable in ["yesterday", "Sun, 13 Sep 2020 12:26:40 +0000", ""] {
        assert_eq!(site.status_with(path, &[&format!("If-Modified-Since: {unreadable}")]), 200, "{unreadable}");
        assert_eq!(site.status_with(path, &[&format!("If-Unmodified-Since: {unreadable}")]), 200, "{unreadable}");
    }
    // The two dates of old (RFC 9110 §5.6.7).
    for old in ["Sunday, 13-Sep-20 12:26:40 GMT", "Sun Sep 13 12:26:40 2020"] {
        assert_eq!(site.status_with(path, &[&format!("If-Modified-Since: {old}")]), 304, "{old}");
    }
}

#[test]
fn what_comes_first_decides() {
    let site = Site::start();
    let (before, after) = (format!("If-Unmodified-Since: {BEFORE}"), format!("If-Modified-Since: {AFTER}"));
    let modified = format!("If-Modified-Since: {BEFORE}");
    for (fields, status) in [
        (&["If-Match: \"v1\"", &before][..], 200),
        (&["If-Match: \"v1\"", &before, "If-None-Match: \"v1\""], 304),
        (&["If-Match: \"v2\"", "If-None-Match: \"v1\""], 412),
        (&[&before, "If-None-Match: \"v1\""], 412),
        (&["If-None-Match: \"v2\"", &after], 200),
        (&["If-None-Match: \"v1\"", &modified], 304),
        (&["If-None-Match: \"v1\"", "Range: bytes=0-1"], 304),
        (&["If-Match: \"v2\"", "Range: bytes=0-1"], 412),
        (&["If-Match: \"v1\"", "Range: bytes=0-1"], 206),
        (&["If-Match: \"v2\"", "Range: bytes=99-"], 412),
        // A list may come in several fields; a date may not, and then says nothing.
        (&["If-None-Match: \"v2\"", "If-None-Match: \"v1\""], 304),
        (&["If-Match: \"v2\"", "If-Match: \"v1\""], 200),
        (&[&after, &after], 200),
        (&[&before, &before], 200),
    ] {
        assert_eq!(site.status_with("/document", fields), status, "{fields:?}");
    }
}

#[test]
fn if_range_holds_for_the_same_strong_validator_alone() {
    let site = Site::start();
    for (path, condition, status) in [
        ("/document", "\"v1\"".to_owned(), 206),
        ("/document", "\"v2\"".to_owned(), 200),
        ("/document", "W/\"v1\"".to_owned(), 200),
        ("/document/weak", "W/\"v1\"".to_owned(), 200),
        ("/document", MODIFIED.to_owned(), 206),
        ("/document", BEFORE.to_owned(), 200),
        ("/document", AFTER.to_owned(), 200),
        ("/document", "rubbish".to_owned(), 200),
        ("/files/blob.bin", MODIFIED.to_owned(), 206),
        ("/files/blob.bin", site.get("/files/blob.bin").field("etag").expect("a tag").to_owned(), 206),
    ] {
        let condition = format!("If-Range: {condition}");
        let answer = site.curl(&["-r", "2-4", "-H", &condition], path);
        assert_eq!(answer.status, status, "{path} {condition}");
        assert_eq!(answer.body.len() == 3, status == 206, "{path} {condition}");
    }
    // Out of bounds counts only if the range is asked for at all.
    assert_eq!(site.curl(&["-r", "99-", "-H", "If-Range: \"v2\""], "/document").status, 200);
    assert_eq!(site.curl(&["-r", "99-", "-H", "If-Range: \"v1\""], "/document").status, 416);
}

#[test]
fn a_304_says_what_a_200_would_and_has_no_content() {
    let site = Site::start();
    let full = site.with("/files/book.txt", &["Accept-Encoding: br"]);
    let tag = full.field("etag").expect("a tag").to_owned();
    let fresh = site.with("/files/book.txt", &["Accept-Encoding: br", &format!("If-None-Match: {tag}")]);
    assert_eq!((fresh.status, fresh.body.len(), fresh.field("content-length")), (304, 0, None));
    for name in ["etag", "last-modified", "cache-control", "vary"] {
        assert!(full.field(name).is_some(), "{name}: {}", full.head);
        assert_eq!(fresh.field(name), full.field(name), "{name}");
    }
    // The tag of one coding is not that of another.
    assert_eq!(site.status_with("/files/book.txt", &["Accept-Encoding: gzip", &format!("If-None-Match: {tag}")]), 200);
}

#[test]
fn curl_keeps_a_tag_and_asks_with_it() {
    let site = Site::start();
    let saved = site.curl(&["--etag-save", "tag"], "/files/small.bin");
    assert_eq!(saved.status, 200);
    let tag = std::fs::read_to_string(site.file("tag")).expect("curl wrote it");
    assert_eq!(Some(tag.trim_end()), saved.field("etag"));
    assert_eq!(site.curl(&["--etag-compare", "tag"], "/files/small.bin").status, 304);
    assert_eq!(site.curl(&["--etag-compare", "tag"], "/files/blob.bin").status, 200);
}

#[test]
fn a_change_is_made_only_to_what_the_client_has_seen() {
    let site = Site::start();
    assert_eq!(replace(&site, "lost", &["If-Match: \"v9\""]).status, 412);
    assert_eq!(replace(&site, "lost", &["If-Match: W/\"v1\""]).status, 412);
    assert_eq!(replace(&site, "lost", &["If-None-Match: *"]).status, 412);
    assert_eq!(replace(&site, "lost", &["If-None-Match: W/\"v1\""]).status, 412);
    assert_eq!(replace(&site, "lost", &[&format!("If-Unmodified-Since: {BEFORE}")]).status, 412);
    assert_eq!(site.get("/document").text(), "0123456789");
    let second = replace(&site, "second", &["If-Match: \"v1\""]);
    assert_eq!((second.status, second.field("etag")), (204, Some("\"v2\"")));
    assert_eq!(replace(&site, "lost", &["If-Match: \"v1\""]).status, 412, "somebody was first");
    assert_eq!(site.get("/document").text(), "second");
    assert_eq!(site.curl(&["-X", "DELETE", "-H", "If-Match: \"v2\""], "/document").status, 204);
    assert_eq!(replace(&site, "lost", &["If-Match: *"]).status, 412, "there is nothing");
    assert_eq!(site.get("/document").status, 404);
    assert_eq!(replace(&site, "new", &["If-None-Match: *"]).status, 204);
    assert_eq!(site.get("/document").text(), "new");
}
