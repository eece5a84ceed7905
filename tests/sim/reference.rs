//! What the same requests are answered when each is given whole, one at a time, and every job is
//! done at once.

use lattice::app::{App, Moment};
use lattice::buffer::SendBuf;
use lattice::limits::RECV_BUFFER_BYTES;
use lattice::session::http1::Http1;
use lattice::session::{Done, Memory, Phase, Pressure, Settings, Turn};
use lattice::wire::http1::emit::CONTINUE;

use crate::answer::parse;
use crate::conn::take_bytes;
use crate::scenario::Ask;
use crate::slice::Intended;
use crate::wanted::{Expected, Wanted};

/// `Date` of every answer.
/// When a run begins: after everything the site serves was made, in milliseconds since 1970.
pub(crate) const START_UNIX_MS: u64 = 1_000_000_000_000;
pub(crate) const DATE: &[u8] = b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

/// A connection that waits for nothing.
struct Naive<'a> {
    app: &'a mut App,
    settings: &'a Settings,
    session: Http1,
    out: SendBuf,
    draining: bool,
}

/// What `asks` are answered, in their order on one connection.
pub(crate) fn expected(app: &mut App, settings: &Settings, asks: &[Ask]) -> Vec<Expected> {
    let mut ended = false;
    let mut usual = Vec::new();
    let mut one = Naive { app, settings, session: Http1::new(), out: SendBuf::new(), draining: false };
    for ask in asks.iter() {
        let answer = (!ended && !ask.breaks).then(|| one.ask(ask));
        ended |= ask.breaks || one.session.phase() == Phase::Over || one.session.phase() == Phase::Linger;
        usual.push(answer);
    }
    let last = asks.iter().map(|ask| {
        let mut alone = Naive { app, settings, session: Http1::new(), out: SendBuf::new(), draining: true };
        if ask.breaks { Vec::new() } else { alone.ask(ask) }
    });
    let last: Vec<_> = last.collect();
    let answers = usual.into_iter().zip(last);
    answers.map(|(usual, last)| Expected { usual: usual.map(Wanted::Exactly), last: Wanted::Exactly(last) }).collect()
}

impl Naive<'_> {
    fn ask(&mut self, ask: &Ask) -> Vec<u8> {
        let mut left = ask.bytes.as_slice();
        while !left.is_empty() && !matches!(self.session.phase(), Phase::Over | Phase::Linger) {
            let rest = self.session.rest();
            let count = left.len().min(RECV_BUFFER_BYTES - rest.len());
            let bytes = [rest, &left[..count]].concat();
            left = &left[count..];
            self.turn(|session, turn| session.on_bytes(&bytes, turn));
            self.work();
        }
        let bytes = take_bytes(&mut self.out);
        let answer = bytes.strip_prefix(CONTINUE).unwrap_or(&bytes).to_vec();
        let parsed = parse(&answer, ask.head_only).expect("a well-formed answer");
        let whole = parsed.is_some_and(|parsed| parsed.length == answer.len());
        assert!(whole, "the reference gave no single answer to {}: {}", show(&ask.bytes), show(&answer));
        answer
    }

    fn turn(&mut self, call: impl FnOnce(&mut Http1, &mut Turn<'_>)) {
        let mut turn = Turn {
            app: self.app,
            settings: self.settings,
            out: &mut self.out,
            date: DATE,
            now: Moment { monotonic_ns: 0, unix_ms: START_UNIX_MS },
            peer: None,
            draining: self.draining,
            pressure: Pressure::None,
            memory: &Memory::new(),
        };
        call(&mut self.session, &mut turn);
    }

    fn work(&mut self) {
        while let Some(work) = self.session.take_work() {
            let run = std::panic::AssertUnwindSafe(work.run);
            let done = match std::panic::catch_unwind(run) {
                Ok((done, _)) => done,
                Err(payload) if payload.is::<Intended>() => Done::Panicked,
                Err(payload) => std::panic::resume_unwind(payload),
            };
            self.turn(|session, turn| session.on_done(done, turn));
        }
    }
}

/// The start of some bytes, to be read.
pub(crate) fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).escape_debug().to_string()
}
