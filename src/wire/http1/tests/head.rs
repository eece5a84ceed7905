//! What good heads mean.

use super::super::*;
use crate::limits::{HEADERS_MAX, TARGET_BYTES_MAX};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Parses a head that must be good and shows it to `look`.
fn accept<R>(text: &str, look: impl Fn(&Head<'_, '_>) -> R) -> R {
    fuzz::head(text.as_bytes());
    let slots = slots();
    let (head, length) = parse_head(text.as_bytes(), &slots, &Limits::default())
        .unwrap_or_else(|error| panic!("{error:?}: {text:?}"))
        .unwrap_or_else(|| panic!("incomplete: {text:?}"));
    assert_eq!(length, text.len());
    look(&head)
}

fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_plain_get() {
    accept("GET /a/b?c=d&e HTTP/1.1\r\nHost: x.y:80\r\nAccept: */*\r\naccept:  a b \t\r\nEmpty:\r\n\r\n", |head| {
        assert_eq!((head.method, head.version), (Method::Get, Version::Http11));
        assert_eq!((head.path, head.query), (b"/a/b".as_slice(), Some(b"c=d&e".as_slice())));
        assert_eq!(head.host, Some(b"x.y:80".as_slice()));
        assert_eq!((head.framing, head.keep_alive, head.expects_continue), (Framing::None, true, false));
        assert_eq!(head.fields.len(), 4);
        assert_eq!(head.header("ACCEPT"), Some(b"*/*".as_slice()));
        assert_eq!(head.headers("accept").collect::<Vec<_>>(), [b"*/*".as_slice(), b"a b"]);
        assert_eq!(head.header("empty"), Some(b"".as_slice()));
        assert_eq!(head.header("absent"), None);
    });
}

#[test]
fn every_method_but_connect() {
    use Method::*;
    for method in [Delete, Get, Head, Options, Patch, Post, Put, Trace] {
        let head = format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", method.as_str());
        assert_eq!(accept(&head, |head| head.method), method);
    }
    assert_eq!(Method::parse(b"CONNECT"), Some(Connect));
    assert_eq!(Connect.as_str(), "CONNECT");
}

#[test]
fn targets_and_what_they_ask_for() {
    for (target, path, query) in [
        ("/", "/", None),
        ("//", "//", None),
        ("/?", "/", Some("")),
        ("/a?b?c", "/a", Some("b?c")),
        ("/@s%2fn/-/x.tgz", "/@s%2fn/-/x.tgz", None),
        ("/!\"$&'()*+,;=:@[]^`{|}~\\<>", "/!\"$&'()*+,;=:@[]^`{|}~\\<>", None),
        ("http://a", "/", None),
        ("http://A/", "/", None),
        ("HTTPS://a/b/c?d", "/b/c", Some("d")),
        ("http://a?x=http://b/", "/", Some("x=http://b/")),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let seen = accept(&head, |head| (text(head.path), head.query.map(text)));
        assert_eq!(seen, (path.into(), query.map(String::from)), "{target}");
    }
    assert_eq!(accept("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", |head| text(head.path)), "*");
}

#[test]
fn hosts() {
    for host in
        ["a", "localhost:4873", "127.0.0.1", "[::1]", "[::ffff:1.2.3.4]:65535", "a_b.c-d~e", "xn--bcher-kva.example"]
    {
        let head = format!("GET / HTTP/1.1\r\nhOsT:{host}\r\n\r\n");
        assert_eq!(accept(&head, |head| head.host.map(text)), Some(host.into()));
    }
    assert_eq!(accept("GET / HTTP/1.0\r\n\r\n", |head| head.host.map(text)), None);
    assert_eq!(accept("GET / HTTP/1.0\r\nHost: a\r\n\r\n", |head| head.host.map(text)), Some("a".into()));
}

#[test]
fn framings() {
    let max = format!("{}", 9_999_999_999_999_999_999u64);
    for (field, framing) in [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::Length(0)),
        ("content-length:007\r\n", Framing::Length(7)),
        (&format!("Content-Length: {max}\r\n"), Framing::Length(9_999_999_999_999_999_999)),
        ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
        ("transfer-encoding:CHUNKED \t\r\n", Framing::Chunked),
    ] {
        assert_eq!(accept(&get(field), |head| head.framing), framing, "{field:?}");
    }
}

#[test]
fn who_keeps_the_connection() {
    for (version, fields, keep_alive) in [
        (1, "", true),
        (1, "Connection: close\r\n", false),
        (1, "Connection: keep-alive, CLOSE\r\n", false),
        (1, "Connection: upgrade ,\tclose\r\n", false),
        (1, "Connection: x\r\nConnection: close\r\n", false),
        (1, "Connection: close-not\r\n", true),
        (1, "Connection: ,, ,\r\n", true),
        (1, "Connection:\r\n", true),
        (0, "", false),
        (0, "Connection: Keep-Alive\r\n", true),
        (0, "Connection: a,keep-alive\r\n", true),
        (0, "Connection: keep-alive\r\nConnection: close\r\n", false),
        (0, "Keep-Alive: 5\r\n", false),
    ] {
        let head = format!("GET / HTTP/1.{version}\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(accept(&head, |head| head.keep_alive), keep_alive, "{head:?}");
    }
}

#[test]
fn who_waits_for_a_continue() {
    for (version, fields, waits) in [
        (1, "Expect: 100-continue\r\nContent-Length: 1\r\n", true),
        (1, "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", true),
        (1, "Expect: 100-continue\r\nContent-Length: 0\r\n", false),
        (1, "Expect: 100-continue\r\n", false),
        (1, "Content-Length: 1\r\n", false),
        (0, "Expect: 100-continue\r\nContent-Length: 1\r\n", false),
        (0, "Expect: a miracle\r\nContent-Length: 1\r\n", false),
    ] {
        let head = format!("PUT / HTTP/1.{version}\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(accept(&head, |head| head.expects_continue), waits, "{head:?}");
    }
}

#[test]
fn a_blank_line_before_the_head_counts_but_means_nothing() {
    accept("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", |head| assert_eq!(head.path, b"/"));
}

#[test]
fn what_follows_a_head_has_no_say_in_it() {
    let head = get("X: y\r\n");
    for tail in ["\n", "\0", "\r\r", " folded\r\n", "GET / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}"] {
        let bytes = format!("{head}{tail}");
        fuzz::head(bytes.as_bytes());
        let slots = slots();
        let parsed = parse_head(bytes.as_bytes(), &slots, &Limits::default());
        assert_eq!(parsed.unwrap().unwrap().1, head.len(), "{tail:?}");
    }
}

#[test]
fn obs_text_passes_through() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nX: \xff\x80 \xc3\xa4\r\n\r\n";
    fuzz::head(head);
    let slots = slots();
    let (head, _) = parse_head(head, &slots, &Limits::default()).unwrap().unwrap();
    assert_eq!(head.header("x"), Some(b"\xff\x80 \xc3\xa4".as_slice()));
}

/// The outcome under `limits`, by one parse and by a scan of every prefix, which must agree.
fn limited(head: &str, limits: Limits) -> Result<usize, Error> {
    let slots = slots();
    let at_once = parse_head(head.as_bytes(), &slots, &limits).map(|parsed| parsed.map_or(0, |(_, length)| length));
    let mut scan = HeadScan::default();
    let dripped = (0..=head.len()).find_map(|end| scan.scan(&head.as_bytes()[..end], &limits).err());
    assert_eq!(at_once.is_err_and(|error| error != Error::TooManyFields), dripped.is_some());
    assert!(dripped.is_none_or(|error| at_once == Err(error)));
    at_once
}

#[test]
fn the_head_limit_below_at_and_above() {
    for lead in ["", "\r\n"] {
        let head = format!("{lead}{}", get("X: 0123456789\r\n"));
        let limit = |head_bytes| Limits { head_bytes, ..Limits::default() };
        assert_eq!(limited(&head, limit(head.len() + 1)), Ok(head.len()));
        assert_eq!(limited(&head, limit(head.len())), Ok(head.len()));
        assert_eq!(limited(&head, limit(head.len() - 1)), Err(Error::HeadTooLarge));
        assert_eq!(limited(&head, limit(lead.len() + 16)), Err(Error::HeadTooLarge));
        assert_eq!(limited(&head, limit(lead.len() + 15)), Err(Error::TargetTooLong));
        assert_eq!(limited(&head, limit(0)), Err(Error::TargetTooLong));
    }
}

#[test]
fn the_field_limit_below_at_and_above() {
    for limit in [2, 7, HEADERS_MAX] {
        let head = |count: usize| get(&"X: y\r\n".repeat(count - 1));
        let limits = Limits { headers: limit, ..Limits::default() };
        assert!(limited(&head(limit - 1), limits).is_ok());
        assert!(limited(&head(limit), limits).is_ok());
        assert_eq!(limited(&head(limit + 1), limits), Err(Error::TooManyFields));
    }
    let none = Limits { headers: usize::MAX, ..Limits::default() };
    assert_eq!(limited(&get(&"X: y\r\n".repeat(HEADERS_MAX)), none), Err(Error::TooManyFields));
}

#[test]
fn the_target_limit_below_at_and_above() {
    let head = |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes - 1));
    let parse = |text: String| {
        let slots = slots();
        parse_head(text.as_bytes(), &slots, &Limits::default()).map(|parsed| parsed.is_some())
    };
    assert_eq!(parse(head(TARGET_BYTES_MAX - 1)), Ok(true));
    assert_eq!(parse(head(TARGET_BYTES_MAX)), Ok(true));
    assert_eq!(parse(head(TARGET_BYTES_MAX + 1)), Err(Error::TargetTooLong));
    assert_eq!(parse(head(crate::limits::HEAD_BYTES_MAX)), Err(Error::TargetTooLong));
}
