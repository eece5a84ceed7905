//! The fake reactor: drives sessions the way `src/reactor/drive.rs` does, in the same order, with
//! a virtual clock, sockets that are buffers, and a pool that runs jobs when it is told to.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

use lattice::app::{App, Change, Lane, Moment, Wake};
use lattice::buffer::{RecvBuf, SendBuf};
use lattice::limits::{SEND_ALL_PER_TURN_BYTES, SEND_HIGH_WATER_BYTES, SLOW_JOBS_QUEUED_MAX, SOURCE_PIECE_BYTES};
use lattice::session::deadlines::{Deadlines, Moved, NEVER};
use lattice::session::http1::Http1;
use lattice::session::{Done, Phase, Pressure, Settings, Turn, Work};
use lattice::wire::http1::HeadMemory;

use crate::conn::{Conn, Flushed, Reads, Share, check_idle, flush_if_open, read, take_bytes};
use crate::judge::{End, Judge};
use crate::reference::DATE;
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
    memory: HeadMemory,
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
            memory: HeadMemory::new(),
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
            if self.defect != Defect::ForgetsDrain {
                conn.session.on_drain();
            }
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
        let defect = self.defect;
        let Some(conn) = &mut self.conns[key] else { return Ok(Fate::Keep) };
        if conn.hung_up && conn.session.is_sending() && defect != Defect::ForgetsHangUps {
            if let Cause::Done(Done::Source(source, ..)) = cause {
                self.submitted.push(Task::Drop(Box::new(source)));
            }
            return Ok(Fate::Close(End::Broken));
        }
        let Thread { app, recv, scratch, memory, share, epoch, changes, .. } = &mut self.threads[conn.thread];
        let current = self.epoch;
        let mut catch_up = |app: &mut App| {
            if current != *epoch && defect != Defect::ForgetsChanges {
                *epoch = current;
                changes.drain(..).for_each(|change| app.on_change(&change));
            }
        };
        let mut held = conn.unsent.take();
        let fresh = held.is_none();
        let hidden = if defect == Defect::ForgetsQueue { held.take() } else { None };
        conn.hidden = hidden.as_ref().map_or(0, |hidden| hidden.len());
        let mut turn = Turn {
            app,
            settings: &self.settings,
            out: held.as_deref_mut().unwrap_or(scratch),
            date: DATE,
            now: Moment { monotonic_ns: self.now_ns, unix_ms: self.now_ns / 1_000_000 },
            peer: None,
            draining: self.draining && defect != Defect::ForgetsDrain,
            pressure: self.pressure,
            memory,
        };
        let (served, phase) = (conn.session.served(), conn.session.phase());
        if conn.session.is_idle() != (phase == Phase::Idle) {
            return Err(format!("idle, or not: {phase:?}"));
        }
        if turn.pressure != Pressure::None {
            conn.judge.on_pressed();
        }
        let worked = matches!(cause, Cause::Done(_));
        let reads = think(conn, cause, recv, &mut turn, &mut catch_up, defect);
        if conn.session.has_effects() {
            let hands = Hands {
                slow_queued: &mut self.slow_queued,
                refuse_next: &mut self.refuse_next,
                submitted: &mut self.submitted,
                wakes: &self.wakes,
            };
            perform(conn, key, &mut turn, hands);
        } else if conn.session.wants_wake() || conn.session.take_work().is_some() {
            return Err("there was something to do, and nobody was told".into());
        }
        if let Some(mut all) = hidden {
            all.append(turn.out);
            (held, conn.hidden) = (Some(all), 0);
        }
        let out = held.as_deref_mut().unwrap_or(scratch);
        if fresh && matches!(defect, Defect::LosesLastChunks | Defect::FillsNotModified) {
            let bytes = defect.spoil(take_bytes(out));
            out.put(&bytes);
            conn.note_written(out.len());
        }
        check_queue(&conn.session, out)?;
        let before = conn.sent;
        let flushed = flush_if_open(conn, out, share, self.draining, defect)?;
        let (sent, left) = (conn.sent > before, out.len());
        if left > 0 {
            conn.unsent = Some(held.unwrap_or_else(|| Box::new(scratch.take())));
        }
        let Some(flushed) = flushed else { return Ok(Fate::Close(End::Broken)) };
        conn.excused |= reads.eof;
        let answered = conn.session.served() - served;
        let moved = Moved { read: reads.bytes as u64, sent: conn.sent - before, left };
        let asked_and_answered = answered > 0 && conn.session.is_idle() && flushed == Flushed::All;
        if asked_and_answered && !(conn.write_armed || reads.eof || reads.broken) {
            return self.rest(key, moved);
        }
        if reads.broken {
            return Ok(Fate::Close(End::Broken));
        }
        if conn.session.phase() == Phase::Over && left == 0 {
            return Ok(Fate::Close(End::Over));
        }
        let changed = answered > 0 || conn.session.phase() != phase;
        let waits_for_us = flushed == Flushed::HeldBack;
        let progress = worked || changed || reads.bytes > 0 || sent || reads.eof;
        let news = std::mem::take(&mut conn.by_event);
        conn.barren = if progress || news || waits_for_us { 0 } else { conn.barren + 1 };
        if conn.barren > BARREN_MAX {
            return Err(format!("driven without end in {:?}", conn.session.phase()));
        }
        conn.deadlines.update(&conn.session, moved, &self.settings, self.now_ns);
        check_idle(conn)?;
        self.wait_for_more(key, flushed);
        Ok(Fate::Keep)
    }

    /// Asked and answered: the short way, which must come to the same as the long one.
    fn rest(&mut self, key: usize, moved: Moved) -> Result<Fate, String> {
        let Some(conn) = &mut self.conns[key] else { return Ok(Fate::Keep) };
        conn.by_event = false;
        conn.barren = 0;
        let mut long: Deadlines = conn.deadlines;
        long.update(&conn.session, moved, &self.settings, self.now_ns);
        conn.deadlines.rest(&conn.session, &self.settings, self.now_ns);
        if conn.deadlines != long {
            return Err(format!("the short way to rest is another: {:?}, {long:?}", conn.deadlines));
        }
        let has_more = conn.session.is_ready(0) || conn.session.take_abandoned().is_some();
        if has_more || !conn.session.wants_read(0) {
            return Err("at rest with something to do".into());
        }
        check_idle(conn)?;
        if conn.readable && !conn.listed {
            conn.listed = true;
            self.threads[conn.thread].ready.push(key);
        }
        Ok(Fate::Keep)
    }

    fn wait_for_more(&mut self, key: usize, flushed: Flushed) {
        let Some(conn) = &mut self.conns[key] else { return };
        let queued = if self.defect == Defect::ForgetsQueue { 0 } else { conn.queued() };
        if flushed != Flushed::HeldBack {
            conn.write_armed = flushed == Flushed::Blocked;
        }
        if matches!(conn.session.phase(), Phase::Linger | Phase::Over)
            && let Some(sink) = conn.session.take_abandoned()
        {
            if self.defect == Defect::KeepsSinks {
                std::mem::forget(sink)
            } else {
                self.submitted.push(Task::Drop(sink))
            }
        }
        if conn.session.phase() == Phase::Linger && conn.queued() == 0 {
            conn.shut = true;
        }
        let ready = conn.session.is_ready(queued) && self.defect != Defect::ForgetsReady;
        let may_go_on = ready || (conn.readable && conn.session.wants_read(queued));
        let Thread { ready, held_back, .. } = &mut self.threads[conn.thread];
        let list = match flushed {
            Flushed::HeldBack => held_back,
            Flushed::Paused => ready,
            _ if may_go_on => ready,
            Flushed::All | Flushed::Blocked => return,
        };
        if !conn.listed {
            conn.listed = true;
            list.push(key);
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

/// Lets the session go on with why it is driven, with what it holds, and with what the socket has.
fn think(
    conn: &mut Conn,
    cause: Cause,
    recv: &mut RecvBuf,
    turn: &mut Turn<'_>,
    catch_up: &mut impl FnMut(&mut App),
    defect: Defect,
) -> Reads {
    let worked = match cause {
        Cause::Listed => false,
        Cause::Done(Done::Wake) if defect == Defect::ForgetsWakes => true,
        Cause::Done(done) => {
            catch_up(turn.app);
            conn.session.on_done(done, turn);
            true
        }
        Cause::Due => {
            conn.session.on_deadline(turn);
            false
        }
    };
    conn.note_written(turn.out.len());
    // A result has let it go on already.
    if !worked && conn.session.is_ready(turn.out.len()) {
        catch_up(turn.app);
        conn.session.on_ready(turn);
        conn.note_written(turn.out.len());
    }
    read(conn, recv, turn, catch_up, defect)
}

/// What effects need of the node.
struct Hands<'a> {
    slow_queued: &'a mut usize,
    refuse_next: &'a mut bool,
    submitted: &'a mut Vec<Task>,
    wakes: &'a Wakes,
}

/// Does what the session asked for.
fn perform(conn: &mut Conn, key: usize, turn: &mut Turn<'_>, hands: Hands<'_>) {
    if conn.session.wants_wake() {
        let wakes = Arc::clone(hands.wakes);
        let wake = Wake::new(move || wakes.lock().expect("nobody panics while it is held").push(key));
        conn.session.on_wake_made(wake, turn);
        conn.note_written(turn.out.len());
    }
    if let Some(work) = conn.session.take_work() {
        let full = work.lane == Lane::Slow && *hands.slow_queued >= SLOW_JOBS_QUEUED_MAX;
        if full || std::mem::take(hands.refuse_next) {
            // Whoever refuses work drops it: the loop, when the queue is full.
            in_pool(|| drop(work));
            conn.judge.on_busy(conn.session.served());
            conn.session.on_done(Done::Busy, turn);
            conn.note_written(turn.out.len());
        } else {
            *hands.slow_queued += usize::from(work.lane == Lane::Slow);
            hands.submitted.push(Task::Work(key, work));
        }
    }
    if let Some(ended) = conn.session.take_ended() {
        hands.submitted.push(Task::Drop(ended));
    }
}

/// Bytes of the head of a streamed answer and of what frames a piece, with room to spare.
const FRAME_BYTES: usize = 4 * 1024;

/// A source is held up by a client that does not keep up: no more than the high-water mark and one
/// piece wait for it.
fn check_queue(session: &Http1, out: &SendBuf) -> Result<(), String> {
    let most = SEND_HIGH_WATER_BYTES + SOURCE_PIECE_BYTES + FRAME_BYTES;
    match session.is_sending() && out.len() > most as u64 {
        true => Err(format!("a source was asked on though {} bytes wait for the client", out.len())),
        false => Ok(()),
    }
}
