//! The app as its users see it: through the test client.
#![allow(clippy::disallowed_methods, reason = "a test writes the files it has served")]

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::*;
use crate::app::{self, BodyPolicy, Flow, Reply, RouteSpec, Service, Value};
use crate::limits::ROUTES_MAX;

mod sockets;
mod topics;
mod websocket;

fn get(app: App, target: &str) -> TestResponse {
    app.test().get(target).send()
}

#[test]
fn what_handlers_return_becomes_an_answer() {
    let app = App::new()
        .get("/str", || "text")
        .get("/string", || String::from("text"))
        .get("/bytes", || &b"\x00\xff"[..])
        .get("/vec", || vec![1u8, 2])
        .get("/html", || Html("<p>"))
        .get("/json", || Json([1, 2]))
        .get("/unit", || ())
        .get("/some", || Some("text"))
        .get("/none", || None::<&str>)
        .get("/err", || Err::<&str, _>(Error::new(409, "taken").because("by another")))
        .get("/status", || (201, [("Location", "/x")], "made"))
        .get("/redirect", || Redirect::to("/there"))
        .get("/fixed", Fixed::new(200, &[("Content-Type", "text/plain"), ("X-A", "1")], "same"))
        .get("/fixed204", Fixed::new(204, &[], ""))
        .test();
    for (target, status, content_type, body) in [
        ("/str", 200, Some("text/plain; charset=utf-8"), &b"text"[..]),
        ("/string", 200, Some("text/plain; charset=utf-8"), b"text"),
        ("/bytes", 200, Some("application/octet-stream"), b"\x00\xff"),
        ("/vec", 200, Some("application/octet-stream"), b"\x01\x02"),
        ("/html", 200, Some("text/html; charset=utf-8"), b"<p>"),
        ("/json", 200, Some("application/json"), b"[1,2]"),
        ("/unit", 204, None, b""),
        ("/some", 200, Some("text/plain; charset=utf-8"), b"text"),
        ("/none", 404, Some("application/json"), br#"{"error":"not found"}"#),
        ("/err", 409, Some("application/json"), br#"{"error":"taken","reason":"by another"}"#),
        ("/status", 201, Some("text/plain; charset=utf-8"), b"made"),
        ("/redirect", 303, None, b""),
        ("/fixed", 200, Some("text/plain"), b"same"),
        ("/fixed204", 204, None, b""),
    ] {
        let answer = app.get(target).send();
        assert_eq!((answer.status, answer.header("content-type")), (status, content_type), "{target}");
        assert_eq!(answer.body, body, "{target}");
        let head = app.request(Method::Head, target).send();
        assert_eq!((head.status, head.body.len()), (status, 0), "HEAD {target}");
        assert_eq!(head.header("content-length"), answer.header("content-length"), "HEAD {target}");
    }
    assert_eq!(app.get("/redirect").send().header("location"), Some("/there"));
    assert_eq!(app.get("/fixed").send().header("x-a"), Some("1"));
    assert_eq!(app.get("/fixed204").send().header("content-length"), None);
}

#[test]
fn patterns_take_segments_and_rests() {
    let show = |request: &Request<'_>| format!("{} {:?}", request.pattern(), request.param("x"));
    let app = App::new().get("/a/b", show).get("/a/{x}", show).get("/f/{*x}", show).get("/", show).test();
    for (target, expected) in [
        ("/a/b", "/a/b None"),
        ("/a/c%20d", "/a/{x} Some(\"c d\")"),
        ("/f/c/d%2Fe", "/f/{*x} Some(\"c/d/e\")"),
        ("/?q", "/ None"),
    ] {
        assert_eq!(app.get(target).send().text(), expected, "{target}");
    }
}

#[derive(Debug, Deserialize)]
struct Named {
    year: u16,
    name: String,
}

#[test]
fn captures_become_values() {
    let app = App::new()
        .get("/one/{id}", |Path(id): Path<i64>| id.to_string())
        .get("/two/{a}/{b}", |Path((a, b)): Path<(u8, String)>| format!("{a} {b}"))
        .get("/struct/{name}/{year}", |Path(named): Path<Named>| format!("{} {}", named.year, named.name))
        .get("/wrong/{a}/{b}", |Path(id): Path<u8>| id.to_string())
        .test();
    let said = |target: &str| {
        let answer = app.get(target).send();
        format!("{} {}", answer.status, answer.text())
    };
    assert_eq!(said("/one/-7"), "200 -7");
    assert_eq!(said("/two/255/%C3%A9"), "200 255 é");
    assert_eq!(said("/struct/x%2Fy/1999"), "200 1999 x/y");
    let reason = r#"{"error":"not found","reason":"\"256\" is no number from 0 to 255"}"#;
    assert_eq!(said("/two/256/x"), format!("404 {reason}"));
    let reason = r#"{"error":"the path is malformed","reason":"b: its percent-encoding is not that of a text"}"#;
    assert_eq!(said("/two/1/%ff"), format!("400 {reason}"));
    assert!(said("/wrong/1/2").contains("take a tuple or a struct"));
}

#[derive(Debug, Deserialize, Serialize)]
struct Point {
    x: i32,
    y: i32,
}

#[test]
fn bodies_are_refused_with_what_is_wrong() {
    let app = App::new()
        .post("/json", |Json(point): Json<Point>| Json(point))
        .post("/form", |Form(point): Form<Point>| Json(point))
        .post("/text", |text: String| text)
        .post("/bytes", |Bytes(bytes): Bytes<'_>| bytes.len().to_string())
        .post("/decide", |point: Result<Json<Point>, Rejection>| match point {
            Ok(_) => "a point".to_owned(),
            Err(rejection) => rejection.error().to_owned(),
        })
        .post("/optional", |point: Option<Json<Point>>| point.is_some().to_string())
        .test();
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    for (target, content_type, body, status, expected) in [
        ("/json", json, r#"{"x":1,"y":-2}"#, 200, r#"{"x":1,"y":-2}"#),
        ("/json", json, r#"{"x":1"#, 400, "EOF while parsing"),
        ("/json", json, "", 400, "EOF while parsing"),
        ("/json", json, r#"{"x":1}"#, 422, "missing field `y`"),
        ("/json", "text/plain", r#"{"x":1,"y":2}"#, 415, "send Content-Type: application/json"),
        ("/form", form, "x=1&y=-2", 200, r#"{"x":1,"y":-2}"#),
        ("/form", form, "x=1", 422, "missing field `y`"),
        ("/form", json, "x=1&y=-2", 415, "x-www-form-urlencoded"),
        ("/text", "", "é", 200, "é"),
        ("/bytes", "", "é", 200, "2"),
        ("/decide", json, "[", 200, "the body is malformed"),
        ("/optional", json, "[", 200, "false"),
    ] {
        let answer = app.post(target).header("Content-Type", content_type).body(body).send();
        assert_eq!(answer.status, status, "{target} {body}: {}", answer.text());
        assert!(answer.text().contains(expected), "{target} {body}: {}", answer.text());
    }
    let answer = app.post("/text").body(vec![0xff]).send();
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn a_body_is_read_up_to_its_bound() {
    let settings = Settings { body_bytes: 1000, ..Settings::default() };
    let app = App::new().settings(settings).post("/", |body: Vec<u8>| body.len().to_string()).test();
    for (bytes, status) in [(999, 200), (1000, 200), (1001, 413)] {
        assert_eq!(app.post("/").body(vec![b'x'; bytes]).send().status, status, "{bytes}");
    }
}

/// Writes what it sees into the answer.
struct Tell(&'static str);

impl Middleware for Tell {
    fn before(&self, request: &mut Request<'_>) -> Option<Response> {
        let way = format!("{}{}", request.local::<String>().map_or("", String::as_str), self.0);
        request.set_local(way);
        (request.query_string() == Some(self.0)).then(|| Response::text(format!("stopped by {}", self.0)))
    }

    fn after(&self, _: &Request<'_>, response: &mut Response) {
        response.add_header("X-After", self.0);
    }
}

fn way_of(request: &Request<'_>) -> String {
    request.local::<String>().cloned().unwrap_or_default()
}

fn after_of(answer: &TestResponse) -> String {
    let after = answer.headers.iter().filter(|(name, _)| name == "X-After");
    after.map(|(_, value)| value.as_str()).collect()
}

fn grouped() -> TestClient {
    App::new()
        .get("/", way_of)
        .group("/in", |group| {
            group
                .get("/", way_of)
                .middleware(Tell("c"))
                .group("/{x}", |inner| inner.middleware(Tell("d")).get("/deep", way_of))
        })
        .middleware(Tell("a"))
        .middleware(Tell("b"))
        .test()
}

#[test]
fn middlewares_stand_around_their_group_outermost_first() {
    let app = grouped();
    for (target, status, way, after) in [
        ("/", 200, "ab", "ba"),
        ("/in", 200, "abc", "cba"),
        ("/in/7/deep", 200, "abcd", "dcba"),
        ("/in/7/deep?b", 200, "stopped by b", "a"),
        ("/in/7/deep?d", 200, "stopped by d", "cba"),
        ("/in/7/else", 404, r#"{"error":"not found"}"#, "dcba"),
        ("/in/7", 404, r#"{"error":"not found"}"#, "dcba"),
        ("/else", 404, r#"{"error":"not found"}"#, "ba"),
    ] {
        let answer = app.get(target).send();
        assert_eq!((answer.status, answer.text()), (status, way), "{target}");
        assert_eq!(after_of(&answer), after, "{target}");
    }
}

#[test]
fn misses_pass_the_middlewares_and_can_be_answered_otherwise() {
    let app = grouped();
    let answer = app.post("/in/7/deep").send();
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(after_of(&answer), "dcba");
    let answer = app.request(Method::Options, "/in").send();
    assert_eq!((answer.status, answer.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
    assert_eq!(after_of(&answer), "cba");
    assert_eq!(app.request(Method::Options, "*").send().status, 204);

    let app = App::new()
        .get("/", || "root")
        .not_found(|request: &Request<'_>| (404, format!("nothing at {}", request.path())))
        .method_not_allowed(|| (405, "not like that"))
        .test();
    assert_eq!(app.get("/x").send().text(), "nothing at /x");
    let answer = app.post("/").send();
    assert_eq!((answer.text(), answer.header("allow")), ("not like that", Some("GET, HEAD, OPTIONS")));
    let app = App::new().get("/", || "root").method_not_allowed(|| Blocking(|| (405, "looked it up"))).test();
    let answer = app.post("/").send();
    assert_eq!((answer.text(), answer.header("allow")), ("looked it up", Some("GET, HEAD, OPTIONS")));
}

#[test]
fn a_fixed_answer_behind_a_middleware_is_changed_like_any_other() {
    let app = App::new().get("/", Fixed::json("{}")).after(|_, response| response.set_header("X-B", "2"));
    let answer = get(app, "/");
    assert_eq!((answer.text(), answer.header("x-b")), ("{}", Some("2")));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

fn broken(request: &Request<'_>) -> Result<&'static str, Error> {
    match request.query_string() {
        Some("panic") => panic!("this handler breaks"),
        Some("error") => Err(std::io::Error::other("the disk is on fire").into()),
        Some("failure") => Err(Error::failure("no such luck")),
        _ => Ok("well"),
    }
}

#[test]
fn failures_are_counted_and_told_to_the_client_in_few_words() {
    let app = App::new().middleware(Tell("a")).get("/", broken).test();
    for query in ["panic", "error", "failure"] {
        let answer = app.get(&format!("/?{query}")).send();
        assert_eq!(answer.status, 500, "{query}");
        assert_eq!(answer.text(), r#"{"error":"the server failed on this request"}"#);
        assert_eq!(answer.header("connection"), (query == "panic").then_some("close"), "{query}");
        assert_eq!(after_of(&answer), "a", "{query}");
    }
    assert_eq!(app.failures(), 3);
    assert_eq!(app.get("/").send().text(), "well");
}

#[test]
fn whoever_is_told_of_failures_makes_the_answer() {
    let app = App::new().get("/", broken).on_error(|request, failure| {
        assert_eq!(request.pattern(), "/");
        Response::text(format!("sorry: {failure}")).with_status(503)
    });
    let app = app.test();
    assert_eq!(app.get("/?panic").send().text(), "sorry: panicked: this handler breaks");
    assert_eq!(app.get("/?error").send().text(), "sorry: the disk is on fire");
    let answer = app.get("/?failure").send();
    assert_eq!((answer.status, answer.text()), (503, "sorry: no such luck"));
}

#[test]
fn an_answer_to_a_failure_that_is_not_at_hand_is_500_behind_the_middlewares() {
    type Hook = fn() -> Response;
    let hooks: [Hook; 3] = [
        || WebSocket::on_message(|_, _| {}).into_response(),
        || Response::later(|| "from the pool"),
        || Upload::fold((), |_, _| Ok(()), |_| ()).into_response(),
    ];
    for hook in hooks {
        let app = App::new().middleware(Tell("a")).get("/", broken).websocket("/talk", broken);
        let app = app.on_error(move |_, _| hook()).test();
        let answer = app.get("/?error").send();
        assert_eq!((answer.status, answer.text()), (500, r#"{"error":"the server failed on this request"}"#));
        assert_eq!((&*after_of(&answer), answer.header("connection"), app.failures()), ("a", None, 1));
        assert_eq!(app.get("/?panic").send().header("connection"), Some("close"));
        let refused = app.websocket("/talk?error").connect().expect_err("it failed");
        assert_eq!((refused.status, &*after_of(&refused)), (500, "a"), "an upgrade is no way out either");
        assert_eq!(app.get("/").send().text(), "well");
    }
}

#[test]
fn a_middleware_cannot_answer_later_what_was_answered_already() {
    let later = |_: &Request<'_>, response: &mut Response| *response = Response::later(|| "once more");
    let app = App::new().after(later).get("/", || Blocking(|| "from the pool")).get("/now", || "now").test();
    assert_eq!((app.get("/").send().status, app.failures()), (500, 1));
    assert_eq!(app.get("/now").send().text(), "once more");
}

#[test]
fn a_broken_middleware_or_hook_is_a_failure_too() {
    let before = App::new().get("/", || "").before(|_| panic!("before breaks")).test();
    let after = App::new().get("/", || "").after(|_, _| panic!("after breaks")).test();
    let hook = App::new().get("/", broken).on_error(|_, _| panic!("the hook breaks")).test();
    let missing = App::new().not_found(|| -> &'static str { panic!("this breaks too") }).test();
    for (app, target) in [(before, "/"), (after, "/"), (hook, "/?error"), (missing, "/x")] {
        let answer = app.get(target).send();
        assert_eq!((answer.status, answer.header("connection")), (500, Some("close")));
        assert!(app.failures() > 0);
    }
}

#[test]
fn work_for_the_pool_is_an_answer_like_any_other() {
    let app = App::new()
        .middleware(Tell("a"))
        .get("/quick", || Blocking(|| "from the pool"))
        .get("/slow", || Slow(|| Json(7)))
        .get("/error", || Blocking(|| Err::<(), _>(Error::failure("not there"))))
        .get("/panic", || Blocking(|| -> &'static str { panic!("the work breaks") }))
        .get("/twice", || Blocking(|| Blocking(|| "in the end")))
        .test();
    for (target, status, body) in [
        ("/quick", 200, "from the pool"),
        ("/slow", 200, "7"),
        ("/twice", 200, "in the end"),
        ("/error", 500, r#"{"error":"the server failed on this request"}"#),
        ("/panic", 500, r#"{"error":"the server failed on this request"}"#),
    ] {
        let answer = app.get(target).send();
        assert_eq!((answer.status, answer.text()), (status, body), "{target}");
        assert_eq!(after_of(&answer), "a", "{target}: what a middleware left is there after the work");
    }
    assert_eq!(app.failures(), 2);
}

/// Counts what it was given, and that it was dropped.
struct Counted {
    bytes: u64,
    pieces: u32,
    dropped: Arc<AtomicU32>,
}

impl Receive for Counted {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes += bytes.len() as u64;
        self.pieces += 1;
        if bytes.contains(&b'!') {
            return Err(Error::new(422, "no exclamation marks"));
        }
        assert!(!bytes.contains(&b'?'), "no question marks");
        Ok(())
    }

    fn finish(self) -> impl IntoResponse {
        format!("{} bytes", self.bytes)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn uploads(dropped: &Arc<AtomicU32>) -> TestClient {
    let dropped = Arc::clone(dropped);
    let receive = move |request: &Request<'_>| -> Result<Upload, Error> {
        let counted = Counted { bytes: 0, pieces: 0, dropped: Arc::clone(&dropped) };
        match request.header("x-key") {
            Some(_) => Ok(Upload::to(counted)),
            None => Err(Error::new(401, "show a key")),
        }
    };
    App::new()
        .middleware(Tell("a"))
        .upload(Method::Put, "/up", 1_000_000, receive)
        .post("/wrong", || Upload::fold((), |_, _| Ok(()), |_| ()))
        .test()
}

#[test]
fn an_upload_is_taken_piece_by_piece_or_refused() {
    let dropped = Arc::default();
    let app = uploads(&dropped);
    let put = |body: Vec<u8>| app.put("/up").header("X-Key", "k").body(body).send();
    for bytes in [1, 300_000, 999_999, 1_000_000] {
        let answer = put(vec![b'x'; bytes]);
        assert_eq!((answer.status, answer.text()), (200, &*format!("{bytes} bytes")));
        assert_eq!(after_of(&answer), "a");
    }
    assert_eq!(put(vec![b'x'; 1_000_001]).status, 413);
    assert_eq!(app.put("/up").header("X-Key", "k").send().status, 411);
    let answer = app.put("/up").body("unwanted").send();
    assert_eq!((answer.status, answer.header("connection")), (401, Some("close")));
    let mut body = vec![b'x'; 600_000];
    body[10] = b'!';
    let answer = put(body);
    assert_eq!((answer.status, answer.text()), (422, r#"{"error":"no exclamation marks"}"#));
    assert_eq!(put(b"?".to_vec()).status, 500);
    assert_eq!(dropped.load(Ordering::Relaxed), 6 + 1, "six were begun and one was made before it was refused");
    assert_eq!(app.post("/wrong").body("x").send().status, 500);
}

#[test]
fn bodies_leave_piece_by_piece() {
    let app = App::new()
        .get("/items", || Stream::of((0..100_000).map(|number| format!("{number}\n"))).content_type("text/plain"))
        .get("/read", || Stream::blocking(std::io::repeat(b'x').take(200_000)).length(200_000))
        .get("/short", || Stream::blocking(&b"short"[..]).length(9))
        .get("/broken", || Stream::blocking(Broken))
        .test();
    let answer = app.get("/items").send();
    assert!(answer.is_complete && answer.header("transfer-encoding") == Some("chunked"));
    assert_eq!(answer.text().lines().count(), 100_000);
    let answer = app.get("/read").send();
    assert_eq!((answer.body.len(), answer.header("content-length")), (200_000, Some("200000")));
    assert!(!app.get("/short").send().is_complete, "nobody may take it for the whole");
    assert!(!app.get("/broken").send().is_complete);
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("broken"))
    }
}

#[test]
fn events_reach_who_subscribes_until_the_node_goes() {
    let hub = Broadcast::with(8, Overflow::DropOldest, 8);
    let resume = |hub: State<'_, Broadcast>, request: &Request<'_>| hub.resume(request);
    let app = App::new().state(hub.clone()).get("/events", resume).test();
    let mut first = app.get("/events").open();
    assert_eq!(first.read(), "");
    hub.send(&Event::data("one").id("1"));
    hub.beat();
    assert_eq!(first.read(), "id: 1\ndata: one\n\n:\n\n");
    hub.send(&Event::data("two").id("2"));
    let mut second = app.get("/events").header("Last-Event-ID", "1").open();
    assert_eq!(second.read(), "id: 2\ndata: two\n\n");
    assert_eq!(hub.subscribers(), 2);
    drop(first);
    assert_eq!(hub.subscribers(), 1);
    app.drain();
    hub.send(&Event::data("three"));
    assert_eq!(second.read(), "data: three\n\n");
    assert!(second.into_response().is_complete);
}

#[test]
fn slow_requests_are_told_with_their_route() {
    let told: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&told);
    let app = App::new().get("/{x}", || "").on_slow(Duration::ZERO, move |slow| {
        let line = format!("{} {} {} {}", slow.method.as_str(), slow.path, slow.pattern, slow.status);
        log.lock().unwrap().push(line);
    });
    let app = app.test();
    app.get("/a").send();
    app.get("/a/b").send();
    assert_eq!(*told.lock().unwrap(), ["GET /a /{x} 200", "GET /a/b  404"]);
}

#[test]
fn request_ids_are_taken_over_when_they_are_sound() {
    let id = |request: &Request<'_>| request.local::<RequestIdText>().map(|id| id.0.to_string());
    let app = App::new().middleware(RequestId).get("/", id).test();
    let answer = app.get("/").header("X-Request-Id", "abc-1").send();
    assert_eq!((answer.text(), answer.header("x-request-id")), ("abc-1", Some("abc-1")));
    let answer = app.get("/").header("X-Request-Id", "a b").send();
    assert_eq!(answer.text().len(), 32);
    assert_eq!(answer.header("x-request-id"), Some(answer.text()));
    assert_eq!(app.get("/x").send().header("x-request-id").map(str::len), Some(32), "also where no route fits");
}

#[test]
fn browsers_are_told_what_not_to_do() {
    let own = || Response::html("").with_header("Content-Security-Policy", "default-src *");
    let app = App::new()
        .middleware(SecurityHeaders::new())
        .middleware(ServerTiming)
        .get("/html", || Html(""))
        .get("/own", own)
        .get("/json", || Json(1))
        .test();
    let html = app.get("/html").send();
    assert!(html.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors 'none'")));
    assert_eq!(html.header("x-frame-options"), Some("DENY"));
    assert!(html.header("server-timing").is_some_and(|timing| timing.starts_with("app;dur=")));
    let own = app.get("/own").send();
    assert_eq!(own.header("content-security-policy"), Some("default-src *"));
    assert_eq!(own.header("x-frame-options"), None, "the policy decides alone");
    let json = app.get("/json").send();
    assert_eq!(json.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(json.header("content-security-policy"), None);
}

#[test]
fn who_came_by_tls_is_told_to_stay_with_it_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "text").unwrap();
    let behind = |proxy: &str| {
        let trusted_proxies = TrustedProxies { networks: vec![proxy.parse().unwrap()], unix: false };
        let settings = Settings { trusted_proxies, forwarded: Some(Forwarded::Legacy), ..Settings::default() };
        let security = SecurityHeaders::new().strict_transport(60);
        App::new().settings(settings).middleware(security).get("/", || "").files("/files", folder.path()).test()
    };
    let (app, other) = (behind("127.0.0.1"), behind("10.0.0.1"));
    for target in ["/", "/files/a.txt", "/none"] {
        let told = |app: &TestClient, proto| {
            let answer = app.get(target).header("X-Forwarded-For", "192.0.2.1").header("X-Forwarded-Proto", proto);
            answer.send().header("strict-transport-security").map(str::to_owned)
        };
        assert_eq!(told(&app, "https").as_deref(), Some("max-age=60; includeSubDomains"), "{target}");
        assert_eq!(told(&app, "http"), None, "{target}");
        assert_eq!(told(&other, "https"), None, "{target}: anybody can claim it");
        assert_eq!(app.get(target).send().header("strict-transport-security"), None, "{target}");
    }
}

#[test]
fn what_is_wrong_with_an_app_is_said_when_it_starts() {
    type Make = fn() -> App;
    let cases: [(Make, &str); 10] = [
        (|| App::new().get("/a", || "").get("/a", || ""), "/a: two routes for GET"),
        (|| App::new().get("/a", |_: State<'_, u32>| ""), "GET /a needs a state of the type u32"),
        (|| App::new().not_found(|_: State<'_, u32>| ""), "App::not_found needs a state of the type u32"),
        (
            || App::new().method_not_allowed(|_: State<'_, u8>| ""),
            "App::method_not_allowed needs a state of the type u8",
        ),
        (|| App::new().get("a", || ""), "begins with a slash"),
        (|| App::new().get("/{a}/{b}/{c}/{d}/{e}", || ""), "too many captures"),
        (|| App::new().route(Method::Options, "/a", || ""), "OPTIONS has no routes of its own"),
        (|| App::new().route(Method::Head, "/a", || ""), "HEAD has no routes of its own"),
        (|| App::new().state(1u8).state(2u8), "two states of the type u8"),
        (|| App::new().get("/a", Fixed::new(99, &[], "")), "99 is no status"),
    ];
    for (make, why) in cases {
        let panic = std::panic::catch_unwind(|| make().test()).err().expect(why);
        let said = panic.downcast_ref::<String>().expect("a text");
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn routes_are_counted_up_to_their_bound() {
    let app = |count: usize| {
        let add = |app: App, index: usize| app.get(&format!("/{}/{}", index / 256, index % 256), || "here");
        (0..count).fold(App::new(), add)
    };
    let last = app(ROUTES_MAX).test();
    assert_eq!(last.get(&format!("/{}/{}", (ROUTES_MAX - 1) / 256, (ROUTES_MAX - 1) % 256)).send().text(), "here");
    assert_eq!(last.get("/0/256").send().status, 404);
    let panic = std::panic::catch_unwind(|| app(ROUTES_MAX + 1).test()).err().expect("one too many");
    assert!(panic.downcast_ref::<String>().is_some_and(|said| said.contains("routes are more than")));
}

/// A service of the core: answers at once, or from the pool.
struct Core;

impl Service for Core {
    fn call(&mut self, request: &app::Request<'_>, reply: &mut Reply<'_>) -> Flow {
        if request.route.id == 1 {
            return Flow::wait(|| "from the pool");
        }
        reply.json(200, b"1");
        Flow::Done
    }

    fn resume(&mut self, _: &app::Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        let text = value.downcast::<&str>().expect("what the job left");
        reply.status(200).body(app::Body::Bytes(text.as_bytes()));
        Flow::Done
    }
}

#[test]
fn services_of_the_core_stand_behind_middlewares_too() {
    let spec = |pattern, id| RouteSpec { method: Method::Get, pattern, id, body: BodyPolicy::Discard, open: true };
    let later = |request: &mut Request<'_>| (request.query_string() == Some("l")).then(|| Response::later(|| "made"));
    let app = App::new()
        .mount("/bare", vec![spec("/", 0), spec("/later", 1)], || Core)
        .group("/core", |core| {
            core.middleware(Tell("a")).before(later).mount("/", vec![spec("/", 0), spec("/later", 1)], || Core)
        })
        .get("/own", || "own")
        .test();
    for (target, text, after) in [
        ("/bare", "1", ""),
        ("/bare/later", "from the pool", ""),
        ("/core", "1", "a"),
        ("/core/later", "from the pool", "a"),
        ("/core?a", "stopped by a", ""),
        ("/core/later?l", "made", "a"),
        ("/own", "own", ""),
    ] {
        let answer = app.get(target).send();
        assert_eq!((answer.status, answer.text(), &*after_of(&answer)), (200, text, after), "{target}");
    }
    let answer = app.post("/core").send();
    assert_eq!((answer.status, &*after_of(&answer)), (405, "a"));
    let broken = App::new().before(|_| panic!("before breaks")).mount("/", vec![spec("/", 0)], || Core).test();
    assert_eq!((broken.get("/").send().status, broken.failures()), (500, 1));
}

/// Answers with its captures, at once or after a job.
struct Captures;

impl Service for Captures {
    fn call(&mut self, request: &app::Request<'_>, reply: &mut Reply<'_>) -> Flow {
        if request.head.query.is_some() {
            return Flow::wait(|| ());
        }
        self.resume(request, Box::new(()), reply)
    }

    fn resume(&mut self, request: &app::Request<'_>, _: Value, reply: &mut Reply<'_>) -> Flow {
        let all: Vec<&[u8]> = (0..request.params.len()).map(|index| request.params.at(index)).collect();
        reply.status(200).body(app::Body::Bytes(&all.join(&b' ')));
        Flow::Done
    }
}

#[test]
fn a_mounted_service_sees_its_own_captures_and_none_of_its_prefix() {
    let spec = |pattern, id| RouteSpec { method: Method::Get, pattern, id, body: BodyPolicy::Discard, open: true };
    let routes = || vec![spec("/", 0), spec("/{a}/{b}", 1)];
    let app = App::new()
        .mount("/bare", routes(), || Captures)
        .mount("/of/{tenant}", routes(), || Captures)
        .group("/{one}/in", |group| group.middleware(Tell("a")).mount("/{two}", routes(), || Captures))
        .test();
    for (path, text) in [
        ("/bare", ""),
        ("/bare/x/y", "x y"),
        ("/of/me", ""),
        ("/of/me/x/y", "x y"),
        ("/1/in/2", ""),
        ("/1/in/2/x/y", "x y"),
    ] {
        for target in [path.to_owned(), format!("{path}?later")] {
            let answer = app.get(&target).send();
            assert_eq!((answer.status, answer.text()), (200, text), "{target}");
        }
    }
}

#[test]
fn a_body_that_comes_later_is_asked_for_when_somebody_says_so() {
    use std::sync::{Mutex, mpsc};
    let (sender, lines) = mpsc::channel::<&str>();
    let (lines, wakes) = (Arc::new(Mutex::new(lines)), Arc::new(Mutex::new(Vec::<Wake>::new())));
    let told = Arc::clone(&wakes);
    let app = App::new().get("/", move || {
        let (lines, told) = (Arc::clone(&lines), Arc::clone(&told));
        Stream::waking(move |wake| {
            told.lock().unwrap().push(wake);
            move |piece: &mut Vec<u8>| match lines.lock().unwrap().try_recv() {
                Ok(line) => {
                    piece.extend_from_slice(line.as_bytes());
                    Pull::More
                }
                Err(mpsc::TryRecvError::Empty) => Pull::Later,
                Err(mpsc::TryRecvError::Disconnected) => Pull::End,
            }
        })
    });
    let app = app.test();
    let mut stream = app.get("/").open();
    let wake = || wakes.lock().unwrap()[0].wake();
    assert_eq!(stream.read(), "");
    sender.send("one").unwrap();
    assert_eq!(stream.read(), "", "nobody has said so");
    wake();
    sender.send(" two").unwrap();
    assert_eq!(stream.read(), "one two");
    drop(sender);
    wake();
    assert_eq!(stream.read(), "");
    assert!(stream.into_response().is_complete);
}

#[test]
fn a_body_that_nobody_could_wake_is_cut_off() {
    let later = |piece: &mut Vec<u8>| {
        piece.extend_from_slice(b"some");
        Pull::Later
    };
    let app = App::new().get("/", move || Stream::from_fn(later)).test();
    let stream = app.get("/").open();
    assert!(stream.is_over());
    assert!(!stream.into_response().is_complete);
}

#[test]
fn preflights_are_answered_before_the_handler_is_asked() {
    let cors = Cors::origins(["https://a.example"]).methods([Method::Put]).headers(["X-Key"]).credentials();
    let locked = |_: &mut Request<'_>| Some(Response::error(401, "show a key", None));
    let app = App::new().group("/api", |api| api.middleware(cors).before(locked).put("/x", || ""));
    let app = app.get("/open", || "").test();
    let preflight = |target: &str, method: &str| {
        let request = app.request(Method::Options, target).header("Origin", "https://a.example");
        request.header("Access-Control-Request-Method", method).header("Access-Control-Request-Headers", "x-key").send()
    };
    let answer = preflight("/api/x", "PUT");
    assert_eq!((answer.status, answer.header("access-control-allow-methods")), (204, Some("PUT")));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(preflight("/api/x", "DELETE").header("access-control-allow-methods"), None);
    assert_eq!(preflight("/open", "PUT").header("access-control-allow-origin"), None, "outside of the group");
    let refused = app.put("/api/x").header("Origin", "https://a.example").send();
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some("https://a.example")));
    assert_eq!(refused.header("vary"), Some("Origin"));
    let wrong = std::panic::catch_unwind(|| Cors::any().credentials()).expect_err("no such policy");
    assert!(wrong.downcast_ref::<String>().is_some_and(|said| said.contains("AnyWithCredentials")));
}

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

#[test]
fn files_are_served_behind_middlewares() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<p>home").unwrap();
    std::fs::write(folder.path().join("a.txt"), "text").unwrap();
    let app = App::new()
        .middleware(SecurityHeaders::new())
        .files("/static", folder.path())
        .group("/locked", |locked| locked.before(|_| Some(Response::error(401, "no", None))).files("/", folder.path()))
        .get("/static/own", || "a route wins over a file")
        .test();
    let answer = app.get("/static/a.txt").send();
    assert_eq!((answer.status, answer.text()), (200, "text"));
    let sniffing = |answer: &TestResponse| {
        let all = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-content-type-options"));
        all.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sniffing(&answer), ["nosniff"], "the middleware says it already");
    let alone = App::new().files("/", folder.path()).test();
    assert_eq!(sniffing(&alone.get("/a.txt").send()), ["nosniff"], "and nobody else");
    let tag = answer.header("etag").expect("a validator").to_owned();
    assert_eq!(app.get("/static/a.txt").header("If-None-Match", &tag).send().status, 304);
    let part = app.get("/static/a.txt").header("Range", "bytes=1-2").send();
    assert_eq!((part.status, part.text()), (206, "ex"));
    assert_eq!(app.get("/static/").send().text(), "<p>home");
    assert_eq!(app.get("/static").send().header("location"), Some("/static/"));
    assert_eq!(app.get("/static/own").send().text(), "a route wins over a file");
    assert_eq!(app.get("/static/none").send().status, 404);
    assert_eq!(app.get("/locked/a.txt").send().status, 401);
    let wrong = std::panic::catch_unwind(|| App::new().files("/x", "/nowhere/at/all")).err().expect("no such folder");
    assert!(wrong.downcast_ref::<String>().is_some_and(|said| said.contains("/x: the directory /nowhere/at/all")));
}

/// The values of all fields of this name.
fn all_of<'a>(answer: &'a TestResponse, name: &str) -> Vec<&'a str> {
    let named = answer.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn what_a_middleware_sets_leaves_in_the_place_of_what_a_mounted_service_says() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::fs::write(folder.path().join("sub/index.html"), "<p>sub").unwrap();
    std::fs::write(folder.path().join("a.txt"), "text").unwrap();
    std::fs::write(folder.path().join("long.txt"), "x".repeat(1000)).unwrap();
    let set = |_: &Request<'_>, response: &mut Response| {
        response.set_header("cache-control", "max-age=60");
        response.set_header("Content-Type", "text/plain");
        response.set_header("ETag", "\"other\"");
        response.add_header("Vary", "Origin");
        response.add_header("Set-Cookie", "a=1");
        response.add_header("Set-Cookie", "b=2");
    };
    let app = App::new()
        .after(set)
        .files("/files", folder.path())
        .mount("/ping", crate::service::ping::Ping::routes(), crate::service::ping::Ping::new)
        .test();
    let file = app.get("/files/a.txt").send();
    let tag = all_of(&file, "etag")[0].to_owned();
    assert_ne!(tag, "\"other\"", "it is compared with what a client has");
    let not_modified = app.get("/files/a.txt").header("If-None-Match", &tag).send();
    let part = app.get("/files/a.txt").header("Range", "bytes=1-2").send();
    let [folder, kept] = ["/files/sub", "/files/a.txt"].map(|target| app.get(target).send());
    let [rendered, written] = ["/ping/healthz", "/ping/readyz"].map(|target| app.get(target).send());
    for (answer, status) in [
        (&file, 200),
        (&kept, 200),
        (&part, 206),
        (&not_modified, 304),
        (&folder, 301),
        (&rendered, 200),
        (&written, 200),
    ] {
        assert_eq!((answer.status, all_of(answer, "Cache-Control")), (status, vec!["max-age=60"]), "{answer:?}");
        assert_eq!(all_of(answer, "Content-Type"), ["text/plain"], "{answer:?}");
        assert_eq!(all_of(answer, "ETag").len(), 1, "{answer:?}");
        assert_eq!(all_of(answer, "Set-Cookie"), ["a=1", "b=2"], "{answer:?}");
        assert!(all_of(answer, "Vary").contains(&"Origin"), "{answer:?}");
    }
    let parts = app.get("/files/long.txt").header("Range", "bytes=0-0,900-900").send();
    let [kind] = all_of(&parts, "Content-Type")[..] else { panic!("{parts:?}") };
    assert!(parts.status == 206 && kind.starts_with("multipart/byteranges; boundary="), "{parts:?}");
    let missing = app.get("/files/none").send();
    assert_eq!((missing.status, all_of(&missing, "Cache-Control")), (404, vec!["no-store"]), "an error is not kept");
    assert_eq!(all_of(&missing, "Content-Type"), ["application/json"]);
}

/// A page of the core with a policy of its own.
struct Page;

impl Service for Page {
    fn call(&mut self, _: &app::Request<'_>, reply: &mut Reply<'_>) -> Flow {
        reply.status(200).header("Content-Security-Policy", b"default-src 'none'").header("Vary", b"Cookie").empty();
        Flow::Done
    }
}

#[test]
fn the_policy_of_a_mounted_page_is_its_own() {
    let route = RouteSpec { method: Method::Get, pattern: "/", id: 0, body: BodyPolicy::Discard, open: true };
    let vary = |_: &Request<'_>, response: &mut Response| response.add_header("Vary", "Origin");
    let app = App::new().middleware(SecurityHeaders::new()).after(vary).mount("/", vec![route], || Page).test();
    let answer = app.get("/").send();
    assert_eq!(all_of(&answer, "Content-Security-Policy"), ["default-src 'none'"]);
    assert_eq!(all_of(&answer, "Referrer-Policy"), ["strict-origin-when-cross-origin"]);
    let mut vary = all_of(&answer, "Vary");
    vary.sort_unstable();
    assert_eq!(vary, ["Cookie", "Origin"]);
}

#[test]
fn files_are_served_below_a_prefix_with_captures() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::fs::write(folder.path().join("sub/a.txt"), "text").unwrap();
    std::fs::write(folder.path().join("index.html"), "<p>home").unwrap();
    let app = App::new().group("/of/{tenant}", |of| of.files("/files", folder.path())).test();
    for (target, status, text) in [
        ("/of/me/files/sub/a.txt", 200, "text"),
        ("/of/somebody-else/files/sub/a.txt", 200, "text"),
        ("/of/me/files/", 200, "<p>home"),
        ("/of/12345/files/sub/none/a.txt", 404, r#"{"error":"not found"}"#),
    ] {
        let answer = app.get(target).send();
        assert_eq!((answer.status, answer.text()), (status, text), "{target}");
    }
}

#[test]
fn a_hook_that_panics_does_not_keep_the_server_from_ending() {
    let told = Arc::new(AtomicU32::new(0));
    let tell = |number: u32| {
        let told = Arc::clone(&told);
        move || {
            told.fetch_add(number, Ordering::Relaxed);
        }
    };
    let running = App::new()
        .settings(Settings { threads: 1, pin: false, ..Settings::default() })
        .on_drain(|| panic!("this hook breaks"))
        .on_drain(tell(1))
        .on_stop(tell(10))
        .start("127.0.0.1:0")
        .expect("a free port");
    running.shutdown();
    running.wait().expect("it ends well");
    assert_eq!(told.load(Ordering::Relaxed), 11);
}

/// Tells the name of the thread that drops it.
struct Told(std::sync::mpsc::Sender<Option<String>>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send(std::thread::current().name().map(str::to_owned)).expect("open");
    }
}

#[test]
fn what_was_made_for_a_client_that_is_gone_is_dropped_on_the_pool() {
    use std::io::Write;
    use std::net::TcpStream;
    use std::sync::{Mutex, mpsc};

    let (dropped, drops) = mpsc::channel();
    let (begun, begins) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Arc::new(Mutex::new(may_go_on));
    let upload = move || {
        let (begun, may_go_on) = (begun.clone(), Arc::clone(&may_go_on));
        let write = move |_: &mut (), _: &[u8]| {
            begun.send(()).expect("open");
            may_go_on.lock().unwrap().recv().expect("open");
            Err(Error::new(403, "not this"))
        };
        Upload::fold((), write, |()| "")
    };
    let running = App::new()
        .settings(Settings { threads: 1, pin: false, ..Settings::default() })
        .before(move |request| {
            request.set_local(Told(dropped.clone()));
            None
        })
        .upload(Method::Put, "/", 1 << 30, upload)
        .start("127.0.0.1:0")
        .expect("a free port");
    let mut gone = TcpStream::connect(running.local_addr()).unwrap();
    gone.write_all(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").unwrap();
    gone.write_all(&[b'x'; 300_000]).unwrap();
    begins.recv().unwrap();
    socket2::SockRef::from(&gone).set_linger(Some(Duration::ZERO)).unwrap();
    drop(gone);
    // When another is answered, the loop has seen the end of the first.
    for _ in 0..2 {
        let mut other = TcpStream::connect(running.local_addr()).unwrap();
        other.write_all(b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        assert!(other.read_to_end(&mut Vec::new()).is_ok_and(|count| count > 0));
        assert_ne!(drops.recv().unwrap(), None, "that of this request");
    }
    go_on.send(()).unwrap();
    let name = drops.recv().unwrap().expect("a name");
    assert!(name.starts_with("lattice-job"), "dropped by {name}");
}

#[test]
fn six_arguments_are_taken() {
    let all = |a: &Request<'_>, b: Peer, c: Headers<'_>, d: State<'_, u8>, e: Bytes<'_>, f: String| {
        format!("{} {:?} {:?} {} {} {f}", a.path(), b.0, c.get("host"), *d, e.len())
    };
    let app = App::new().state(9u8).post("/", all).test();
    assert_eq!(app.post("/").body("four").send().text(), "/ Some(127.0.0.1) Some(\"test\") 9 4 four");
}
