//! The CORS protocol to the letter, as curl can say it; what a browser makes of it is in `browser`.

use std::sync::Arc;

use super::seen::Seen;
use super::server::start_other;
use super::{Answer, Site};

const ORIGIN: &str = "https://app.example";

/// Asks the other server, which knows one origin.
fn ask(args: &[&str]) -> Answer {
    let mut site = Site::start();
    site.server = start_other(ORIGIN, &Arc::new(Seen::default()));
    site.curl(args, "/data")
}

fn preflight(origin: &str, method: &str, headers: &str) -> Answer {
    let fields = [
        format!("Origin: {origin}"),
        format!("Access-Control-Request-Method: {method}"),
        format!("Access-Control-Request-Headers: {headers}"),
    ];
    ask(&["-X", "OPTIONS", "-H", &fields[0], "-H", &fields[1], "-H", &fields[2]])
}

/// The fields of the protocol, in the order they were sent.
fn told(answer: &Answer) -> Vec<&str> {
    let of_protocol = |line: &&str| line.starts_with("Access-Control-") || line.starts_with("Vary");
    answer.head.lines().filter(of_protocol).collect()
}

const VARY: &str = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

#[test]
fn a_preflight_is_answered_without_its_handler() {
    let answer = preflight(ORIGIN, "PUT", "x-custom");
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let expected = [
        "Access-Control-Allow-Origin: https://app.example",
        "Access-Control-Allow-Methods: PUT",
        "Access-Control-Allow-Headers: x-custom",
        "Access-Control-Max-Age: 600",
        VARY,
    ];
    assert_eq!(told(&answer), expected);
    for (origin, method, headers) in [
        ("https://other.example", "PUT", "x-custom"),
        ("null", "PUT", "x-custom"),
        ("https://app.example.evil", "PUT", "x-custom"),
        (ORIGIN, "DELETE", "x-custom"),
        (ORIGIN, "PUT", "x-custom, x-other"),
    ] {
        let answer = preflight(origin, method, headers);
        assert_eq!((answer.status, told(&answer)), (204, vec![VARY]), "{origin} {method} {headers}");
    }
    let plain = ask(&["-X", "OPTIONS"]);
    assert_eq!(
        (plain.status, plain.field("allow"), told(&plain)),
        (204, Some("GET, HEAD, PUT, OPTIONS"), vec!["Vary: Origin"])
    );
}

#[test]
fn an_answer_says_who_may_read_it() {
    let known = ask(&["-H", &format!("Origin: {ORIGIN}")]);
    let allowed = "Access-Control-Allow-Origin: https://app.example";
    assert_eq!(told(&known), [allowed, "Access-Control-Expose-Headers: X-Total", "Vary: Origin"]);
    for args in [&["-H", "Origin: https://other.example"][..], &["-H", "Origin: null"], &[]] {
        let answer = ask(args);
        assert_eq!((answer.status, told(&answer)), (200, vec!["Vary: Origin"]), "{args:?}");
        assert_eq!(answer.text(), "read by others");
    }
}
