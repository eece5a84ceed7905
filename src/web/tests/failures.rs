//! Handlers, middlewares and hooks that fail.

use super::*;

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
