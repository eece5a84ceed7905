//! Bodies: kept, dropped and streamed, however they are cut, up to their limits.

use super::*;
use crate::limits::{BODY_DISCARD_BYTES_MAX, RECV_BUFFER_BYTES, SINK_CHUNK_BYTES};

const CHUNKED: &[u8] = b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nT: t\r\n\r\n";
const COUNTED: &[u8] = b"Content-Length: 11\r\n\r\nhello world";

fn with_body(line: &str, rest: &[u8]) -> Vec<u8> {
    [format!("{line} HTTP/1.1\r\nHost: h\r\n").as_bytes(), rest].concat()
}

#[test]
fn a_body_means_the_same_wherever_it_is_cut() {
    let lines = [
        ("POST /echo", "hello world"),
        ("POST /echo-job", "hello world"),
        ("PUT /sink", "took 11"),
        ("GET /plain/x", "x"),
    ];
    for (line, answer) in lines {
        for body in [CHUNKED, COUNTED] {
            let all = [with_body(line, body), get("/plain/next")].concat();
            for cut in 0..all.len() {
                let mut bench = Bench::new();
                let mut sent = bench.feed(&all[..cut]).settle().sent();
                sent += &bench.feed(&all[cut..]).settle().sent();
                assert_eq!(sent, ok(answer) + &ok("next"), "{line} cut at {cut}");
            }
        }
    }
}

#[test]
fn a_body_may_come_byte_by_byte() {
    let all = [with_body("POST /echo", CHUNKED), with_body("PUT /sink", CHUNKED), get("/plain/x")].concat();
    let mut bench = Bench::new();
    let mut sent = String::new();
    for byte in &all {
        sent += &bench.feed(&[*byte]).settle().sent();
    }
    assert_eq!(sent, ok("hello world") + &ok("took 11") + &ok("x"));
    assert_eq!(*bench.sinks.bytes.lock().expect("no panic"), b"hello world");
}

#[test]
fn no_answer_comes_before_the_last_byte() {
    for line in ["POST /echo", "PUT /sink", "GET /plain/x"] {
        for body in [CHUNKED, COUNTED] {
            let all = with_body(line, body);
            let mut bench = Bench::new();
            assert_eq!(bench.feed(&all[..all.len() - 1]).settle().sent(), "", "{line}");
            assert_eq!(bench.phase(), Phase::Body);
            assert_eq!(status(&bench.feed(&all[all.len() - 1..]).settle().sent()), 200);
        }
    }
}

/// Announced and found out on the way: the same answer.
fn ask_with_body_of(bench: &mut Bench, line: &str, length: u64, chunked: bool) -> String {
    let mut head = format!("{line} HTTP/1.1\r\nHost: h\r\n");
    let body = vec![b'x'; length as usize];
    let mut all = match chunked {
        true => {
            [head.as_bytes(), format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n").as_bytes(), &body].concat()
        }
        false => {
            head += &format!("Content-Length: {length}\r\n\r\n");
            [head.as_bytes(), &body].concat()
        }
    };
    if chunked {
        all.extend_from_slice(if length == 0 { b"\r\n" } else { b"\r\n0\r\n\r\n" });
    }
    for piece in all.chunks(20_000) {
        if bench.session.wants_read(0) {
            bench.feed(piece).settle();
        }
    }
    bench.sent()
}

#[test]
fn a_body_is_taken_at_its_limit_and_refused_above() {
    let settings = Settings { body_bytes: 1000, ..Settings::default() };
    let limits = [("POST /echo", 1000), ("PUT /sink", STREAM_MAX), ("GET /plain/x", BODY_DISCARD_BYTES_MAX)];
    for (line, max) in limits {
        for chunked in [false, true] {
            for length in [0, max - 1, max] {
                let mut bench = Bench::with(settings.clone());
                let sent = ask_with_body_of(&mut bench, line, length, chunked);
                assert_eq!(status(&sent), 200, "{line} {length} {chunked}");
                assert_eq!(bench.phase(), Phase::Idle);
            }
            let mut bench = Bench::with(settings.clone());
            let sent = ask_with_body_of(&mut bench, line, max + 1, chunked);
            assert_eq!(last_status(&sent), 413, "{line} {chunked}");
            assert!(sent.contains(&max.to_string()), "it says the limit: {sent}");
            assert_eq!(bench.phase(), Phase::Linger);
        }
    }
}

#[test]
fn the_body_is_waited_for_with_100_when_it_is_wanted() {
    for (line, answer) in [("POST /echo", "hello world"), ("PUT /sink", "took 11"), ("GET /plain/x", "x")] {
        let mut bench = Bench::new();
        let head = with_body(line, b"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n");
        assert_eq!(bench.feed(&head).settle().sent(), "HTTP/1.1 100 Continue\r\n\r\n", "{line}");
        assert_eq!(bench.feed(b"hello world").settle().sent(), ok(answer));
        assert_eq!(bench.phase(), Phase::Idle);
    }
}

#[test]
fn a_guard_is_asked_before_the_body_is() {
    let mut bench = Bench::new();
    let fields = b"Authorization: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n";
    assert_eq!(bench.feed(&with_body("PUT /guarded-sink", fields)).sent(), "");
    assert_eq!(bench.work().sent(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(bench.feed(b"hello world").settle().sent(), ok("took 11"));
}

#[test]
fn a_body_that_is_not_wanted_is_refused_without_100_and_ends_the_connection() {
    let refusals = [
        ("POST /echo", 2_000_000_u64, 413),
        ("PUT /sink", STREAM_MAX + 1, 413),
        ("POST /nowhere", 11, 404),
        ("POST /plain/x", 11, 405),
        ("PUT /refuse", 11, 403),
        ("PUT /guarded-sink", 11, 401),
    ];
    for (line, length, expected) in refusals {
        let mut bench = Bench::new();
        let fields = format!("Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
        let sent = bench.feed(&with_body(line, fields.as_bytes())).settle().sent();
        assert_eq!(last_status(&sent), expected, "{line}");
        assert_eq!(bench.phase(), Phase::Linger);
        bench.feed(b"hello world").feed(&get("/plain/x"));
        assert_eq!(bench.settle().sent(), "", "it is dropped");
    }
}

#[test]
fn another_expectation_is_refused() {
    let mut bench = Bench::new();
    let sent = bench.ask(&with_body("POST /echo", b"Expect: miracles\r\nContent-Length: 1\r\n\r\nx"));
    assert_eq!(last_status(&sent), 417);
}

#[test]
fn a_refusal_goes_on_after_a_body_that_is_here_already() {
    let mut bench = Bench::new();
    let all = [with_body("POST /nowhere", COUNTED), get("/plain/x")].concat();
    let sent = bench.ask(&all);
    assert!(sent.starts_with("HTTP/1.1 404 ") && sent.ends_with(&ok("x")), "{sent}");
    assert_eq!(bench.phase(), Phase::Idle);
}

#[test]
fn a_streamed_body_needs_a_length() {
    let mut bench = Bench::new();
    assert_eq!(status(&bench.ask(&with_body("PUT /sink", b"\r\n"))), 411);
    assert_eq!(bench.phase(), Phase::Idle);
}

#[test]
fn a_sink_gets_everything_in_bounded_pieces() {
    let body: Vec<u8> = (0..1_500_000_u32).map(|index| (index % 251) as u8).collect();
    let mut bench = Bench::new();
    bench.feed(format!("PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
    for piece in body.chunks(RECV_BUFFER_BYTES - 1) {
        if !bench.session.wants_read(0) {
            bench.settle();
        }
        bench.feed(piece);
    }
    assert_eq!(bench.settle().sent(), ok("took 1500000"));
    assert!(*bench.sinks.bytes.lock().expect("no panic") == body);
    let writes = bench.sinks.writes.lock().expect("no panic");
    assert!(
        writes.len() >= 4 && writes.iter().all(|length| *length < SINK_CHUNK_BYTES + RECV_BUFFER_BYTES),
        "{writes:?}"
    );
    let (last, full) = writes.split_last().expect("there are some");
    assert!(full.iter().all(|length| *length >= SINK_CHUNK_BYTES) && *last > 0, "{writes:?}");
}

#[test]
fn while_the_sink_is_away_one_buffer_more_is_read() {
    let mut bench = Bench::new();
    bench.feed(b"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n");
    let piece = vec![0; 60_000];
    let mut fed = 0;
    while bench.session.wants_read(0) {
        bench.feed(&piece);
        fed += piece.len();
    }
    // One buffer is with the sink, one waits.
    assert_eq!(bench.phase(), Phase::Working);
    assert!((2 * SINK_CHUNK_BYTES..2 * SINK_CHUNK_BYTES + 3 * piece.len()).contains(&fed), "{fed}");
    bench.work();
    assert_eq!(bench.phase(), Phase::Body);
    assert!(bench.session.wants_read(0));
}

#[test]
fn a_sink_may_end_early_and_the_rest_of_the_body_ends_the_connection() {
    let mut bench = Bench::new();
    bench.feed(format!("PUT /break HTTP/1.1\r\nHost: h\r\nContent-Length: {STREAM_MAX}\r\n\r\n").as_bytes());
    while bench.session.wants_read(0) {
        bench.feed(&[0; 60_000]);
    }
    assert_eq!(bench.work().sent(), ok_last("enough"));
    assert_eq!(bench.phase(), Phase::Linger);
    assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
    let mut bench = Bench::new();
    let all = [with_body("PUT /break", COUNTED), get("/plain/x")].concat();
    assert_eq!(bench.ask(&all), ok("enough") + &ok("x"), "all of the body is here: nothing need end");
}

#[test]
fn broken_chunks_are_refused_in_each_kind_of_body() {
    for line in ["POST /echo", "PUT /sink", "GET /plain/x"] {
        let mut bench = Bench::new();
        let sent = bench.ask(&with_body(line, b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n"));
        assert_eq!(last_status(&sent), 400, "{line}");
        assert_eq!(bench.phase(), Phase::Linger);
        assert!(bench.session.rest().is_empty(), "{line}");
        drop(bench.session.take_abandoned());
        assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_body_is_not_copied_for_the_job_that_follows_it() {
    let mut bench = Bench::new();
    bench.feed(b"POST /echo-job HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell");
    let place = |bench: &Bench| bench.session.owned.as_ref().map(|owned| owned.body.content.as_ptr());
    let before = place(&bench);
    bench.feed(b"o");
    assert_eq!((bench.phase(), place(&bench)), (Phase::Working, before));
    assert_eq!(bench.settle().sent(), ok("hello"));
}

#[test]
fn a_refused_body_takes_no_memory_while_the_connection_lingers() {
    for line in ["POST /echo", "PUT /sink"] {
        let mut bench = Bench::new();
        bench.feed(format!("{line} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes());
        bench.feed(&[b"8000\r\n".as_slice(), &[b'x'; 0x8000], b"\r\nno size\r\n"].concat());
        assert_eq!((last_status(&bench.sent()), bench.phase()), (400, Phase::Linger));
        let owned = bench.session.owned.as_ref().expect("a sink may be in it");
        assert!(owned.receiving.is_none() && owned.body.held_bytes() == 0, "{line}");
        assert_eq!(bench.session.take_abandoned().is_some(), line == "PUT /sink");
        assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_chunk_that_is_too_large_is_refused_when_its_size_is_known() {
    let settings = Settings { body_bytes: 100, ..Settings::default() };
    for (size, refused) in [("63", false), ("64", false), ("65", true), ("fffffffffffffff", true)] {
        let mut bench = Bench::with(settings.clone());
        bench
            .feed(format!("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n").as_bytes());
        assert_eq!(bench.phase() != Phase::Body, refused, "{size}");
        assert!(!refused || last_status(&bench.sent()) == 413);
    }
}
