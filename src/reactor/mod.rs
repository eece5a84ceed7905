//! One turn of the loop, again and again, on each thread: wait, note what became possible, think,
//! perform effects, flush.
//!
//! Nothing acts inside an event: events only set flags and list connections; then every listed
//! connection is driven once, and what it has to say leaves in one write. The rules that make a busy
//! loop impossible (the spin-guard) are in `ARCHITECTURE.md`; each has a test in `tests/spin.rs`.
#![allow(clippy::disallowed_methods)] // L4: sockets, threads and the clock live here.

mod clock;
mod conn;
mod drive;
mod flush;
mod listener;
mod mesh;
mod meters;
mod pool;
mod slab;
pub mod sys;
mod timers;

pub use listener::{Settings as ListenSettings, listen};
pub use mesh::Mesh;
pub use meters::Meters;
pub use pool::Pool;

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Poll, Token, Waker};

use crate::app::{App, Moment};
use crate::buffer::{RecvBuf, SendBuf};
use crate::limits::{ACCEPT_PAUSE_NS, ACCEPTS_PER_TURN_MAX, DRAIN_ACCEPTS_MAX, DRAIN_IDLE_NS, EVENTS_PER_TURN};
use crate::session;
use crate::wire::http1::HeadMemory;
use clock::{Clock, DateLine};
use conn::Conn;
use flush::Share;
use listener::{Accepted, Listener};
use slab::{Key, Slab};
use timers::{Owner, Timers};

const LISTENER: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);

/// What a thread of the loop is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Of each connection.
    pub http: session::Settings,
    /// Most connections of one thread.
    pub connections: usize,
    /// How long a draining node waits for what is under way.
    pub drain_ns: u64,
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
    listener: Option<Listener>,
    accept_ready: bool,
    conns: Slab<Conn>,
    /// Connections to drive in the coming turn.
    ready: Vec<Key>,
    /// Those that had no share of this turn, to drive before the others in the next.
    held_back: Vec<Key>,
    share: Share,
    timers: Timers,
    app: App,
    settings: Settings,
    recv: RecvBuf,
    /// The send buffer of whichever connection is being driven.
    scratch: SendBuf,
    memory: HeadMemory,
    mesh: Arc<Mesh>,
    epoch: u64,
    pool: Arc<Pool>,
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
}

impl Reactor {
    /// Puts a thread's loop together.
    pub fn new(
        thread: usize,
        seat: Seat,
        socket: std::net::TcpListener,
        app: App,
        settings: Settings,
        shared: Shared,
        meters: Arc<Meters>,
    ) -> Self {
        let clock = Clock::new();
        let now = clock.now();
        Self {
            thread,
            poll: seat.poll,
            clock,
            now,
            date: DateLine::new(now),
            listener: Some(Listener::new(socket)),
            accept_ready: false,
            conns: Slab::new(),
            ready: Vec::new(),
            held_back: Vec::new(),
            share: Share::new(),
            timers: Timers::default(),
            app,
            settings,
            recv: RecvBuf::new(),
            scratch: SendBuf::new(),
            memory: HeadMemory::new(),
            epoch: shared.mesh.epoch(),
            mesh: shared.mesh,
            pool: shared.pool,
            meters,
            draining: false,
            give_up: false,
        }
    }

    /// Runs until the node has drained. An error is one of the machine's: the poll itself failed.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        if let Some(listener) = &mut self.listener {
            listener.arm(self.poll.registry(), LISTENER)?;
        }
        while !self.is_over() {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
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

    /// Until the nearest deadline, or for ever; not at all while work is listed. Counted from the
    /// beginning of this turn: a deadline may come late by the length of a turn, never early.
    fn timeout(&self) -> Option<Duration> {
        if !(self.ready.is_empty() && self.held_back.is_empty()) || self.accept_ready {
            return Some(Duration::ZERO);
        }
        let due = self.timers.next()?;
        let left = due.saturating_sub(self.now.monotonic_ns);
        // epoll counts in milliseconds: rounding down would wake the loop before anything is due.
        Some(Duration::from_millis(left.div_ceil(1_000_000)))
    }

    fn turn(&mut self, events: &Events) {
        let mut woken = false;
        for event in events {
            self.meters.events.one();
            match event.token() {
                LISTENER => self.accept_ready = true,
                WAKER => woken = true,
                Token(token) => self.note(Key(token as u64), event),
            }
        }
        if self.accept_ready {
            self.accept();
        }
        let listed = self.take_listed();
        self.share = Share::new();
        if woken {
            self.begin_drain();
            for (key, done) in self.mesh.take_done(self.thread) {
                self.deliver(key, done);
            }
        }
        for key in &listed {
            if let Some(conn) = self.conns.get_mut(*key) {
                conn.listed = false;
                self.drive(*key);
            }
        }
        self.keep_list(listed);
        self.on_timers();
    }

    /// Whoever was held back comes first.
    fn take_listed(&mut self) -> Vec<Key> {
        if self.held_back.is_empty() {
            return std::mem::take(&mut self.ready);
        }
        let mut listed = std::mem::take(&mut self.held_back);
        listed.append(&mut self.ready);
        listed
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

    fn accept(&mut self) {
        self.accept_ready = false;
        let Some(listener) = &mut self.listener else { return };
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            match listener.accept() {
                Accepted::Conn(stream, _) if self.conns.len() >= self.settings.connections => {
                    listener::refuse(stream);
                    self.meters.refused.one();
                }
                Accepted::Conn(stream, peer) => {
                    let now_ns = self.now.monotonic_ns;
                    let conn = Conn::new(stream, peer, &self.settings.http, now_ns);
                    let key = self.conns.insert_with(|_| conn);
                    self.meters.accepted.one();
                    Self::register(&self.poll, &mut self.conns, &mut self.timers, &self.meters, key);
                }
                Accepted::Empty => return,
                Accepted::Failed => {}
                Accepted::Exhausted(error) => {
                    if listener.refuse_one() {
                        self.meters.refused.one();
                    }
                    listener.disarm(self.poll.registry());
                    self.meters.pauses.one();
                    log::warn!(
                        "accepting rests for a moment: {error}; if files are too many, raise the limit of open files"
                    );
                    self.timers.set(self.now.monotonic_ns + ACCEPT_PAUSE_NS, Owner::Accept);
                    return;
                }
            }
        }
        // More may wait; edge-triggered readiness is not repeated.
        self.accept_ready = true;
    }

    fn register(poll: &Poll, conns: &mut Slab<Conn>, timers: &mut Timers, meters: &Meters, key: Key) {
        let Some(conn) = conns.get_mut(key) else { return };
        let interest = drive::read_interest();
        let descriptor = conn.stream.as_raw_fd();
        if poll.registry().register(&mut SourceFd(&descriptor), Token(key.0 as usize), interest).is_err() {
            // Out of kernel memory for one more watch: this connection cannot be served.
            conns.remove(key);
            meters.closed.one();
            return;
        }
        conn.armed = conn.deadlines.next();
        timers.set(conn.armed, Owner::Conn(key));
    }

    fn on_timers(&mut self) {
        while let Some((at_ns, owner)) = self.timers.pop_due(self.now.monotonic_ns) {
            match owner {
                Owner::Conn(key) => self.on_deadline(at_ns, key),
                Owner::Accept => self.rearm(),
                Owner::DrainIdle => self.drain_idle(),
                Owner::DrainEnd => self.give_up = true,
            }
        }
    }

    fn rearm(&mut self) {
        let Some(listener) = &mut self.listener else { return };
        if listener.arm(self.poll.registry(), LISTENER).is_err() {
            self.timers.set(self.now.monotonic_ns + ACCEPT_PAUSE_NS, Owner::Accept);
        }
    }

    /// Stops accepting, once, when the node is going away.
    fn begin_drain(&mut self) {
        if self.draining || !self.mesh.is_draining() {
            return;
        }
        // Whoever is in the listener's queue believes to be connected: take them, then close it.
        for _ in 0..DRAIN_ACCEPTS_MAX / ACCEPTS_PER_TURN_MAX {
            self.accept();
            if !self.accept_ready {
                break;
            }
        }
        (self.listener, self.accept_ready) = (None, false);
        self.draining = true;
        let now_ns = self.now.monotonic_ns;
        self.timers.set(now_ns + DRAIN_IDLE_NS.min(self.settings.drain_ns), Owner::DrainIdle);
        self.timers.set(now_ns + self.settings.drain_ns, Owner::DrainEnd);
    }

    /// Idle connections have had their chance to ask once more.
    fn drain_idle(&mut self) {
        for key in self.conns.keys() {
            if let Some(conn) = self.conns.get_mut(key) {
                conn.session.on_drain();
                self.drive(key);
            }
        }
    }
}
