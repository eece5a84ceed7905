//! Drives one connection for one turn: take what came, think, hand over work, flush, and decide
//! what to wait for. What most turns are has a shorter way, in [`super::exchange`].

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Token};

use super::conn::Conn;
use super::effects::{Hands, perform};
use super::flush::{Flushed, Share, flush};
use super::listener;
use super::news::News;
use super::preface::{self, Preface};
use super::slab::Key;
use super::timers::Owner;
use super::{Meters, Peers, Reactor, sys};
use crate::app::Change;
use crate::app::ws::Act;
use crate::buffer::{RecvBuf, SendBuf};
use crate::limits::READS_PER_TURN_MAX;
use crate::session::deadlines::Moved;
use crate::session::trust::Trusted;
use crate::session::{Done, Phase, Turn};

/// What a session is given for a call: a reactor's, for a peer, answers going to `$out`.
macro_rules! turn {
    ($reactor:ident, $peer:expr, $out:expr) => {
        Turn {
            app: &mut $reactor.app,
            settings: &$reactor.settings.http,
            out: $out,
            date: $reactor.date.bytes(),
            now: $reactor.now,
            peer: $peer,
            draining: $reactor.draining,
            pressure: $reactor.budget.pressure(),
            memory: &$reactor.memory,
        }
    };
}
pub(super) use turn;

/// What a connection always waits for. Urgent data is told apart because a read stops at its mark.
pub(super) fn read_interest() -> Interest {
    #[cfg(target_os = "linux")]
    return Interest::READABLE | Interest::PRIORITY;
    #[cfg(not(target_os = "linux"))]
    Interest::READABLE
}

/// Why a connection is driven.
pub(super) enum Cause {
    /// Its turn has come.
    Listed,
    /// The node is going away.
    Drained,
    /// Its work is done.
    Done(Done),
    /// Its deadline has passed.
    Due,
    /// Something was published that it subscribes to.
    Published(Act),
    /// The standing of whoever opened it has changed.
    Stranger,
}

/// What is to become of it.
#[derive(PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    /// It is idle, and its timer comes early enough.
    Rest,
    Close,
}

/// What the reads of a turn came to.
#[derive(Default)]
pub(super) struct Reads {
    bytes: u64,
    eof: bool,
    broken: bool,
}

impl Reads {
    /// Notes what a read with `room` for so many bytes came to; how many came.
    #[inline(always)]
    pub(super) fn note(&mut self, conn: &mut Conn, received: io::Result<usize>, room: usize) -> Option<usize> {
        match received {
            Ok(0) => {
                conn.readable = false;
                self.eof = true;
                conn.session.on_eof();
            }
            Ok(count) => {
                // A short read has emptied the socket: asking again would be a wasted call.
                conn.readable = count == room || conn.read_to_end;
                self.bytes += count as u64;
                return Some(count);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => conn.readable = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.broken = true,
        }
        None
    }
}

/// How a connection stood before its turn.
pub(super) struct Before {
    pub(super) served: u64,
    pub(super) is_ws: bool,
    pub(super) phase: Phase,
    pub(super) worked: bool,
}

impl Before {
    fn of(conn: &Conn, cause: &Cause) -> Self {
        let worked = matches!(cause, Cause::Done(_) | Cause::Published(_) | Cause::Stranger);
        Self { served: conn.session.served(), is_ws: conn.session.is_ws(), phase: conn.session.phase(), worked }
    }
}

impl Reactor {
    /// Drives the connections whose turn has come.
    pub(super) fn drive_all(&mut self, listed: &[Key]) {
        let mut next = 0;
        while next < listed.len() {
            let driven = catch_unwind(AssertUnwindSafe(|| {
                while let Some(&key) = listed.get(next) {
                    next += 1;
                    let fate = self.exchange(key);
                    self.settle(key, fate);
                }
            }));
            if driven.is_err() {
                self.on_panic(listed[next - 1]);
            }
        }
    }

    /// Drives a connection because the node is going away.
    pub(super) fn drive_out(&mut self, key: Key) {
        self.drive_for(key, Cause::Drained);
    }

    /// Drives a connection because its work is done.
    pub(super) fn deliver(&mut self, key: Key, done: Done) {
        if matches!(done, Done::Panicked) {
            self.meters.panics.one();
        }
        match done {
            done if self.conns.get_mut(key).is_some() => self.drive_for(key, Cause::Done(done)),
            Done::Busy | Done::Panicked | Done::Push(_) | Done::Wake => {}
            left @ (Done::Enough(_) | Done::Sink(..) | Done::Source(..) | Done::Value(_)) => {
                self.pool.discard(Box::new(left));
            }
        }
    }

    /// Acts on a timer of a connection that was set for `at_ns`.
    pub(super) fn on_deadline(&mut self, at_ns: u64, key: Key) {
        let now_ns = self.now.monotonic_ns;
        let Some(conn) = self.conns.get_mut(key) else { return };
        if conn.armed != at_ns {
            return; // a later entry of a deadline that was brought forward
        }
        conn.armed = u64::MAX;
        if conn.deadlines.next() > now_ns {
            return self.arm_deadline(key);
        }
        self.meters.expired.one();
        if conn.deadlines.is_deaf(now_ns) {
            self.meters.deaf.one();
            return self.close(key); // it takes too little: there is no way to tell it why
        }
        self.drive_for(key, Cause::Due);
    }

    pub(super) fn drive_for(&mut self, key: Key, cause: Cause) {
        match catch_unwind(AssertUnwindSafe(|| self.step(key, cause))) {
            Ok(fate) => self.settle(key, fate),
            Err(_) => self.on_panic(key),
        }
    }

    #[inline(always)]
    pub(super) fn settle(&mut self, key: Key, fate: Fate) {
        match fate {
            Fate::Rest => {}
            Fate::Keep => self.arm_deadline(key),
            Fate::Close => self.close(key),
        }
    }

    /// One connection's defect must not be everybody's outage.
    #[cold]
    pub(super) fn on_panic(&mut self, key: Key) {
        self.meters.panics.one();
        self.scratch.clear();
        self.app.on_change(&Change::Caches);
        self.close(key);
    }

    /// One turn of a connection.
    pub(super) fn step(&mut self, key: Key, cause: Cause) -> Fate {
        let Some(conn) = self.conns.get_mut(key) else { return Fate::Rest };
        if matches!(cause, Cause::Listed) {
            conn.listed = false;
        }
        // Nobody will take the rest of the body, and its source may have no end.
        if conn.hung_up && conn.session.is_sending() {
            if let Cause::Done(Done::Source(source, ..)) = cause {
                self.pool.discard(Box::new(source));
            }
            return Fate::Close;
        }
        let trusted = &self.settings.http.trusted;
        if conn.preface && conn.readable && !is_let_in(conn, &mut self.recv, &self.peers, trusted, &self.meters) {
            return Fate::Close;
        }
        let before = Before::of(conn, &cause);
        let mut held = conn.unsent.take();
        let mut turn = turn!(self, conn.peer, held.as_deref_mut().unwrap_or(&mut self.scratch));
        let reads = think(conn, cause, &mut self.recv, &mut turn, &mut self.news);
        self.act(key, &before, &reads, held)
    }

    /// The rest of a turn, once the session has thought: does what it asked for and sends what it said, which is
    /// in `held` or else in the scratch buffer.
    pub(super) fn act(&mut self, key: Key, before: &Before, reads: &Reads, mut held: Option<Box<SendBuf>>) -> Fate {
        let Some(conn) = self.conns.get_mut(key) else { return Fate::Rest };
        let out = held.as_deref_mut().unwrap_or(&mut self.scratch);
        if conn.session.has_effects() {
            let mut turn = turn!(self, conn.peer, out);
            let (topics, standing, timers) = (&mut self.topics, &mut self.standing, &mut self.timers);
            let (mesh, pool, meters) = (&self.mesh, &self.pool, &self.meters);
            let mut hands = Hands { mesh, pool, thread: self.thread, meters, topics, standing, timers };
            perform(conn, key, &mut turn, &mut hands);
            if conn.session.has_effects() {
                Self::list(&mut self.ready, conn, key); // what was done has led to more
            }
        }
        // Whoever has an answer finds it counted.
        match conn.session.is_ws() {
            false => self.meters.requests.add(conn.session.served() - before.served),
            true => count_messages(&self.meters, conn, before),
        }
        let out = held.as_deref_mut().unwrap_or(&mut self.scratch);
        let mut sent = 0;
        let flushed = flush_if_open(conn, out, &mut sent, &mut self.share);
        self.after_flush(key, before, reads, held, sent, flushed)
    }

    /// The rest of a turn, once `sent` bytes have left.
    pub(super) fn after_flush(
        &mut self,
        key: Key,
        before: &Before,
        reads: &Reads,
        mut held: Option<Box<SendBuf>>,
        sent: u64,
        flushed: io::Result<Flushed>,
    ) -> Fate {
        let Some(conn) = self.conns.get_mut(key) else { return Fate::Rest };
        let left = held.as_deref_mut().unwrap_or(&mut self.scratch).len();
        if left > 0 {
            conn.unsent = Some(held.unwrap_or_else(|| Box::new(self.scratch.take())));
        }
        conn.charge(&self.budget);
        let Ok(flushed) = flushed else { return Fate::Close };
        let moved = Moved { read: reads.bytes, sent, left, ended: conn.ended };
        self.conclude(key, before, reads, moved, flushed)
    }

    /// What is to become of a connection after a turn in which this much moved.
    fn conclude(&mut self, key: Key, before: &Before, reads: &Reads, moved: Moved, flushed: Flushed) -> Fate {
        let Some(conn) = self.conns.get_mut(key) else { return Fate::Keep };
        if conn.session.was_shed() && !std::mem::replace(&mut conn.shed, true) {
            self.meters.shed.one();
        }
        if reads.broken || (conn.session.phase() == Phase::Over && moved.left == 0) {
            return Fate::Close;
        }
        let changed = conn.session.served() != before.served || conn.session.phase() != before.phase;
        // Bytes that are left in the kernel on purpose may announce themselves as often as they come.
        let waits_for_us = flushed == Flushed::HeldBack || conn.readable && !conn.session.wants_read(moved.left);
        let progress = before.worked || changed || moved.read > 0 || moved.sent > 0 || reads.eof;
        if conn.is_barren(progress, waits_for_us) {
            self.meters.quarantined.one();
            log::warn!("a connection whose events led nowhere was cut off");
            return Fate::Close;
        }
        conn.deadlines.update(&conn.session, moved, &self.settings.http, self.now.monotonic_ns);
        self.wait_for_more(key, flushed)
    }

    /// Arms what the connection has to wait for, and lists it if it has not to.
    fn wait_for_more(&mut self, key: Key, flushed: Flushed) -> Fate {
        let Some(conn) = self.conns.get_mut(key) else { return Fate::Keep };
        let queued = conn.queued();
        let blocked = flushed == Flushed::Blocked;
        // Held back, nothing was tried: what is armed stays so.
        if blocked != conn.write_armed && flushed != Flushed::HeldBack {
            let interest = if blocked { read_interest() | Interest::WRITABLE } else { read_interest() };
            let descriptor = conn.stream.as_raw_fd();
            let mut source = SourceFd(&descriptor);
            if self.poll.registry().reregister(&mut source, Token(key.0 as usize), interest).is_err() {
                return Fate::Close;
            }
            conn.write_armed = blocked;
        }
        if matches!(conn.session.phase(), Phase::Linger | Phase::Over)
            && let Some(given_up) = conn.session.take_abandoned()
        {
            self.pool.discard(given_up);
        }
        if conn.session.phase() == Phase::Linger && queued == 0 && !conn.shut {
            conn.shut = true;
            if conn.stream.shutdown(Shutdown::Write).is_err() {
                return Fate::Close;
            }
        }
        let may_go_on = conn.session.is_ready(queued) || (conn.readable && conn.session.wants_read(queued));
        match flushed {
            Flushed::HeldBack => Self::list(self.held_back.next(), conn, key),
            Flushed::Paused => Self::list(&mut self.ready, conn, key),
            _ if may_go_on => Self::list(&mut self.ready, conn, key),
            Flushed::All | Flushed::Blocked => {}
        }
        Fate::Keep
    }

    /// Makes sure that a timer comes due no later than the connection's deadline.
    fn arm_deadline(&mut self, key: Key) {
        let Some(conn) = self.conns.get_mut(key) else { return };
        let next = conn.deadlines.next();
        if next < conn.armed {
            conn.armed = next;
            self.timers.set(next, Owner::Conn(key));
        }
    }

    /// Closing the descriptor takes it out of the poll.
    pub(super) fn close(&mut self, key: Key) {
        let Some(mut conn) = self.conns.remove(key) else { return };
        self.meters.closed.one();
        self.budget.change(conn.charged, 0);
        if conn.session.must_be_reset() {
            // It fails only for a socket that is gone already.
            let _ = conn.stream.set_linger(Some(Duration::ZERO));
        }
        if let Some(origin) = conn.origin {
            self.peers.leave(origin);
        }
        if let Some(given_up) = conn.session.take_abandoned() {
            self.pool.discard(given_up);
        }
        if conn.session.is_ws() {
            self.part_with(conn);
        }
        let conns_live = self.conns.len();
        let conns = &mut self.conns;
        let mut is_live = |key, at_ns| conns.get_mut(key).is_some_and(|conn| conn.armed == at_ns);
        self.timers.forget_closed(conns_live, &mut is_live);
    }
}

/// Looks at what a trusted proxy says before the first request; whether the connection may stay.
fn is_let_in(conn: &mut Conn, recv: &mut RecvBuf, peers: &Peers, trusted: &Trusted, meters: &Meters) -> bool {
    match preface::look(conn, recv) {
        Preface::Waits => true,
        Preface::Bad => {
            meters.prefaces_refused.one();
            false
        }
        Preface::Whole(origin) => {
            conn.come_from(origin);
            let admitted = conn.is_admitted(peers, trusted);
            if !admitted {
                meters.crowded.one();
                listener::refuse(&conn.stream, listener::CROWDED);
            }
            admitted
        }
    }
}

/// Lets the session go on with why it is driven, with what it holds, and with what the socket has.
pub(super) fn think(conn: &mut Conn, cause: Cause, recv: &mut RecvBuf, turn: &mut Turn<'_>, news: &mut News) -> Reads {
    let worked = match cause {
        Cause::Listed => false,
        Cause::Drained => {
            conn.session.on_drain(turn);
            false
        }
        Cause::Published(act) => {
            news.catch_up(conn, turn);
            conn.session.on_done(Done::Push(act), turn);
            return Reads::default();
        }
        Cause::Stranger => {
            conn.session.on_identity_change(None, turn);
            return Reads::default();
        }
        Cause::Done(done) => {
            news.catch_up(conn, turn);
            conn.session.on_done(done, turn);
            true
        }
        Cause::Due => {
            conn.session.on_deadline(turn);
            false
        }
    };
    // A result has let it go on already.
    if !worked && conn.session.is_ready(turn.out.len()) {
        news.catch_up(conn, turn);
        conn.session.on_ready(turn);
    }
    read(conn, recv, turn, news)
}

/// Counts what came by a WebSocket; and, of one that is new, the request that made it one.
#[inline(never)]
fn count_messages(meters: &Meters, conn: &Conn, before: &Before) {
    let known = if before.is_ws { before.served } else { 0 };
    meters.messages.add(conn.session.served() - known);
    meters.requests.add(u64::from(!before.is_ws));
}

/// Reads until the socket is drained, the session has enough, or others are to have their turn.
fn read(conn: &mut Conn, recv: &mut RecvBuf, turn: &mut Turn<'_>, news: &mut News) -> Reads {
    let mut reads = Reads::default();
    for _ in 0..READS_PER_TURN_MAX {
        if reads.broken || !conn.readable || !conn.session.wants_read(turn.out.len()) {
            break;
        }
        recv.begin(conn.session.rest());
        let space = recv.space();
        let room = space.len();
        let received = sys::receive(conn.stream.as_fd(), space);
        if let Some(count) = reads.note(conn, received, room) {
            recv.commit(count);
            news.catch_up(conn, turn);
            conn.session.on_bytes(recv.bytes_mut(), turn);
        }
    }
    reads
}

/// Flushes unless the kernel has said that it takes nothing and has not taken that back.
fn flush_if_open(conn: &mut Conn, out: &mut SendBuf, sent: &mut u64, share: &mut Share) -> io::Result<Flushed> {
    if conn.write_armed && !conn.writable {
        return Ok(Flushed::Blocked);
    }
    if share.holds_back(out.len()) {
        return Ok(Flushed::HeldBack);
    }
    conn.writable = false;
    let flushed = flush(&conn.stream, out, sent);
    share.take(*sent);
    flushed
}
