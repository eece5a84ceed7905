//! When the memory that connections share is gone: nothing new but what is essential, then no growth.

use super::*;

const POST: &[u8] = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n";

/// A connection whose slice's routes are essential.
fn essential() -> Bench {
    let mut bench = Bench::new();
    let mut router = RouterBuilder::new();
    router.mount(&[""], &routes()).essential();
    let slice = Slice { sinks: Arc::clone(&bench.sinks), big: Vec::new().into() };
    bench.app = App::new(Arc::new(router.build()), vec![Box::new(Keeper)], vec![Box::new(slice)]);
    bench
}

fn assert_shed(bench: &Bench, answer: &str) {
    assert!(answer.contains(" 503 ") && answer.contains("Retry-After: 1\r\n"), "{answer}");
    assert!(answer.contains("Connection: close\r\n"), "{answer}");
    assert!(bench.session.was_shed());
    assert_eq!(bench.phase(), Phase::Linger);
}

#[test]
fn no_request_is_begun_under_pressure_but_an_essential_one() {
    for (pressure, served) in [(Pressure::None, true), (Pressure::Soft, false), (Pressure::Hard, false)] {
        for request in [&get("/plain/x")[..], b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"] {
            let mut bench = Bench::new();
            bench.pressure = pressure;
            let answer = bench.ask(request);
            match served {
                true => assert!(answer.contains(" 200 ") && !bench.session.was_shed(), "{answer}"),
                false => assert_shed(&bench, &answer),
            }
            let mut bench = essential();
            bench.pressure = pressure;
            let answer = bench.ask(request);
            assert!(answer.contains(" 200 ") && !bench.session.was_shed(), "{answer}");
            assert_eq!(bench.phase(), Phase::Idle);
        }
    }
}

#[test]
fn a_request_that_no_route_fits_is_not_begun_by_the_fallback_under_pressure() {
    for (pressure, served) in [(Pressure::None, true), (Pressure::Soft, false), (Pressure::Hard, false)] {
        let mut bench = Bench::new();
        let mut router = RouterBuilder::new();
        router.mount(&[""], &routes()).essential().fall_back(ECHO);
        let slice = Slice { sinks: Arc::clone(&bench.sinks), big: Vec::new().into() };
        bench.app = App::new(Arc::new(router.build()), vec![Box::new(Keeper)], vec![Box::new(slice)]);
        bench.pressure = pressure;
        let answer = bench.ask(&get("/nowhere"));
        match served {
            true => assert!(answer.contains(" 200 ") && !bench.session.was_shed(), "{answer}"),
            false => assert_shed(&bench, &answer),
        }
    }
}

#[test]
fn requests_behind_a_refused_one_are_dropped_and_those_before_it_answered() {
    let mut bench = Bench::new();
    assert!(bench.ask(&get("/plain/x")).contains(" 200 "));
    bench.pressure = Pressure::Soft;
    let answer = bench.ask(&[get("/plain/y"), get("/plain/z")].concat());
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert_shed(&bench, &answer);
}

#[test]
fn what_is_under_way_goes_on_until_memory_is_all_but_gone() {
    let sink = b"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n";
    for head in [POST, sink] {
        for (pressure, served) in [(Pressure::Soft, true), (Pressure::Hard, false)] {
            let mut bench = Bench::new();
            bench.feed(head).settle().feed(b"abc").settle();
            bench.pressure = pressure;
            let answer = bench.feed(b"def").settle().sent();
            match served {
                true => assert!(answer.contains(" 200 "), "{answer}"),
                false => assert_shed(&bench, &answer),
            }
        }
    }
}

#[test]
fn a_job_under_way_is_answered_whatever_the_pressure() {
    let mut bench = Bench::new();
    bench.feed(&get("/job/x"));
    bench.pressure = Pressure::Hard;
    assert!(bench.work().sent().contains(" 200 "));
}

#[test]
fn a_head_in_pieces_is_not_kept_when_memory_is_all_but_gone() {
    let request = get("/plain/x");
    for (pressure, served) in [(Pressure::None, true), (Pressure::Hard, false)] {
        let mut bench = essential();
        bench.pressure = pressure;
        bench.feed(&request[..20]);
        match served {
            true => assert!(bench.ask(&request[20..]).contains(" 200 ")),
            false => {
                let answer = bench.sent();
                assert_shed(&bench, &answer);
                assert_eq!(bench.session.rest(), b"");
            }
        }
    }
}

#[test]
fn what_a_connection_holds_is_told_and_nothing_between_requests() {
    let mut bench = Bench::new();
    assert_eq!(bench.session.held_bytes(), 0);
    bench.ask(&get("/plain/x"));
    assert_eq!(bench.session.held_bytes(), 0);
    bench.feed(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n");
    assert!(bench.session.held_bytes() > 0);
    for _ in 0..29 {
        bench.feed(&[b'x'; 10_000]);
    }
    assert!(bench.session.held_bytes() >= 290_000);
    assert!(bench.ask(&[b'x'; 10_000]).contains(" 200 "));
    assert_eq!(bench.session.held_bytes(), 0);
    bench.feed(b"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").settle();
    for _ in 0..30 {
        bench.feed(&[b'x'; 10_000]);
    }
    let away = bench.take_work();
    assert!(bench.session.held_bytes() >= 300_000, "with what is at the sink");
    let done = (away.run)().0;
    bench.done(done);
    assert!(bench.session.held_bytes() >= 300_000, "the emptied buffer is back");
}
