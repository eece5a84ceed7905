//! A connection that speaks HTTP/1.1.
//!
//! ```text
//!            head          body complete        Flow::Wait
//!   Head ───────────▶ Body ─────────────▶ call ───────────▶ Working ─┐
//!    ▲  └── no body ──────────────────────▶ │ ▲                  │   │ resume
//!    │                                      │ └──────────────────┘◀──┘
//!    └────────────── answered ──────────────┘ Flow::Receive ▶ Stream ▶ resume
//!                        └─ closes ▶ Linger / Over
//! ```
//!
//! One request at a time: pipelined ones wait as bytes. A connection owns memory (`Owned`) only
//! while a message is incomplete or a job runs; between requests it is a few words.

mod call;
mod receive;
mod received;
mod refuse;
mod request;
mod sending;
#[cfg(test)]
mod tests;

use crate::app::refusal::RefusalKind;
use crate::app::router::Params;
use crate::app::ws::Upgrade;
use crate::app::{Caller, Progress, Value};
use crate::limits::{LINGER_BYTES_MAX, REQUESTS_PER_TURN_MAX, SEND_HIGH_WATER_BYTES};
use crate::session::{Done, Phase, Pressure, Turn, Work};
use crate::wire::http1::{Error, HeadScan, parse_head, slots};

use receive::Receiving;
use received::Received;
use sending::Sending;

/// A connection.
pub struct Http1 {
    state: State,
    served: u64,
    /// The peer sends no more.
    peer_done: bool,
    /// The request under way is HEAD: not even a refusal of it has a body.
    head_only: bool,
    /// It was refused a request, or the rest of one, for want of memory.
    shed: bool,
    /// A body broke off whose end is that of the connection.
    cut: bool,
    owned: Option<Box<Owned>>,
}

enum State {
    Head,
    Body,
    Stream,
    Working,
    Sending,
    /// The answer was that this is a WebSocket from now on.
    Upgraded,
    Linger {
        dropped: u64,
    },
    Over,
}

/// What a connection holds while a message is incomplete.
#[derive(Default)]
struct Owned {
    /// Received and not yet used.
    rest: Vec<u8>,
    /// How far `rest` was searched for the end of its head; `None` if it was not looked at yet.
    scan: Option<HeadScan>,
    /// The bytes of the current request's head.
    head: Vec<u8>,
    progress: Option<Progress>,
    receiving: Option<Receiving>,
    /// The body, once whole.
    body: Received,
    /// The body was not read to its end, or the node is too busy: this answer must be the last.
    body_unread: bool,
    work: Option<Work>,
    /// For the slice, should the work find no place in its queue.
    instead: Option<Value>,
    sending: Option<Sending>,
    upgrade: Option<(Box<Upgrade>, Caller)>,
    /// What was given up or has ended, and may block whoever drops it.
    abandoned: Vec<Box<dyn Send>>,
}

impl Http1 {
    /// A new connection.
    pub fn new() -> Self {
        Self { state: State::Head, served: 0, peer_done: false, head_only: false, shed: false, cut: false, owned: None }
    }

    /// Takes what was received: [`Self::rest`] and the bytes after it.
    #[inline(always)]
    pub fn on_bytes(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        let consumed = self.pump(bytes, turn);
        let mut rest = &bytes[consumed..];
        if turn.pressure == Pressure::Hard && !rest.is_empty() && matches!(self.state, State::Head) {
            self.shed(turn);
            rest = &[];
        }
        self.keep_rest(rest);
    }

    /// Goes on with [`Self::rest`], after [`Self::is_ready`].
    pub fn on_ready(&mut self, turn: &mut Turn<'_>) {
        let rest = self.owned.as_mut().map(|owned| core::mem::take(&mut owned.rest)).unwrap_or_default();
        self.on_held_bytes(&rest, turn);
        self.end_if_peer_done();
        // The head of a streamed answer may have left before the node began to go away.
        if turn.draining && matches!(self.state, State::Head) && self.rest().is_empty() {
            self.end();
        }
    }

    /// [`Self::on_bytes`] off the path of plain requests, into which alone it is inlined.
    #[inline(never)]
    fn on_held_bytes(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        self.on_bytes(bytes, turn);
    }

    /// Takes the result of the work.
    pub fn on_done(&mut self, done: Done, turn: &mut Turn<'_>) {
        let (working, streaming) = (matches!(self.state, State::Working), matches!(self.state, State::Stream));
        let sending = matches!(self.state, State::Sending);
        match done {
            Done::Value(value) if working => self.resume(value, turn),
            Done::Sink(sink, buffer) if streaming => self.on_sink(sink, buffer),
            Done::Value(value) if streaming => self.end_stream(value, false, turn),
            Done::Enough(value) if streaming => self.end_stream(value, true, turn),
            Done::Busy if working || streaming => self.on_busy(turn),
            Done::Panicked if working || streaming => self.refuse(RefusalKind::Failed, turn),
            Done::Source(source, piece, pull) if sending => self.take_piece(source, piece, pull, turn),
            Done::Wake if sending => self.on_woken(),
            Done::Busy | Done::Panicked if sending => self.break_off(),
            // The connection gave up meanwhile; whoever drops these may have to block.
            Done::Sink(sink, _) => self.own().abandoned.push(Box::new(sink)),
            Done::Source(source, ..) => self.own().abandoned.push(Box::new(source)),
            Done::Value(value) | Done::Enough(value) => self.own().abandoned.push(Box::new(value)),
            _ => {}
        }
        self.on_ready(turn);
    }

    /// The peer will send no more.
    pub fn on_eof(&mut self) {
        self.peer_done = true;
        self.end_if_peer_done();
    }

    /// The deadline of the current [`Phase`] has passed.
    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        let begun = self.owned.as_ref().is_some_and(|owned| !owned.rest.is_empty());
        match self.state {
            State::Head if begun => self.refuse(RefusalKind::HeadTimeout, turn),
            State::Body | State::Stream => self.refuse(RefusalKind::BodyTimeout, turn),
            State::Sending => self.break_off(),
            _ => self.end(),
        }
        // Whoever was too slow to ask is not waited for again.
        if matches!(self.state, State::Linger { .. }) {
            self.end();
        }
    }

    /// The node is going away: ends the connection if nothing is under way.
    pub fn on_drain(&mut self) {
        match self.state {
            State::Head if self.rest().is_empty() => self.end(),
            State::Sending => self.drain_source(),
            _ => {}
        }
    }

    /// Bytes received and not yet used; the next read goes after them.
    #[inline]
    pub fn rest(&self) -> &[u8] {
        self.owned.as_ref().map_or(&[], |owned| &owned.rest)
    }

    /// Whether [`Self::on_ready`] would get further without more bytes.
    #[inline]
    pub fn is_ready(&self, queued: u64) -> bool {
        let Some(owned) = &self.owned else { return false };
        match self.state {
            State::Head => self.holds_requests() && queued < SEND_HIGH_WATER_BYTES as u64,
            State::Body | State::Linger { .. } => !owned.rest.is_empty(),
            State::Stream => !owned.rest.is_empty() && owned.wants_body(),
            State::Sending => {
                owned.sending.as_ref().is_some_and(|sending| sending.is_ready(queued)) || self.wants_wake()
            }
            State::Working | State::Upgraded | State::Over => false,
        }
    }

    /// Whether more bytes are of use; `queued` bytes have not left yet.
    #[inline]
    pub fn wants_read(&self, queued: u64) -> bool {
        if self.peer_done {
            return false;
        }
        match self.state {
            // First what is at hand: it is at most one incomplete head when more is read.
            State::Head => queued < SEND_HIGH_WATER_BYTES as u64 && !self.holds_requests(),
            State::Stream => self.owned.as_ref().is_some_and(|owned| owned.wants_body()),
            State::Body | State::Linger { .. } => true,
            State::Working | State::Sending | State::Upgraded | State::Over => false,
        }
    }

    /// Whether [`Self::take_work`], [`Self::wants_wake`], [`Self::take_upgrade`] or [`Self::take_ended`] has
    /// something for the loop.
    #[inline]
    pub fn has_effects(&self) -> bool {
        self.owned.as_ref().is_some_and(|owned| {
            owned.work.is_some()
                || !owned.abandoned.is_empty()
                || owned.sending.is_some() && self.wants_wake()
                || owned.upgrade.is_some()
        })
    }

    /// Work to be done for this connection, once.
    pub fn take_work(&mut self) -> Option<Work> {
        self.owned.as_mut()?.work.take()
    }

    /// Whether [`Self::take_upgrade`] has something.
    pub fn wants_upgrade(&self) -> bool {
        self.owned.as_ref().is_some_and(|owned| owned.upgrade.is_some())
    }

    /// What it has become, for whom, and the bytes that came behind the request; once.
    pub fn take_upgrade(&mut self) -> Option<(Upgrade, Caller, Vec<u8>)> {
        let owned = self.owned.as_mut()?;
        let (upgrade, caller) = owned.upgrade.take()?;
        Some((*upgrade, caller, core::mem::take(&mut owned.rest)))
    }

    /// Sinks and sources of bodies that are over, and what was made for nobody: whoever drops them may
    /// have to block.
    pub fn take_ended(&mut self) -> Option<Box<dyn Send>> {
        let owned = self.owned.as_mut()?;
        let ended = core::mem::take(&mut owned.abandoned);
        if matches!(self.state, State::Head) && owned.rest.is_empty() {
            self.owned = None;
        }
        if ended.is_empty() { None } else { Some(Box::new(ended)) }
    }

    /// The same, and those of bodies that are not over: for when they never will be.
    pub fn take_abandoned(&mut self) -> Option<Box<dyn Send>> {
        if let Some(owned) = &mut self.owned {
            owned.abandon();
        }
        self.take_ended()
    }

    /// Requests answered or begun so far.
    pub fn served(&self) -> u64 {
        self.served
    }

    /// Whether it was refused something for want of memory; it ends then.
    pub fn was_shed(&self) -> bool {
        self.shed
    }

    /// Bytes of memory that it holds, with what is away at a sink or source.
    #[inline]
    pub fn held_bytes(&self) -> usize {
        self.owned.as_ref().map_or(0, |owned| owned.held_bytes())
    }

    /// Between two requests, with nothing received and nothing under way: [`Phase::Idle`].
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.owned.is_none() && self.served > 0 && matches!(self.state, State::Head)
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Head if self.served > 0 && self.rest().is_empty() => Phase::Idle,
            // The peer has done its part: it is we who hold its requests back.
            State::Head if self.holds_requests() => Phase::Working,
            State::Head => Phase::Head,
            State::Body => Phase::Body,
            State::Stream if self.owned.as_ref().is_some_and(|owned| owned.wants_body()) => Phase::Body,
            State::Stream | State::Working | State::Sending | State::Upgraded => Phase::Working,
            State::Linger { .. } => Phase::Linger,
            State::Over => Phase::Over,
        }
    }

    /// Uses as much of `bytes` as it can; how much that was.
    #[inline(always)]
    fn pump(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let mut used = 0;
        let mut begun = 0;
        loop {
            let left = &bytes[used..];
            match &mut self.state {
                State::Head => {
                    let held = begun == REQUESTS_PER_TURN_MAX || turn.out.len() >= SEND_HIGH_WATER_BYTES as u64;
                    if left.is_empty() || held {
                        break;
                    }
                    match self.on_head(left, turn) {
                        Some(count) => used += count,
                        None if matches!(self.state, State::Head) => break,
                        None => {} // refused: what is left is dropped below
                    }
                    begun += 1;
                }
                State::Body => {
                    used += self.on_body(left, turn);
                    if matches!(self.state, State::Body) {
                        break;
                    }
                }
                State::Stream => {
                    used += self.on_stream(left, turn);
                    if matches!(self.state, State::Stream) {
                        break;
                    }
                }
                State::Linger { dropped } => {
                    *dropped += left.len() as u64;
                    used = bytes.len();
                    if *dropped > LINGER_BYTES_MAX {
                        self.end();
                    }
                    break;
                }
                State::Sending => {
                    self.pump_source(turn);
                    if matches!(self.state, State::Sending) {
                        break;
                    }
                }
                State::Working | State::Upgraded => break,
                State::Over => return bytes.len(),
            }
        }
        used
    }

    /// Begins the request in front of `bytes`; `None` when its head is incomplete.
    #[inline(always)]
    fn on_head(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Option<usize> {
        let memory = turn.memory;
        if self.owned.is_none()
            && let Some((head, count, route)) = memory.heads.recall(bytes)
        {
            self.served += 1;
            let (bytes, after) = bytes.split_at(count);
            return Some(count + self.begin_found(&head, bytes, after, (route, Params::default()), turn));
        }
        self.on_new_head(bytes, turn)
    }

    /// The same for a head that is not remembered.
    #[inline(never)]
    fn on_new_head(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Option<usize> {
        let memory = turn.memory;
        if self.owned.is_none()
            && let Some((head, count)) = memory.heads.parse(bytes, &turn.settings.head)
        {
            let (bytes, after) = bytes.split_at(count);
            self.served += 1;
            return Some(count + self.begin(&head, bytes, after, Some(memory), turn));
        }
        self.on_other_head(bytes, turn)
    }

    /// The same for a head that came in pieces, or is not one of those that clients usually send.
    fn on_other_head(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Option<usize> {
        let limits = &turn.settings.head;
        if let Some(owned) = &mut self.owned
            && let Some(scan) = &mut owned.scan
        {
            // Only a head that came in pieces has been scanned: parsing it once it is whole keeps
            // the work linear in its bytes.
            match scan.scan(bytes, limits) {
                Ok(true) => owned.scan = None,
                Ok(false) => return None,
                Err(error) => return self.refuse_head(error, turn),
            }
        }
        let fields = slots();
        match parse_head(bytes, &fields, limits) {
            Ok(Some((head, count))) => {
                self.served += 1;
                Some(count + self.begin(&head, &bytes[..count], &bytes[count..], None, turn))
            }
            Ok(None) => self.begin_scan(bytes, turn),
            Err(error) => self.refuse_head(error, turn),
        }
    }

    fn begin_scan(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Option<usize> {
        let mut scan = HeadScan::default();
        match scan.scan(bytes, &turn.settings.head) {
            Ok(_) => {
                self.own().scan = Some(scan);
                None
            }
            Err(error) => self.refuse_head(error, turn),
        }
    }

    fn refuse_head(&mut self, error: Error, turn: &mut Turn<'_>) -> Option<usize> {
        self.refuse(RefusalKind::Malformed(error), turn);
        None
    }

    fn own(&mut self) -> &mut Owned {
        self.owned.get_or_insert_default()
    }

    #[inline(always)]
    fn keep_rest(&mut self, rest: &[u8]) {
        if !rest.is_empty() || self.owned.is_some() {
            self.own_rest(rest);
        }
    }

    fn own_rest(&mut self, rest: &[u8]) {
        match &mut self.owned {
            Some(owned) => {
                owned.rest.clear();
                owned.rest.extend_from_slice(rest);
                if rest.is_empty() && matches!(self.state, State::Head) && owned.abandoned.is_empty() {
                    self.owned = None;
                }
            }
            None if rest.is_empty() => {}
            None => self.own().rest = rest.to_vec(),
        }
    }

    /// Between requests, with bytes at hand that were not looked at yet.
    fn holds_requests(&self) -> bool {
        self.owned.as_ref().is_some_and(|owned| !owned.rest.is_empty() && owned.scan.is_none())
    }

    fn end_if_peer_done(&mut self) {
        let stuck = match self.state {
            State::Head => !self.is_ready(0),
            State::Body | State::Linger { .. } => true,
            // What has arrived may still complete the body; if all of it was used, it will not.
            State::Stream => self.owned.as_ref().is_none_or(|owned| owned.rest.is_empty() && owned.wants_body()),
            State::Working | State::Sending | State::Upgraded | State::Over => false,
        };
        if self.peer_done && stuck {
            self.end();
        }
    }

    fn end(&mut self) {
        self.state = State::Over;
    }
}

impl Default for Http1 {
    fn default() -> Self {
        Self::new()
    }
}

impl Owned {
    fn held_bytes(&self) -> usize {
        let receiving = self.receiving.as_ref().map_or(0, Receiving::held_bytes);
        let sending = self.sending.as_ref().map_or(0, Sending::held_bytes);
        let kept = self.rest.capacity() + self.head.capacity() + self.body.held_bytes();
        size_of::<Self>() + kept + receiving + sending
    }

    fn wants_body(&self) -> bool {
        self.receiving.as_ref().is_some_and(Receiving::wants_bytes)
    }

    /// Gives back what a message held. A lingering connection needs none of it.
    fn forget_message(&mut self) {
        self.abandon();
        self.head = Vec::new();
        self.body = Received::default();
        self.progress = None;
        self.instead = None;
        self.body_unread = false;
    }

    /// The sink or source that is here will not be used any more.
    fn abandon(&mut self) {
        let sink = self.receiving.take().and_then(Receiving::into_sink);
        let source = self.sending.take().and_then(Sending::into_blocking);
        self.abandoned.extend(sink.map(|sink| Box::new(sink) as Box<dyn Send>));
        self.abandoned.extend(source.map(|source| Box::new(source) as Box<dyn Send>));
    }
}

/// What the pool gives back for a job of the app.
pub(super) fn value_work(lane: crate::app::Lane, job: crate::app::Job) -> Work {
    let run = Box::new(move || {
        let outcome = job();
        (Done::Value(outcome.value as Value), outcome.changes)
    });
    Work { lane, run }
}
