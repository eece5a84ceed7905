//! Bodies that come from a source.

use std::sync::atomic::Ordering;

use super::*;
use crate::limits::SEND_HIGH_WATER_BYTES;

fn chunked(pieces: &[&str]) -> String {
    let chunks: String = pieces.iter().map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
}

#[test]
fn a_body_of_unknown_length_comes_in_chunks_and_the_connection_goes_on() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&get("/stream/ab.cd.e")), chunked(&["ab", "cd", "e"]));
    assert_eq!(bench.ask(&get("/stream-jobs/ab.cd")), chunked(&["ab", "cd"]), "the same from the pool");
    assert_eq!((bench.phase(), bench.session.served()), (Phase::Idle, 2));
    drop(bench.session.take_ended());
    assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
}

#[test]
fn pipelined_requests_wait_for_the_end_of_a_streamed_body() {
    let mut bench = Bench::new();
    let all = [get("/plain/1"), get("/stream-jobs/ab"), get("/plain/2")].concat();
    for cut in 0..all.len() {
        let mut bench = Bench::new();
        bench.feed(&all[..cut]).settle();
        let sent = bench.sent() + &bench.ask(&all[cut..]);
        assert_eq!(sent, ok("1") + &chunked(&["ab"]) + &ok("2"), "cut at {cut}");
    }
    bench.feed(&all);
    assert!(!bench.session.wants_read(0), "nothing is read while a body is on its way");
}

#[test]
fn a_promised_length_is_kept_or_the_connection_is_cut_off() {
    let head = |length: char| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&get("/stream/ab.cd?4")), head('4') + "abcd");
    assert_eq!(bench.phase(), Phase::Idle);
    for (path, sent) in [("/stream/ab.cd?5", "abcd"), ("/stream/ab.cd?3", "ab"), ("/stream/ab.!?4", "ab")] {
        let mut bench = Bench::new();
        let length = path.chars().last().expect("a digit");
        assert_eq!(bench.ask(&get(path)), head(length) + sent, "{path}");
        assert_eq!(bench.phase(), Phase::Over, "{path}");
    }
    let sent = Bench::new().ask(&get("/stream/ab.!"));
    assert!(sent.ends_with("2\r\nab\r\n"), "without an end: {sent}");
}

#[test]
fn http_1_0_has_no_chunks_and_head_has_no_body() {
    let mut bench = Bench::new();
    let sent = bench.ask(b"GET /stream/ab.cd HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(sent, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcd");
    assert_eq!(bench.phase(), Phase::Linger);
    let mut bench = Bench::new();
    for path in ["/stream/ab", "/stream-jobs/ab"] {
        let sent = bench.ask(format!("HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes());
        assert_eq!(sent, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        drop(bench.session.take_abandoned());
        assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0, "{path}");
    }
}

#[test]
fn trailers_are_for_those_who_asked() {
    let mut bench = Bench::new();
    let sent = bench.ask(b"GET /stream/ab HTTP/1.1\r\nHost: h\r\nTE: gzip , Trailers\r\n\r\n");
    assert!(sent.ends_with("2\r\nab\r\n0\r\nPieces: 1\r\n\r\n"), "{sent}");
    assert!(bench.ask(&get("/stream/ab")).ends_with("2\r\nab\r\n0\r\n\r\n"));
}

#[test]
fn a_slow_reader_holds_up_the_source_and_not_the_memory() {
    for path in ["/endless", "/endless-jobs"] {
        let mut bench = Bench::new();
        bench.feed(&get(path)).settle();
        let queued = bench.out.len();
        assert!(queued >= SEND_HIGH_WATER_BYTES as u64, "{path}: {queued}");
        assert!(queued < (SEND_HIGH_WATER_BYTES + 2 * SOURCE_PIECE_BYTES) as u64, "{path}: {queued}");
        assert!(!bench.session.is_ready(queued) && bench.session.is_ready(0));
        bench.sent();
        bench.settle();
        assert!(bench.out.len() >= SEND_HIGH_WATER_BYTES as u64, "{path} goes on when there is room");
        drop(bench.session.take_abandoned());
        drop(bench);
    }
}

#[test]
fn a_source_that_waits_is_asked_again_when_it_says_so() {
    let mut bench = Bench::new();
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(bench.ask(&get("/stream/ab.~.cd")), format!("{head}2\r\nab\r\n"));
    assert!(!bench.session.is_ready(0), "it waits");
    assert_eq!(bench.phase(), Phase::Working);
    assert_eq!(bench.done(Done::Wake).settle().sent(), "2\r\ncd\r\n0\r\n\r\n");
    assert_eq!(bench.done(Done::Wake).settle().sent(), "", "a wake that comes late means nothing");
    assert_eq!(bench.phase(), Phase::Idle);
}

#[test]
fn a_wake_while_the_source_is_on_the_pool_is_not_lost() {
    let mut bench = Bench::new();
    bench.feed(&get("/stream-jobs/ab.~.cd"));
    bench.turn(|session, turn| session.on_wake_made(Wake::new(|| ()), turn));
    bench.work();
    let away = bench.take_work();
    bench.done(Done::Wake);
    let (done, _) = (away.run)();
    bench.done(done).settle();
    assert!(bench.sent().ends_with("2\r\ncd\r\n0\r\n\r\n"));
}

#[test]
fn a_wake_is_told_once_until_it_is_heard() {
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let wake = Wake::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    wake.wake();
    wake.clone().wake();
    assert_eq!(told.load(Ordering::SeqCst), 1);
    wake.heard();
    wake.wake();
    assert_eq!(told.load(Ordering::SeqCst), 2);
}

#[test]
fn a_node_that_goes_away_tells_the_source() {
    for (path, away) in [("/stream/ab.~", false), ("/stream-jobs/ab.~", true)] {
        let mut bench = Bench::new();
        bench.feed(&get(path));
        bench.turn(|session, turn| session.on_wake_made(Wake::new(|| ()), turn));
        if away {
            bench.work();
        }
        let work = bench.session.take_work();
        bench.draining = true;
        bench.session.on_drain();
        if let Some(work) = work {
            let (done, _) = (work.run)();
            bench.done(done);
        }
        assert!(bench.settle().sent().ends_with("2\r\nab\r\n0\r\n\r\n"), "{path}");
    }
}

#[test]
fn a_connection_whose_body_ends_while_the_node_goes_away_is_over() {
    for (path, asked_more) in [("/stream/ab.~", false), ("/stream-jobs/ab.~", false), ("/stream/ab.~", true)] {
        let mut bench = Bench::new();
        bench.feed(&if asked_more { [get(path), get("/plain/1")].concat() } else { get(path) }).settle();
        bench.draining = true;
        bench.session.on_drain();
        let sent = bench.settle().sent();
        assert!(sent.contains("2\r\nab\r\n0\r\n\r\n"), "{path}: {sent}");
        assert_eq!(sent.contains("Connection: close\r\n"), asked_more, "{sent}");
        assert_eq!(bench.phase(), if asked_more { Phase::Linger } else { Phase::Over }, "{path}");
    }
}

#[test]
fn work_that_fails_cuts_a_body_off() {
    for done in [Done::Busy, Done::Panicked] {
        let mut bench = Bench::new();
        bench.feed(&get("/stream-jobs/ab.cd"));
        bench.turn(|session, turn| session.on_wake_made(Wake::new(|| ()), turn));
        drop(bench.take_work());
        assert_eq!(bench.done(done).sent(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(bench.phase(), Phase::Over);
    }
}

#[test]
fn a_peer_that_goes_away_gives_the_source_up() {
    for (path, blocks) in [("/stream/ab.~", false), ("/stream-jobs/ab.~", true)] {
        let mut bench = Bench::new();
        bench.ask(&get(path));
        bench.session.on_eof();
        assert!(bench.session.is_sending(), "a peer may end its half and still listen");
        assert_eq!(bench.session.take_abandoned().is_some(), blocks, "{path}");
        assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0, "{path}");
    }
}

#[test]
fn a_source_that_is_silent_for_too_long_is_cut_off() {
    for (path, version, reset) in [("/stream/ab.~", "1.1", false), ("/stream/ab.~", "1.0", true)] {
        let mut bench = Bench::new();
        let sent = bench.ask(format!("GET {path} HTTP/{version}\r\nHost: h\r\n\r\n").as_bytes());
        assert!(sent.contains("ab") && bench.session.awaits_source(), "{sent}");
        bench.turn(|session, turn| session.on_deadline(turn));
        assert_eq!((bench.phase(), bench.sent().as_str()), (Phase::Over, ""), "nothing says that it was whole");
        assert_eq!(bench.session.must_be_reset(), reset, "HTTP/{version}");
        assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_source_that_has_ended_is_left_to_whoever_may_block_also_when_the_connection_goes_on() {
    let head = |path: &str| format!("HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes();
    let cases = [
        (get("/stream-jobs/ab"), 1),
        (head("/stream-jobs/ab"), 1),
        ([head("/stream-jobs/ab"), head("/stream-jobs/cd")].concat(), 2),
        ([head("/stream-jobs/ab"), get("/stream-jobs/cd")].concat(), 2),
        (get("/stream/ab"), 0),
    ];
    for (asked, kept) in cases {
        let mut bench = Bench::new();
        bench.ask(&asked);
        let what = String::from_utf8_lossy(&asked).into_owned();
        assert_eq!(bench.phase(), Phase::Idle, "{what}");
        assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), kept, "{what}");
        assert_eq!(bench.session.has_effects(), kept > 0, "{what}");
        assert_eq!(bench.session.take_ended().is_some(), kept > 0, "{what}");
        assert_eq!(bench.sinks.alive.load(Ordering::SeqCst), 0, "{what}");
        assert!(bench.session.is_idle() && !bench.session.has_effects(), "nothing is held any more: {what}");
    }
}

#[test]
fn a_source_is_not_asked_for_more_than_was_promised() {
    let mut bench = Bench::new();
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(bench.ask(&get("/stream/ab.!?2")), format!("{head}ab"), "it would break at the next piece");
    assert_eq!(bench.phase(), Phase::Idle);
}

#[test]
fn a_part_of_a_body_without_a_frame_ends_by_a_reset() {
    for (path, reset) in [("/stream/ab.!", true), ("/stream/ab", false)] {
        let mut bench = Bench::new();
        let sent = bench.ask(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
        assert!(sent.ends_with("\r\n\r\nab"), "{sent}");
        assert_eq!(bench.session.must_be_reset(), reset, "{path}");
    }
    let mut bench = Bench::new();
    bench.ask(&get("/stream/ab.!"));
    assert!(!bench.session.must_be_reset(), "chunks without a last one are no whole body");
}
