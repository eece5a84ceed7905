//! A connection of the loop: a socket, a session, and what the loop remembers of both.

use std::net::IpAddr;

use mio::net::TcpStream;

use crate::buffer::SendBuf;
use crate::limits::BARREN_EVENTS_MAX;
use crate::session::http1::Http1;
use crate::session::{Phase, Settings};

/// A connection.
pub(super) struct Conn {
    pub(super) stream: TcpStream,
    pub(super) session: Http1,
    pub(super) peer: IpAddr,
    /// What the kernel would not take yet.
    pub(super) unsent: Option<Box<SendBuf>>,
    /// Bytes may be waiting in the kernel: set by an event, cleared by a short read.
    pub(super) readable: bool,
    /// Short reads say nothing any more: the peer has ended, or sent urgent data, at whose mark
    /// reads stop. Only `WouldBlock` does.
    pub(super) read_to_end: bool,
    /// Write interest is armed: the kernel took less than everything.
    pub(super) write_armed: bool,
    /// The kernel takes more again.
    pub(super) writable: bool,
    /// In the list of connections to drive, once; cleared when its turn comes and not before, even
    /// if something else drives it meanwhile.
    pub(super) listed: bool,
    /// Its own half is shut down.
    pub(super) shut: bool,
    /// Turns in a row that led nowhere.
    pub(super) barren: u8,
    pub(super) deadlines: Deadlines,
}

/// When a connection's patience ends: nanoseconds, `u64::MAX` for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadlines {
    phase: Phase,
    served: u64,
    pub(super) phase_due: u64,
    pub(super) write_due: u64,
    /// When its nearest timer comes due.
    pub(super) armed: u64,
}

const NEVER: u64 = u64::MAX;

impl Deadlines {
    pub(super) fn next(&self) -> u64 {
        self.phase_due.min(self.write_due)
    }

    /// Moves the deadlines after a turn in which the connection read `read` bytes and sent `sent`.
    pub(super) fn update(&mut self, session: &Http1, moved: Moved, settings: &Settings, now_ns: u64) {
        let (phase, served) = (phase_to_time(session, moved.left), session.served());
        let begun = phase != self.phase || served != self.served;
        let renewed = match phase {
            // A head has one deadline from its first byte; a body one from each piece to the next.
            Phase::Head | Phase::Linger => begun,
            Phase::Body => begun || moved.read,
            Phase::Idle => begun || moved.sent,
            Phase::Working | Phase::Over => true,
        };
        if renewed {
            self.phase_due = patience(phase, settings).map_or(NEVER, |ns| now_ns + ns);
        }
        (self.phase, self.served) = (phase, served);
        if moved.left == 0 {
            self.write_due = NEVER;
        } else if moved.sent || self.write_due == NEVER {
            self.write_due = now_ns + settings.write_ns;
        }
    }
}

/// What the peer is timed for. While it has an answer to take, only the write deadline runs: it is
/// not idle, a head that we do not read for that long is not slow, and lingering begins when all of
/// the last answer has left.
fn phase_to_time(session: &Http1, left: u64) -> Phase {
    match session.phase() {
        Phase::Idle | Phase::Linger if left > 0 => Phase::Working,
        Phase::Head if !session.wants_read(left) => Phase::Working,
        phase => phase,
    }
}

/// What moved in a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    pub(super) read: bool,
    pub(super) sent: bool,
    /// Bytes still to send.
    pub(super) left: u64,
}

fn patience(phase: Phase, settings: &Settings) -> Option<u64> {
    match phase {
        Phase::Idle => Some(settings.idle_ns),
        Phase::Head => Some(settings.head_ns),
        Phase::Body => Some(settings.body_ns),
        Phase::Linger => Some(crate::limits::LINGER_NS),
        Phase::Working | Phase::Over => None,
    }
}

impl Conn {
    pub(super) fn new(stream: TcpStream, peer: IpAddr, settings: &Settings, now_ns: u64) -> Self {
        let session = Http1::new();
        let due = now_ns + settings.head_ns;
        let deadlines = Deadlines { phase: session.phase(), served: 0, phase_due: due, write_due: NEVER, armed: NEVER };
        Self {
            stream,
            session,
            peer,
            unsent: None,
            readable: false,
            read_to_end: false,
            write_armed: false,
            writable: false,
            listed: false,
            shut: false,
            barren: 0,
            deadlines,
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

    /// Bytes still to send.
    pub(super) fn queued(&self) -> u64 {
        self.unsent.as_ref().map_or(0, |unsent| unsent.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, Moment, RouterBuilder};
    use crate::limits::{LINGER_NS, SECOND_NS};
    use crate::session::Turn;
    use std::sync::Arc;

    fn lingering(settings: &Settings) -> Http1 {
        let mut session = Http1::new();
        let mut app = App::new(Arc::new(RouterBuilder::new().build()), Vec::new(), Vec::new());
        let (mut out, now) = (SendBuf::new(), Moment { monotonic_ns: 0, unix_ms: 0 });
        let mut turn = Turn { app: &mut app, settings, out: &mut out, date: b"", now, peer: None, draining: false };
        session.on_bytes(b"nonsense\r\n\r\n", &mut turn);
        assert_eq!(session.phase(), Phase::Linger);
        session
    }

    #[test]
    fn lingering_begins_when_the_last_answer_has_left() {
        let settings = Settings::default();
        let session = lingering(&settings);
        let mut deadlines = Deadlines { phase: Phase::Head, served: 0, phase_due: 1, write_due: NEVER, armed: NEVER };
        for second in 0..20 {
            let now_ns = second * SECOND_NS;
            deadlines.update(&session, Moved { read: false, sent: true, left: 9 }, &settings, now_ns);
            assert_eq!(deadlines.next(), now_ns + settings.write_ns, "only the write is timed");
        }
        deadlines.update(&session, Moved { read: false, sent: true, left: 0 }, &settings, 20 * SECOND_NS);
        assert_eq!(deadlines.next(), 20 * SECOND_NS + LINGER_NS);
        deadlines.update(&session, Moved { read: true, sent: false, left: 0 }, &settings, 21 * SECOND_NS);
        assert_eq!(deadlines.next(), 20 * SECOND_NS + LINGER_NS, "what is dropped wins no time");
    }
}
