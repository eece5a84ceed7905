use super::*;
use crate::app::testing::{Answer, Bench};
use crate::app::{BodyPolicy, Flow, RouteSpec, Service};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

const MODIFIED_S: u64 = 784_111_777;
const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const CACHE: &str = "public, max-age=60";

enum Kind {
    Bytes,
    Shared,
    File,
}

struct Slice {
    kind: Kind,
    data: Arc<[u8]>,
    file: Arc<File>,
    coded: bool,
    etag: Option<&'static str>,
}

impl Service for Slice {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let length = self.data.len();
        let body = match self.kind {
            Kind::Bytes => Body::Bytes(&self.data),
            Kind::Shared => Body::Shared(&self.data, 0..length),
            Kind::File => Body::File(&self.file, 3, length as u64),
        };
        let variants = [
            Variant { coding: None, etag: self.etag, body },
            Variant { coding: Some(Coding::Brotli), etag: Some("\"a-br\""), body: Body::Bytes(b"pretend brotli") },
            Variant { coding: Some(Coding::Gzip), etag: Some("\"a-gzip\""), body: Body::Bytes(b"pretend gzip") },
        ];
        let representation = Representation {
            content_type: "text/x",
            cache_control: Some(CACHE),
            modified: Some(Modified { unix_s: MODIFIED_S, is_strong: true }),
            fields: &[("X-Content-Type-Options", b"nosniff")],
            variants: if self.coded { &variants } else { &variants[..1] },
        };
        if request.head.method == Method::Put {
            let current = Validators { etag: variants[0].tag(), modified: representation.modified };
            if admit_change(request, Some(&current), reply) {
                reply.status(204).empty();
            }
        } else {
            representation.answer(request, reply);
        }
        Flow::Done
    }
}

fn bench(kind: Kind, data: &[u8], coded: bool) -> Bench {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[b"abc", data, b"xyz"].concat()).unwrap();
    let slice = Slice { kind, data: data.into(), file: Arc::new(file), coded, etag: Some("\"a\"") };
    Bench::new("", &routes(), Box::new(slice))
}

fn routes() -> Vec<RouteSpec> {
    let route = |method| RouteSpec { method, pattern: "/x", id: 0, body: BodyPolicy::Discard, open: true };
    vec![route(Method::Get), route(Method::Put)]
}

fn get(bench: &mut Bench, fields: &[&str]) -> Answer {
    let answer = bench.ask(&[&["GET /x HTTP/1.1"], fields].concat());
    let length = answer.header("Content-Length").map(|length| length.parse().unwrap());
    assert_eq!(length, (answer.status != 304).then_some(answer.body.len()), "{fields:?}");
    answer
}

const DATA: &[u8] = b"0123456789";

#[test]
fn a_whole_answer_says_everything_and_head_says_the_same() {
    for kind in [Kind::Bytes, Kind::Shared, Kind::File] {
        let mut bench = bench(kind, DATA, false);
        let whole = get(&mut bench, &[]);
        assert_eq!((whole.status, &whole.body[..]), (200, DATA));
        for (name, value) in [
            ("Content-Type", "text/x"),
            ("Content-Length", "10"),
            ("ETag", "\"a\""),
            ("Last-Modified", AT),
            ("Cache-Control", CACHE),
            ("Accept-Ranges", "bytes"),
            ("X-Content-Type-Options", "nosniff"),
        ] {
            assert_eq!(whole.header(name), Some(value));
        }
        assert_eq!((whole.header("Vary"), whole.header("Content-Encoding")), (None, None));
        for fields in [&[][..], &["Range: bytes=1-2"]] {
            let head = bench.ask(&[&["HEAD /x HTTP/1.1"], fields].concat());
            assert_eq!((head.head, head.body), (whole.head.clone(), Vec::new()));
        }
    }
}

#[test]
fn one_part_of_every_kind_of_body() {
    for kind in [Kind::Bytes, Kind::Shared, Kind::File] {
        let mut bench = bench(kind, DATA, false);
        let part = get(&mut bench, &["Range: bytes=2-4"]);
        assert_eq!((part.status, &part.body[..]), (206, &b"234"[..]));
        assert_eq!(part.header("Content-Range"), Some("bytes 2-4/10"));
        assert_eq!((part.header("Content-Type"), part.header("ETag")), (Some("text/x"), Some("\"a\"")));
        let beyond = get(&mut bench, &["Range: bytes=10-"]);
        assert_eq!((beyond.status, beyond.header("Content-Range")), (416, Some("bytes */10")));
        assert_eq!(get(&mut bench, &["Range: bytes=a"]).status, 200);
        assert_eq!(get(&mut bench, &["Range: bytes=0-1", "Range: bytes=2-3"]).status, 200);
    }
}

#[test]
fn several_parts_of_every_kind_of_body() {
    let data: Vec<u8> = (0..20_000u32).map(|index| b'a' + (index % 26) as u8).collect();
    for kind in [Kind::Bytes, Kind::Shared, Kind::File] {
        let mut bench = bench(kind, &data, false);
        let answer = get(&mut bench, &["Range: bytes=-3, 0-1, 9000-17999"]);
        assert_eq!((answer.status, answer.header("Content-Range")), (206, None));
        let kind = answer.header("Content-Type").unwrap();
        let boundary = kind.strip_prefix("multipart/byteranges; boundary=\"").unwrap().strip_suffix('"').unwrap();
        let mut expected = Vec::new();
        for (range, told) in [(19_997..20_000, "19997-19999"), (0..2, "0-1"), (9000..18_000, "9000-17999")] {
            let start = if expected.is_empty() { "" } else { "\r\n" };
            let head =
                format!("{start}--{boundary}\r\nContent-Type: text/x\r\nContent-Range: bytes {told}/20000\r\n\r\n");
            expected.extend_from_slice(head.as_bytes());
            expected.extend_from_slice(&data[range]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert!(answer.body == expected);
        bench.now.monotonic_ns += 1;
        let other = get(&mut bench, &["Range: bytes=-3, 0-1, 9000-17999"]);
        assert_ne!(other.header("Content-Type"), Some(kind), "nobody knows the boundary ahead");
    }
}

#[test]
fn conditions_are_decided_before_the_range() {
    let mut bench = bench(Kind::Bytes, DATA, false);
    for (fields, status) in [
        (&["If-None-Match: \"a\""][..], 304),
        (&["If-None-Match: \"a\"", "Range: bytes=99-"], 304),
        (&["If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"], 304),
        (&["If-None-Match: \"b\"", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"], 200),
        (&["If-Match: \"b\"", "Range: bytes=0-1"], 412),
        (&["If-Match: \"a\"", "Range: bytes=0-1"], 206),
        (&["If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT"], 412),
        (&["If-Range: \"a\"", "Range: bytes=0-1"], 206),
        (&["If-Range: Sun, 06 Nov 1994 08:49:37 GMT", "Range: bytes=0-1"], 206),
        (&["If-Range: \"b\"", "Range: bytes=0-1"], 200),
        (&["If-Range: \"b\"", "Range: bytes=99-"], 200),
        (&["If-Range: \"b\""], 200),
    ] {
        assert_eq!(get(&mut bench, fields).status, status, "{fields:?}");
    }
    let known = get(&mut bench, &["If-None-Match: *"]);
    assert_eq!((known.header("ETag"), known.header("Cache-Control")), (Some("\"a\""), Some(CACHE)));
    assert_eq!((known.header("Last-Modified"), known.header("Content-Type")), (Some(AT), None));
}

#[test]
fn a_coding_is_a_variant_with_a_tag_of_its_own() {
    let mut bench = bench(Kind::Bytes, DATA, true);
    for (accept, encoding, etag, body) in [
        ("Accept-Encoding: gzip, br", Some("br"), "\"a-br\"", &b"pretend brotli"[..]),
        ("Accept-Encoding: gzip", Some("gzip"), "\"a-gzip\"", b"pretend gzip"),
        ("Accept-Encoding: zstd", None, "\"a\"", DATA),
        ("Accept: */*", None, "\"a\"", DATA),
    ] {
        let answer = get(&mut bench, &[accept]);
        assert_eq!((answer.status, answer.header("Vary")), (200, Some("Accept-Encoding")), "{accept}");
        assert_eq!((answer.header("Content-Encoding"), answer.header("ETag")), (encoding, Some(etag)), "{accept}");
        assert_eq!(answer.body, body, "{accept}");
        let known = get(&mut bench, &[accept, &format!("If-None-Match: {etag}")]);
        assert_eq!((known.status, known.header("Vary")), (304, Some("Accept-Encoding")), "{accept}");
        assert_eq!(get(&mut bench, &[accept, "If-None-Match: \"a-zstd\""]).status, 200, "{accept}");
    }
    let refused = get(&mut bench, &["Accept-Encoding: *;q=0"]);
    assert_eq!((refused.status, refused.header("Vary")), (406, Some("Accept-Encoding")));
}

#[test]
fn a_range_is_of_the_variant_and_several_are_of_the_plain_one_alone() {
    let mut bench = bench(Kind::Bytes, &[b'x'; 1000], true);
    let part = get(&mut bench, &["Accept-Encoding: gzip", "Range: bytes=8-"]);
    assert_eq!((part.status, &part.body[..], part.header("Content-Range")), (206, &b"gzip"[..], Some("bytes 8-11/12")));
    assert_eq!(part.header("Content-Encoding"), Some("gzip"));
    let ranges = "Range: bytes=0-0,500-500";
    assert_eq!(get(&mut bench, &[ranges]).status, 206);
    let mut coded = bench_with_long_coding();
    assert_eq!(get(&mut coded, &["Accept-Encoding: gzip", ranges]).status, 200);
    let other = get(&mut bench, &["Accept-Encoding: gzip", "Range: bytes=8-", "If-Range: \"a\""]);
    assert_eq!(other.status, 200, "the part of another variant is not given");
    let dated = get(&mut bench, &["Accept-Encoding: gzip", "Range: bytes=8-", &format!("If-Range: {AT}")]);
    assert_eq!(dated.status, 200, "nor by a date that all variants share");
}

/// A slice whose coded variant is long enough for ranges that do not touch.
fn bench_with_long_coding() -> Bench {
    struct Long;
    impl Service for Long {
        fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
            let body = Body::Bytes(&[b'x'; 1000]);
            let variants = [None, Some(Coding::Gzip)].map(|coding| Variant { coding, etag: None, body: body.clone() });
            let representation = Representation {
                content_type: "text/x",
                cache_control: None,
                modified: None,
                fields: &[],
                variants: &variants,
            };
            representation.answer(request, reply);
            Flow::Done
        }
    }
    Bench::new("", &routes(), Box::new(Long))
}

#[test]
fn what_has_no_validator_is_sent_whenever_it_is_asked_for() {
    let mut bench = bench_with_long_coding();
    for field in ["If-None-Match: \"a\"", "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT", "Range: bytes=0-1"] {
        let answer = get(&mut bench, &[field]);
        assert_eq!(answer.status, if field.starts_with("Range") { 206 } else { 200 }, "{field}");
        assert_eq!((answer.header("ETag"), answer.header("Last-Modified")), (None, None));
    }
    assert_eq!(get(&mut bench, &["If-None-Match: *"]).status, 304);
    assert_eq!(get(&mut bench, &["If-Range: \"a\"", "Range: bytes=0-1"]).status, 200);
}

#[test]
fn a_change_needs_what_it_names() {
    let mut bench = bench(Kind::Bytes, DATA, false);
    let before = format!("If-Unmodified-Since: {BEFORE}");
    for (field, status) in [
        ("X: y", 204),
        ("If-Match: \"a\"", 204),
        ("If-Match: *", 204),
        ("If-Match: \"b\"", 412),
        ("If-None-Match: *", 412),
        ("If-None-Match: \"b\"", 204),
        (&*before, 412),
        ("If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT", 204),
    ] {
        assert_eq!(bench.ask(&["PUT /x HTTP/1.1", field]).status, status, "{field}");
    }
}
