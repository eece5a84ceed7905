use crate::example::Example;

#[test]
fn hello_greets_and_ends_when_it_is_told() {
    let hello = Example::start("hello", &[]);
    assert_eq!(hello.get("/").text(), "Hello, World!");
    assert_eq!(hello.get("/hello/S%C3%B8ren").text(), "Hello, Søren!");
    let missing = hello.get("/nothing");
    assert_eq!((missing.status, missing.text()), (404, r#"{"error":"not found"}"#.to_owned()));
    let wrong = hello.ask("POST", "/", &[], b"x");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let head = hello.ask("HEAD", "/", &[], b"");
    assert_eq!((head.header("content-length"), head.body.len()), (Some("13"), 0));
    hello.stop();
}

#[test]
fn an_answer_under_way_is_given_before_the_end() {
    let hello = Example::start("hello", &[]);
    let mut raw = hello.connect();
    raw.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /hello/you HTTP/1.1\r\nHost: x\r\n");
    assert_eq!(raw.response("GET").text(), "Hello, World!");
    let ending = std::thread::spawn(move || hello.stop());
    std::thread::sleep(std::time::Duration::from_millis(100));
    raw.send(b"\r\n");
    let last = raw.response("GET");
    assert_eq!((last.text().as_str(), last.header("connection")), ("Hello, you!", Some("close")));
    ending.join().expect("it ends");
}
