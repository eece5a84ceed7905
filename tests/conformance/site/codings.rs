//! Content codings: chosen as the client prefers, from a file beside the file or made on the way.

use super::Site;
use super::server::{all_lines, text};

const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];

#[test]
fn every_coding_is_what_it_says_and_decodes_to_the_same() {
    let site = Site::start();
    let routes = [
        ("siblings", "book.txt", text(50_000)),
        ("packed", "text", text(12_000)),
        ("packed", "large", text(300_000)),
        ("packed", "lines", all_lines()),
    ];
    for (prefix, name, plain) in &routes {
        for coding in CODINGS {
            let path = format!("/{prefix}-{coding}/{name}");
            let accept = format!("Accept-Encoding: {coding}");
            let packed = site.with(&path, &[&accept]);
            assert_eq!(packed.field("content-encoding"), Some(coding), "{path}");
            assert_eq!(packed.field("vary"), Some("Accept-Encoding"), "{path}");
            assert!(packed.body.len() < plain.len() / 4, "{path}: {} bytes", packed.body.len());
            let decoded = site.curl(&["--compressed", "-H", &accept], &path);
            assert!(decoded.text() == *plain, "{path}");
            let identity = site.get(&path);
            assert_eq!((identity.field("content-encoding"), identity.field("vary")), (None, Some("Accept-Encoding")));
            assert!(identity.text() == *plain, "{path}");
        }
    }
}

#[test]
fn the_client_weighs_and_the_server_breaks_ties() {
    let site = Site::start();
    for path in ["/files/book.txt", "/packed/text"] {
        let favourite = site.with(path, &["Accept-Encoding: gzip, deflate, br, zstd"]);
        let favourite = favourite.field("content-encoding").expect("a coding").to_owned();
        for (accept, expected) in [
            ("gzip", Some("gzip")),
            ("GZip", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("br;q=0.5, gzip;q=0.9", Some("gzip")),
            ("br;q=0.5, gzip;q=0.1, zstd;q=0.501", Some("zstd")),
            ("gzip;q=0, *", Some(favourite.as_str())),
            ("*", Some(favourite.as_str())),
            ("identity, gzip;q=0.5", None),
            ("deflate", None),
            ("", None),
            ("gzip;q=0", None),
            ("*;q=0, zstd", Some("zstd")),
        ] {
            // An empty field needs the semicolon, or curl leaves it out.
            let field =
                if accept.is_empty() { "Accept-Encoding;".into() } else { format!("Accept-Encoding: {accept}") };
            let answer = site.with(path, &[&field]);
            assert_eq!((answer.status, answer.field("content-encoding")), (200, expected), "{path} {accept}");
            assert_eq!(answer.field("vary"), Some("Accept-Encoding"), "{path} {accept}");
        }
    }
    let refused = site.with("/files/book.txt", &["Accept-Encoding: *;q=0"]);
    assert_eq!((refused.status, refused.field("vary")), (406, Some("Accept-Encoding")));
}

#[test]
fn the_media_type_is_negotiated_too() {
    let site = Site::start();
    let (json, html) = (Some("application/json"), Some("text/html; charset=utf-8"));
    for (accept, status, expected) in [
        ("*/*", 200, json),
        ("text/html", 200, html),
        ("text/*", 200, html),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200, html),
        ("application/json;q=0.4, text/html;q=0.5", 200, html),
        ("application/json, text/html", 200, json),
        ("application/json;q=0, */*;q=0.1", 200, html),
        ("image/png", 406, json),
        ("text/html;q=0", 406, json),
    ] {
        let answer = site.with("/greeting", &[&format!("Accept: {accept}")]);
        assert_eq!((answer.status, answer.field("content-type")), (status, expected), "{accept}");
        assert_eq!(answer.field("vary"), Some("Accept"), "{accept}");
    }
}

#[test]
fn what_has_one_form_only_does_not_vary() {
    let site = Site::start();
    for path in ["/files/small.bin", "/files/plain.txt", "/packed/short"] {
        let answer = site.with(path, &["Accept-Encoding: gzip, br, zstd"]);
        assert_eq!(
            (answer.status, answer.field("content-encoding"), answer.field("vary")),
            (200, None, None),
            "{path}"
        );
    }
}

#[test]
fn a_range_of_a_coded_file_is_of_its_coded_bytes() {
    let site = Site::start();
    for (coding, extension) in [("gzip", "gz"), ("br", "br"), ("zstd", "zst")] {
        let accept = format!("Accept-Encoding: {coding}");
        let whole = site.with("/files/book.txt", &[&accept]);
        assert!(whole.body == std::fs::read(site.file(&format!("files/book.txt.{extension}"))).expect("it is there"));
        let part = site.curl(&["-r", "10-109", "-H", &accept], "/files/book.txt");
        let told = format!("bytes 10-109/{}", whole.body.len());
        assert_eq!((part.status, part.field("content-range")), (206, Some(told.as_str())), "{coding}");
        assert_eq!(part.field("content-encoding"), Some(coding));
        assert_eq!(part.field("etag"), whole.field("etag"));
        assert!(part.body == whole.body[10..110], "{coding}");
        // Clients disagree on what several would be parts of.
        let several = site.curl(&["-r", "0-9,1000-1009", "-H", &accept], "/files/book.txt");
        assert_eq!((several.status, several.body == whole.body), (200, true), "{coding}");
    }
}
