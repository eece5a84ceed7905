//! What every answer carries when `[http]` asks for it.

use crate::support::Setup;

const CONFIG: &str = "[http]\ncors_origins = [\"https://app.example\"]\n\
     request_ids = true\nserver_timing = true\nhsts_s = 60\n\
     trusted_proxies = [\"127.0.0.1\"]\nforwarded = \"x-forwarded-for\"\n";
const ORIGIN: (&str, &str) = ("Origin", "https://app.example");

#[test]
fn answers_of_every_kind_carry_what_was_asked_for() {
    let node = Setup::new().config(CONFIG).start();
    for (method, path, status) in [
        ("GET", "/-/ping", 200),
        ("GET", "/nothing/here/at/all", 404),
        ("POST", "/-/ping", 405),
        ("GET", "/absent", 404),
    ] {
        let answer = node.http(method, path, &[ORIGIN, ("X-Request-Id", "from-outside.1")], b"");
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN.1), "{path}");
        assert_eq!(answer.header("x-request-id"), Some("from-outside.1"), "{path}");
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
        for (proto, expected) in [("https", Some("max-age=60")), ("http", None)] {
            let answer =
                node.http(method, path, &[("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", proto)], b"");
            assert_eq!(answer.header("strict-transport-security"), expected, "{path} {proto}");
        }
    }
    let timing = node.get("/-/ping").header("server-timing").map(str::to_owned).expect("it is timed");
    assert!(timing.strip_prefix("app;dur=").is_some_and(|ms| ms.parse::<f64>().is_ok()), "{timing}");
}

#[test]
fn each_request_without_an_id_gets_one_of_its_own() {
    let node = Setup::new().config(CONFIG).start();
    let id = || node.get("/-/ping").header("x-request-id").map(str::to_owned).expect("an id");
    let (one, two) = (id(), id());
    assert!(one.len() == 32 && two.len() == 32 && one != two, "{one} {two}");
}

#[test]
fn a_page_may_ask_what_it_may_do_without_a_token() {
    let node = Setup::new().config(CONFIG).start();
    let asked = [ORIGIN, ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "authorization")];
    let answer = node.http("OPTIONS", "/some-package", &asked, b"");
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-methods"), Some("PUT"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("authorization"));
    let other = node.http("OPTIONS", "/some-package", &[("Origin", "https://evil.example"), asked[1]], b"");
    assert_eq!((other.status, other.header("access-control-allow-origin")), (204, None));
}

#[test]
fn by_default_answers_carry_nothing_of_it() {
    let answer = Setup::new().start().http("GET", "/-/ping", &[ORIGIN, ("X-Request-Id", "a")], b"");
    for name in ["access-control-allow-origin", "x-request-id", "server-timing", "strict-transport-security", "vary"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}
