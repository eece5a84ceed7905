//! A WebSocket without a socket: frames in, frames and work out, jobs done by hand.

mod asks;
mod compressed;
mod conversation;
mod endings;
mod memory;
mod pressure;
mod silence;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Ws;
use crate::app::ws::{Act, Address, Framed, Overflow, Terms, Topic, Upgrade};
use crate::app::{App, Caller, Moment, RouterBuilder};
use crate::buffer::{Aligned, SendBuf};
use crate::session::{Done, Memory, Phase, Pressure, Settings, Turn};
use crate::wire::ws::Kind;
use crate::wire::ws::extension::Agreed;
use support::{Journal, Outside, Scripted, Sent, frames_of};

/// A connection and all it needs.
struct Bench {
    ws: Ws,
    app: App,
    settings: Settings,
    out: SendBuf,
    draining: bool,
    pressure: Pressure,
    memory: Memory,
    journal: Journal,
    outside: Arc<Outside>,
}

impl Bench {
    /// A connection that is open.
    fn new() -> Self {
        Self::with(Terms::default())
    }

    /// The same under other terms.
    fn with(terms: Terms) -> Self {
        Self::of(terms, Caller::default())
    }

    /// That of somebody.
    fn of(terms: Terms, caller: Caller) -> Self {
        let mut bench = Self::unopened(terms, caller);
        bench.open(b"");
        assert_eq!(bench.told(), ["open"]);
        bench
    }

    /// One whose channel was not called yet.
    fn unopened(terms: Terms, caller: Caller) -> Self {
        Self::agreed(terms, caller, None)
    }

    /// The same with compression, if that was agreed on.
    fn agreed(terms: Terms, caller: Caller, deflate: Option<Agreed>) -> Self {
        let (journal, outside) = (Journal::default(), Arc::<Outside>::default());
        let channel = Box::new(Scripted::new(journal.clone()));
        let upgrade = Upgrade { channel, terms, deflate };
        let at = Address { thread: 3, key: 7 };
        let ws = Ws::new(upgrade, caller, None, Arc::clone(&outside) as _, at);
        Self {
            ws,
            app: App::new(Arc::new(RouterBuilder::new().build()), Vec::new(), Vec::new()),
            settings: Settings::default(),
            out: SendBuf::new(),
            draining: false,
            pressure: Pressure::None,
            memory: Memory::new(),
            journal,
            outside,
        }
    }

    fn turn<T>(&mut self, call: impl FnOnce(&mut Ws, &mut Turn<'_>) -> T) -> T {
        let mut turn = Turn {
            app: &mut self.app,
            settings: &self.settings,
            out: &mut self.out,
            date: b"",
            now: Moment { monotonic_ns: 0, unix_ms: 0 },
            peer: None,
            draining: self.draining,
            pressure: self.pressure,
            memory: &self.memory,
        };
        call(&mut self.ws, &mut turn)
    }

    /// Begins, with what came behind the handshake.
    fn open(&mut self, bytes: &[u8]) -> &mut Self {
        self.turn(|ws, turn| ws.on_open(&mut bytes.to_vec(), turn));
        self
    }

    /// One read that brought `bytes`.
    fn feed(&mut self, bytes: &[u8]) -> &mut Self {
        assert!(self.ws.wants_read(self.out.len()), "nobody wants these bytes");
        let mut all = Aligned::from(bytes);
        self.turn(|ws, turn| ws.on_bytes(&mut all, turn));
        self
    }

    /// Goes on as far as it gets without more bytes and without work.
    fn go_on(&mut self) -> &mut Self {
        while self.ws.is_ready(self.out.len()) {
            self.turn(|ws, turn| ws.on_ready(turn));
        }
        self
    }

    fn done(&mut self, done: Done) -> &mut Self {
        self.turn(|ws, turn| ws.on_done(done, turn));
        self
    }

    /// Does the work that is to be done.
    fn work(&mut self) -> &mut Self {
        let work = self.ws.take_work().expect("there is work");
        let done = catch_unwind(AssertUnwindSafe(work.run)).map_or(Done::Panicked, |(done, _)| done);
        self.done(done)
    }

    /// A message from outside.
    fn push(&mut self, payload: &[u8]) -> &mut Self {
        self.done(Done::Push(Act::Message(Framed::new(Kind::Binary, payload))))
    }

    /// Does all work, takes all that is sent, and goes on until nothing is left to do.
    fn settle(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        loop {
            self.go_on();
            sent.extend(self.sent());
            if self.ws.has_work() {
                self.work();
            } else if !self.ws.is_ready(self.out.len()) {
                return sent;
            }
        }
    }

    /// Takes the frames that were written.
    fn sent(&mut self) -> Vec<Sent> {
        let mut bytes = Vec::new();
        self.out.slices(|slice| {
            bytes.extend_from_slice(slice);
            true
        });
        self.out.clear();
        frames_of(&bytes)
    }

    /// What the channel was told since the last time.
    fn told(&mut self) -> Vec<String> {
        self.journal.take()
    }

    fn deadline(&mut self) -> &mut Self {
        self.turn(|ws, turn| ws.on_deadline(turn));
        self
    }

    fn gone(&mut self) -> &mut Self {
        self.ws.on_gone();
        self
    }

    fn phase(&self) -> Phase {
        self.ws.phase()
    }
}

impl Ws {
    fn has_work(&self) -> bool {
        self.outgoing.has_work()
    }
}

fn queue(queue_bytes: usize, overflow: Overflow) -> Terms {
    Terms { queue_bytes, overflow, ..Terms::default() }
}

fn topics(names: &[&str]) -> Vec<Topic> {
    names.iter().map(|name| Topic::new(name)).collect()
}
