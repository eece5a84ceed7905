//! Heads that are refused, and the limits of a connection.

use super::*;
use crate::limits::RECV_BUFFER_BYTES;
use crate::wire::http1::{Error, Limits};

/// One request for each way to be wrong.
pub(super) fn wrong(error: Error) -> Vec<u8> {
    let post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
    let text = match error {
        Error::BadByte => "GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n".into(),
        Error::BadChunk => format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Error::BadLength => format!("{post}Content-Length: 1x\r\n\r\n"),
        Error::BadRequestLine => "GET  / HTTP/1.1\r\nHost: h\r\n\r\n".into(),
        Error::BadTarget => "GET plain HTTP/1.1\r\nHost: h\r\n\r\n".into(),
        Error::BareLineEnd => "GET / HTTP/1.1\nHost: h\r\n\r\n".into(),
        Error::ChunkOverhead => {
            format!("{post}Transfer-Encoding: chunked\r\n\r\n{}", "1;aaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n".repeat(2000))
        }
        Error::CodingInHttp10 => "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
        Error::Expectation => format!("{post}Expect: more\r\nContent-Length: 1\r\n\r\nx"),
        Error::HeadTooLarge => format!("GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n", "x".repeat(20_000)),
        Error::Host => "GET / HTTP/1.1\r\n\r\n".into(),
        Error::LengthAndChunked => format!("{post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Error::Method => "BREW / HTTP/1.1\r\nHost: h\r\n\r\n".into(),
        Error::ObsoleteFold => "GET / HTTP/1.1\r\nHost: h\r\n more\r\n\r\n".into(),
        Error::TargetTooLong => format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(9000)),
        Error::TooManyFields => format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "A: b\r\n".repeat(100)),
        Error::TransferCoding => format!("{post}Transfer-Encoding: gzip\r\n\r\n"),
        Error::Version => "GET / HTTP/2.0\r\nHost: h\r\n\r\n".into(),
    };
    text.into_bytes()
}

#[test]
fn every_error_is_answered_with_its_status_and_ends_the_connection() {
    for error in Error::ALL {
        let mut bench = Bench::new();
        let request = wrong(error);
        for piece in request.chunks(RECV_BUFFER_BYTES / 2) {
            bench.feed(piece);
        }
        let sent = bench.settle().sent();
        assert_eq!(last_status(&sent), error.status(), "{error:?}");
        assert_eq!(bench.phase(), Phase::Linger);
        bench.feed(&get("/plain/x"));
        assert_eq!(bench.settle().sent(), "", "{error:?}: it is the last answer");
    }
}

#[test]
fn every_error_is_the_same_byte_by_byte() {
    for error in Error::ALL {
        let mut bench = Bench::new();
        for byte in wrong(error) {
            bench.feed(&[byte]);
        }
        assert_eq!(last_status(&bench.sent()), error.status(), "{error:?}");
    }
}

#[test]
fn a_refusal_in_a_full_buffer_leaves_room_to_read_on() {
    let garbage = vec![b'\n'; RECV_BUFFER_BYTES];
    let stream = b"PUT /sink HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for start in [b"".as_slice(), stream] {
        let mut bench = Bench::new();
        bench.feed(&[start, &garbage[start.len()..]].concat());
        assert_eq!(last_status(&bench.sent()), 400);
        assert!(bench.session.rest().is_empty() && bench.session.wants_read(0));
    }
}

#[test]
fn what_was_asked_before_a_mistake_is_answered() {
    let mut bench = Bench::new();
    let all = [get("/plain/a"), get("/job/b"), b"nonsense\r\n\r\n".to_vec(), get("/plain/c")].concat();
    let sent = bench.ask(&all);
    let refusal = sent.strip_prefix(&(ok("a") + &ok("b"))).expect("both come first");
    assert_eq!(last_status(refusal), 400);
}

#[test]
fn head_limits_are_held_at_the_byte_and_the_field() {
    let settings = Settings { head: Limits { head_bytes: 1024, headers: 10 }, ..Settings::default() };
    let head = |length: usize| {
        let start = "GET /plain/x HTTP/1.1\r\nHost: h\r\nA: ";
        format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4)).into_bytes()
    };
    let fields =
        |count: usize| format!("GET /plain/x HTTP/1.1\r\nHost: h\r\n{}\r\n", "A: b\r\n".repeat(count - 1)).into_bytes();
    let cases = [
        (head(1023), 200),
        (head(1024), 200),
        (head(1025), 431),
        (fields(9), 200),
        (fields(10), 200),
        (fields(11), 431),
    ];
    for (request, expected) in cases {
        let whole = Bench::with(settings.clone()).ask(&request);
        assert_eq!(status(&whole), expected);
        let mut bench = Bench::with(settings.clone());
        for byte in &request {
            bench.feed(&[*byte]);
        }
        assert_eq!(bench.sent(), whole, "byte by byte");
    }
}

#[test]
fn the_last_request_of_a_connection_is_told_so() {
    let mut bench = Bench::with(Settings { requests: 3, ..Settings::default() });
    let sent = bench.ask(&get("/plain/x").repeat(5));
    assert_eq!(sent, ok("x") + &ok("x") + &ok_last("x"));
    assert_eq!((bench.phase(), bench.session.served()), (Phase::Linger, 3));
}

#[test]
fn unknown_paths_and_methods_do_not_end_a_connection() {
    let mut bench = Bench::new();
    assert_eq!(status(&bench.ask(&get("/nowhere"))), 404);
    let sent = bench.ask(b"DELETE /plain/x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(status(&sent), 405);
    assert!(sent.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"), "{sent}");
    for path in ["*", "/plain/x"] {
        let request = format!("OPTIONS {path} HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(status(&bench.ask(request.as_bytes())), 204);
    }
    assert_eq!(bench.phase(), Phase::Idle);
}
