//! Several requests on one connection: in order, one by one, none lost.

use super::*;
use crate::limits::{REQUESTS_PER_TURN_MAX, SEND_HIGH_WATER_BYTES};

#[test]
fn a_connection_goes_on_and_owns_nothing_between_requests() {
    let mut bench = Bench::new();
    assert_eq!(bench.phase(), Phase::Head);
    for name in ["a", "b", "c"] {
        assert_eq!(bench.ask(&get(&format!("/plain/{name}"))), ok(name));
        assert_eq!(bench.phase(), Phase::Idle);
        assert!(bench.session.owned.is_none());
    }
    assert_eq!(bench.session.served(), 3);
}

#[test]
fn memory_is_given_back_after_bodies_jobs_and_sinks() {
    let mut bench = Bench::new();
    for request in [
        b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc".to_vec(),
        get("/job/x"),
        b"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc".to_vec(),
    ] {
        for byte in &request {
            bench.feed(&[*byte]);
        }
        assert_eq!(status(&bench.settle().sent()), 200);
        assert!(bench.session.owned.is_none(), "{}", String::from_utf8_lossy(&request));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order_wherever_they_are_cut() {
    let names = ["/plain/a", "/job/b", "/jobs/c", "/plain/d", "/job/e"];
    let all: Vec<u8> = names.iter().flat_map(|path| get(path)).collect();
    let expected: String = ["a", "b", "c", "d", "e"].into_iter().map(ok).collect();
    for cut in 0..all.len() {
        let mut bench = Bench::new();
        let mut sent = bench.feed(&all[..cut]).settle().sent();
        sent += &bench.feed(&all[cut..]).settle().sent();
        assert_eq!(sent, expected, "cut at {cut}");
        assert_eq!(bench.phase(), Phase::Idle);
    }
}

#[test]
fn while_a_job_runs_nothing_after_it_is_answered_or_read() {
    let mut bench = Bench::new();
    let all = [get("/job/a"), get("/plain/b")].concat();
    assert_eq!(bench.feed(&all).sent(), "");
    assert_eq!(bench.phase(), Phase::Working);
    assert!(!bench.session.wants_read(0) && !bench.session.is_ready(0));
    assert_eq!(bench.session.rest(), get("/plain/b"));
    assert_eq!(bench.work().sent(), ok("a") + &ok("b"));
}

#[test]
fn ten_thousand_pipelined_requests_are_all_answered_a_few_a_turn() {
    let mut bench = Bench::new();
    let all = get("/plain/x").repeat(10_000);
    let (mut fed, mut answers) = (0, 0);
    let answer = ok("x");
    for _ in 0..10_000 {
        let served = bench.session.served();
        if bench.session.is_ready(bench.out.len()) {
            bench.turn(|session, turn| session.on_ready(turn));
        } else {
            let count = (all.len() - fed).min(20_000);
            fed += count;
            bench.feed(&all[fed - count..fed]);
        }
        assert!(bench.session.served() - served <= REQUESTS_PER_TURN_MAX as u64);
        let sent = bench.sent();
        answers += sent.len() / answer.len();
        assert!(sent == answer.repeat(sent.len() / answer.len()));
        if answers == 10_000 {
            break;
        }
    }
    assert_eq!((answers, bench.session.served(), bench.phase()), (10_000, 10_000, Phase::Idle));
}

#[test]
fn requests_wait_while_the_peer_does_not_take_their_answers() {
    let mut bench = Bench::new();
    bench.feed(&get("/big").repeat(10));
    // 60,000 bytes each: the fifth crosses the mark.
    assert_eq!((bench.session.served(), bench.phase()), (5, Phase::Working));
    assert!(bench.out.len() >= SEND_HIGH_WATER_BYTES as u64);
    assert!(!bench.session.is_ready(bench.out.len()) && !bench.session.wants_read(bench.out.len()));
    assert!(bench.session.is_ready(SEND_HIGH_WATER_BYTES as u64 - 1));
    assert!(!bench.session.is_ready(SEND_HIGH_WATER_BYTES as u64));
    bench.sent();
    bench.settle();
    assert_eq!((bench.session.served(), bench.phase()), (10, Phase::Idle));
}

#[test]
fn a_full_buffer_of_requests_leaves_room_to_read() {
    let mut bench = Bench::new();
    let all = get("/plain/x").repeat(5000);
    bench.feed(&all[..crate::limits::RECV_BUFFER_BYTES]);
    assert!(bench.session.rest().len() > crate::limits::RECV_BUFFER_BYTES / 2);
    assert!(!bench.session.wants_read(0), "the rest comes first");
    bench.turn(|session, turn| session.on_ready(turn));
    bench.settle();
    assert!(bench.session.wants_read(0) && bench.session.rest().len() < 100);
}

#[test]
fn nothing_is_read_while_requests_are_at_hand() {
    let mut bench = Bench::new();
    bench.feed(&get("/plain/x").repeat(REQUESTS_PER_TURN_MAX + 1));
    assert!(bench.session.is_ready(0) && !bench.session.wants_read(0), "a read would begin one too many");
    bench.turn(|session, turn| session.on_ready(turn));
    assert!(!bench.session.is_ready(0) && bench.session.wants_read(0));
    bench.feed(&get("/plain/x").repeat(REQUESTS_PER_TURN_MAX));
    assert!(!bench.session.is_ready(0) && bench.session.wants_read(0), "none was left");
}

#[test]
fn a_blank_line_before_a_request_is_waited_out() {
    for blank in ["\r", "\r\n", "\r\nG"] {
        let mut bench = Bench::new();
        bench.feed(blank.as_bytes());
        assert!(!bench.session.is_ready(0), "{blank:?} was looked at");
        let request = [b"\r\n".as_slice(), &get("/plain/x")].concat();
        assert_eq!(bench.ask(&request[blank.len()..]), ok("x"));
    }
    let mut bench = Bench::new();
    bench.feed(b"\r\n");
    bench.session.on_eof();
    assert_eq!(bench.phase(), Phase::Over);
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    let mut bench = Bench::new();
    let head = |path: &str| format!("HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes();
    let all = [head("/plain/abc"), head("/job/abcd"), get("/plain/x")].concat();
    let expected =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n".to_owned();
    assert_eq!(bench.ask(&all), expected + &ok("x"));
}

#[test]
fn a_refusal_of_head_has_no_body_either() {
    let mut bench = Bench::new();
    bench.feed(b"HEAD /job/x HTTP/1.1\r\nHost: h\r\n\r\n");
    bench.take_work();
    let sent = bench.done(Done::Busy).sent();
    assert_eq!(last_status(&sent), 503);
    assert!(sent.ends_with("\r\n\r\n"), "{sent}");
}

#[test]
fn http_1_0_ends_unless_asked_to_go_on_and_is_told_so() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(b"GET /plain/x HTTP/1.0\r\n\r\n"), ok_last("x"));
    assert_eq!(bench.phase(), Phase::Over);
    let mut bench = Bench::new();
    let sent = bench.ask(b"GET /plain/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(sent, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx");
    assert_eq!(bench.phase(), Phase::Idle);
}
