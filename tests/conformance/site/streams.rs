//! Bodies of unknown length: their chunks, their trailers, and clients that know neither.

use super::server::{LINES, all_lines};
use super::{Answer, Site};

/// What curl passed on as it came: content, trailers.
fn unchunk(answer: &Answer) -> (String, Vec<String>) {
    let mut rest = answer.text();
    let mut content = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").expect("a size ends with its line");
        let size = usize::from_str_radix(size, 16).expect("a size is hexadecimal");
        if size == 0 {
            let trailers = after.strip_suffix("\r\n").expect("the end is an empty line");
            return (content, trailers.lines().map(str::to_owned).collect());
        }
        content.push_str(&after[..size]);
        rest = after[size..].strip_prefix("\r\n").expect("a chunk ends with its line").to_owned();
    }
}

fn trailers() -> Vec<String> {
    vec![format!("X-Sum: {}", LINES * (LINES + 1) / 2), format!("X-Count: {LINES}")]
}

#[test]
fn an_unknown_length_is_sent_in_chunks() {
    let site = Site::start();
    let answer = site.get("/lines");
    assert_eq!((answer.field("transfer-encoding"), answer.field("content-length")), (Some("chunked"), None));
    assert!(answer.text() == all_lines());
    let raw = site.curl(&["--raw"], "/lines");
    let (content, trailers) = unchunk(&raw);
    assert!(content == all_lines());
    assert_eq!(trailers, Vec::<String>::new(), "nobody asked for them");
}

#[test]
fn trailers_come_to_those_who_take_them() {
    let site = Site::start();
    for (te, expected) in [
        ("TE: trailers", trailers()),
        ("TE: gzip, Trailers", trailers()),
        ("TE: gzip;q=0.5", vec![]),
        ("TE: nottrailers", vec![]),
    ] {
        let raw = site.curl(&["--raw", "-H", te, "-H", "Connection: TE"], "/lines");
        assert_eq!((raw.status, raw.field("trailer")), (200, Some("X-Sum, X-Count")), "{te}");
        let (content, trailers) = unchunk(&raw);
        assert!(content == all_lines(), "{te}");
        assert_eq!(trailers, expected, "{te}");
    }
    // Compressing on the way loses none.
    let packed = site.curl(&["--compressed", "-H", "Accept-Encoding: gzip", "-H", "TE: trailers"], "/packed/lines");
    assert!(packed.text() == all_lines());
    assert_eq!(packed.field("x-count"), Some(LINES.to_string().as_str()), "{}", packed.head);
}

#[test]
fn a_transfer_coding_is_no_duty() {
    let site = Site::start();
    let answer = site.curl(&["--tr-encoding"], "/lines");
    assert_eq!(answer.field("transfer-encoding"), Some("chunked"));
    assert!(answer.text() == all_lines());
}

#[test]
fn http_1_0_ends_a_body_with_its_connection() {
    let site = Site::start();
    for args in [&["--http1.0"][..], &["--http1.0", "-H", "Connection: keep-alive", "-H", "TE: trailers"]] {
        for path in ["/lines", "/packed-gzip/lines"] {
            let answer = site.curl(args, path);
            assert_eq!((answer.status, answer.field("transfer-encoding")), (200, None), "{path}");
            assert_eq!((answer.field("connection"), answer.field("content-length")), (Some("close"), None), "{path}");
            assert!(answer.text() == all_lines(), "{path}");
        }
    }
    let answer = site.curl(&["--http1.0", "-r", "1-3"], "/document");
    assert_eq!((answer.status, answer.text().as_str()), (206, "123"));
    assert_eq!(site.curl(&["--http1.0", "-H", "If-None-Match: \"v1\""], "/document").status, 304);
}

#[test]
fn curl_reads_slowly_and_gives_up_in_the_middle() {
    let site = Site::start();
    let url = site.url("/flood");
    let script = format!("curl -q -sS -N --max-time 30 {url} | head -c 100000 | wc -c");
    let told = crate::run_in(site.root(), std::path::Path::new("sh"), &["-c", &script]);
    assert_eq!(told.stdout.trim(), "100000");
    site.seen.wait_for_dropped(1, crate::LONG);
}
