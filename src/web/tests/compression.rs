//! Answers in fewer bytes.

use super::*;

#[test]
fn answers_are_compressed_where_it_was_asked_for() {
    const LONG: usize = 300_000;
    let text = |length: usize| move || "0123456789".repeat(length / 10);
    let app = App::new()
        .group("/packed", |packed| {
            packed
                .middleware(Compress::default())
                .get("/short", text(100))
                .get("/inline", || ([("ETag", "\"1\"")], "0123456789".repeat(500)))
                .get("/long", text(LONG))
                .get("/stream", || Stream::of((0..1000).map(|_| "0123456789")).content_type("text/plain"))
                .get("/json", || Json(vec![7; 5000]))
                .get("/binary", || vec![0u8; 5000])
        })
        .get("/plain", text(LONG))
        .test();
    let get = |target: &str, codings: &str| app.get(target).header("Accept-Encoding", codings).send();
    for (target, length) in [("inline", 5000), ("long", LONG), ("stream", 10_000), ("json", 10_001)] {
        let plain = get(&format!("/packed/{target}"), "identity");
        assert_eq!((plain.body.len(), plain.header("content-encoding")), (length, None), "{target}");
        assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
        for coding in ["gzip", "br", "zstd"] {
            let packed = get(&format!("/packed/{target}"), coding);
            assert_eq!(packed.header("content-encoding"), Some(coding), "{target}");
            assert!(packed.is_complete && packed.body.len() < length / 4, "{target} {coding}: {}", packed.body.len());
            assert!(unfold(coding, &packed.body) == plain.body, "{target} {coding}");
        }
    }
    assert_eq!(get("/packed/inline", "gzip").header("etag"), Some("W/\"1\""));
    for target in ["/packed/short", "/packed/binary", "/plain"] {
        assert_eq!(get(target, "gzip").header("content-encoding"), None, "{target}");
    }
}

#[test]
fn what_is_not_at_hand_stays_as_it_is_however_short_bodies_are_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "0123456789").unwrap();
    let file = Arc::new(std::fs::File::open(&path).unwrap());
    let app = App::new()
        .middleware(Compress::new(CompressPolicy { bytes_min: 0, ..CompressPolicy::default() }))
        .get("/file", move || Response::file("text/plain", Arc::clone(&file), 2..7))
        .get("/none", || Response::new("text/plain", Body::Empty))
        .get("/text", || "x")
        .test();
    let get = |target: &str| app.get(target).header("Accept-Encoding", "gzip").send();
    for (target, body) in [("/file", "23456"), ("/none", "")] {
        let answer = get(target);
        assert_eq!((answer.text(), answer.header("content-encoding")), (body, None), "{target}");
    }
    assert_eq!(get("/text").header("content-encoding"), Some("gzip"));
}

fn unfold(coding: &str, bytes: &[u8]) -> Vec<u8> {
    use crate::wire::http::accept::Coding;
    let coding = Coding::ALL.into_iter().find(|known| known.token() == coding).expect("a coding");
    crate::app::testing::unfold(Some(coding), bytes)
}
