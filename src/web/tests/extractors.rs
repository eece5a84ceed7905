//! What handlers are given of a request, and what it is told when it lacks that.

use serde::{Deserialize, Serialize};

use super::*;

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

#[test]
fn six_arguments_are_taken() {
    let all = |a: &Request<'_>, b: Peer, c: Headers<'_>, d: State<'_, u8>, e: Bytes<'_>, f: String| {
        format!("{} {:?} {:?} {} {} {f}", a.path(), b.0, c.get("host"), *d, e.len())
    };
    let app = App::new().state(9u8).post("/", all).test();
    assert_eq!(app.post("/").body("four").send().text(), "/ Some(127.0.0.1) Some(\"test\") 9 4 four");
}
