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

/// What the server answers to bytes of its own, and whether the connection ends after it.
fn refused(rest: &Example, bytes: &[u8]) -> Response {
    let mut raw = rest.connect();
    raw.send(bytes);
    let answer = raw.response("GET");
    assert_eq!(answer.header("connection"), Some("close"), "{}", answer.status);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    raw.finish();
    assert_eq!(raw.until_close(), b"", "nothing follows it");
    answer
}

#[test]
fn what_the_server_refuses_is_answered_in_the_words_of_the_program() {
    let rest = Example::start("rest", &[]);
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(9000));
    let large_head = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "x".repeat(20_000));
    let cases: [(&[u8], u16, &str); 8] = [
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_host"),
        (b"GET / HTTP/1.1\nHost: x\r\n\r\n", 400, "bare_line_end"),
        (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413, "body_too_large"),
        (long_target.as_bytes(), 414, "target_too_long"),
        (b"POST /digest HTTP/1.1\r\nHost: x\r\nExpect: more\r\nContent-Length: 1\r\n\r\nx", 417, "unknown_expectation"),
        (large_head.as_bytes(), 431, "head_too_large"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "unknown_method"),
        (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505, "unknown_version"),
    ];
    for (bytes, status, code) in cases {
        let answer = refused(&rest, bytes);
        assert_eq!(answer.status, status, "{code}");
        assert_eq!(answer.json()["code"], code);
        assert!(answer.json()["error"].as_str().is_some_and(|error| error.len() > 20), "{}", answer.text());
    }
    assert_eq!(rest.get("/x").text(), r#"{"error":"not here","reason":"/x"}"#, "it goes on for others");
}
