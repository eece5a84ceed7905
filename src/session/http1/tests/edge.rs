//! What every answer carries.

use super::*;
use crate::app::Edge;
use crate::app::edge::Ids;
use crate::wire::http::cors::{Names, Origins, Policy};
use crate::wire::http::forwarded::Style;

fn with_edge(edge: Edge) -> Bench {
    let mut bench = Bench::new();
    let app = std::mem::replace(&mut bench.app, App::new(Arc::new(RouterBuilder::new().build()), vec![], vec![]));
    bench.app = app.with_edge(edge);
    bench
}

fn cors() -> Edge {
    let policy = Policy {
        origins: Origins::These(vec!["https://app.example".into()]),
        methods: vec![Method::Put],
        headers: Names::Any,
        exposed: Vec::new(),
        credentials: false,
        max_age_s: 60,
    };
    Edge { cors: Some(Arc::new(policy)), ..Edge::default() }
}

fn ask(bench: &mut Bench, line: &str, fields: &str) -> String {
    bench.ask(format!("{line} HTTP/1.1\r\nHost: h\r\n{fields}\r\n").as_bytes())
}

#[test]
fn an_allowed_origin_is_told_so_by_answers_of_every_kind() {
    let mut bench = with_edge(cors());
    let origin = "Origin: https://app.example\r\n";
    for line in ["GET /plain/x", "GET /job/x", "GET /stream/x", "GET /nowhere", "DELETE /plain/x", "GET /guarded/x"] {
        let sent = ask(&mut bench, line, origin);
        assert!(sent.contains("\r\nAccess-Control-Allow-Origin: https://app.example\r\n"), "{line}: {sent}");
        assert!(sent.contains("\r\nVary: Origin\r\n"), "{line}: {sent}");
        let sent = ask(&mut bench, line, "Origin: https://evil.example\r\n");
        assert!(!sent.contains("Access-Control-") && sent.contains("\r\nVary: Origin\r\n"), "{line}: {sent}");
    }
}

#[test]
fn a_preflight_is_answered_before_any_slice_or_guard() {
    let mut bench = with_edge(cors());
    let asked = "Origin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\n";
    for path in ["/plain/x", "/guarded/x"] {
        let sent = ask(&mut bench, &format!("OPTIONS {path}"), asked);
        assert_eq!(status(&sent), 204);
        assert!(sent.contains("\r\nAccess-Control-Allow-Methods: PUT\r\n"), "{sent}");
        assert_eq!(sent.matches("Vary:").count(), 1, "{sent}");
    }
    let plain = ask(&mut bench, "OPTIONS /plain/x", "Origin: https://app.example\r\n");
    assert!(plain.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"), "no preflight: {plain}");
}

#[test]
fn requests_are_named_by_their_client_or_here() {
    let mut bench = with_edge(Edge { ids: Some(Ids::new(7)), ..Edge::default() });
    assert!(ask(&mut bench, "GET /job/x", "X-Request-Id: a-1\r\n").contains("\r\nX-Request-Id: a-1\r\n"));
    let fresh = "\r\nX-Request-Id: 00000000000000070000000000000001\r\n";
    assert!(ask(&mut bench, "GET /job/x", "X-Request-Id: a b\r\n").contains(fresh));
    assert!(ask(&mut bench, "GET /nowhere", "").contains("0000000000000002\r\n"));
}

#[test]
fn an_answer_says_how_long_it_took_from_call_to_answer() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let clock = Arc::clone(&ticks);
    let stopwatch = move || clock.fetch_add(1_500_000, Ordering::SeqCst) as u64;
    let mut bench =
        with_edge(Edge { stopwatch: Some(Arc::new(stopwatch)), fixed: b"X-Fixed: 1\r\n".to_vec(), ..Edge::default() });
    for path in ["/plain/x", "/job/x", "/stream/x"] {
        let sent = bench.ask(&get(path));
        assert!(sent.contains("\r\nServer-Timing: app;dur=1.500\r\n"), "{path}: {sent}");
        assert!(sent.contains("\r\nX-Fixed: 1\r\n"), "{path}: {sent}");
    }
}

#[test]
fn what_is_for_tls_alone_is_said_to_who_came_by_it_and_to_nobody_else() {
    let mut bench = with_edge(Edge { secure: b"X-Safe: 1\r\n".to_vec(), ..Edge::default() });
    bench.settings.trusted.unix = true;
    bench.settings.forwarded = Some(Style::Standard);
    for path in ["/plain/x", "/job/x", "/stream/x", "/guarded/x", "/nowhere"] {
        for (fields, said) in [("", 0), ("Forwarded: proto=http\r\n", 0), ("Forwarded: proto=https\r\n", 1)] {
            let sent = ask(&mut bench, &format!("GET {path}"), fields);
            assert_eq!(sent.matches("\r\nX-Safe: 1\r\n").count(), said, "{path} {fields}: {sent}");
        }
    }
    bench.settings.trusted.unix = false;
    let sent = ask(&mut bench, "GET /plain/x", "Forwarded: proto=https\r\n");
    assert!(!sent.contains("X-Safe"), "anybody can claim it: {sent}");
}

#[test]
fn no_edge_adds_nothing() {
    assert_eq!(with_edge(Edge::default()).ask(&get("/plain/x")), ok("x"));
}
