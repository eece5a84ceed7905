//! Drives one connection for one turn: take what came, think, hand over work, flush, and decide
//! what to wait for.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Token};

use super::conn::Conn;
use super::flush::{Flushed, Share, flush};
use super::listener;
use super::live::Watched;
use super::preface::{self, Preface};
use super::slab::Key;
use super::standing::Standing;
use super::timers::{Owner, Timers};
use super::topics::Topics;
use super::{Mesh, Meters, Peers, Reactor, sys};
use crate::app::ws::{Act, Address, Ask, Outlet};
use crate::app::{App, Change, Wake};
use crate::buffer::{RecvBuf, SendBuf};
use crate::limits::{PUSHES_PER_TURN_MAX, READS_PER_TURN_MAX};
use crate::session::deadlines::Moved;
use crate::session::trust::Trusted;
use crate::session::{Done, Phase, Turn, Work};

/// What a connection always waits for. Urgent data is told apart because a read stops at its mark.
pub(super) fn read_interest() -> Interest {
    #[cfg(target_os = "linux")]
    return Interest::READABLE | Interest::PRIORITY;
    #[cfg(not(target_os = "linux"))]
    Interest::READABLE
}

/// Why a connection is driven.
enum Cause {
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
    /// This user's standing has changed, or anybody's.
    Stranger(Option<Arc<str>>),
}

/// What is to become of it.
#[derive(PartialEq, Eq)]
enum Fate {
    Keep,
    /// It is idle, and its timer comes early enough.
    Rest,
    Close,
}

/// What the reads of a turn came to.
#[derive(Default)]
struct Reads {
    bytes: u64,
    eof: bool,
    broken: bool,
}

/// How a connection stood before its turn.
struct Before {
    served: u64,
    is_ws: bool,
    phase: Phase,
    worked: bool,
}

impl Before {
    #[inline(always)]
    fn of(conn: &Conn, cause: &Cause) -> Self {
        let is_ws = conn.session.is_ws();
        let phase = match (conn.session.is_idle(), is_ws) {
            (true, false) => Phase::Idle,
            (true, true) => Phase::Open,
            (false, _) => conn.session.phase(),
        };
        let worked = matches!(cause, Cause::Done(_) | Cause::Published(_) | Cause::Stranger(_));
        Self { served: conn.session.served(), is_ws, phase, worked }
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
                    let fate = self.step(key, Cause::Listed);
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

    /// Takes in what other threads have published.
    pub(super) fn take_published(&mut self) {
        let listens = self.topics.has_subscribers();
        self.topics.publish(self.mesh.take_published(self.thread, listens));
    }

    /// Sends what was published to the next so many who subscribe.
    pub(super) fn push_published(&mut self) {
        // Who may not have it any more must not.
        self.tell_news();
        self.part_with_strangers();
        let mut left = PUSHES_PER_TURN_MAX;
        while left > 0 {
            let Some((keys, act)) = self.topics.next(left) else { return };
            self.meters.pushed.add(keys.len() as u64);
            left = left.saturating_sub(keys.len().max(1));
            for key in keys {
                self.drive_for(key, Cause::Published(act.clone()));
            }
        }
    }

    pub(super) fn tell_news(&mut self) {
        let strangers = &mut self.strangers;
        let mut news =
            News { mesh: &self.mesh, epoch: &mut self.epoch, thread: self.thread, live: self.live.as_mut(), strangers };
        news.tell(&mut self.app);
    }

    /// Ends what was begun under another standing.
    pub(super) fn part_with_strangers(&mut self) {
        for user in std::mem::take(&mut self.strangers) {
            for key in self.conns.keys() {
                if self.conns.get_mut(key).is_some_and(|conn| conn.session.is_ws()) {
                    self.drive_for(key, Cause::Stranger(user.clone()));
                }
            }
        }
    }

    fn drive_for(&mut self, key: Key, cause: Cause) {
        match catch_unwind(AssertUnwindSafe(|| self.step(key, cause))) {
            Ok(fate) => self.settle(key, fate),
            Err(_) => self.on_panic(key),
        }
    }

    #[inline(always)]
    fn settle(&mut self, key: Key, fate: Fate) {
        match fate {
            Fate::Rest => {}
            Fate::Keep => self.arm_deadline(key),
            Fate::Close => self.close(key),
        }
    }

    /// One connection's defect must not be everybody's outage.
    #[cold]
    fn on_panic(&mut self, key: Key) {
        self.meters.panics.one();
        self.scratch.clear();
        self.app.on_change(&Change::Everything);
        self.close(key);
    }

    #[inline(always)]
    fn step(&mut self, key: Key, cause: Cause) -> Fate {
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
        let (live, strangers) = (self.live.as_mut(), &mut self.strangers);
        let news = News { mesh: &self.mesh, epoch: &mut self.epoch, thread: self.thread, live, strangers };
        let mut held = conn.unsent.take();
        let mut turn = Turn {
            app: &mut self.app,
            settings: &self.settings.http,
            out: held.as_deref_mut().unwrap_or(&mut self.scratch),
            date: self.date.bytes(),
            now: self.now,
            peer: conn.peer,
            draining: self.draining,
            pressure: self.budget.pressure(),
            memory: &self.memory,
        };
        let before = Before::of(conn, &cause);
        let reads = think(conn, cause, &mut self.recv, &mut turn, news);
        if conn.session.has_effects() {
            let (topics, standing, timers) = (&mut self.topics, &mut self.standing, &mut self.timers);
            let (mesh, pool, meters) = (&self.mesh, &self.pool, &self.meters);
            let mut hands = Hands { mesh, pool, thread: self.thread, meters, topics, standing, timers };
            perform(conn, key, &mut turn, &mut hands);
            if conn.session.has_effects() {
                Self::list(&mut self.ready, conn, key); // what was done has led to more
            }
        }
        // Whoever has an answer finds it counted.
        let begun = conn.session.served().wrapping_sub(before.served);
        match conn.session.is_ws() {
            false => self.meters.requests.add(begun),
            true => count_messages(&self.meters, conn, &before),
        }
        let mut sent = 0;
        let flushed = flush_if_open(conn, turn.out, &mut sent, &mut self.share);
        let left = turn.out.len();
        if left > 0 {
            conn.unsent = Some(held.unwrap_or_else(|| Box::new(self.scratch.take())));
        }
        conn.charge(&self.budget);
        // Asked and answered: what nearly every turn of a connection is.
        let rests = begun > 0 && matches!(flushed, Ok(Flushed::All)) && conn.session.is_idle();
        if !rests || conn.write_armed | reads.eof | reads.broken {
            let Ok(flushed) = flushed else { return Fate::Close };
            let moved = Moved { read: reads.bytes, sent, left, ended: conn.ended };
            return self.conclude(key, &before, &reads, moved, flushed);
        }
        conn.barren = 0;
        conn.deadlines.rest(&conn.session, &self.settings.http, self.now.monotonic_ns);
        if conn.readable {
            Self::list(&mut self.ready, conn, key);
        }
        if conn.armed <= conn.deadlines.next() { Fate::Rest } else { Fate::Keep }
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
            self.part_with(&mut conn);
        }
        let conns_live = self.conns.len();
        let conns = &mut self.conns;
        let mut is_live = |key, at_ns| conns.get_mut(key).is_some_and(|conn| conn.armed == at_ns);
        self.timers.forget_closed(conns_live, &mut is_live);
    }
}

impl Reactor {
    /// A WebSocket is gone: nobody publishes to it, and its channel knows.
    #[cold]
    fn part_with(&mut self, conn: &mut Conn) {
        let conns = &mut self.conns;
        for topic in conn.session.topics() {
            self.topics.count_gap(topic, |other| conns.get_mut(other).is_some());
        }
        if catch_unwind(AssertUnwindSafe(|| conn.session.on_gone())).is_err() {
            self.meters.panics.one();
        }
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

/// What other threads have changed, and whoever writes the config.
struct News<'a> {
    mesh: &'a Mesh,
    epoch: &'a mut u64,
    thread: usize,
    live: Option<&'a mut Watched>,
    strangers: &'a mut Vec<Option<Arc<str>>>,
}

impl News<'_> {
    /// Tells the app what changed since it last looked.
    #[inline(always)]
    fn tell(&mut self, app: &mut App) {
        let current = self.mesh.epoch();
        if current != *self.epoch {
            *self.epoch = current;
            self.tell_all(app);
        }
        if let Some(live) = &mut self.live {
            live.look(app);
        }
    }

    #[cold]
    fn tell_all(&mut self, app: &mut App) {
        for change in self.mesh.take_changes(self.thread) {
            app.on_change(&change);
            match change {
                Change::Everything => self.strangers.push(None),
                Change::Identity(user) => self.strangers.push(Some(user)),
                Change::Config | Change::Package(_) => {}
            }
        }
        if let Some(live) = &mut self.live {
            live.renew(app);
        }
    }
}

/// Lets the session go on with why it is driven, with what it holds, and with what the socket has.
#[inline(always)]
fn think(conn: &mut Conn, cause: Cause, recv: &mut RecvBuf, turn: &mut Turn<'_>, mut news: News<'_>) -> Reads {
    let worked = match cause {
        Cause::Listed => false,
        Cause::Drained => {
            conn.session.on_drain(turn);
            false
        }
        Cause::Published(act) => {
            conn.session.on_done(Done::Push(act), turn);
            return Reads::default();
        }
        Cause::Stranger(user) => {
            conn.session.on_identity_change(user.as_deref(), turn);
            return Reads::default();
        }
        Cause::Done(done) => {
            catch_up(conn, turn, &mut news);
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
        catch_up(conn, turn, &mut news);
        conn.session.on_ready(turn);
    }
    read(conn, recv, turn, &mut news)
}

/// Tells what changed before the session goes on: nothing it still holds, or is about to read, may be done in the
/// name of somebody who may not have it done any more.
#[inline(always)]
fn catch_up(conn: &mut Conn, turn: &mut Turn<'_>, news: &mut News<'_>) {
    news.tell(turn.app);
    if !news.strangers.is_empty() {
        part_with(conn, turn, news);
    }
}

#[cold]
fn part_with(conn: &mut Conn, turn: &mut Turn<'_>, news: &News<'_>) {
    for user in news.strangers.iter() {
        conn.session.on_identity_change(user.as_deref(), turn);
    }
}

/// Counts what came by a WebSocket; and, of one that is new, the request that made it one.
#[inline(never)]
fn count_messages(meters: &Meters, conn: &Conn, before: &Before) {
    let known = if before.is_ws { before.served } else { 0 };
    meters.messages.add(conn.session.served() - known);
    meters.requests.add(u64::from(!before.is_ws));
}

/// What effects need of the thread.
struct Hands<'a> {
    mesh: &'a Arc<Mesh>,
    pool: &'a super::Pool,
    thread: usize,
    meters: &'a Meters,
    topics: &'a mut Topics,
    standing: &'a mut Standing,
    timers: &'a mut Timers,
}

/// Does what the session asked for.
#[inline(never)]
fn perform(conn: &mut Conn, key: Key, turn: &mut Turn<'_>, hands: &mut Hands<'_>) {
    if conn.session.wants_upgrade() {
        hands.meters.upgraded.one();
        let at = Address { thread: hands.thread, key: key.0 };
        conn.session.upgrade(conn.peer, Arc::clone(hands.mesh) as Arc<dyn Outlet>, at, turn);
        hands.standing.watch(key, &conn.session, hands.timers, turn.now.monotonic_ns);
    }
    if conn.session.wants_wake() {
        conn.session.on_wake_made(wake_of(hands.mesh, hands.thread, key), turn);
    }
    if let Some(work) = conn.session.take_work() {
        let outbox = Outbox { mesh: Arc::clone(hands.mesh), thread: hands.thread, key };
        hands.meters.jobs.one();
        if !hands.pool.submit(work.lane, Box::new(move || outbox.run(work))) {
            conn.session.on_done(Done::Busy, turn);
        }
    }
    if let Some(ended) = conn.session.take_ended() {
        hands.pool.discard(ended);
    }
    for ask in conn.session.take_asks() {
        grant(ask, conn, key, turn, hands);
    }
}

/// Does what a channel asked for.
fn grant(ask: Ask, conn: &mut Conn, key: Key, turn: &mut Turn<'_>, hands: &mut Hands<'_>) {
    match ask {
        Ask::Publish(publication) => hands.mesh.publish(publication),
        Ask::Subscribe(topic) => {
            // What came before counts as before: the last of it is what the topic retains.
            hands.topics.publish(hands.mesh.take_published(hands.thread, true));
            if let Some(act) = hands.topics.subscribe(&topic, key) {
                conn.session.on_retained(&act, turn);
            }
        }
        Ask::Unsubscribe(topic) => hands.topics.leave(&topic, key),
    }
}

/// Reads until the socket is drained, the session has enough, or others are to have their turn.
#[inline(always)]
fn read(conn: &mut Conn, recv: &mut RecvBuf, turn: &mut Turn<'_>, news: &mut News<'_>) -> Reads {
    let mut reads = Reads::default();
    for _ in 0..READS_PER_TURN_MAX {
        if !conn.readable || !conn.session.wants_read(turn.out.len()) {
            break;
        }
        recv.begin(conn.session.rest());
        let space = recv.space();
        let room = space.len();
        match sys::receive(conn.stream.as_fd(), space) {
            Ok(0) => {
                conn.readable = false;
                reads.eof = true;
                conn.session.on_eof();
            }
            Ok(count) => {
                // A short read has emptied the socket: asking again would be a wasted call.
                conn.readable = count == room || conn.read_to_end;
                reads.bytes += count as u64;
                recv.commit(count);
                catch_up(conn, turn, news);
                conn.session.on_bytes(recv.bytes_mut(), turn);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => conn.readable = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => {
                reads.broken = true;
                break;
            }
        }
    }
    reads
}

/// Flushes unless the kernel has said that it takes nothing and has not taken that back.
#[inline(always)]
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

/// Lets a source tell this connection's loop that it has more.
fn wake_of(mesh: &Arc<Mesh>, thread: usize, key: Key) -> Wake {
    let mesh = Arc::clone(mesh);
    Wake::new(move || mesh.deliver(thread, key, Done::Wake))
}

/// Where a job's result goes.
struct Outbox {
    mesh: Arc<Mesh>,
    thread: usize,
    key: Key,
}

impl Outbox {
    /// Runs on a thread of the pool: the changes are known everywhere before the result is.
    fn run(self, work: Work) {
        let run = AssertUnwindSafe(work.run);
        let (done, changes) = catch_unwind(run).unwrap_or_else(|_| (Done::Panicked, vec![Change::Everything]));
        self.mesh.announce(&changes);
        self.mesh.deliver(self.thread, self.key, done);
    }
}
