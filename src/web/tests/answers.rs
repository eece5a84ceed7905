//! What handlers return, as clients get it.

use super::*;

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
