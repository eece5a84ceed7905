//! Middlewares around handlers and around what no route fits, and those that come with the library.

use super::*;

fn get(app: App, target: &str) -> TestResponse {
    app.test().get(target).send()
}

fn way_of(request: &Request<'_>) -> String {
    request.local::<String>().cloned().unwrap_or_default()
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
