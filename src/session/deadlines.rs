//! How long a connection is waited for: one deadline for what it is doing, one for what it does not
//! take. Pure: the loop and the simulator give it the time.

use crate::limits::LINGER_NS;
use crate::session::http1::Http1;
use crate::session::{Phase, Settings};

/// A deadline that never comes.
pub const NEVER: u64 = u64::MAX;

/// When the patience with a connection ends, in nanoseconds of the monotonic clock; [`NEVER`] if it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    phase: Phase,
    served: u64,
    phase_due: u64,
    write_due: u64,
}

impl Deadlines {
    /// Those of a new connection: it has as long for its first head as for any other.
    pub fn new(session: &Http1, settings: &Settings, now_ns: u64) -> Self {
        Self { phase: session.phase(), served: 0, phase_due: now_ns + settings.head_ns, write_due: NEVER }
    }

    /// The nearer of the two.
    pub fn next(&self) -> u64 {
        self.phase_due.min(self.write_due)
    }

    /// Whether the peer has taken nothing for too long: then there is no way to tell it why.
    pub fn is_deaf(&self, now_ns: u64) -> bool {
        self.write_due <= now_ns
    }

    /// The connection was answered all it asked, and has taken it: [`Self::update`], the short way.
    #[inline]
    pub fn rest(&mut self, session: &Http1, settings: &Settings, now_ns: u64) {
        debug_assert_eq!(session.phase(), Phase::Idle);
        (self.phase, self.served) = (Phase::Idle, session.served());
        (self.phase_due, self.write_due) = (now_ns + settings.idle_ns, NEVER);
    }

    /// Moves the deadlines after a turn of the connection.
    pub fn update(&mut self, session: &Http1, moved: Moved, settings: &Settings, now_ns: u64) {
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
pub struct Moved {
    /// Something came from the peer.
    pub read: bool,
    /// The kernel took something for it.
    pub sent: bool,
    /// Bytes still to send.
    pub left: u64,
}

fn patience(phase: Phase, settings: &Settings) -> Option<u64> {
    match phase {
        Phase::Idle => Some(settings.idle_ns),
        Phase::Head => Some(settings.head_ns),
        Phase::Body => Some(settings.body_ns),
        Phase::Linger => Some(LINGER_NS),
        Phase::Working | Phase::Over => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, Moment, RouterBuilder};
    use crate::buffer::SendBuf;
    use crate::limits::SECOND_NS;
    use crate::session::Turn;
    use crate::wire::http1::HeadMemory;
    use std::sync::Arc;

    fn lingering(settings: &Settings) -> Http1 {
        let mut session = Http1::new();
        let mut app = App::new(Arc::new(RouterBuilder::new().build()), Vec::new(), Vec::new());
        let memory = HeadMemory::new();
        let (mut out, now) = (SendBuf::new(), Moment { monotonic_ns: 0, unix_ms: 0 });
        let mut turn = Turn {
            app: &mut app,
            settings,
            out: &mut out,
            date: b"",
            now,
            peer: None,
            draining: false,
            memory: &memory,
        };
        session.on_bytes(b"nonsense\r\n\r\n", &mut turn);
        assert_eq!(session.phase(), Phase::Linger);
        session
    }

    #[test]
    fn lingering_begins_when_the_last_answer_has_left() {
        let settings = Settings::default();
        let session = lingering(&settings);
        let mut deadlines = Deadlines::new(&session, &settings, 0);
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
