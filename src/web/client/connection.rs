//! A connection without a socket: what the reactor does, in the thread of the test.

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{TestClient, TestResponse};
use crate::app::ws::{Act, Address, Ask, Outlet};
use crate::app::{Change, Lane, Wake};
use crate::buffer::{Front, SendBuf};
use crate::limits::RECV_BUFFER_BYTES;
use crate::session::{Done, Phase, Pressure, Session, Turn, Work};
use crate::wire::date::http_date;

/// A connection whose answer may go on.
pub struct TestStream<'c> {
    client: &'c TestClient,
    session: Session,
    /// What it is called at the client's outlet.
    key: u64,
    /// It was told that the server is going away.
    drained: bool,
    pub(super) unsent: Vec<u8>,
    pub(super) received: Vec<u8>,
    woken: Arc<AtomicBool>,
    head_only: bool,
    /// Bytes of the body that were given out.
    read: usize,
}

/// What can happen next on a connection.
enum Next {
    Asks(Vec<Ask>),
    Bytes,
    Drain,
    Push(Act),
    Ready,
    Upgrade,
    Wake,
    Woken,
    Work(Work),
}

impl<'c> TestStream<'c> {
    pub(super) fn new(client: &'c TestClient, unsent: Vec<u8>, head_only: bool) -> Self {
        let (session, key, woken) = (Session::new(), client.outlet.fresh_key(), Arc::default());
        Self { client, session, key, drained: false, unsent, received: Vec::new(), woken, head_only, read: 0 }
    }

    /// The text of the body that came since the last call.
    ///
    /// # Panics
    /// When it is not UTF-8, or there is no answer.
    pub fn read(&mut self) -> String {
        self.advance();
        let body = self.response().body;
        let text = String::from_utf8(body[self.read..].to_vec()).expect("the body is UTF-8");
        self.read = body.len();
        text
    }

    /// Whether the connection has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.session.phase(), Phase::Over | Phase::Linger)
    }

    /// The answer so far.
    ///
    /// # Panics
    /// When there is none.
    pub fn into_response(self) -> TestResponse {
        self.response()
    }

    pub(super) fn response(&self) -> TestResponse {
        let parsed = TestResponse::parse(&self.received, self.head_only, self.is_over());
        parsed.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&self.received)))
    }

    /// Goes on until nothing moves any more.
    pub(super) fn advance(&mut self) {
        while let Some(next) = self.next() {
            let client = self.client;
            let (now, mut out) = (client.now(), SendBuf::new());
            let date = [b"Date: ".as_slice(), &http_date(now.unix_ms / 1000), b"\r\n"].concat();
            let mut app = client.app.borrow_mut();
            let mut turn = Turn {
                app: &mut app,
                settings: &client.settings,
                out: &mut out,
                date: &date,
                now,
                peer: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                draining: client.draining.get(),
                pressure: Pressure::None,
                memory: &client.memory,
            };
            self.act(next, &mut turn);
            drop(app);
            take_out(&mut out, &mut self.received);
        }
    }

    fn act(&mut self, next: Next, turn: &mut Turn<'_>) {
        match next {
            Next::Asks(asks) => asks.into_iter().for_each(|ask| self.client.outlet.grant(ask, self.key)),
            Next::Bytes => {
                // As much as a read gives, behind what the session kept.
                let room = RECV_BUFFER_BYTES - self.session.rest().len();
                let more: Vec<u8> = self.unsent.drain(..room.min(self.unsent.len())).collect();
                let mut bytes = [self.session.rest(), &more].concat();
                self.session.on_bytes(&mut bytes, turn);
            }
            Next::Drain => {
                self.drained = true;
                self.session.on_drain(turn);
            }
            Next::Push(act) => self.session.on_done(Done::Push(act), turn),
            Next::Ready => self.session.on_ready(turn),
            Next::Upgrade => self.upgrade(turn),
            Next::Wake => {
                let woken = Arc::clone(&self.woken);
                self.session.on_wake_made(Wake::new(move || woken.store(true, Ordering::Release)), turn);
            }
            Next::Woken => self.session.on_done(Done::Wake, turn),
            Next::Work(work) => self.run(work, turn),
        }
    }

    fn upgrade(&mut self, turn: &mut Turn<'_>) {
        // Who is let in so late is told at once.
        self.drained = turn.draining;
        let outlet = Arc::clone(&self.client.outlet) as Arc<dyn Outlet>;
        self.session.upgrade(turn.peer, outlet, Address { thread: 0, key: self.key }, turn);
    }

    fn run(&mut self, work: Work, turn: &mut Turn<'_>) {
        if self.client.busy.get() && work.lane == Lane::Slow {
            return self.session.on_done(Done::Busy, turn);
        }
        let (done, changes) =
            catch_unwind(AssertUnwindSafe(work.run)).unwrap_or_else(|_| (Done::Panicked, vec![Change::Caches]));
        changes.iter().for_each(|change| turn.app.on_change(change));
        self.session.on_done(done, turn);
    }

    fn next(&mut self) -> Option<Next> {
        if self.session.wants_upgrade() {
            return Some(Next::Upgrade);
        }
        let asks = self.session.take_asks();
        if !asks.is_empty() {
            return Some(Next::Asks(asks));
        }
        if self.session.wants_wake() {
            return Some(Next::Wake);
        }
        if let Some(work) = self.session.take_work() {
            return Some(Next::Work(work));
        }
        if self.session.is_sending() && self.woken.swap(false, Ordering::AcqRel) {
            return Some(Next::Woken);
        }
        if self.session.is_ws()
            && let Some(next) = self.next_from_outside()
        {
            return Some(next);
        }
        if self.session.is_ready(0) {
            return Some(Next::Ready);
        }
        (!self.unsent.is_empty() && self.session.wants_read(0)).then_some(Next::Bytes)
    }
}

impl TestStream<'_> {
    /// What others want of a WebSocket.
    fn next_from_outside(&mut self) -> Option<Next> {
        if self.client.draining.get() && !self.drained {
            return Some(Next::Drain);
        }
        self.client.outlet.take(self.key).map(Next::Push)
    }
}

impl Drop for TestStream<'_> {
    fn drop(&mut self) {
        self.client.outlet.forget(self.key);
        self.session.on_gone();
    }
}

/// Moves all of `out` behind `received`, files included.
fn take_out(out: &mut SendBuf, received: &mut Vec<u8>) {
    while let Some(front) = out.front() {
        if let Front::File(file, offset, length) = front {
            let begun = received.len();
            received.resize(begun + length as usize, 0);
            file.read_exact_at(&mut received[begun..], offset).expect("a file of a test can be read");
        } else {
            out.slices(|slice| {
                received.extend_from_slice(slice);
                true
            });
        }
        out.advance(out.front_len());
    }
}
