//! How connections end: by the peer, by a deadline, by the node going away.

use super::*;
use crate::limits::LINGER_BYTES_MAX;

#[test]
fn a_peer_that_has_ended_gets_what_it_asked_for() {
    let mut bench = Bench::new();
    bench.feed(&[get("/job/a"), get("/job/b"), get("/plain/c"), b"GET /half".to_vec()].concat());
    bench.session.on_eof();
    assert_eq!(bench.phase(), Phase::Working);
    assert_eq!(bench.settle().sent(), ok("a") + &ok("b") + &ok("c"));
    assert_eq!(bench.phase(), Phase::Over);
}

#[test]
fn a_peer_that_ends_between_requests_is_over() {
    let mut bench = Bench::new();
    bench.session.on_eof();
    assert_eq!(bench.phase(), Phase::Over);
    let mut bench = Bench::new();
    bench.ask(&get("/plain/x"));
    bench.session.on_eof();
    assert_eq!((bench.phase(), bench.session.wants_read(0)), (Phase::Over, false));
}

#[test]
fn requests_held_back_are_answered_after_the_end() {
    let mut bench = Bench::new();
    bench.feed(&get("/plain/x").repeat(300));
    bench.session.on_eof();
    assert_eq!(bench.settle().sent(), ok("x").repeat(300));
    assert_eq!(bench.phase(), Phase::Over);
}

#[test]
fn a_body_that_breaks_off_is_over_and_its_sink_is_given_back() {
    for line in ["POST /echo", "PUT /sink"] {
        let mut bench = Bench::new();
        bench.feed(format!("{line} HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc").as_bytes());
        bench.session.on_eof();
        assert_eq!((bench.phase(), bench.sent()), (Phase::Over, String::new()), "{line}");
        assert_eq!(bench.session.take_abandoned().is_some(), line == "PUT /sink");
        assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
        assert_eq!(bench.sinks.finished.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_body_that_was_whole_is_finished_after_the_end() {
    let mut bench = Bench::new();
    bench.feed(b"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    bench.session.on_eof();
    assert_eq!(bench.settle().sent(), ok("took 3"));
    assert_eq!((bench.phase(), bench.sinks.finished.load(Ordering::SeqCst)), (Phase::Over, 1));
}

#[test]
fn a_sink_that_comes_back_to_a_connection_that_gave_up_is_given_back() {
    let mut bench = Bench::new();
    bench.feed(b"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n");
    while bench.session.take_work().map(|work| (work.run)()).is_none_or(|(done, _)| {
        // It has its first piece, and is on its way back when the peer turns out to be too slow.
        bench.turn(|session, turn| session.on_deadline(turn));
        bench.done(done);
        false
    }) {
        bench.feed(&[0; 60_000]);
    }
    assert_eq!(last_status(&bench.sent()), 408);
    drop(bench.session.take_abandoned().expect("it is here"));
    assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
}

/// Feeds `bytes`, then lets the deadline pass.
fn expired(bytes: &[u8]) -> (String, Phase) {
    let mut bench = Bench::new();
    let before = bench.feed(bytes).settle().sent();
    bench.turn(|session, turn| session.on_deadline(turn));
    let after = bench.sent();
    assert!(before.is_empty() || after.is_empty());
    (after, bench.phase())
}

#[test]
fn slow_heads_and_bodies_are_told_and_silence_is_not() {
    assert_eq!(expired(b""), (String::new(), Phase::Over));
    assert_eq!(expired(&get("/plain/x")), (String::new(), Phase::Over));
    let slow = [
        b"GET /plain/x HT".to_vec(),
        b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc".to_vec(),
        b"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc".to_vec(),
    ];
    for bytes in slow {
        let (sent, phase) = expired(&bytes);
        assert_eq!((last_status(&sent), phase), (408, Phase::Over));
    }
}

#[test]
fn what_comes_after_the_last_answer_is_dropped_up_to_a_bound() {
    let mut bench = Bench::new();
    bench.feed(b"nonsense\r\n\r\n");
    bench.sent();
    let piece = vec![b'x'; 60_000];
    let mut dropped = 0;
    while bench.phase() == Phase::Linger {
        bench.feed(&piece);
        dropped += piece.len() as u64;
        assert!(bench.session.rest().is_empty());
    }
    assert_eq!((bench.phase(), bench.sent()), (Phase::Over, String::new()));
    assert!((LINGER_BYTES_MAX..LINGER_BYTES_MAX + 2 * piece.len() as u64).contains(&dropped));
    let mut bench = Bench::new();
    bench.feed(b"nonsense\r\n\r\n");
    bench.turn(|session, turn| session.on_deadline(turn));
    assert_eq!(bench.phase(), Phase::Over);
}

#[test]
fn a_peer_that_says_close_is_not_waited_for() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(b"GET /plain/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), ok_last("x"));
    assert_eq!(bench.phase(), Phase::Over);
}

#[test]
fn a_draining_node_answers_once_more_and_says_so() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&get("/plain/a")), ok("a"));
    bench.draining = true;
    assert_eq!(bench.ask(&get("/job/b").repeat(2)), ok_last("b"));
    assert_eq!(bench.phase(), Phase::Linger);
}

#[test]
fn a_drain_ends_what_is_idle_and_nothing_else() {
    let mut bench = Bench::new();
    bench.ask(&get("/plain/x"));
    bench.session.on_drain();
    assert_eq!(bench.phase(), Phase::Over);
    for begun in
        [b"GET /pla".to_vec(), get("/job/x"), b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n".to_vec()]
    {
        let mut bench = Bench::new();
        bench.feed(&begun);
        let phase = bench.phase();
        bench.session.on_drain();
        assert_eq!(bench.phase(), phase);
    }
}
