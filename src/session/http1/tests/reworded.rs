//! Refusals in other words: the same status, the same end.

use super::refusals::wrong;
use super::*;
use crate::app::refusal::{Refusal, RefusalKind, Words};
use crate::limits::RECV_BUFFER_BYTES;
use crate::wire::http1::Error;

/// A connection to an app that says its refusals by their names, but for `quiet`.
fn reworded(quiet: Option<RefusalKind>) -> Bench {
    let mut bench = Bench::with(Settings { body_bytes: 1000, ..Settings::default() });
    let mut router = RouterBuilder::new();
    router.mount(&[""], &routes());
    let slice = Slice { sinks: Arc::clone(&bench.sinks), big: Vec::new().into() };
    let words = move |refusal: &Refusal| {
        let said = quiet != Some(refusal.kind);
        said.then(|| Words::new(b"X-Own: 1\r\n", refusal.name().as_bytes())).flatten()
    };
    let app = App::new(Arc::new(router.build()), vec![Box::new(Keeper)], vec![Box::new(slice)]);
    bench.app = app.reworded(Arc::new(words));
    bench
}

/// Feeds what is wanted of it, and takes the answer.
fn ask(bench: &mut Bench, request: &[u8]) -> String {
    for piece in request.chunks(RECV_BUFFER_BYTES / 2) {
        bench.feed(piece);
    }
    bench.settle().sent()
}

fn assert_said(sent: &str, status: u16, name: &str) {
    assert_eq!(last_status(sent), status, "{sent}");
    assert!(sent.contains("\r\nX-Own: 1\r\n") && sent.ends_with(&format!("\r\n\r\n{name}")), "{sent}");
}

#[test]
fn what_is_malformed_is_refused_in_them() {
    for error in Error::ALL {
        let mut bench = reworded(None);
        assert_said(&ask(&mut bench, &wrong(error)), error.status(), error.name());
        assert_eq!(bench.phase(), Phase::Linger);
        let mut bench = reworded(Some(RefusalKind::Malformed(error)));
        let own = ask(&mut Bench::new(), &wrong(error));
        assert_eq!(ask(&mut bench, &wrong(error)), own, "it may be left as it is");
    }
}

#[test]
fn what_is_too_large_or_too_slow_is_refused_in_them() {
    let head = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n";
    assert_said(&ask(&mut reworded(None), head), 413, "body_too_large");
    for (begun, name) in [
        (&b"GET /plain/x HT"[..], "head_timeout"),
        (&b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"[..], "body_timeout"),
    ] {
        let mut bench = reworded(None);
        bench.feed(begun);
        bench.turn(|session, turn| session.on_deadline(turn));
        assert_said(&bench.sent(), 408, name);
        assert_eq!(bench.phase(), Phase::Over);
    }
}

#[test]
fn what_is_too_much_is_refused_in_them_and_told_when_to_come_back() {
    let mut bench = reworded(None);
    bench.pressure = Pressure::Soft;
    let shed = bench.ask(&get("/plain/x"));
    assert_said(&shed, 503, "overloaded");
    let mut bench = reworded(None);
    bench.feed(&get("/job/x"));
    bench.take_work();
    let busy = bench.done(Done::Busy).sent();
    assert_said(&busy, 503, "busy");
    assert!([shed, busy].iter().all(|sent| sent.contains("\r\nRetry-After: 1\r\n")));
    let mut bench = reworded(None);
    bench.feed(&get("/job/x"));
    bench.take_work();
    assert_said(&bench.done(Done::Panicked).sent(), 500, "failed");
}

#[test]
fn where_no_body_came_the_connection_goes_on() {
    let mut bench = reworded(None);
    let sent = bench.ask(b"PUT /sink HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!((status(&sent), bench.phase()), (411, Phase::Idle));
    assert!(sent.contains("\r\nX-Own: 1\r\n") && sent.ends_with("\r\n\r\nlength_required"), "{sent}");
}

#[test]
fn a_head_request_is_refused_without_a_body() {
    let mut bench = reworded(None);
    bench.pressure = Pressure::Soft;
    let sent = bench.ask(b"HEAD /plain/x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(last_status(&sent), 503);
    assert!(sent.contains("\r\nContent-Length: 10\r\n") && sent.ends_with("\r\n\r\n"), "{sent}");
}

#[test]
fn a_slice_may_answer_itself_when_there_is_no_place_for_its_job() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&get("/slow/x")), ok("x"));
    bench.feed(&[get("/slow/x"), get("/plain/y")].concat());
    assert_eq!(bench.take_work().lane, Lane::Slow);
    let sent = bench.done(Done::Busy).sent();
    assert_eq!((last_status(&sent), bench.phase()), (429, Phase::Linger), "nothing is begun after it");
    assert!(bench.session.rest().is_empty() && !bench.session.has_effects());
}

#[test]
fn a_slice_that_waits_again_is_refused() {
    let mut bench = Bench::new();
    bench.feed(&get("/slow-again/x"));
    bench.take_work();
    assert_eq!(last_status(&bench.done(Done::Busy).sent()), 503);
    assert_eq!(bench.phase(), Phase::Linger);
    assert!(bench.session.take_work().is_none() && !bench.session.has_effects());
}
