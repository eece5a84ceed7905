//! Row 4: tarballs and their names.

use super::node;

#[test]
fn a_tarball_is_sent_whole_and_the_second_time_without_a_job() {
    let mut node = node();
    for path in ["/open/-/open-1.0.0.tgz", "/@s/n/-/n-1.0.0.tgz", "/@s%2fn/-/n-1.0.0.tgz", "/npm/@s%2Fn/-/n-1.0.0.tgz"]
    {
        let cold = node.get(path);
        assert_eq!((cold.status, &cold.body[..], cold.jobs()), (200, &b"tar 1.0.0"[..], 1), "{path}");
        assert_eq!(cold.header("Content-Type"), Some("application/octet-stream"));
        assert_eq!(cold.header("Cache-Control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(cold.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(cold.header("Content-Length"), Some("9"));
        assert_eq!(cold.header("Content-Encoding"), None);
        let hot = node.get(path);
        assert_eq!((hot.body, hot.head, hot.lanes.len()), (cold.body, cold.head, 0), "{path}");
    }
}

#[test]
fn a_file_name_is_the_packages_own_or_nobodys() {
    let mut node = node();
    for path in [
        "/open/-/open-3.0.0.tgz",
        "/open/-/other-1.0.0.tgz",
        "/open/-/open-1.0.0.tar",
        "/open/-/open-1.0.0",
        "/open/-/1.0.0.tgz",
        "/open/-/OPEN-1.0.0.tgz",
        "/open/-/open-v1.0.0.tgz",
        "/open/-/open-1.0.0.tgz%00",
        "/open/-/..%2f..%2fetc%2fpasswd",
        "/open/-/../open-1.0.0.tgz",
        "/@s/n/-/@s/n-1.0.0.tgz",
        "/@s/n/-/@s%2fn-1.0.0.tgz",
        "/open/-/open-1.0.0.tgz/more",
    ] {
        let response = node.get(path);
        assert_eq!(response.status, 404, "{path}");
        assert!(response.json()["error"].is_string(), "{path}");
    }
}

#[test]
fn a_part_is_sent_when_one_is_asked_for() {
    let mut node = node();
    let path = "GET /open/-/open-1.0.0.tgz HTTP/1.1";
    let etag = node.ask(&[path]).header("ETag").unwrap().to_owned();
    let part = node.ask(&[path, "Range: bytes=4-6"]);
    assert_eq!((part.status, &part.body[..]), (206, &b"1.0"[..]));
    assert_eq!((part.header("Content-Range"), part.header("Content-Length")), (Some("bytes 4-6/9"), Some("3")));
    let part = node.ask(&[path, "Range: bytes=-2", &format!("If-Range: {etag}")]);
    assert_eq!((part.status, &part.body[..]), (206, &b".0"[..]));
    assert_eq!(node.ask(&[path, "Range: bytes=4-6", "If-Range: \"other\""]).status, 200);
    let head = node.ask(&["HEAD /open/-/open-1.0.0.tgz HTTP/1.1", "Range: bytes=4-6"]);
    assert_eq!((head.status, head.header("Content-Length")), (200, Some("9")), "a range is for GET alone");
    let beyond = node.ask(&[path, "Range: bytes=9-"]);
    assert_eq!((beyond.status, beyond.header("Content-Range")), (416, Some("bytes */9")));
    let fresh = node.ask(&[path, "Range: bytes=4-6", &format!("If-None-Match: {etag}")]);
    assert_eq!((fresh.status, fresh.body.len(), fresh.header("ETag")), (304, 0, Some(&*etag)));
}

#[test]
fn conditions_and_several_parts_hold_for_tarballs_too() {
    let mut node = node();
    let bytes: Vec<u8> = (0..1000).map(|index| b'a' + (index % 26) as u8).collect();
    node.store.blobs.lock().unwrap().values_mut().for_each(|blob| *blob = bytes.clone());
    let path = "GET /open/-/open-1.0.0.tgz HTTP/1.1";
    let parts = node.ask(&[path, "Range: bytes=0-1,-1"]);
    let kind = parts.header("Content-Type").unwrap();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=\"").and_then(|rest| rest.strip_suffix('"'));
    let text = String::from_utf8(parts.body.clone()).unwrap();
    let pieces: Vec<&str> = text.split(&format!("--{}", boundary.unwrap())).collect();
    assert_eq!((parts.status, pieces.len()), (206, 4), "{text}");
    assert!(pieces[1].ends_with("Content-Range: bytes 0-1/1000\r\n\r\nab\r\n"), "{text}");
    assert!(pieces[2].ends_with("Content-Range: bytes 999-999/1000\r\n\r\nl\r\n"), "{text}");
    assert_eq!(parts.header("Content-Length"), Some(&*text.len().to_string()));
    for (condition, status) in [
        ("If-Match: \"other\"", 412),
        ("If-Match: *", 200),
        ("If-None-Match: *", 304),
        ("If-None-Match: \"other\"", 200),
        ("If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT", 200),
    ] {
        assert_eq!(node.ask(&[path, condition]).status, status, "{condition}");
    }
    let head = node.ask(&["HEAD /open/-/open-1.0.0.tgz HTTP/1.1", "If-None-Match: *"]);
    assert_eq!((head.status, head.body.len()), (304, 0));
}

#[test]
fn a_blob_that_is_missing_is_a_failure_and_no_half_answer() {
    let mut node = node();
    node.store.blobs.lock().unwrap().clear();
    let response = node.get("/open/-/open-1.0.0.tgz");
    assert_eq!((response.status, response.json()["error"].as_str()), (500, Some("the registry's store failed")));
}

#[test]
fn a_rendered_document_saves_the_load_of_its_package() {
    let mut node = node();
    node.get("/open");
    node.get("/open/-/open-1.0.0.tgz");
    assert_eq!(*node.store.loads.lock().unwrap(), 1);
}
