//! One connection, whatever it speaks: HTTP/1.1, or WebSocket once both ends agreed on that.

use std::net::IpAddr;
use std::sync::Arc;

use crate::app::Wake;
use crate::app::ws::{Address, Ask, Outlet, Topic};
use crate::session::http1::Http1;
use crate::session::ws::Ws;
use crate::session::{Done, Phase, Turn, Work};

/// A connection.
pub enum Session {
    /// HTTP/1.1, as every connection begins.
    Http1(Http1),
    /// A WebSocket.
    Ws(Box<Ws>),
}

/// Asks whichever it is.
macro_rules! either {
    ($self:expr, $session:ident => $call:expr) => {
        match $self {
            Session::Http1($session) => $call,
            Session::Ws($session) => $call,
        }
    };
}

impl Session {
    /// A new connection.
    pub fn new() -> Self {
        Session::Http1(Http1::new())
    }

    /// Takes what was received: [`Self::rest`] and the bytes after it. Messages are unmasked where they are.
    #[inline(never)]
    pub fn on_bytes(&mut self, bytes: &mut [u8], turn: &mut Turn<'_>) {
        match self {
            Session::Http1(http) => http.on_bytes(bytes, turn),
            Session::Ws(ws) => ws.on_bytes(bytes, turn),
        }
    }

    /// Goes on with what is at hand, after [`Self::is_ready`].
    pub fn on_ready(&mut self, turn: &mut Turn<'_>) {
        either!(self, session => session.on_ready(turn));
    }

    /// Takes the result of the work.
    pub fn on_done(&mut self, done: Done, turn: &mut Turn<'_>) {
        either!(self, session => session.on_done(done, turn));
    }

    /// The peer will send no more.
    pub fn on_eof(&mut self) {
        either!(self, session => session.on_eof());
    }

    /// The deadline of the current [`Phase`] has passed.
    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        either!(self, session => session.on_deadline(turn));
    }

    /// The node is going away.
    pub fn on_drain(&mut self, turn: &mut Turn<'_>) {
        match self {
            Session::Http1(http) => http.on_drain(),
            Session::Ws(ws) => ws.on_drain(turn),
        }
    }

    /// Another standing of this user, or of anybody, is in force.
    pub fn on_identity_change(&mut self, user: Option<&str>, turn: &mut Turn<'_>) {
        if let Session::Ws(ws) = self {
            ws.on_identity_change(user, turn);
        }
    }

    /// Bytes received and not yet used; the next read goes after them.
    #[inline(always)]
    pub fn rest(&self) -> &[u8] {
        match self {
            Session::Http1(http) => http.rest(),
            Session::Ws(_) => &[],
        }
    }

    /// Whether [`Self::on_ready`] would get further without more bytes.
    #[inline(always)]
    pub fn is_ready(&self, queued: u64) -> bool {
        either!(self, session => session.is_ready(queued))
    }

    /// Whether more bytes are of use; `queued` bytes have not left yet.
    #[inline(always)]
    pub fn wants_read(&self, queued: u64) -> bool {
        either!(self, session => session.wants_read(queued))
    }

    /// Whether there is something for the loop.
    #[inline(always)]
    pub fn has_effects(&self) -> bool {
        either!(self, session => session.has_effects())
    }

    /// Work to be done for this connection, once.
    pub fn take_work(&mut self) -> Option<Work> {
        either!(self, session => session.take_work())
    }

    /// What a WebSocket's channel asks of the loop, once.
    pub fn take_asks(&mut self) -> Vec<Ask> {
        match self {
            Session::Http1(_) => Vec::new(),
            Session::Ws(ws) => ws.take_asks(),
        }
    }

    /// Whether both ends agreed on a WebSocket: [`Self::upgrade`] makes it one.
    pub fn wants_upgrade(&self) -> bool {
        matches!(self, Session::Http1(http) if http.wants_upgrade())
    }

    /// Is a WebSocket from now on, at this address.
    pub fn upgrade(&mut self, peer: Option<IpAddr>, outlet: Arc<dyn Outlet>, at: Address, turn: &mut Turn<'_>) {
        let Session::Http1(http) = self else { return };
        let Some((upgrade, caller, mut rest)) = http.take_upgrade() else { return };
        let mut ws = Box::new(Ws::new(upgrade, caller, peer, outlet, at));
        ws.on_open(&mut rest, turn);
        *self = Session::Ws(ws);
    }

    /// What it is subscribed to.
    pub fn topics(&self) -> &[Topic] {
        match self {
            Session::Http1(_) => &[],
            Session::Ws(ws) => ws.topics(),
        }
    }

    /// Sinks, sources and other things that are over: whoever drops them may have to block.
    pub fn take_ended(&mut self) -> Option<Box<dyn Send>> {
        match self {
            Session::Http1(http) => http.take_ended(),
            Session::Ws(_) => None,
        }
    }

    /// The same, and what is not over: for when it never will be.
    pub fn take_abandoned(&mut self) -> Option<Box<dyn Send>> {
        match self {
            Session::Http1(http) => http.take_abandoned(),
            Session::Ws(_) => None,
        }
    }

    /// The connection is about to be dropped.
    pub fn on_gone(&mut self) {
        if let Session::Ws(ws) = self {
            ws.on_gone();
        }
    }

    /// Whether a source of a body waits for [`Self::on_wake_made`].
    pub fn wants_wake(&self) -> bool {
        matches!(self, Session::Http1(http) if http.wants_wake())
    }

    /// Starts the source with what it tells us by that it has more.
    pub fn on_wake_made(&mut self, wake: Wake, turn: &mut Turn<'_>) {
        if let Session::Http1(http) = self {
            http.on_wake_made(wake, turn);
        }
    }

    /// Whether a body is on its way from a source: pointless once the peer is gone.
    pub fn is_sending(&self) -> bool {
        matches!(self, Session::Http1(http) if http.is_sending())
    }

    /// Whether nothing can be sent before a source says that it has more.
    pub fn awaits_source(&self) -> bool {
        matches!(self, Session::Http1(http) if http.awaits_source())
    }

    /// Whether the connection must end by a reset: a part of a body must not be taken for all of it.
    pub fn must_be_reset(&self) -> bool {
        matches!(self, Session::Http1(http) if http.must_be_reset())
    }

    /// Whether it is a WebSocket.
    #[inline(always)]
    pub fn is_ws(&self) -> bool {
        matches!(self, Session::Ws(_))
    }

    /// Requests begun, or messages that have come.
    #[inline(always)]
    pub fn served(&self) -> u64 {
        match self {
            Session::Http1(http) => http.served(),
            Session::Ws(ws) => ws.messages(),
        }
    }

    /// Whether it was refused something for want of memory; it ends then.
    pub fn was_shed(&self) -> bool {
        either!(self, session => session.was_shed())
    }

    /// Bytes of memory that it holds.
    #[inline(always)]
    pub fn held_bytes(&self) -> usize {
        either!(self, session => session.held_bytes())
    }

    /// Nothing is incomplete and nothing under way: [`Phase::Idle`] or [`Phase::Open`].
    #[inline(always)]
    pub fn is_idle(&self) -> bool {
        either!(self, session => session.is_idle())
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        either!(self, session => session.phase())
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}
