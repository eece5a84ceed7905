//! Peers that say nothing, or never the whole of it.

use super::support::{frame, only_code, text};
use super::*;
use crate::limits::{LINGER_NS, SECOND_NS};
use crate::session::Session;
use crate::session::deadlines::{Deadlines, Moved};

const STILL: Moved = Moved { read: 0, sent: 0, left: 0, ended: false };

#[test]
fn who_is_silent_is_asked_and_given_up_if_it_stays_so() {
    let mut bench = Bench::new();
    assert_eq!((bench.deadline().sent(), bench.phase()), (vec![Sent::ping()], Phase::Pinged));
    assert!(!bench.ws.is_idle());
    assert_eq!((bench.deadline().sent(), bench.phase()), (Vec::new(), Phase::Over));
    assert_eq!(bench.gone().told(), ["closed 1006 unclean"]);
}

#[test]
fn any_byte_is_a_sign_of_life() {
    for sign in [frame(0x8a, b""), frame(0x89, b""), text("hi"), vec![0x81]] {
        let mut bench = Bench::new();
        bench.deadline();
        bench.feed(&sign);
        assert_ne!(bench.phase(), Phase::Pinged, "{sign:?}");
    }
}

#[test]
fn what_is_pushed_to_it_is_no_sign_of_life() {
    let mut bench = Bench::new();
    bench.deadline().push(b"news");
    assert_eq!(bench.phase(), Phase::Pinged);
}

#[test]
fn a_message_that_never_ends_is_1008() {
    for part in [vec![0x81], text("whole")[..8].to_vec(), frame(0x01, b"part")] {
        let mut bench = Bench::new();
        bench.feed(&part);
        assert_eq!(bench.phase(), Phase::Body);
        assert_eq!(only_code(&bench.deadline().sent()), 1008);
        assert_eq!((bench.phase(), bench.told()), (Phase::Linger, vec!["closed 1008 unclean".to_owned()]));
    }
}

/// The deadlines of a connection, at a time.
struct Timed {
    session: Session,
    deadlines: Deadlines,
    settings: Settings,
}

impl Timed {
    fn new(bench: Bench) -> Self {
        let (session, settings) = (Session::Ws(Box::new(bench.ws)), bench.settings);
        let mut deadlines = Deadlines::new(&Session::new(), &settings, 0);
        deadlines.update(&session, STILL, &settings, 0);
        Self { session, deadlines, settings }
    }

    /// The next deadline in seconds after a turn at `second`.
    fn next(&mut self, moved: Moved, second: u64) -> u64 {
        self.deadlines.update(&self.session, moved, &self.settings, second * SECOND_NS);
        self.deadlines.next() / SECOND_NS
    }
}

#[test]
fn an_open_connection_has_its_interval_since_it_was_last_heard_of() {
    let ping_s = Settings::default().ping_ns / SECOND_NS;
    let mut timed = Timed::new(Bench::new());
    assert_eq!(timed.deadlines.next() / SECOND_NS, ping_s);
    assert_eq!(timed.next(Moved { sent: 9, ..STILL }, 7), ping_s, "what is sent to it tells nothing");
    assert_eq!(timed.next(Moved { read: 1, ..STILL }, 9), 9 + ping_s);
    let mut bench = Bench::new();
    bench.deadline().sent();
    let mut timed = Timed::new(bench);
    assert_eq!(timed.next(Moved { sent: 9, ..STILL }, 7), ping_s);
}

#[test]
fn who_takes_a_long_answer_slowly_is_not_asked_behind_it() {
    let settings = Settings::default();
    for asked in [false, true] {
        let mut bench = Bench::new();
        if asked {
            bench.deadline();
        }
        let mut timed = Timed::new(bench);
        for second in [1, 20, 40, 60, 80] {
            let write_s = settings.write_ns / SECOND_NS;
            assert_eq!(timed.next(Moved { sent: 1 << 20, left: 1 << 24, ..STILL }, second), second + write_s);
        }
        // Only now can it have seen a ping.
        assert_eq!(timed.next(Moved { sent: 1 << 24, ..STILL }, 99), 99 + settings.ping_ns / SECOND_NS);
    }
}

#[test]
fn a_message_that_we_do_not_read_is_not_slow() {
    let mut bench = Bench::new();
    // In the middle of a message it is sent one that fills the way out.
    bench.feed(&frame(0x01, b"part")).push(&[1; 300_000]);
    let left = bench.out.len();
    assert_eq!((bench.phase(), bench.ws.wants_read(left)), (Phase::Body, false));
    let settings = Settings::default();
    let mut timed = Timed::new(bench);
    let next = timed.next(Moved { sent: 1000, left, ..STILL }, 1);
    assert_eq!(next, 1 + settings.write_ns / SECOND_NS, "the write is timed alone");
    let next = timed.next(Moved { sent: left, ..STILL }, 29);
    assert_eq!(next, 29 + settings.body_ns / SECOND_NS);
}

#[test]
fn our_close_is_answered_in_time_once_it_has_left() {
    let mut bench = Bench::new();
    bench.feed(&text("close 1000 bye")).sent();
    let mut timed = Timed::new(bench);
    assert_eq!(timed.deadlines.next(), LINGER_NS);
    assert_eq!(timed.next(Moved { read: 1000, ..STILL }, 2), LINGER_NS / SECOND_NS, "talking on wins no time");
}

#[test]
fn a_message_wins_time_by_its_bytes() {
    let mut bench = Bench::new();
    bench.feed(&frame(0x01, b"part"));
    let settings = Settings::default();
    let body_s = settings.body_ns / SECOND_NS;
    let mut timed = Timed::new(bench);
    assert_eq!(timed.next(Moved { read: 10, ..STILL }, 5), body_s, "ten bytes are not worth a second");
    assert_eq!(timed.next(Moved { read: settings.body_rate, ..STILL }, 5), body_s + 1);
    assert_eq!(timed.next(Moved { read: 1 << 20, ..STILL }, 5), 5 + body_s, "never more than all of it");
}
