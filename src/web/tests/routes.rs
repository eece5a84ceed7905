//! Which handler a path leads to, and what is refused when an app starts.

use super::*;
use crate::limits::ROUTES_MAX;

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
