//! Parts of a tarball over a real socket: what is told is what arrives, and the next answer follows it.

use super::Registry;
use super::support::{Package, Raw, Response};

const BYTES: usize = 3_000_000;

/// Sends one GET with these fields, and a ping behind it on the same connection.
fn ask(registry: &Registry, path: &str, fields: &str) -> Response {
    let mut raw = Raw::connect(registry.node.address());
    raw.send(
        format!("GET {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\nGET /-/ping HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes(),
    );
    let response = raw.response("GET");
    assert_eq!(raw.response("GET").body, b"{}", "the next answer follows it: {fields}");
    response
}

#[test]
fn parts_of_a_tarball_are_its_bytes() {
    let registry = Registry::start(1);
    let package = Package::new("parts", "1.0.0").noise(BYTES, 7);
    assert_eq!(registry.publish(&package).status, 201);
    let (path, tarball) = (package.tarball_path(), package.tarball());
    for (first, last) in [(0, 0), (1_000_000, 2_500_000), (tarball.len() - 1, tarball.len() - 1)] {
        let part = ask(&registry, &path, &format!("Range: bytes={first}-{last}"));
        assert_eq!(part.status, 206);
        assert!(part.body == tarball[first..=last], "{first}-{last}");
        let told = format!("bytes {first}-{last}/{}", tarball.len());
        assert_eq!(part.header("Content-Range"), Some(&*told));
    }
    let ranges = [(2_000_000, 2_900_000), (0, 1_499_999), (1_600_000, 1_600_000)];
    let asked = ranges.map(|(first, last)| format!("{first}-{last}")).join(", ");
    let parts = ask(&registry, &path, &format!("Range: bytes={asked}"));
    let kind = parts.header("Content-Type").expect("a type").to_owned();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("several parts").trim_matches('"');
    let mut expected = Vec::new();
    for (index, (first, last)) in ranges.into_iter().enumerate() {
        let line_end = if index == 0 { "" } else { "\r\n" };
        let range = format!("Content-Range: bytes {first}-{last}/{}", tarball.len());
        let head = format!("{line_end}--{boundary}\r\nContent-Type: application/octet-stream\r\n{range}\r\n\r\n");
        expected.extend_from_slice(head.as_bytes());
        expected.extend_from_slice(&tarball[first..=last]);
    }
    expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert!(parts.status == 206 && parts.body == expected);
}

#[test]
fn conditions_hold_for_tarballs_and_documents() {
    let registry = Registry::start(1);
    let package = Package::new("conditions", "1.0.0");
    assert_eq!(registry.publish(&package).status, 201);
    for path in [package.tarball_path(), package.path()] {
        let whole = registry.node.get(&path);
        let etag = whole.header("ETag").expect("a tag").to_owned();
        for (fields, status) in [
            (format!("If-None-Match: {etag}"), 304),
            (format!("If-None-Match: \"x\"\r\nIf-None-Match: W/{etag}"), 304),
            (format!("If-Match: {etag}"), 200),
            (format!("If-Match: W/{etag}"), 412),
            ("If-Match: \"x\"".into(), 412),
        ] {
            assert_eq!(ask(&registry, &path, &fields).status, status, "{path} {fields}");
        }
        let head = registry.node.http("HEAD", &path, &[("Range", "bytes=0-0")], b"");
        assert_eq!((head.status, head.header("Content-Length")), (200, whole.header("Content-Length")), "{path}");
    }
    for (fields, status) in [("Range: bytes=0-0\r\nIf-Range: \"x\"", 200), ("Range: bytes=99999999-", 416)] {
        assert_eq!(ask(&registry, &package.tarball_path(), fields).status, status, "{fields}");
    }
}
