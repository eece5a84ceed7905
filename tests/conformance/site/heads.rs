//! HEAD, OPTIONS and what stands in heads: connections, security, request ids, timings.

use super::Site;
use super::server::PAGE_POLICY;

#[test]
fn head_has_the_head_of_get_everywhere() {
    let site = Site::start();
    for path in [
        "/files/blob.bin",
        "/files/book.txt",
        "/files/empty.txt",
        "/files/page.html",
        "/packed/text",
        "/packed/large",
        "/packed-gzip/lines",
        "/document",
        "/document/weak",
        "/lines",
        "/empty",
        "/fail",
        "/nothing/here",
    ] {
        for coding in ["identity", "br"] {
            let accept = format!("Accept-Encoding: {coding}");
            let get = site.with(path, &[&accept]);
            let head = site.curl(&["-I", "-H", &accept], path);
            assert_eq!(head.settled_head(), without_trailers(get.settled_head()), "{path} {coding}");
            assert!(head.body.is_empty(), "{path} {coding}");
        }
    }
}

/// curl writes trailers below the head; these were not asked for.
fn without_trailers(head: Vec<&str>) -> Vec<&str> {
    assert!(!head.iter().any(|line| line.starts_with("X-Sum")), "{head:?}");
    head
}

#[test]
fn options_and_405_tell_what_is_allowed() {
    let site = Site::start();
    for (path, allowed) in [
        ("/document", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/document/weak", "GET, HEAD, OPTIONS"),
        ("/files/blob.bin", "GET, HEAD, OPTIONS"),
        ("/echo", "OPTIONS, POST, PUT"),
        ("/lines", "GET, HEAD, OPTIONS"),
    ] {
        let told = site.curl(&["-X", "OPTIONS"], path);
        assert_eq!((told.status, sorted(told.field("allow"))), (204, sorted(Some(allowed))), "{path}");
        assert_eq!((told.body.len(), told.field("content-length")), (0, None), "{path}");
        let refused = site.curl(&["-X", "PATCH"], path);
        assert_eq!((refused.status, sorted(refused.field("allow"))), (405, sorted(Some(allowed))), "{path}");
    }
    assert_eq!(site.curl(&["-X", "OPTIONS", "--request-target", "*"], "/").status, 204);
    assert_eq!(site.curl(&["-X", "OPTIONS"], "/nothing/here").status, 404);
}

fn sorted(list: Option<&str>) -> Vec<&str> {
    let mut members: Vec<&str> = list.unwrap_or_default().split(',').map(str::trim).collect();
    members.sort_unstable();
    members
}

#[test]
fn every_answer_is_guarded_against_its_misuse() {
    let site = Site::start();
    for (path, is_page) in [("/files/page.html", true), ("/packed/text", false), ("/fail", false), ("/nothing", false)]
    {
        let answer = site.get(path);
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.field("referrer-policy"), Some("strict-origin-when-cross-origin"), "{path}");
        assert_eq!(answer.field("strict-transport-security"), None, "{path}");
        let by_tls = site.with(path, &["Forwarded: for=192.0.2.1;proto=https"]);
        assert_eq!(by_tls.field("strict-transport-security"), Some("max-age=86400; includeSubDomains"), "{path}");
        assert_eq!(answer.field("content-security-policy"), is_page.then_some(PAGE_POLICY), "{path}");
    }
}

#[test]
fn a_request_keeps_its_id_or_is_given_one() {
    let site = Site::start();
    let id_of = |field: &str| {
        let answer = site.with("/empty", &[field]);
        answer.field("x-request-id").expect("every answer has one").to_owned()
    };
    let longest = "a".repeat(128);
    for kept in ["a", "Order-7_1.2:3", &longest] {
        assert_eq!(id_of(&format!("X-Request-Id: {kept}")), kept);
    }
    let mut fresh: Vec<String> = [
        "X-Other: a",
        "X-Request-Id: a b",
        "X-Request-Id: a\"b",
        "X-Request-Id;",
        &format!("X-Request-Id: {longest}a"),
    ]
    .into_iter()
    .map(id_of)
    .collect();
    assert!(fresh.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())), "{fresh:?}");
    fresh.sort_unstable();
    fresh.dedup();
    assert_eq!(fresh.len(), 5, "no id is given twice");
    for path in ["/files/blob.bin", "/fail", "/nothing", "/lines", "/document"] {
        assert_eq!(site.with(path, &["X-Request-Id: mine"]).field("x-request-id"), Some("mine"), "{path}");
    }
}

#[test]
fn every_answer_tells_how_long_it_took() {
    let site = Site::start();
    for path in ["/empty", "/files/blob.bin", "/fail", "/nothing", "/packed/large"] {
        let answer = site.get(path);
        let told = answer.field("server-timing").unwrap_or_else(|| panic!("{path}: {}", answer.head));
        let millis = told.strip_prefix("app;dur=").expect("a name and a duration");
        assert!(millis.parse::<f64>().is_ok_and(|millis| (0.0..30_000.0).contains(&millis)), "{path}: {told}");
    }
}

#[test]
fn connections_stay_or_end_as_the_client_says() {
    let site = Site::start();
    let asked = |args: &[&str], path: &str| {
        let answer = site.curl(args, path);
        (answer.status, answer.field("connection").map(str::to_owned))
    };
    let (keep, close) = (Some("keep-alive".to_owned()), Some("close".to_owned()));
    for path in ["/empty", "/files/blob.bin", "/packed/text", "/nothing"] {
        let status = site.get(path).status;
        assert_eq!(asked(&[], path), (status, None), "{path}");
        assert_eq!(asked(&["-H", "Connection: close"], path), (status, close.clone()), "{path}");
        assert_eq!(asked(&["-H", "Connection: x, CLOSE"], path), (status, close.clone()), "{path}");
        assert_eq!(asked(&["--http1.0"], path), (status, close.clone()), "{path}");
        assert_eq!(asked(&["--http1.0", "-H", "Connection: Keep-Alive"], path), (status, keep.clone()), "{path}");
        // Whoever says both wants the end.
        let both = ["--http1.0", "-H", "Connection: keep-alive, close"];
        assert_eq!(asked(&both, path), (status, close.clone()), "{path}");
    }
}
