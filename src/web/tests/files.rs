//! The files of a directory inside of an app.

use super::*;

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
