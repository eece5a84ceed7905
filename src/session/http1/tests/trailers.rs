//! Fields behind a body: they come with it, and only with it.

use super::*;

const BODY: &str = "5\r\nhello\r\n0\r\nX-Sum: 532\r\nContent-Length: 7\r\nHost: evil\r\nDigest:\tx \r\n\r\n";
const SHOWN: &str = "|X-Sum=532|Digest=x";

fn chunked(line: &str, body: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{body}").into_bytes()
}

#[test]
fn they_come_with_a_body_wherever_it_is_cut() {
    let routes = [
        ("POST /trailers", "hello"),
        ("POST /trailers-job", "hello"),
        ("PUT /trailers-sink", "took 5"),
        ("PUT /trailers-break", "wrong"),
    ];
    for (line, answer) in routes {
        let all = [chunked(line, BODY), get("/plain/next")].concat();
        for cut in 0..all.len() {
            let mut bench = Bench::new();
            let mut sent = bench.feed(&all[..cut]).settle().sent();
            sent += &bench.feed(&all[cut..]).settle().sent();
            assert_eq!(sent, ok(&format!("{answer}{SHOWN}")) + &ok("next"), "{line} cut at {cut}");
            assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
        }
        let mut bench = Bench::new();
        let sent: String = all.iter().map(|byte| bench.feed(&[*byte]).settle().sent()).collect();
        assert_eq!(sent, ok(&format!("{answer}{SHOWN}")) + &ok("next"), "{line} byte by byte");
    }
}

#[test]
fn a_sink_is_given_those_that_may_come() {
    let mut bench = Bench::new();
    bench.ask(&chunked("PUT /trailers-sink", BODY));
    assert_eq!(*bench.sinks.trailers.lock().expect("no panic"), "X-Sum,Digest");
    assert_eq!(bench.sinks.finished.load(Ordering::SeqCst), 1);
    bench.ask(&chunked("PUT /trailers-break", BODY));
    assert_eq!(bench.sinks.finished.load(Ordering::SeqCst), 1, "it was ended by them");
    assert_eq!(bench.phase(), Phase::Idle, "the body was whole");
    bench.sinks.trailers.lock().expect("no panic").clear();
    bench.ask(&chunked("PUT /trailers-sink", "5\r\nhello\r\n0\r\nHost: h\r\n\r\n"));
    assert_eq!(*bench.sinks.trailers.lock().expect("no panic"), "", "there were none");
}

#[test]
fn the_next_request_has_none_of_them() {
    for line in ["POST /trailers", "POST /trailers-job", "PUT /trailers-sink"] {
        let mut bench = Bench::new();
        let body = if line.starts_with("PUT") { "took 5" } else { "hello" };
        let plain = "5\r\nhello\r\n0\r\n\r\n";
        assert_eq!(bench.ask(&chunked(line, BODY)), ok(&format!("{body}{SHOWN}")));
        assert_eq!(bench.ask(&chunked(line, plain)), ok(body), "{line}");
        let counted = format!("{line} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(
            bench.ask(&[chunked(line, BODY), counted.into()].concat()),
            ok(&format!("{body}{SHOWN}")) + &ok(body)
        );
    }
}

#[test]
fn they_are_held_while_they_come_and_only_where_somebody_wants_them() {
    let open = "0\r\nX-Sum: 532\r\n";
    for (line, wanted) in [("POST /trailers", true), ("PUT /trailers-sink", true), ("GET /plain/x", false)] {
        for (body, any) in [(open, true), ("0\r\n", false)] {
            let mut bench = Bench::new();
            bench.feed(&chunked(line, body)).settle();
            let held = bench.session.owned.as_ref().map_or(0, |owned| owned.body.held_bytes());
            assert_eq!(held > 0, wanted && any, "{line} {body:?}");
            assert!(bench.feed(b"\r\n").settle().sent().contains(" 200 "), "{line}");
            assert_eq!(bench.session.held_bytes(), 0);
        }
    }
}

#[test]
fn a_part_of_them_says_nothing() {
    for (end, answer) in [("", ok_last("enough")), ("\r\n", ok("enough|X-Sum=532"))] {
        let mut bench = Bench::new();
        bench.feed(&chunked("PUT /break", ""));
        for _ in 0..6 {
            bench.feed(&[b"c350\r\n".as_slice(), &[b'x'; 50_000], b"\r\n"].concat());
        }
        let away = bench.take_work();
        bench.feed(b"0\r\nX-Sum: 532\r\n").feed(end.as_bytes());
        let (done, _) = (away.run)();
        assert_eq!(bench.done(done).sent(), answer);
    }
}
