//! Bodies on their way in: kept whole, dropped, or handed to a sink piece by piece.

use std::ops::ControlFlow;

use crate::app::refusal::RefusalKind;
use crate::app::{Change, Lane, Sink, Value};
use crate::limits::{RECV_BUFFER_BYTES, SINK_CHUNK_BYTES};
use crate::session::http1::received::Received;
use crate::session::http1::{Http1, State};
use crate::session::{Done, Pressure, Turn, Work};
use crate::wire::http1::{BodyDecoder, Error, Framing, Trailers};

/// A body that is not complete yet.
pub(super) struct Receiving {
    decoder: BodyDecoder,
    /// Longest body, in bytes of content.
    max: u64,
    taken: u64,
    kind: Kind,
}

enum Kind {
    Keep,
    Drop,
    Sink(Streaming),
}

/// A body on its way to a sink, which is either here or away on a thread of the pool.
struct Streaming {
    sink: Option<Box<dyn Sink>>,
    /// Decoded and not yet given to the sink.
    buffer: Vec<u8>,
    /// The other buffer, while the sink is here.
    spare: Vec<u8>,
}

/// Why no more of a body is taken.
enum Stop {
    Malformed(Error),
    TooLarge,
}

impl Receiving {
    fn new(framing: Framing, max: u64, kind: Kind) -> Self {
        Self { decoder: BodyDecoder::new(framing), max, taken: 0, kind }
    }

    /// Whether there is room for more, and more to come.
    pub(super) fn wants_bytes(&self) -> bool {
        let room = match &self.kind {
            Kind::Keep | Kind::Drop => true,
            Kind::Sink(streaming) => streaming.buffer.len() < SINK_CHUNK_BYTES,
        };
        room && !self.decoder.is_done()
    }

    /// Bytes of memory that its buffers hold, with the one that is away at the sink.
    pub(super) fn held_bytes(&self) -> usize {
        let Kind::Sink(streaming) = &self.kind else { return 0 };
        let away = if streaming.sink.is_none() { SINK_CHUNK_BYTES } else { 0 };
        streaming.buffer.capacity() + streaming.spare.capacity() + away
    }

    /// Drops what was received; the sink, if it is here, is for whoever may block.
    pub(super) fn into_sink(self) -> Option<Box<dyn Sink>> {
        match self.kind {
            Kind::Sink(streaming) => streaming.sink,
            Kind::Keep | Kind::Drop => None,
        }
    }

    /// Decodes as much of `bytes` as there is room for; how much that was.
    fn take(&mut self, bytes: &[u8], body: &mut Received) -> Result<usize, Stop> {
        let mut used = 0;
        while used < bytes.len() && self.wants_bytes() {
            let step = self.decoder.decode(&bytes[used..]).map_err(Stop::Malformed)?;
            used += step.consumed;
            self.taken += step.data.len() as u64;
            // A chunk that will be too much is refused before it comes.
            if self.taken.saturating_add(self.decoder.announced()) > self.max {
                return Err(Stop::TooLarge);
            }
            match &mut self.kind {
                Kind::Keep => body.keep(&step),
                Kind::Drop => {}
                Kind::Sink(streaming) => {
                    streaming.buffer.extend_from_slice(step.data);
                    body.trailers.push(step.trailers);
                }
            }
        }
        Ok(used)
    }
}

impl Http1 {
    /// Begins to read a body whole; `keep` says whether anybody wants it.
    pub(super) fn receive_buffer(&mut self, framing: Framing, max: u64, keep: bool) {
        let kind = if keep { Kind::Keep } else { Kind::Drop };
        self.own().receiving = Some(Receiving::new(framing, max, kind));
        self.state = State::Body;
    }

    /// Begins to hand a body to `sink`.
    pub(super) fn receive_stream(&mut self, sink: Box<dyn Sink>, framing: Framing, max: u64) {
        let streaming = Streaming { sink: Some(sink), buffer: Vec::new(), spare: Vec::new() };
        self.own().receiving = Some(Receiving::new(framing, max, Kind::Sink(streaming)));
        self.state = State::Stream;
        self.feed_sink();
    }

    /// Takes bytes of a body that is read whole.
    pub(super) fn on_body(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        if self.may_not_grow(turn) {
            self.shed(turn);
            return 0;
        }
        match self.take_body(bytes) {
            Ok((used, done)) => {
                if done {
                    self.call_saved(turn);
                }
                used
            }
            Err(stop) => self.refuse_body(stop, turn),
        }
    }

    /// Takes bytes of a body that goes to a sink.
    pub(super) fn on_stream(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        if self.may_not_grow(turn) {
            self.shed(turn);
            return 0;
        }
        match self.take_body(bytes) {
            Ok((used, _)) => {
                self.feed_sink();
                used
            }
            Err(stop) => self.refuse_body(stop, turn),
        }
    }

    /// A body that is kept ends when memory is all but gone; one that is dropped holds none.
    fn may_not_grow(&self, turn: &Turn<'_>) -> bool {
        let receiving = self.owned.as_ref().and_then(|owned| owned.receiving.as_ref());
        turn.pressure == Pressure::Hard && receiving.is_some_and(|receiving| !matches!(receiving.kind, Kind::Drop))
    }

    fn take_body(&mut self, bytes: &[u8]) -> Result<(usize, bool), Stop> {
        let owned = self.own();
        let receiving = owned.receiving.as_mut().expect("set with the state");
        let used = receiving.take(bytes, &mut owned.body)?;
        Ok((used, receiving.decoder.is_done()))
    }

    fn refuse_body(&mut self, stop: Stop, turn: &mut Turn<'_>) -> usize {
        match stop {
            Stop::Malformed(error) => self.refuse(RefusalKind::Malformed(error), turn),
            Stop::TooLarge => {
                let max = self.own().receiving.as_ref().map_or(0, |receiving| receiving.max);
                self.refuse(RefusalKind::BodyTooLarge(max), turn);
            }
        }
        0
    }

    /// The sink is back, with its emptied buffer.
    pub(super) fn on_sink(&mut self, sink: Box<dyn Sink>, buffer: Vec<u8>) {
        if let Some(Receiving { kind: Kind::Sink(streaming), .. }) = &mut self.own().receiving {
            streaming.sink = Some(sink);
            streaming.spare = buffer;
        }
        self.feed_sink();
    }

    /// Gives the sink a full buffer, or the last of the body, if it is here to take it.
    fn feed_sink(&mut self) {
        let owned = self.own();
        let Some(Receiving { decoder, kind: Kind::Sink(streaming), .. }) = &mut owned.receiving else { return };
        let last = decoder.is_done();
        if !last && streaming.buffer.len() < SINK_CHUNK_BYTES {
            return;
        }
        let Some(sink) = streaming.sink.take() else { return };
        let spare = core::mem::take(&mut streaming.spare);
        let bytes = core::mem::replace(&mut streaming.buffer, spare);
        let end = last.then(|| owned.body.trailers.clone());
        self.put_work(Work { lane: Lane::Io, run: Box::new(move || feed(sink, bytes, end)) });
    }

    /// The sink has ended: with the whole body, or before.
    pub(super) fn end_stream(&mut self, value: Value, early: bool, turn: &mut Turn<'_>) {
        let owned = self.own();
        let whole = owned.receiving.take().is_some_and(|receiving| receiving.decoder.is_done());
        owned.body_unread = early && !whole;
        if !whole {
            owned.body.trailers.clear(); // a part of them says nothing
        }
        self.state = State::Working;
        self.resume(value, turn);
    }
}

/// Runs on a thread of the pool. With the last bytes of a body come the fields behind it.
fn feed(mut sink: Box<dyn Sink>, mut bytes: Vec<u8>, end: Option<Trailers>) -> (Done, Vec<Change>) {
    // The length of one read at most was added to a buffer that was nearly full.
    debug_assert!(bytes.len() <= SINK_CHUNK_BYTES + RECV_BUFFER_BYTES);
    if let ControlFlow::Break(outcome) = sink.write(&bytes) {
        return (Done::Enough(outcome.value), outcome.changes);
    }
    let Some(trailers) = end else {
        bytes.clear();
        return (Done::Sink(sink, bytes), Vec::new());
    };
    if !trailers.is_empty()
        && let ControlFlow::Break(outcome) = sink.trailers(&trailers)
    {
        return (Done::Enough(outcome.value), outcome.changes);
    }
    let outcome = sink.finish();
    (Done::Value(outcome.value), outcome.changes)
}
