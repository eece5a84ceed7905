//! A connection of the loop: a socket, a session, and what the loop remembers of both.

use std::net::IpAddr;

use socket2::Socket;

use super::budget::Budget;
use super::peers::Origin;
use crate::buffer::SendBuf;
use crate::limits::BARREN_EVENTS_MAX;
use crate::session::deadlines::{Deadlines, NEVER};
use crate::session::{Session, Settings};

/// A connection.
pub(super) struct Conn {
    /// TCP or Unix: either is a stream of bytes.
    pub(super) stream: Socket,
    pub(super) session: Session,
    /// Who is at the other end; nobody can tell of a Unix socket.
    pub(super) peer: Option<IpAddr>,
    /// What the kernel would not take yet.
    pub(super) unsent: Option<Box<SendBuf>>,
    /// It has to begin with a header of the PROXY protocol, which has not come yet.
    pub(super) preface: bool,
    /// Bytes of memory that the budget knows of.
    pub(super) charged: u64,
    /// With whom it is counted.
    pub(super) origin: Option<Origin>,
    /// Bytes may be waiting in the kernel: set by an event, cleared by a short read.
    pub(super) readable: bool,
    /// Short reads say nothing any more: the peer has ended, or sent urgent data, at whose mark
    /// reads stop. Only `WouldBlock` does.
    pub(super) read_to_end: bool,
    /// The peer has ended its half.
    pub(super) ended: bool,
    /// Write interest is armed: the kernel took less than everything.
    pub(super) write_armed: bool,
    /// The kernel takes more again.
    pub(super) writable: bool,
    /// In the list of connections to drive, once; cleared when its turn comes and not before, even
    /// if something else drives it meanwhile.
    pub(super) listed: bool,
    /// The connection is gone in both directions.
    pub(super) hung_up: bool,
    /// It was refused something for want of memory, and is counted.
    pub(super) shed: bool,
    /// Its own half is shut down.
    pub(super) shut: bool,
    /// Turns in a row that led nowhere.
    pub(super) barren: u8,
    pub(super) deadlines: Deadlines,
    /// When its nearest timer comes due; [`NEVER`] while it has none.
    pub(super) armed: u64,
}

impl Conn {
    pub(super) fn new(stream: Socket, peer: Option<IpAddr>, settings: &Settings, now_ns: u64) -> Self {
        let session = Session::new();
        let deadlines = Deadlines::new(&session, settings, now_ns);
        Self {
            stream,
            session,
            peer,
            unsent: None,
            charged: 0,
            origin: None,
            preface: settings.proxy_protocol && settings.trusted.contains(peer),
            readable: false,
            read_to_end: false,
            ended: false,
            write_armed: false,
            writable: false,
            listed: false,
            hung_up: false,
            shed: false,
            shut: false,
            barren: 0,
            deadlines,
            armed: NEVER,
        }
    }

    /// Counts a turn; whether too many in a row led nowhere, though the peer had its part to do.
    pub(super) fn is_barren(&mut self, progress: bool, waits_for_us: bool) -> bool {
        self.barren = match (progress, waits_for_us) {
            (true, _) => 0,
            (false, true) => self.barren,
            (false, false) => self.barren.saturating_add(1),
        };
        self.barren > BARREN_EVENTS_MAX
    }

    /// Tells the budget what it holds, if that has changed.
    #[inline(always)]
    pub(super) fn charge(&mut self, budget: &Budget) {
        let held = self.held_bytes();
        if held != self.charged {
            budget.change(self.charged, held);
            self.charged = held;
        }
    }

    /// Bytes of memory it holds.
    #[inline(always)]
    pub(super) fn held_bytes(&self) -> u64 {
        let unsent = self.unsent.as_ref().map_or(0, |unsent| size_of::<SendBuf>() + unsent.held_bytes());
        (unsent + self.session.held_bytes()) as u64
    }

    /// Bytes still to send.
    pub(super) fn queued(&self) -> u64 {
        self.unsent.as_ref().map_or(0, |unsent| unsent.len())
    }
}
