use crate::example::Example;
use crate::support::Response;

const KEY: (&str, &str) = ("Authorization", "Bearer open-sesame");
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn post(rest: &Example, body: &str) -> Response {
    rest.ask("POST", "/api/notes", &[KEY, JSON], body.as_bytes())
}

#[test]
fn notes_are_made_read_listed_and_removed() {
    let rest = Example::start("rest", &[]);
    let made = post(&rest, r#"{"title":"milk"}"#);
    assert_eq!((made.status, made.header("location")), (201, Some("/api/notes/1")));
    assert_eq!(post(&rest, r#"{"title":"bread","done":true}"#).header("location"), Some("/api/notes/2"));
    let get = |target: &str| rest.ask("GET", target, &[KEY], b"");
    assert_eq!(get("/api/notes/1").text(), r#"{"title":"milk","done":false}"#);
    assert_eq!(get("/api/notes?done=true").text(), r#"{"2":{"title":"bread","done":true}}"#);
    assert_eq!(get("/api/notes?done=perhaps").status, 400);
    assert_eq!(get("/api/notes/x").status, 404);
    assert_eq!(rest.ask("DELETE", "/api/notes/1", &[KEY], b"").status, 204);
    let again = rest.ask("DELETE", "/api/notes/1", &[KEY], b"");
    assert_eq!(
        (again.status, again.text().as_str()),
        (404, r#"{"error":"no such note","reason":"there is no note 1"}"#)
    );
    assert_eq!(get("/api/notes").text(), r#"{"2":{"title":"bread","done":true}}"#);
}

#[test]
fn what_is_wrong_is_answered_and_told() {
    let rest = Example::start("rest", &[]);
    let stranger = rest.get("/api/notes");
    assert_eq!((stranger.status, stranger.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(stranger.header("x-request-id").map(str::len), Some(32));
    assert_eq!(stranger.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(post(&rest, r#"{"title":"#).status, 400);
    assert_eq!(post(&rest, r#"{"name":"x"}"#).status, 422);
    assert_eq!(rest.ask("POST", "/api/notes", &[KEY], b"{}").status, 415);
    let missing = rest.get("/x");
    assert_eq!(missing.text(), r#"{"error":"not here","reason":"/x"}"#);
    let broken = rest.get("/fail");
    assert_eq!((broken.status, broken.text().as_str()), (500, r#"{"error":"something broke; we were told"}"#));
    assert_eq!(rest.ask("POST", "/digest", &[], b"abc").text().len(), 16);
    let said = rest.stop();
    assert!(said.ends_with("ending\nended\n"), "{said}");
}
