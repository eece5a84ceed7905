//! The fake loop: one thread, driven as `src/reactor/drive.rs` drives its connections.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use lattice::app::ws::{Act, Address, Ask, Outlet, Publication};
use lattice::app::{App, Moment};
use lattice::buffer::{RecvBuf, SendBuf};
use lattice::limits::READS_PER_TURN_MAX;
use lattice::session::{Done, Memory, Phase, Pressure, Session, Settings, Turn, Work};

use super::Mistake;
use super::channel::{Counts, app};
use crate::rng::Rng;
use crate::socket::{Socket, Trouble};

struct Conn {
    session: Session,
    socket: Socket,
    out: SendBuf,
    /// Bytes that the kernel took and the client has not.
    in_kernel: Vec<u8>,
    readable: bool,
    listed: bool,
    shut: bool,
    gone: bool,
    broken: bool,
    subscribed: bool,
    pushed: Vec<Vec<u8>>,
}

/// The loop and its connections.
pub(crate) struct Node {
    app: App,
    settings: Settings,
    memory: Memory,
    recv: RecvBuf,
    conns: Vec<Conn>,
    counts: Arc<Counts>,
    work: Vec<(usize, Work)>,
    done: Vec<(usize, Done)>,
    draining: bool,
    refuses: bool,
    mistake: Mistake,
    pub(crate) pushed: u64,
    pub(crate) jobs: u64,
}

/// Nothing in these plays speaks from outside.
struct Nowhere;

impl Outlet for Nowhere {
    fn publish(&self, _publication: Publication) {}

    fn push(&self, _to: Address, _act: Act) {}
}

impl Node {
    pub(crate) fn new(rng: &mut Rng, mistake: Mistake) -> Self {
        let counts = Arc::<Counts>::default();
        Self {
            app: app(&counts),
            settings: Settings::default(),
            memory: Memory::new(),
            recv: RecvBuf::new(),
            conns: Vec::new(),
            counts,
            work: Vec::new(),
            done: Vec::new(),
            draining: false,
            refuses: rng.once_in(3),
            mistake,
            pushed: 0,
            jobs: 0,
        }
    }

    pub(crate) fn connect(&mut self, socket: Socket) {
        self.conns.push(Conn {
            session: Session::new(),
            socket,
            out: SendBuf::new(),
            in_kernel: Vec::new(),
            readable: false,
            listed: false,
            shut: false,
            gone: false,
            broken: false,
            subscribed: false,
            pushed: Vec::new(),
        });
    }

    // What clients do.

    pub(crate) fn arrive(&mut self, key: usize, bytes: &[u8]) {
        let conn = &mut self.conns[key];
        if !conn.socket.is_over() && !conn.gone {
            conn.socket.arrive(bytes);
            (conn.readable, conn.listed) = (true, true);
        }
    }

    pub(crate) fn reset(&mut self, key: usize) {
        let conn = &mut self.conns[key];
        conn.broken = !conn.gone;
        conn.socket.reset();
        (conn.readable, conn.listed) = (true, true);
    }

    /// The client ends its half, if it wants to or because the node did; whether that is news.
    pub(crate) fn end(&mut self, key: usize, wants: bool) -> bool {
        let conn = &mut self.conns[key];
        if conn.socket.is_over() || conn.gone || !(wants || conn.shut) {
            return false;
        }
        conn.socket.end();
        (conn.readable, conn.listed) = (true, true);
        true
    }

    /// What the client takes of what has left.
    pub(crate) fn take(&mut self, key: usize, rng: &mut Rng) -> Vec<u8> {
        let conn = &mut self.conns[key];
        if conn.in_kernel.is_empty() {
            return Vec::new();
        }
        let count = rng.between(1, conn.in_kernel.len() as u64) as usize;
        let came: Vec<u8> = conn.in_kernel.drain(..count).collect();
        conn.socket.drain(count);
        conn.listed |= !conn.out.is_empty();
        came
    }

    // What the loop does.

    /// Drives what is listed, runs jobs, gives their results back; whether there was anything.
    pub(crate) fn step(&mut self, rng: &mut Rng) -> Result<bool, String> {
        let mut moved = false;
        for key in 0..self.conns.len() {
            if self.conns[key].listed {
                moved = true;
                if rng.once_in(2) {
                    self.conns[key].listed = false;
                    self.drive(key, None, rng)?;
                }
            }
        }
        if !self.work.is_empty() {
            moved = true;
            if rng.once_in(4) {
                let (key, work) = self.work.swap_remove(rng.below(self.work.len() as u64) as usize);
                let done = catch_unwind(AssertUnwindSafe(work.run)).map_or(Done::Panicked, |(done, _)| done);
                self.done.push((key, done));
            }
        }
        if !self.done.is_empty() {
            moved = true;
            let (key, done) = self.done.remove(0);
            self.drive(key, Some(done), rng)?;
        }
        Ok(moved)
    }

    /// The node goes away.
    pub(crate) fn drain(&mut self) -> Result<(), String> {
        self.draining = true;
        for key in 0..self.conns.len() {
            self.with(key, |session, turn| session.on_drain(turn));
            self.conns[key].listed = true;
        }
        Ok(())
    }

    fn with(&mut self, key: usize, call: impl FnOnce(&mut Session, &mut Turn<'_>)) {
        let Self { app, settings, memory, recv: _, conns, draining, .. } = self;
        let conn = &mut conns[key];
        call(&mut conn.session, &mut turn(app, settings, memory, &mut conn.out, *draining));
    }

    fn drive(&mut self, key: usize, done: Option<Done>, rng: &mut Rng) -> Result<(), String> {
        if self.conns[key].gone {
            return Ok(());
        }
        if let Some(done) = done {
            self.with(key, |session, turn| session.on_done(done, turn));
        } else if self.conns[key].session.is_ready(self.conns[key].out.len()) && self.mistake != Mistake::ForgetsReady {
            self.with(key, |session, turn| session.on_ready(turn));
        }
        if self.read(key) {
            return self.close(key);
        }
        self.perform(key, rng);
        if self.conns[key].session.has_effects() && self.mistake != Mistake::ForgetsEffects {
            self.conns[key].listed = true;
        }
        if self.flush(key) {
            return self.close(key);
        }
        let conn = &mut self.conns[key];
        let (phase, queued) = (conn.session.phase(), conn.out.len());
        if phase == Phase::Over && queued == 0 {
            return self.close(key);
        }
        conn.shut |= phase == Phase::Linger && queued == 0;
        conn.listed |= conn.session.is_ready(queued) && self.mistake != Mistake::ForgetsReady;
        conn.listed |= conn.readable && conn.session.wants_read(queued);
        Ok(())
    }

    /// Whether the connection is broken.
    fn read(&mut self, key: usize) -> bool {
        for _ in 0..READS_PER_TURN_MAX {
            let Self { app, settings, memory, recv, conns, draining, .. } = self;
            let conn = &mut conns[key];
            if !conn.readable || !conn.session.wants_read(conn.out.len()) {
                return false;
            }
            recv.begin(conn.session.rest());
            let space = recv.space();
            let room = space.len();
            match conn.socket.read(space) {
                Ok(0) => {
                    conn.readable = false;
                    conn.session.on_eof();
                }
                Ok(count) => {
                    conn.readable = count == room || conn.socket.is_over();
                    recv.commit(count);
                    let mut turn = turn(app, settings, memory, &mut conn.out, *draining);
                    conn.session.on_bytes(recv.bytes_mut(), &mut turn);
                }
                Err(Trouble::WouldBlock) => conn.readable = false,
                Err(Trouble::Broken) => return true,
            }
        }
        false
    }

    fn perform(&mut self, key: usize, rng: &mut Rng) {
        if self.conns[key].session.wants_upgrade() {
            let at = Address { thread: 0, key: key as u64 };
            self.with(key, |session, turn| session.upgrade(None, Arc::new(Nowhere), at, turn));
        }
        if let Some(work) = self.conns[key].session.take_work() {
            self.jobs += 1;
            if self.refuses && rng.once_in(3) {
                self.with(key, |session, turn| session.on_done(Done::Busy, turn));
            } else {
                self.work.push((key, work));
            }
        }
        for ask in self.conns[key].session.take_asks() {
            match ask {
                Ask::Subscribe(_) => self.conns[key].subscribed = true,
                Ask::Unsubscribe(_) => self.conns[key].subscribed = false,
                Ask::Publish(publication) => self.publish(&publication.act),
            }
        }
    }

    /// To all who subscribe.
    fn publish(&mut self, act: &Act) {
        let Act::Message(framed) = act else { return };
        let payload = framed.as_bytes()[2..].to_vec();
        for key in 0..self.conns.len() {
            let conn = &mut self.conns[key];
            if !conn.subscribed || conn.gone {
                continue;
            }
            self.pushed += 1;
            if !matches!(conn.session.phase(), Phase::Closing | Phase::Linger | Phase::Over) {
                conn.pushed.push(payload.clone());
            }
            conn.listed = true;
            let times = if self.mistake == Mistake::PushesTwice { 2 } else { 1 };
            for _ in 0..times {
                self.with(key, |session, turn| session.on_done(Done::Push(act.clone()), turn));
            }
        }
    }

    /// Whether the connection is broken.
    fn flush(&mut self, key: usize) -> bool {
        let conn = &mut self.conns[key];
        while !conn.out.is_empty() {
            let wanted = conn.out.front_len() as usize;
            match conn.socket.write(wanted) {
                Ok(count) => {
                    let front = conn.out.front().expect("something is to leave");
                    conn.in_kernel.extend(crate::conn::front_bytes(&front, &conn.out, count));
                    conn.out.advance(count as u64);
                }
                Err(Trouble::WouldBlock) => return false,
                Err(Trouble::Broken) => return true,
            }
        }
        false
    }

    fn close(&mut self, key: usize) -> Result<(), String> {
        let conn = &mut self.conns[key];
        conn.session.on_gone();
        conn.session = Session::new();
        (conn.gone, conn.listed, conn.subscribed) = (true, false, false);
        Ok(())
    }

    // What the judge asks.

    pub(crate) fn pushed_to(&self, key: usize) -> &[Vec<u8>] {
        &self.conns[key].pushed
    }

    pub(crate) fn was_reset(&self, key: usize) -> bool {
        self.conns[key].broken
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining
    }

    /// Nothing may be left: all connections have come to their end.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        for (key, conn) in self.conns.iter().enumerate() {
            // One that never said goodbye, to a node that has no reason to, is open and idle.
            let is_at_rest = conn.session.is_idle() && conn.session.held_bytes() < 2000;
            if !(conn.gone || is_at_rest) {
                return Err(format!("connection {key} is left in {:?}", conn.session.phase()));
            }
        }
        self.conns.iter_mut().for_each(|conn| conn.session.on_gone());
        self.conns.clear();
        let (alive, open) = (self.counts.alive.load(SeqCst), self.counts.open.load(SeqCst));
        if alive != 0 {
            return Err(format!("{alive} channels are left"));
        }
        match open {
            0 => Ok(()),
            open => Err(format!("{open} channels were not told of their end, or twice")),
        }
    }
}

fn turn<'a>(
    app: &'a mut App,
    settings: &'a Settings,
    memory: &'a Memory,
    out: &'a mut SendBuf,
    draining: bool,
) -> Turn<'a> {
    let (now, pressure) = (Moment { monotonic_ns: 0, unix_ms: 0 }, Pressure::None);
    Turn { app, settings, out, date: b"", now, peer: None, draining, pressure, memory }
}
