//! Taking connections in: from the thread's own listeners, and from threads that deal theirs out.
//!
//! A Unix socket, or one that was handed to the process, cannot be opened once for each thread. One
//! thread accepts there and deals the connections out in turn, so that the few lasting ones of a
//! proxy keep all cores busy.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use mio::Token;
use mio::unix::SourceFd;
use socket2::Socket;

use super::conn::Conn;
use super::listener::{self, Accepted};
use super::slab::Key;
use super::timers::Owner;
use super::{LISTENERS, Reactor, drive};
use crate::limits::{ACCEPT_PAUSE_NS, ACCEPTS_PER_TURN_MAX, DRAIN_ACCEPTS_MAX};

/// A connection on its way to the thread that will serve it.
pub(super) type Dealt = (Socket, Option<IpAddr>);

impl Reactor {
    /// Takes in who waits, up to the budget of a turn, which the listeners share.
    pub(super) fn accept(&mut self) {
        let waiting = self.listeners.all.iter().filter(|listener| listener.ready).count();
        let share = ACCEPTS_PER_TURN_MAX / waiting.max(1);
        for index in 0..self.listeners.all.len() {
            if self.listeners.all[index].ready {
                self.accept_from(index, share);
            }
        }
        self.listeners.look_again();
    }

    fn accept_from(&mut self, index: usize, most: usize) {
        for _ in 0..most {
            let listener = &mut self.listeners.all[index];
            match listener.accept() {
                Accepted::Conn(stream, peer) if listener.dealt => self.deal(stream, peer),
                Accepted::Conn(stream, peer) => self.admit(stream, peer),
                // Edge-triggered readiness is not repeated: only this takes it back.
                Accepted::Empty => return listener.ready = false,
                Accepted::Failed => {}
                Accepted::Exhausted(error) => return self.rest(index, &error),
            }
        }
    }

    /// Gives a connection to the thread whose turn it is.
    fn deal(&mut self, stream: Socket, peer: Option<IpAddr>) {
        self.next_dealt = (self.next_dealt + 1) % self.mesh.threads();
        if self.next_dealt == self.thread || self.draining {
            return self.admit(stream, peer);
        }
        if let Err((stream, peer)) = self.mesh.deal(self.next_dealt, (stream, peer)) {
            self.admit(stream, peer); // that thread is going away
        }
    }

    /// Takes a connection in, if there is room.
    pub(super) fn admit(&mut self, stream: Socket, peer: Option<IpAddr>) {
        if self.conns.len() >= self.settings.connections {
            self.meters.refused.one();
            return listener::refuse(&stream, listener::NO_ROOM);
        }
        // A proxy that is believed stands for many.
        let counted = peer.filter(|_| !self.settings.http.trusted.contains(peer));
        let Ok(origin) = self.peers.enter(counted) else {
            self.meters.crowded.one();
            return listener::refuse(&stream, listener::CROWDED);
        };
        let mut conn = Conn::new(stream, peer, &self.settings.http, self.now.monotonic_ns);
        conn.origin = origin;
        let key = self.conns.insert_with(|_| conn);
        self.meters.accepted.one();
        self.register(key);
    }

    fn register(&mut self, key: Key) {
        let Some(conn) = self.conns.get_mut(key) else { return };
        let descriptor = conn.stream.as_raw_fd();
        let token = Token(key.0 as usize);
        if self.poll.registry().register(&mut SourceFd(&descriptor), token, drive::read_interest()).is_err() {
            // Out of kernel memory for one more watch: this connection cannot be served.
            return self.close(key);
        }
        conn.armed = conn.deadlines.next();
        self.timers.set(conn.armed, Owner::Conn(key));
    }

    /// Accepting would fail again at once: it rests until a timer.
    fn rest(&mut self, index: usize, error: &io::Error) {
        self.listeners.refuse_one(index, &self.meters.refused);
        self.listeners.disarm(self.poll.registry());
        self.meters.pauses.one();
        log::warn!("accepting rests for a moment: {error}; if files are too many, raise the limit of open files");
        self.timers.set(self.now.monotonic_ns + ACCEPT_PAUSE_NS, Owner::Accept);
    }

    /// Accepts again after a rest.
    pub(super) fn rearm(&mut self) {
        if self.listeners.arm(self.poll.registry(), LISTENERS).is_err() {
            self.timers.set(self.now.monotonic_ns + ACCEPT_PAUSE_NS, Owner::Accept);
        }
    }

    /// Takes in everybody who believes to be connected already, then closes the listeners.
    pub(super) fn accept_last(&mut self) {
        for (stream, peer) in self.mesh.end_dealing(self.thread) {
            self.admit(stream, peer);
        }
        (0..self.listeners.all.len()).for_each(|index| self.listeners.note(index));
        for _ in 0..DRAIN_ACCEPTS_MAX / ACCEPTS_PER_TURN_MAX {
            self.accept();
            if !self.listeners.is_ready() {
                break;
            }
        }
        self.listeners.all.clear();
        self.listeners.look_again();
    }
}
