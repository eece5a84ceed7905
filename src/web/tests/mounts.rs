//! Services of the core inside of an app.

use super::*;
use crate::app::{self, BodyPolicy, Flow, Reply, RouteSpec, Service, Value};

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
