//! The fake reactor: drives sessions the way `src/reactor/drive.rs` does, in the same order, with
//! a virtual clock, sockets that are buffers, and a pool that runs jobs when it is told to.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use lattice::app::{App, Change, Lane, Moment};
use lattice::buffer::{RecvBuf, SendBuf};
use lattice::limits::SLOW_JOBS_QUEUED_MAX;
use lattice::session::deadlines::{Moved, NEVER};
use lattice::session::{Done, Phase, Pressure, Settings, Turn, Work};
use lattice::wire::http1::HeadMemory;

use crate::conn::{Conn, Flushed, check_idle, flush_if_open, read};
use crate::judge::{End, Judge};
use crate::reference::DATE;
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
}

/// How often in a row a connection may be driven of its own accord without getting further.
const BARREN_MAX: u32 = 2;

/// One thread of the loop.
pub(crate) struct Thread {
    app: App,
    recv: RecvBuf,
    scratch: SendBuf,
    ready: Vec<usize>,
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
    memory: HeadMemory,
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
}

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
            ready: Vec::new(),
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
            memory: HeadMemory::new(),
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
        });
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
                drop(sink);
                return None;
            }
        };
        if work.lane == Lane::Slow {
            self.slow_queued -= 1;
        }
        match catch_unwind(AssertUnwindSafe(work.run)) {
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
        let listed = !self.threads[thread].ready.is_empty();
        listed || self.threads[thread].woken || self.next_deadline(thread) <= self.now_ns
    }

    /// When the nearest deadline of a thread comes.
    pub(crate) fn next_deadline(&self, thread: usize) -> u64 {
        let conns = self.conns.iter().flatten().filter(|conn| conn.thread == thread);
        conns.map(|conn| conn.deadlines.next()).min().unwrap_or(NEVER)
    }

    /// One turn of a thread, in the order of the reactor's.
    pub(crate) fn turn(&mut self, thread: usize) -> Result<(), String> {
        let listed = std::mem::take(&mut self.threads[thread].ready);
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
            Done::Sink(sink, _) => self.drop_sink(Box::new(sink)),
            Done::Source(source, ..) => self.drop_sink(Box::new(source)),
            _ => {}
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
            conn.session.on_drain();
            conn.excused |= conn.session.phase() == Phase::Over;
            self.drive(key, Cause::Listed)?;
        }
        Ok(())
    }

    fn drive(&mut self, key: usize, cause: Cause) -> Result<(), String> {
        match catch_unwind(AssertUnwindSafe(|| self.step(key, cause))) {
            Ok(Ok(Fate::Keep)) => Ok(()),
            Ok(Ok(Fate::Close(end))) => self.close(key, end),
            Ok(Err(problem)) => Err(format!("connection {key}: {problem}")),
            Err(payload) if payload.is::<Intended>() => {
                let thread = self.conns[key].as_ref().map_or(0, |conn| conn.thread);
                self.threads[thread].scratch.clear();
                self.threads[thread].app.on_change(&Change::Everything);
                self.close(key, End::Panicked)
            }
            Err(payload) => resume_unwind(payload),
        }
    }

    fn step(&mut self, key: usize, cause: Cause) -> Result<Fate, String> {
        let Some(conn) = &mut self.conns[key] else { return Ok(Fate::Keep) };
        let Thread { app, recv, scratch, epoch, changes, .. } = &mut self.threads[conn.thread];
        let (defect, current) = (self.defect, self.epoch);
        let mut catch_up = |app: &mut App| {
            if current != *epoch && defect != Defect::ForgetsChanges {
                *epoch = current;
                changes.drain(..).for_each(|change| app.on_change(&change));
            }
        };
        catch_up(app);
        let mut held = conn.unsent.take();
        let out = held.as_deref_mut().unwrap_or(scratch);
        let (served, phase) = (conn.session.served(), conn.session.phase());
        let worked = matches!(cause, Cause::Done(_));
        let mut turn = Turn {
            app,
            settings: &self.settings,
            out,
            date: DATE,
            now: Moment { monotonic_ns: self.now_ns, unix_ms: self.now_ns / 1_000_000 },
            peer: None,
            draining: self.draining,
            pressure: Pressure::None,
            memory: &self.memory,
        };
        match cause {
            Cause::Listed => {}
            Cause::Done(done) => conn.session.on_done(done, &mut turn),
            Cause::Due => conn.session.on_deadline(&mut turn),
        }
        conn.judge.on_written(conn.sent + turn.out.len());
        // A result has let it go on already.
        if !worked && conn.session.is_ready(turn.out.len()) {
            conn.session.on_ready(&mut turn);
            conn.judge.on_written(conn.sent + turn.out.len());
        }
        let reads = read(conn, recv, &mut turn, &mut catch_up, defect);
        if let Some(work) = conn.session.take_work() {
            let full = work.lane == Lane::Slow && self.slow_queued >= SLOW_JOBS_QUEUED_MAX;
            if full || std::mem::take(&mut self.refuse_next) {
                drop(work);
                conn.judge.on_busy(conn.session.served());
                conn.session.on_done(Done::Busy, &mut turn);
                conn.judge.on_written(conn.sent + turn.out.len());
            } else {
                self.slow_queued += usize::from(work.lane == Lane::Slow);
                self.submitted.push(Task::Work(key, work));
            }
        }
        let before = conn.sent;
        let flushed = flush_if_open(conn, turn.out, self.draining, defect)?;
        let (sent, left) = (conn.sent > before, turn.out.len());
        if left > 0 {
            conn.unsent = Some(held.unwrap_or_else(|| Box::new(scratch.take())));
        }
        let Some(flushed) = flushed else { return Ok(Fate::Close(End::Broken)) };
        if reads.broken {
            return Ok(Fate::Close(End::Broken));
        }
        conn.excused |= reads.eof;
        if conn.session.phase() == Phase::Over && left == 0 {
            return Ok(Fate::Close(End::Over));
        }
        let changed = conn.session.served() != served || conn.session.phase() != phase;
        let moved = worked || changed || reads.bytes > 0 || sent || reads.eof;
        let news = std::mem::take(&mut conn.by_event);
        conn.barren = if moved || news { 0 } else { conn.barren + 1 };
        if conn.barren > BARREN_MAX {
            return Err(format!("driven without end in {:?}", conn.session.phase()));
        }
        let moved = Moved { read: reads.bytes as u64, sent: conn.sent - before, left };
        conn.deadlines.update(&conn.session, moved, &self.settings, self.now_ns);
        check_idle(conn)?;
        self.wait_for_more(key, flushed);
        Ok(Fate::Keep)
    }

    fn wait_for_more(&mut self, key: usize, flushed: Flushed) {
        let Some(conn) = &mut self.conns[key] else { return };
        let queued = conn.unsent.as_ref().map_or(0, |unsent| unsent.len());
        conn.write_armed = flushed == Flushed::Blocked;
        if matches!(conn.session.phase(), Phase::Linger | Phase::Over)
            && let Some(sink) = conn.session.take_abandoned()
        {
            if self.defect == Defect::KeepsSinks {
                std::mem::forget(sink)
            } else {
                self.submitted.push(Task::Drop(sink))
            }
        }
        if conn.session.phase() == Phase::Linger && queued == 0 {
            conn.shut = true;
        }
        let ready = conn.session.is_ready(queued) && self.defect != Defect::ForgetsReady;
        let may_go_on = ready || (conn.readable && conn.session.wants_read(queued));
        if (flushed == Flushed::Paused || may_go_on) && !conn.listed {
            conn.listed = true;
            self.threads[conn.thread].ready.push(key);
        }
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
