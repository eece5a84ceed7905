//! The short ways of a turn, for what nearly all are: a connection at rest asks, is answered and rests again, or is
//! sent what it subscribes to and rests again. Whatever is otherwise on the way goes on along [`super::drive`].
//!
//! At rest means that the session is idle and that everything has left. So there is nothing to go on with, no rest to
//! put in front of what is read, no source and no preface; and write interest is not armed.

use std::os::fd::AsFd;

use super::Reactor;
use super::conn::Conn;
use super::drive::{Before, Cause, Fate, Reads, turn};
use super::flush::{Flushed, flush};
use super::slab::Key;
use super::sys;
use crate::app::ws::Act;
use crate::session::http1::Http1;
use crate::session::ws::Ws;
use crate::session::{Phase, Session, Turn};

/// A kind of session.
trait Speaks {
    fn on_bytes(&mut self, bytes: &mut [u8], turn: &mut Turn<'_>);
    fn rests(&self) -> bool;
    fn served(&self) -> u64;
}

impl Speaks for Http1 {
    #[inline(always)]
    fn on_bytes(&mut self, bytes: &mut [u8], turn: &mut Turn<'_>) {
        self.on_bytes(bytes, turn);
    }

    /// Nothing is owned then, so nothing is asked for either.
    #[inline(always)]
    fn rests(&self) -> bool {
        self.is_idle()
    }

    #[inline(always)]
    fn served(&self) -> u64 {
        self.served()
    }
}

impl Speaks for Ws {
    #[inline(always)]
    fn on_bytes(&mut self, bytes: &mut [u8], turn: &mut Turn<'_>) {
        self.on_bytes(bytes, turn);
    }

    #[inline(always)]
    fn rests(&self) -> bool {
        self.is_idle() && !self.has_effects()
    }

    #[inline(always)]
    fn served(&self) -> u64 {
        self.messages()
    }
}

/// Lets a session take what came: how many requests or messages that began, how many there were before, and
/// whether the session rests again.
#[inline(always)]
fn take(session: &mut impl Speaks, bytes: &mut [u8], turn: &mut Turn<'_>) -> (u64, u64, bool) {
    let before = session.served();
    session.on_bytes(bytes, turn);
    (session.served() - before, before, session.rests())
}

impl Conn {
    /// It is at rest.
    #[inline(always)]
    fn is_at_rest(&self) -> bool {
        let rests = self.unsent.is_none() && self.session.is_idle();
        debug_assert!(!rests || !self.write_armed && !self.preface && !self.session.is_ready(0));
        debug_assert!(!rests || self.session.wants_read(0) && self.session.rest().is_empty());
        rests
    }
}

/// How a connection stood that was at rest.
fn at_rest(is_ws: bool, served: u64) -> Before {
    Before { served, is_ws, phase: if is_ws { Phase::Open } else { Phase::Idle }, worked: false }
}

impl Reactor {
    /// The turn of a connection that was listed.
    #[inline(always)]
    pub(super) fn exchange(&mut self, key: Key) -> Fate {
        let Some(conn) = self.conns.get_mut(key) else { return Fate::Rest };
        if !conn.readable || !conn.is_at_rest() {
            return self.step(key, Cause::Listed);
        }
        conn.listed = false;
        self.recv.begin(&[]);
        let space = self.recv.space();
        let room = space.len();
        let received = sys::receive(conn.stream.as_fd(), space);
        let mut reads = Reads::default();
        let Some(count) = reads.note(conn, received, room) else { return self.on_no_bytes(key, &reads) };
        self.recv.commit(count);
        let mut turn = turn!(self, conn.peer, &mut self.scratch);
        self.news.catch_up(conn, &mut turn);
        let is_ws = conn.session.is_ws();
        let (begun, served, rests) = match &mut conn.session {
            Session::Http1(http) => take(http, self.recv.bytes_mut(), &mut turn),
            Session::Ws(ws) => take(&mut **ws, self.recv.bytes_mut(), &mut turn),
        };
        if begun == 0 || !rests || self.share.holds_back(self.scratch.len()) {
            return self.act(key, &at_rest(is_ws, served), &reads, None);
        }
        // Whoever has an answer finds it counted.
        if is_ws { &self.meters.messages } else { &self.meters.requests }.add(begun);
        let mut sent = 0;
        let flushed = flush(&conn.stream, &mut self.scratch, &mut sent);
        self.share.take(sent);
        if !matches!(flushed, Ok(Flushed::All)) {
            return self.after_flush(key, &at_rest(is_ws, served), &reads, None, sent, flushed);
        }
        if is_ws {
            conn.charge(&self.budget);
        }
        debug_assert_eq!(conn.charged, conn.held_bytes());
        conn.barren = 0;
        conn.deadlines.rest(is_ws, served + begun, &self.settings.http, self.now.monotonic_ns);
        if conn.readable {
            Self::list(&mut self.ready, conn, key);
        }
        if conn.armed <= conn.deadlines.next() { Fate::Rest } else { Fate::Keep }
    }

    /// The peer has ended, or is gone, or there was nothing to read.
    #[cold]
    fn on_no_bytes(&mut self, key: Key, reads: &Reads) -> Fate {
        let Some(conn) = self.conns.get_mut(key) else { return Fate::Rest };
        let before = at_rest(conn.session.is_ws(), conn.session.served());
        self.act(key, &before, reads, None)
    }

    /// Sends a publication to one that subscribes.
    #[inline(always)]
    pub(super) fn push(&mut self, key: Key, act: &Act) -> Fate {
        let Some(conn) = self.conns.get_mut(key) else { return Fate::Rest };
        let at_rest_already = conn.is_at_rest();
        let (Session::Ws(ws), Act::Message(framed), true) = (&mut conn.session, act, at_rest_already) else {
            return self.step(key, Cause::Published(act.clone()));
        };
        if self.share.holds_back(framed.len() as u64) {
            return self.step(key, Cause::Published(act.clone()));
        }
        let mut turn = turn!(self, conn.peer, &mut self.scratch);
        ws.on_push(act, &mut turn);
        let (rests, messages) = (ws.rests(), ws.messages());
        let mut sent = 0;
        let flushed = flush(&conn.stream, &mut self.scratch, &mut sent);
        self.share.take(sent);
        if !rests || !matches!(flushed, Ok(Flushed::All)) {
            let before = Before { worked: true, ..at_rest(true, messages) };
            return self.after_flush(key, &before, &Reads::default(), None, sent, flushed);
        }
        // What is sent to it does not tell that anybody is there: its deadlines stay.
        conn.barren = 0;
        debug_assert_eq!(conn.charged, conn.held_bytes());
        Fate::Rest
    }
}
