//! The fake reactor: drives sessions the way `src/reactor/drive.rs` does, in the same order, with
//! a virtual clock, sockets that are buffers, and a pool that runs jobs when it is told to.

mod drive;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

use lattice::app::{App, Change, Lane};
use lattice::buffer::{RecvBuf, SendBuf};
use lattice::limits::SEND_ALL_PER_TURN_BYTES;
use lattice::session::deadlines::NEVER;
use lattice::session::{Done, Memory, Phase, Pressure, Session, Settings, Work};

use crate::conn::{Conn, Share};
use crate::judge::{End, Judge};
use crate::site::sources::in_pool;
use crate::slice::Intended;
use crate::socket::Socket;

/// A mistake in the loop that the simulator has to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    /// Never drives a connection that could go on without more bytes.
    ForgetsReady,
    /// Reads over the bytes a session kept.
    ForgetsRest,
    /// Does not look for changes before it works on bytes.
    ForgetsChanges,
    /// Never drops the sinks of bodies that broke off.
    KeepsSinks,
    /// Gives the kernel the same bytes twice when it took only some.
    SendsTwice,
    /// Never tells a session that its source has more.
    ForgetsWakes,
    /// Never tells a session how much its client has not taken yet.
    ForgetsQueue,
    /// Keeps connections that are gone.
    ForgetsHangUps,
    /// Never tells a session that the node is going away.
    ForgetsDrain,
    /// Takes the field lines of a head for those of the one before when they are as long.
    ReusesFields,
    /// Loses the end of chunked bodies.
    LosesLastChunks,
    /// Sends something after the head of a 304.
    FillsNotModified,
}

impl Defect {
    /// The bytes of a turn as they leave.
    fn spoil(self, bytes: Vec<u8>) -> Vec<u8> {
        let (wrong, right, text): (&[u8], _, _) = match self {
            Defect::LosesLastChunks => (b"", bytes.strip_suffix(b"\r\n0\r\n\r\n"), &b"\r\n"[..]),
            Defect::FillsNotModified if bytes.starts_with(b"HTTP/1.1 304 ") => (b"{}", Some(&bytes[..]), &b""[..]),
            _ => return bytes,
        };
        right.map_or_else(|| bytes.clone(), |right| [right, text, wrong].concat())
    }
}

/// How often in a row a connection may be driven of its own accord without getting further.
const BARREN_MAX: u32 = 2;

/// One thread of the loop.
pub(crate) struct Thread {
    app: App,
    recv: RecvBuf,
    scratch: SendBuf,
    memory: Memory,
    ready: Vec<usize>,
    held_back: Vec<usize>,
    share: Share,
    epoch: u64,
    woken: bool,
    changes: VecDeque<Change>,
    done: Vec<(usize, Done)>,
}

/// What waits for the pool.
pub(crate) enum Task {
    Work(usize, Work),
    Drop(Box<dyn Send>),
}

/// A task that ran and has not told anybody yet.
pub(crate) struct Ran {
    key: usize,
    done: Done,
    changes: Vec<Change>,
}

/// The node.
pub(crate) struct Node {
    pub(crate) conns: Vec<Option<Conn>>,
    pub(crate) threads: Vec<Thread>,
    /// Handed over in this turn; the world decides when each is run.
    pub(crate) submitted: Vec<Task>,
    pub(crate) slow_queued: usize,
    /// The next work is refused as if the queue were full.
    pub(crate) refuse_next: bool,
    pub(crate) now_ns: u64,
    pub(crate) draining: bool,
    epoch: u64,
    settings: Settings,
    defect: Defect,
    /// Connections whose sources have said that they have more, and whose threads do not know yet.
    pub(crate) wakes: Wakes,
    /// How tight memory is.
    pub(crate) pressure: Pressure,
    /// What a thread sends in one turn.
    pub(crate) share: u64,
}

/// Connections, as sources wake them.
pub(crate) type Wakes = Arc<Mutex<Vec<usize>>>;

enum Cause {
    Listed,
    Done(Done),
    Due,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Fate {
    Keep,
    Close(End),
}

impl Node {
    pub(crate) fn new(apps: Vec<App>, settings: Settings, defect: Defect) -> Self {
        let thread = |app| Thread {
            app,
            recv: RecvBuf::new(),
            scratch: SendBuf::new(),
            memory: Memory::new(),
            ready: Vec::new(),
            held_back: Vec::new(),
            share: Share { left: SEND_ALL_PER_TURN_BYTES },
            epoch: 0,
            woken: false,
            changes: VecDeque::new(),
            done: Vec::new(),
        };
        Self {
            conns: Vec::new(),
            threads: apps.into_iter().map(thread).collect(),
            submitted: Vec::new(),
            slow_queued: 0,
            refuse_next: false,
            now_ns: 0,
            draining: false,
            epoch: 0,
            settings,
            defect,
            wakes: Arc::default(),
            pressure: Pressure::None,
            share: SEND_ALL_PER_TURN_BYTES,
        }
    }

    pub(crate) fn accept(&mut self, thread: usize, socket: Socket, judge: Judge) -> usize {
        self.conns.push(Some(Conn::new(thread, socket, judge, &self.settings, self.now_ns)));
        self.conns.len() - 1
    }

    // Events.

    pub(crate) fn on_readable(&mut self, key: usize) {
        self.note(key, |conn| {
            conn.readable = true;
            conn.read_to_end |= conn.socket.is_over();
            conn.hung_up |= conn.socket.is_broken();
        });
    }

    /// A source of this connection, or one that it had, has more.
    pub(crate) fn on_wake(&mut self, key: usize, thread: usize) {
        self.threads[thread].done.push((key, Done::Wake));
        self.threads[thread].woken = true;
    }

    /// The kernel takes more again; it says so only to who waits for it.
    pub(crate) fn on_writable(&mut self, key: usize) {
        if self.conns[key].as_ref().is_some_and(|conn| conn.write_armed) {
            self.note(key, |conn| conn.writable = true);
        }
    }

    fn note(&mut self, key: usize, change: impl FnOnce(&mut Conn)) {
        let Some(conn) = &mut self.conns[key] else { return };
        change(conn);
        conn.by_event = true;
        if !conn.listed {
            conn.listed = true;
            self.threads[conn.thread].ready.push(key);
        }
    }

    /// Runs a task of the pool.
    pub(crate) fn run(&mut self, task: Task) -> Option<Ran> {
        let (key, work) = match task {
            Task::Work(key, work) => (key, work),
            Task::Drop(sink) => {
                in_pool(|| drop(sink));
                return None;
            }
        };
        if work.lane == Lane::Slow {
            self.slow_queued -= 1;
        }
        match catch_unwind(AssertUnwindSafe(|| in_pool(work.run))) {
            Ok((done, changes)) => Some(Ran { key, done, changes }),
            Err(payload) if payload.is::<Intended>() => {
                Some(Ran { key, done: Done::Panicked, changes: vec![Change::Everything] })
            }
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Tells every thread what changed, and one that its work is done.
    pub(crate) fn announce(&mut self, ran: Ran, thread: usize) {
        if !ran.changes.is_empty() {
            for thread in &mut self.threads {
                thread.changes.extend(ran.changes.iter().cloned());
            }
            self.epoch += 1;
        }
        self.threads[thread].done.push((ran.key, ran.done));
        self.threads[thread].woken = true;
    }

    // Turns.

    /// Whether a thread has something to do without waiting.
    pub(crate) fn is_busy(&self, thread: usize) -> bool {
        let listed = !(self.threads[thread].ready.is_empty() && self.threads[thread].held_back.is_empty());
        listed || self.threads[thread].woken || self.next_deadline(thread) <= self.now_ns
    }

    /// When the nearest deadline of a thread comes.
    pub(crate) fn next_deadline(&self, thread: usize) -> u64 {
        let conns = self.conns.iter().flatten().filter(|conn| conn.thread == thread);
        conns.map(|conn| conn.deadlines.next()).min().unwrap_or(NEVER)
    }

    /// One turn of a thread, in the order of the reactor's.
    pub(crate) fn turn(&mut self, thread: usize) -> Result<(), String> {
        let mut listed = std::mem::take(&mut self.threads[thread].held_back);
        listed.append(&mut self.threads[thread].ready);
        self.threads[thread].share = Share { left: self.share };
        if std::mem::take(&mut self.threads[thread].woken) {
            for (key, done) in std::mem::take(&mut self.threads[thread].done) {
                self.deliver(key, done)?;
            }
        }
        for key in listed {
            if let Some(conn) = &mut self.conns[key] {
                conn.listed = false;
                self.drive(key, Cause::Listed)?;
            }
        }
        self.on_deadlines(thread)
    }

    fn deliver(&mut self, key: usize, done: Done) -> Result<(), String> {
        match done {
            done if self.conns[key].is_some() => self.drive(key, Cause::Done(done))?,
            Done::Busy | Done::Panicked | Done::Wake => {}
            left => self.drop_sink(Box::new(left)),
        }
        Ok(())
    }

    fn on_deadlines(&mut self, thread: usize) -> Result<(), String> {
        for key in 0..self.conns.len() {
            let Some(conn) = &mut self.conns[key] else { continue };
            if conn.thread != thread || conn.deadlines.next() > self.now_ns {
                continue;
            }
            conn.excused = true;
            conn.judge.on_expired();
            if conn.read_to_end && !conn.socket.is_broken() && conn.session.awaits_source() {
                conn.judge.on_silence();
            }
            if conn.deadlines.is_deaf(self.now_ns) {
                self.close(key, End::Broken)?;
            } else {
                self.drive(key, Cause::Due)?;
            }
        }
        Ok(())
    }

    /// Idle connections of a draining node have had their chance.
    pub(crate) fn drain_idle(&mut self) -> Result<(), String> {
        for key in 0..self.conns.len() {
            let Some(conn) = &mut self.conns[key] else { continue };
            if self.defect != Defect::ForgetsDrain {
                let Session::Http1(http) = &mut conn.session else { return Err("nobody asked for a WebSocket".into()) };
                http.on_drain();
            }
            conn.excused |= conn.session.phase() == Phase::Over;
            self.drive(key, Cause::Listed)?;
        }
        Ok(())
    }

    fn close(&mut self, key: usize, end: End) -> Result<(), String> {
        let Some(mut conn) = self.conns[key].take() else { return Ok(()) };
        if let Some(sink) = conn.session.take_abandoned() {
            self.drop_sink(sink);
        }
        conn.judge.on_end(end, conn.excused).map_err(|problem| format!("connection {key}: {problem}"))
    }

    fn drop_sink(&mut self, sink: Box<dyn Send>) {
        if self.defect == Defect::KeepsSinks { std::mem::forget(sink) } else { self.submitted.push(Task::Drop(sink)) }
    }
}
