//! Bodies on their way out that come piece by piece from a source.
//!
//! The source is asked only while less than the high-water mark waits for the peer: a slow reader
//! holds it up, not the node's memory. On the loop it is called here; on the pool it travels with a
//! buffer and comes back, one trip at a time.

use crate::app::reply::Streamed;
use crate::app::{Pull, Source, Wake};
use crate::limits::{PULLS_PER_TURN_MAX, SEND_HIGH_WATER_BYTES};
use crate::session::http1::{Http1, State};
use crate::session::{Done, Turn, Work};
use crate::wire::http1::emit;

/// A body that has not all left its source.
pub(super) struct Sending {
    /// Here, or away on a thread of the pool.
    source: Option<Box<dyn Source>>,
    /// `None` before the source was started.
    wake: Option<Wake>,
    /// The source is worth asking.
    more: bool,
    /// The source was told that the node is going away.
    drained: bool,
    piece: Vec<u8>,
    how: Framed,
    /// What the connection does after the body.
    after: After,
}

/// How the body is delimited.
enum Framed {
    /// Bytes still promised.
    Length(u64),
    /// Whether the client wants trailers.
    Chunked(bool),
    Close,
}

/// What follows the body.
#[derive(Clone, Copy)]
pub(super) struct After {
    pub(super) closes: bool,
    pub(super) peer_may_send: bool,
}

impl Sending {
    /// Whether it gets further without anything from outside.
    pub(super) fn is_ready(&self, queued: u64) -> bool {
        self.wake.is_some() && self.more && self.source.is_some() && queued < SEND_HIGH_WATER_BYTES as u64
    }

    /// Bytes of memory that its piece holds while it is here.
    pub(super) fn held_bytes(&self) -> usize {
        self.piece.capacity()
    }

    /// The source, if it is here and dropping it may block.
    pub(super) fn into_blocking(self) -> Option<Box<dyn Source>> {
        self.source.filter(|source| source.lane().is_some())
    }
}

impl Http1 {
    /// Begins to send a body whose head is written.
    pub(super) fn send_from(&mut self, source: Box<dyn Source>, how: Streamed, trailers: bool, after: After) {
        let how = match how {
            Streamed::NoBody | Streamed::Length(0) => return self.send_nothing(source, after),
            Streamed::Length(length) => Framed::Length(length),
            Streamed::Chunked => Framed::Chunked(trailers),
            Streamed::Close => Framed::Close,
        };
        let sending =
            Sending { source: Some(source), wake: None, more: true, drained: false, piece: Vec::new(), how, after };
        self.own().sending = Some(sending);
        self.state = State::Sending;
    }

    fn send_nothing(&mut self, source: Box<dyn Source>, after: After) {
        if source.lane().is_some() {
            self.own().abandoned.push(Box::new(source));
        }
        self.finish(after.closes, after.peer_may_send);
    }

    /// Whether the connection must end by a reset: a part of a body must not be taken for all of it.
    pub fn must_be_reset(&self) -> bool {
        self.cut
    }

    /// Whether a source waits for [`Self::on_wake_made`].
    pub fn wants_wake(&self) -> bool {
        matches!(self.state, State::Sending) && self.sending().is_some_and(|sending| sending.wake.is_none())
    }

    /// Whether nothing can be sent before the source says that it has more. One that is away on the pool
    /// is at work.
    pub fn awaits_source(&self) -> bool {
        let is_silent = |sending: &Sending| sending.source.is_some() && sending.wake.is_some() && !sending.more;
        matches!(self.state, State::Sending) && self.sending().is_some_and(is_silent)
    }

    /// Starts the source with what it tells us by that it has more.
    pub fn on_wake_made(&mut self, wake: Wake, turn: &mut Turn<'_>) {
        if let Some(sending) = self.sending_mut() {
            if let Some(source) = &mut sending.source {
                source.on_start(wake.clone());
            }
            sending.wake = Some(wake);
        }
        self.on_ready(turn);
    }

    pub(super) fn sending(&self) -> Option<&Sending> {
        self.owned.as_ref()?.sending.as_ref()
    }

    fn sending_mut(&mut self) -> Option<&mut Sending> {
        self.owned.as_mut()?.sending.as_mut()
    }

    /// The source has said that there is more.
    pub(super) fn on_woken(&mut self) {
        if let Some(sending) = self.sending_mut() {
            if let Some(wake) = &sending.wake {
                wake.heard();
            }
            sending.more = true;
        }
    }

    /// Tells the source that the node is going away.
    pub(super) fn drain_source(&mut self) {
        if let Some(sending) = self.sending_mut()
            && let Some(source) = &mut sending.source
        {
            source.on_drain();
            (sending.drained, sending.more) = (true, true);
        }
    }

    /// Whether a body is on its way from a source: pointless once the peer is gone.
    pub fn is_sending(&self) -> bool {
        matches!(self.state, State::Sending)
    }

    /// Takes what the source has, as far as the peer keeps up.
    pub(super) fn pump_source(&mut self, turn: &mut Turn<'_>) {
        for _ in 0..PULLS_PER_TURN_MAX {
            let Some(sending) = self.sending_mut() else { return };
            if !sending.is_ready(turn.out.len()) {
                return;
            }
            let Some(mut source) = sending.source.take() else { return };
            // A wake from now on counts, wherever the source is.
            sending.more = false;
            let mut piece = core::mem::take(&mut sending.piece);
            if let Some(lane) = source.lane() {
                let run = Box::new(move || {
                    let pull = source.pull(&mut piece);
                    (Done::Source(source, piece, pull), Vec::new())
                });
                return self.put_work(Work { lane, run });
            }
            let pull = source.pull(&mut piece);
            self.take_piece(source, piece, pull, turn);
        }
    }

    /// Puts a piece into its frame; the source is here again.
    pub(super) fn take_piece(
        &mut self,
        mut source: Box<dyn Source>,
        mut piece: Vec<u8>,
        pull: Pull,
        turn: &mut Turn<'_>,
    ) {
        let Some(sending) = self.sending_mut() else { return };
        if turn.draining && !sending.drained {
            (sending.drained, sending.more) = (true, true);
            source.on_drain();
        }
        sending.source = Some(source);
        sending.more |= pull == Pull::More;
        let whole = frame(&mut sending.how, &piece, turn);
        piece.clear();
        sending.piece = piece;
        let is_all = matches!(sending.how, Framed::Length(0));
        match pull {
            Pull::End if whole => self.end_body(turn),
            // What was promised has been given: nothing is left to ask for.
            Pull::More | Pull::Later if whole && is_all => self.end_body(turn),
            Pull::More | Pull::Later if whole => {}
            // A body that is not what its head says must not be taken for one that is.
            _ => self.break_off(),
        }
    }

    /// The body is complete.
    fn end_body(&mut self, turn: &mut Turn<'_>) {
        let Some(mut sending) = self.owned.as_mut().and_then(|owned| owned.sending.take()) else { return };
        let complete = match (&sending.how, &mut sending.source) {
            (Framed::Length(left), _) => *left == 0,
            (Framed::Chunked(true), Some(source)) => {
                emit::last_chunk(turn.out, &source.trailers());
                true
            }
            (Framed::Chunked(_), _) => {
                emit::last_chunk(turn.out, &[]);
                true
            }
            (Framed::Close, _) => true,
        };
        let after = sending.after;
        self.own().abandoned.extend(sending.into_blocking().map(|source| Box::new(source) as Box<dyn Send>));
        match complete {
            true => self.finish(after.closes, after.peer_may_send),
            false => self.end(),
        }
    }

    /// The rest of the body cannot be had.
    pub(super) fn break_off(&mut self) {
        // Where the end of the connection is that of the body, an orderly end would say it was whole.
        self.cut = self.sending().is_some_and(|sending| matches!(sending.how, Framed::Close));
        self.forget_message();
        self.end();
    }
}

/// Writes a piece in its frame; `false` if it is more than the head has promised.
fn frame(how: &mut Framed, piece: &[u8], turn: &mut Turn<'_>) -> bool {
    match how {
        Framed::Length(left) => match left.checked_sub(piece.len() as u64) {
            Some(rest) => *left = rest,
            None => return false,
        },
        Framed::Chunked(_) => {
            emit::chunk(turn.out, piece);
            return true;
        }
        Framed::Close => {}
    }
    turn.out.put(piece);
    true
}
