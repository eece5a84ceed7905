//! How long a connection is waited for: one deadline for what it is doing, one for what it does not
//! take. Pure: the loop and the simulator give it the time.
//!
//! A body, or an answer that waits, is given its whole patience once; then bytes win time back, one
//! second for as many as the rate says, up to the same patience. So a peer may pause, but one that is
//! slower than the rate all the time is out of it in the end, however it divides its bytes.

use crate::limits::{LINGER_NS, SECOND_NS};
use crate::session::{Phase, Session, Settings};

/// A deadline that never comes.
pub const NEVER: u64 = u64::MAX;

/// When the patience with a connection ends, in nanoseconds of the monotonic clock; [`NEVER`] if it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    phase: Phase,
    served: u64,
    phase_due: u64,
    write_due: u64,
}

impl Deadlines {
    /// Those of a new connection: it has as long for its first head as for any other.
    pub fn new(session: &Session, settings: &Settings, now_ns: u64) -> Self {
        Self { phase: session.phase(), served: 0, phase_due: now_ns + settings.head_ns, write_due: NEVER }
    }

    /// The nearer of the two.
    pub fn next(&self) -> u64 {
        self.phase_due.min(self.write_due)
    }

    /// Whether the peer has taken nothing for too long: then there is no way to tell it why.
    pub fn is_deaf(&self, now_ns: u64) -> bool {
        self.write_due <= now_ns
    }

    /// The connection was answered all it asked, has taken it and is idle: [`Self::update`], the short way.
    #[inline]
    pub fn rest(&mut self, is_ws: bool, served: u64, settings: &Settings, now_ns: u64) {
        let (phase, silence_ns) = if is_ws { (Phase::Open, settings.ping_ns) } else { (Phase::Idle, settings.idle_ns) };
        (self.phase, self.served) = (phase, served);
        (self.phase_due, self.write_due) = (now_ns.saturating_add(silence_ns), NEVER);
    }

    /// Moves the deadlines after a turn of the connection.
    pub fn update(&mut self, session: &Session, moved: Moved, settings: &Settings, now_ns: u64) {
        let (phase, served) = (phase_to_time(session, moved), session.served());
        let begun = phase != self.phase || served != self.served;
        let renewed = match phase {
            // A head has one deadline from its first byte.
            Phase::Head | Phase::Linger | Phase::Body => begun,
            Phase::Closing | Phase::Pinged => begun,
            Phase::Idle => begun || moved.sent > 0,
            // What is sent to it does not tell that anybody is there.
            Phase::Open => begun || moved.read > 0,
            Phase::Working | Phase::Over => true,
        };
        if renewed {
            self.phase_due = patience(phase, settings).map_or(NEVER, |ns| now_ns.saturating_add(ns));
        } else if phase == Phase::Body && moved.read > 0 {
            self.phase_due = win_back(self.phase_due, moved.read, settings.body_rate, now_ns + settings.body_ns);
        }
        (self.phase, self.served) = (phase, served);
        if moved.left == 0 {
            self.write_due = NEVER;
        } else if self.write_due == NEVER {
            self.write_due = now_ns + settings.write_ns;
        } else if moved.sent > 0 {
            self.write_due = win_back(self.write_due, moved.sent, settings.write_rate, now_ns + settings.write_ns);
        }
    }
}

/// A deadline after `bytes` moved at `rate` bytes per second or more; `latest` is as far as it goes, and
/// where it goes at once without a rate.
fn win_back(due_ns: u64, bytes: u64, rate: u64, latest_ns: u64) -> u64 {
    let won_ns = bytes.saturating_mul(SECOND_NS).checked_div(rate).unwrap_or(NEVER);
    due_ns.saturating_add(won_ns).min(latest_ns)
}

/// What the peer is timed for. While it has an answer to take, only the write deadline runs: it is
/// not idle, a head that we do not read for that long is not slow, and lingering begins when all of
/// the last answer has left.
///
/// Who has ended its half is owed the rest of its answer. But when nothing of it comes, nothing tells
/// whether anybody is still there: so long as the source is silent, the connection is idle.
fn phase_to_time(session: &Session, moved: Moved) -> Phase {
    match session.phase() {
        Phase::Closing | Phase::Idle | Phase::Linger if moved.left > 0 => Phase::Working,
        // It can only answer a ping that it has come to read.
        Phase::Open | Phase::Pinged if moved.left > 0 => Phase::Working,
        Phase::Head if !session.wants_read(moved.left) => Phase::Working,
        Phase::Body if session.is_ws() && !session.wants_read(moved.left) => Phase::Working,
        Phase::Working if moved.ended && moved.left == 0 && session.awaits_source() => Phase::Idle,
        phase => phase,
    }
}

/// What moved in a turn.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    /// Bytes that came from the peer.
    pub read: u64,
    /// Bytes that the kernel took for it.
    pub sent: u64,
    /// Bytes still to send.
    pub left: u64,
    /// The peer has ended its half.
    pub ended: bool,
}

fn patience(phase: Phase, settings: &Settings) -> Option<u64> {
    match phase {
        Phase::Idle => Some(settings.idle_ns),
        Phase::Head => Some(settings.head_ns),
        Phase::Body => Some(settings.body_ns),
        Phase::Closing | Phase::Linger => Some(LINGER_NS),
        Phase::Open | Phase::Pinged => Some(settings.ping_ns),
        Phase::Working | Phase::Over => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        App, BodyPolicy, Flow, Lane, Moment, Pull, Reply, Request, RouteSpec, RouterBuilder, Service, Source, Wake,
    };
    use crate::buffer::SendBuf;
    use crate::session::{Memory, Pressure, Turn};
    use crate::wire::http1::Method;
    use std::sync::Arc;

    const STILL: Moved = Moved { read: 0, sent: 0, left: 0, ended: false };

    fn turn<'a>(app: &'a mut App, settings: &'a Settings, out: &'a mut SendBuf, memory: &'a Memory) -> Turn<'a> {
        let now = Moment { monotonic_ns: 0, unix_ms: 0 };
        let pressure = Pressure::None;
        Turn { app, settings, out, date: b"", now, peer: None, draining: false, pressure, memory }
    }

    fn lingering(settings: &Settings) -> Session {
        let mut session = Session::new();
        let mut app = App::new(Arc::new(RouterBuilder::new().build()), Vec::new(), Vec::new());
        let memory = Memory::new();
        let mut out = SendBuf::new();
        let mut turn = turn(&mut app, settings, &mut out, &memory);
        session.on_bytes(&mut b"nonsense\r\n\r\n".to_vec(), &mut turn);
        assert_eq!(session.phase(), Phase::Linger);
        session
    }

    #[test]
    fn lingering_begins_when_the_last_answer_has_left() {
        let settings = Settings::default();
        let session = lingering(&settings);
        let mut deadlines = Deadlines::new(&session, &settings, 0);
        for second in 0..20 {
            let now_ns = second * SECOND_NS;
            deadlines.update(&session, Moved { sent: 1 << 20, left: 9, ..STILL }, &settings, now_ns);
            assert_eq!(deadlines.next(), now_ns + settings.write_ns, "only the write is timed");
        }
        deadlines.update(&session, Moved { sent: 9, ..STILL }, &settings, 20 * SECOND_NS);
        assert_eq!(deadlines.next(), 20 * SECOND_NS + LINGER_NS);
        deadlines.update(&session, Moved { read: 1, ..STILL }, &settings, 21 * SECOND_NS);
        assert_eq!(deadlines.next(), 20 * SECOND_NS + LINGER_NS, "what is dropped wins no time");
    }

    /// Its bodies are never whole.
    struct Unasked;

    impl Service for Unasked {
        fn call(&mut self, _request: &Request<'_>, _reply: &mut Reply<'_>) -> Flow {
            panic!("nothing is complete")
        }
    }

    /// A session in the middle of a body that has a long way to go.
    fn receiving(settings: &Settings) -> Session {
        let mut session = Session::new();
        let mut router = RouterBuilder::new();
        let spec = RouteSpec { method: Method::Post, pattern: "/", id: 0, body: BodyPolicy::Buffer, open: true };
        router.mount(&[""], &[spec]);
        let mut app = App::new(Arc::new(router.build()), Vec::new(), vec![Box::new(Unasked)]);
        let memory = Memory::new();
        let mut out = SendBuf::new();
        let mut turn = turn(&mut app, settings, &mut out, &memory);
        session.on_bytes(&mut b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n".to_vec(), &mut turn);
        assert_eq!(session.phase(), Phase::Body);
        session
    }

    /// When a peer that moves `bytes` every `every_ns` is given up, if it is within an hour.
    fn given_up(bytes: u64, every_ns: u64, is_body: bool, settings: &Settings) -> Option<u64> {
        let session = if is_body { receiving(settings) } else { lingering(settings) };
        let mut deadlines = Deadlines::new(&session, settings, 0);
        let (read, sent, left) = if is_body { (bytes, 0, 0) } else { (0, bytes, 1) };
        deadlines.update(&session, Moved { read, sent, left, ..STILL }, settings, 0);
        let mut now_ns = 0;
        while now_ns < 3600 * SECOND_NS {
            now_ns += every_ns;
            if deadlines.next() < now_ns {
                assert!(is_body || deadlines.is_deaf(now_ns));
                return Some(deadlines.next());
            }
            deadlines.update(&session, Moved { read, sent, left, ..STILL }, settings, now_ns);
        }
        None
    }

    #[test]
    fn who_keeps_up_with_the_rate_is_waited_for_and_who_does_not_is_given_up() {
        let settings = Settings { body_rate: 240, write_rate: 240, ..Settings::default() };
        assert_eq!((settings.body_ns, settings.write_ns), (30 * SECOND_NS, 30 * SECOND_NS));
        for is_body in [true, false] {
            let given_up = |bytes, every_s| given_up(bytes, every_s * SECOND_NS, is_body, &settings);
            for (bytes, every_s) in [(240, 1), (241, 1), (2400, 10), (7200, 30), (1 << 20, 30)] {
                assert_eq!(given_up(bytes, every_s), None, "{bytes} each {every_s} s");
            }
            // Half the rate lasts twice the patience, an eighth below it eight times that.
            assert_eq!(given_up(120, 1).map(|ns| ns / SECOND_NS), Some(59));
            assert_eq!(given_up(210, 1).map(|ns| ns / SECOND_NS), Some(233));
            // A byte now and then wins next to nothing, and a long pause is the end at once.
            assert_eq!(given_up(1, 29).map(|ns| ns / SECOND_NS), Some(30));
            assert_eq!(given_up(1 << 30, 31), Some(30 * SECOND_NS));
        }
    }

    /// A body that comes now and then, from the loop or from the pool.
    struct Rare(Option<Lane>);

    impl Source for Rare {
        fn pull(&mut self, _piece: &mut Vec<u8>) -> Pull {
            Pull::Later
        }

        fn lane(&self) -> Option<Lane> {
            self.0
        }
    }

    impl Service for Rare {
        fn call(&mut self, _request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
            reply.status(200).stream(None);
            Flow::Send(Box::new(Rare(self.0)))
        }
    }

    /// A session whose source has nothing to send, or is away on the pool, and its work there.
    fn silent(lane: Option<Lane>, settings: &Settings) -> (Session, Option<crate::session::Work>) {
        let mut session = Session::new();
        let mut router = RouterBuilder::new();
        let spec = RouteSpec { method: Method::Get, pattern: "/", id: 0, body: BodyPolicy::Discard, open: true };
        router.mount(&[""], &[spec]);
        let mut app = App::new(Arc::new(router.build()), Vec::new(), vec![Box::new(Rare(lane))]);
        let memory = Memory::new();
        let mut out = SendBuf::new();
        let mut turn = turn(&mut app, settings, &mut out, &memory);
        session.on_bytes(&mut b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), &mut turn);
        session.on_wake_made(Wake::new(|| ()), &mut turn);
        let work = session.take_work();
        assert_eq!((session.phase(), work.is_some()), (Phase::Working, lane.is_some()));
        (session, work)
    }

    #[test]
    fn who_has_ended_its_half_is_not_sent_nothing_for_ever() {
        let settings = Settings { idle_ns: 60 * SECOND_NS, ..Settings::default() };
        let (session, _) = silent(None, &settings);
        let mut deadlines = Deadlines::new(&session, &settings, 0);
        deadlines.update(&session, Moved { sent: 50, ..STILL }, &settings, 0);
        assert_eq!(deadlines.next(), NEVER, "whoever could still speak may listen for ever");
        let ended = Moved { ended: true, ..STILL };
        deadlines.update(&session, ended, &settings, 7);
        for (now_ns, due) in [(6, false), (7, true), (8, true)] {
            assert_eq!(deadlines.next() <= now_ns + settings.idle_ns, due, "{now_ns}");
        }
        deadlines.update(&session, ended, &settings, 8);
        assert_eq!(deadlines.next(), 7 + settings.idle_ns, "a wake for nothing changes nothing");
        deadlines.update(&session, Moved { sent: 1, ..ended }, &settings, 9);
        assert_eq!(deadlines.next(), 9 + settings.idle_ns, "a byte that was taken does");
        deadlines.update(&session, Moved { left: 1, ..ended }, &settings, 10);
        assert_eq!(deadlines.next(), 10 + settings.write_ns, "and one that waits has a deadline of its own");
    }

    #[test]
    fn a_source_that_is_at_work_is_not_silent() {
        let settings = Settings::default();
        let (session, _work) = silent(Some(Lane::Io), &settings);
        let mut deadlines = Deadlines::new(&session, &settings, 0);
        deadlines.update(&session, Moved { ended: true, ..STILL }, &settings, 0);
        assert_eq!(deadlines.next(), NEVER);
    }

    #[test]
    fn without_a_rate_any_byte_renews_the_patience() {
        let settings = Settings { body_rate: 0, write_rate: 0, ..Settings::default() };
        for is_body in [true, false] {
            assert_eq!(given_up(1, 30 * SECOND_NS, is_body, &settings), None);
            assert_eq!(given_up(1, 30 * SECOND_NS + 1, is_body, &settings), Some(30 * SECOND_NS));
        }
    }

    #[test]
    fn no_amount_wins_more_than_the_patience() {
        assert_eq!(win_back(5, u64::MAX, 1, 100), 100);
        assert_eq!(win_back(5, 1, SECOND_NS, 100), 6);
        assert_eq!(win_back(NEVER, 1, 0, 100), 100);
        assert_eq!(win_back(5, 0, 240, 100), 5);
    }
}
