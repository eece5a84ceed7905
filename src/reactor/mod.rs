//! One turn of the loop, again and again, on each thread: wait, note what became possible, think,
//! perform effects, flush.
//!
//! Nothing acts inside an event: events only set flags and list connections; then every listed
//! connection is driven once, and what it has to say leaves in one write. The rules that make a busy
//! loop impossible (the spin-guard) are in `ARCHITECTURE.md`; each has a test in `tests/spin.rs`.
#![allow(clippy::disallowed_methods)] // L4: sockets, threads and the clock live here.

mod accept;
mod backlog;
mod budget;
mod clock;
mod conn;
mod drive;
mod effects;
mod engine;
mod exchange;
mod flush;
mod held_back;
mod listener;
mod live;
mod mesh;
mod meters;
mod news;
mod peers;
mod pool;
mod preface;
mod publish;
mod slab;
mod standing;
pub mod sys;
mod timers;
mod topics;
mod unix;
mod wait;

pub use budget::Budget;
pub use engine::{Engine, OnFailure, Plan, listen_all};
pub use listener::{Listener, Settings as ListenSettings};
pub use live::{LiveFile, OnFlags, OnSlot};
pub use mesh::Mesh;
pub use meters::Meters;
pub use peers::Peers;
pub use pool::Pool;
pub use unix::SocketFile;

use std::io;
use std::sync::Arc;

use mio::event::Event;
use mio::{Events, Poll, Token, Waker};

use crate::app::store::Standings;
use crate::app::{App, Moment};
use crate::buffer::{RecvBuf, SendBuf};
use crate::limits::{DRAIN_IDLE_NS, EVENTS_PER_TURN, LISTENERS_MAX};
use crate::session;
use clock::{Clock, DateLine};
use conn::Conn;
use flush::Share;
use held_back::HeldBack;
use listener::Listeners;
use news::News;
use slab::{Key, Slab};
use standing::Standing;
use timers::{Owner, Timers};
use topics::Topics;

const WAKER: Token = Token(usize::MAX - 1);
/// The token of the first listener; the others follow.
const LISTENERS: usize = WAKER.0 - LISTENERS_MAX;
const LISTENERS_LAST: usize = WAKER.0 - 1;

/// What a thread of the loop is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Of each connection.
    pub http: session::Settings,
    /// Most connections of one thread.
    pub connections: usize,
    /// How long a draining node waits for what is under way.
    pub drain_ns: u64,
    /// How long a thread asks the kernel again and again before it sleeps; 0 for not at all.
    pub busy_poll_ns: u64,
    /// The live config; without one nothing changes while the loop runs.
    pub live: Option<Arc<LiveFile>>,
    /// Who knows whether users are still who they were; without it only what is announced is known.
    pub standings: Option<Arc<dyn Standings>>,
}

/// The poll of a thread, made before the thread so that others can wake it.
pub struct Seat {
    poll: Poll,
}

impl Seat {
    /// A poll and the waker that ends its wait.
    pub fn new() -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        Ok((Self { poll }, waker))
    }
}

/// One thread of the loop.
pub struct Reactor {
    thread: usize,
    poll: Poll,
    clock: Clock,
    now: Moment,
    date: DateLine,
    listeners: Listeners,
    /// The thread that was dealt a connection last.
    next_dealt: usize,
    conns: Slab<Conn>,
    /// Connections to drive in the coming turn.
    ready: Vec<Key>,
    /// Those that had no share of this turn, to drive before the others in the next.
    held_back: HeldBack,
    share: Share,
    timers: Timers,
    app: App,
    settings: Settings,
    recv: RecvBuf,
    /// The send buffer of whichever connection is being driven.
    scratch: SendBuf,
    memory: session::Memory,
    mesh: Arc<Mesh>,
    topics: Topics,
    standing: Standing,
    news: News,
    pool: Arc<Pool>,
    budget: Arc<Budget>,
    peers: Arc<Peers>,
    meters: Arc<Meters>,
    draining: bool,
    give_up: bool,
}

/// What a thread of the loop shares with the others.
pub struct Shared {
    /// The mailboxes.
    pub mesh: Arc<Mesh>,
    /// The pool.
    pub pool: Arc<Pool>,
    /// The memory of all connections.
    pub budget: Arc<Budget>,
    /// The connections of each address.
    pub peers: Arc<Peers>,
}

impl Reactor {
    /// Puts a thread's loop together.
    pub fn new(
        thread: usize,
        seat: Seat,
        listeners: Vec<Listener>,
        mut app: App,
        settings: Settings,
        shared: Shared,
        meters: Arc<Meters>,
    ) -> Self {
        assert!(listeners.len() <= LISTENERS_MAX, "each has a token");
        let clock = Clock::new();
        let now = clock.now();
        let standing = Standing::new(settings.standings.clone());
        let news = News::new(&shared.mesh, thread, settings.live.clone(), &mut app);
        Self {
            thread,
            poll: seat.poll,
            clock,
            now,
            date: DateLine::new(now),
            listeners: Listeners::new(listeners),
            next_dealt: thread,
            conns: Slab::new(),
            ready: Vec::new(),
            held_back: HeldBack::default(),
            share: Share::new(),
            timers: Timers::default(),
            app,
            settings,
            recv: RecvBuf::new(),
            scratch: SendBuf::new(),
            memory: session::Memory::new(),
            topics: Topics::default(),
            standing,
            news,
            mesh: shared.mesh,
            pool: shared.pool,
            budget: shared.budget,
            peers: shared.peers,
            meters,
            draining: false,
            give_up: false,
        }
    }

    /// Runs until the node has drained. An error is one of the machine's: the poll itself failed.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        self.listeners.arm(self.poll.registry(), LISTENERS)?;
        while !self.is_over() {
            match self.wait(&mut events) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.now = self.clock.now();
                    continue;
                }
                Err(error) => return Err(error),
            }
            self.meters.wakes.one();
            self.now = self.clock.now();
            self.date.update(self.now);
            self.turn(&events);
        }
        Ok(())
    }

    /// Nothing is left to do and the node is going away.
    fn is_over(&self) -> bool {
        self.draining && (self.conns.is_empty() || self.give_up)
    }

    fn turn(&mut self, events: &Events) {
        let mut woken = false;
        for event in events {
            self.meters.events.one();
            match event.token() {
                WAKER => woken = true,
                Token(token @ LISTENERS..=LISTENERS_LAST) => self.listeners.note(token - LISTENERS),
                Token(token) => self.note(Key(token as u64), event),
            }
        }
        if self.listeners.is_ready() {
            self.accept();
        }
        let listed = std::mem::take(&mut self.ready);
        self.share = Share::new();
        if woken {
            self.begin_drain();
        }
        // Before what the pool has made meanwhile: else that could use the share up turn after turn.
        if !self.held_back.is_empty() {
            self.drive_held_back();
        }
        if woken {
            let left = self.mesh.take(self.thread);
            left.dealt.into_iter().for_each(|(stream, peer)| self.admit(stream, peer));
            for (key, done) in left.done {
                self.deliver(key, done);
            }
            self.take_published();
            self.news.tell(&mut self.app);
        }
        self.drive_all(&listed);
        self.keep_list(listed);
        if self.topics.is_busy() {
            self.push_published();
        }
        self.on_timers();
        if self.news.has_strangers() {
            self.part_with_strangers();
        }
    }

    fn drive_held_back(&mut self) {
        let listed = self.held_back.take();
        self.drive_all(&listed);
        self.held_back.give_back(listed);
    }

    /// The list keeps its memory from turn to turn.
    fn keep_list(&mut self, mut listed: Vec<Key>) {
        listed.clear();
        if self.ready.is_empty() && self.ready.capacity() < listed.capacity() {
            self.ready = listed;
        }
    }

    /// Notes what became possible on a connection.
    fn note(&mut self, key: Key, event: &Event) {
        let Some(conn) = self.conns.get_mut(key) else { return self.meters.stale.one() };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            conn.readable = true;
        }
        if event.is_read_closed() || event.is_priority() || event.is_error() {
            conn.read_to_end = true;
            conn.ended |= event.is_read_closed();
        }
        if event.is_writable() || event.is_write_closed() || event.is_error() {
            conn.writable = true;
        }
        conn.hung_up |= event.is_error() || event.is_write_closed();
        Self::list(&mut self.ready, conn, key);
    }

    fn list(ready: &mut Vec<Key>, conn: &mut Conn, key: Key) {
        if !conn.listed {
            debug_assert!(!ready.contains(&key), "a connection is listed once");
            conn.listed = true;
            ready.push(key);
        }
    }

    fn on_timers(&mut self) {
        while let Some((at_ns, owner)) = self.timers.pop_due(self.now.monotonic_ns) {
            match owner {
                Owner::Conn(key) => self.on_deadline(at_ns, key),
                Owner::Accept => self.rearm(),
                Owner::DrainIdle => self.drain_idle(),
                Owner::DrainEnd => self.give_up = true,
                Owner::Standing => self.look_at_standings(),
            }
        }
    }

    /// Stops accepting, once, when the node is going away.
    fn begin_drain(&mut self) {
        if self.draining || !self.mesh.is_draining() {
            return;
        }
        self.draining = true;
        self.accept_last();
        let now_ns = self.now.monotonic_ns;
        self.timers.set(now_ns + DRAIN_IDLE_NS.min(self.settings.drain_ns), Owner::DrainIdle);
        self.timers.set(now_ns + self.settings.drain_ns, Owner::DrainEnd);
    }

    /// Idle connections have had their chance to ask once more.
    fn drain_idle(&mut self) {
        for key in self.conns.keys() {
            self.drive_out(key);
        }
    }
}
