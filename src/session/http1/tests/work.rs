//! Jobs and guards: what comes of them, and what if nothing does.

use super::*;

#[test]
fn a_request_keeps_its_head_and_body_through_its_jobs() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&get("/jobs/some%20thing")), ok("some%20thing"));
    let request = b"POST /echo-job HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(bench.ask(request), ok("hello"));
}

#[test]
fn a_guard_may_refuse_wait_or_let_pass() {
    let mut bench = Bench::new();
    let sent = bench.ask(&get("/guarded/x"));
    assert_eq!((status(&sent), bench.phase()), (401, Phase::Idle));
    bench.feed(b"GET /guarded/x HTTP/1.1\r\nHost: h\r\nAuthorization: y\r\n\r\n");
    let work = bench.take_work();
    assert_eq!(work.lane, Lane::Slow);
    let (done, changes) = (work.run)();
    assert!(changes.is_empty());
    assert_eq!(bench.done(done).sent(), ok("x"));
}

#[test]
fn a_full_queue_is_a_503_that_says_when_to_come_back() {
    let mut bench = Bench::new();
    bench.feed(&[get("/job/x"), get("/plain/y")].concat());
    bench.take_work();
    let sent = bench.done(Done::Busy).sent();
    assert_eq!(last_status(&sent), 503);
    assert!(sent.contains("\r\nRetry-After: 1\r\n"), "{sent}");
    assert_eq!(bench.phase(), Phase::Linger);
    assert!(bench.session.rest().is_empty());
}

#[test]
fn a_full_queue_drops_the_sink() {
    let mut bench = Bench::new();
    bench.feed(b"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    drop(bench.take_work());
    assert_eq!(last_status(&bench.done(Done::Busy).sent()), 503);
    assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
}

#[test]
fn a_job_that_panics_is_a_500() {
    let mut bench = Bench::new();
    bench.feed(&get("/job/x"));
    bench.take_work();
    let sent = bench.done(Done::Panicked).sent();
    assert_eq!((last_status(&sent), bench.phase()), (500, Phase::Linger));
    assert!(bench.session.take_work().is_none());
}

#[test]
fn a_slice_that_panics_takes_its_connection_along_and_no_sink() {
    let mut bench = Bench::new();
    let all = [get("/plain/a"), get("/panic")].concat();
    let broken = catch_unwind(AssertUnwindSafe(|| bench.turn(|session, turn| session.on_bytes(&all, turn))));
    assert!(broken.is_err());
    assert!(bench.session.take_abandoned().is_none() && bench.session.take_work().is_none());
    // The app goes on with other connections.
    bench.session = Http1::new();
    bench.out.clear();
    assert_eq!(bench.ask(&get("/plain/b")), ok("b"));
}

#[test]
fn results_for_nobody_change_nothing() {
    let mut bench = Bench::new();
    bench.ask(&get("/plain/x"));
    for done in [Done::Value(Box::new(1u32)), Done::Enough(Box::new(1u32)), Done::Busy, Done::Panicked] {
        let is_something = matches!(done, Done::Value(_) | Done::Enough(_));
        assert_eq!(bench.done(done).sent(), "");
        assert_eq!(bench.phase(), Phase::Idle);
        assert_eq!(bench.session.has_effects(), is_something);
        assert_eq!(bench.session.take_ended().is_some(), is_something, "whoever drops it may have to block");
        assert!(bench.session.is_idle());
    }
}

#[test]
fn work_is_given_out_once() {
    let mut bench = Bench::new();
    bench.feed(&get("/job/x"));
    assert!(bench.session.take_work().is_some());
    assert!(bench.session.take_work().is_none());
    bench.turn(|session, turn| session.on_ready(turn));
    assert_eq!((bench.phase(), bench.sent()), (Phase::Working, String::new()));
}
