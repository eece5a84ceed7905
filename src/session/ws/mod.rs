//! A connection that speaks WebSocket (RFC 6455).
//!
//! ```text
//!            on_bytes ▶ frames ▶ message ▶ Channel            close frame, ours or theirs
//!   Open ◀──────────────────────────────────┘ │      ─────────────▶ Closing ──▶ Linger ──▶ Over
//!    │ ▲                           Link::wait │                       theirs came, or time is up
//!    ▼ └──────────────── on_done ◀────────────┘
//!   (a job is under way: nothing is read)
//! ```
//!
//! A connection owns memory only while a message is incomplete, or while its peer does not take what it is
//! sent. A peer that is silent is asked with a ping, and given up if it stays so.

mod compression;
pub mod deflate;
#[cfg(test)]
mod tests;

use crate::app::ws::{ABNORMAL, NO_STATUS};
use crate::app::ws::{
    Act, Address, Ask, Channel, Closed, Failed, Link, Message, Outgoing, Outlet, Sender, Topic, Upgrade, Way,
};
use crate::app::{Caller, Identity, Value};
use crate::buffer::Aligned;
use crate::limits::{LINGER_BYTES_MAX, SEND_HIGH_WATER_BYTES, WS_EVENTS_PER_TURN_MAX, WS_READ_ON_BYTES};
use crate::session::http1::value_work;
use crate::session::{Done, Phase, Pressure, Turn, Work};
use crate::wire::ws::{Code, Decoder, Event, Kind, Limits, Payload, Role};
use compression::{Compressing, Deflate};

use std::net::IpAddr;
use std::sync::Arc;

/// A connection.
pub struct Ws {
    channel: Box<dyn Channel>,
    decoder: Decoder,
    outgoing: Outgoing,
    limits: Limits,
    state: State,
    sender: Sender,
    deflate: Option<Box<Deflate>>,
    topics: Vec<Topic>,
    /// Received and not looked at yet, because the channel or the peer holds us up.
    rest: Aligned,
    messages: u64,
    /// A job of the channel is under way.
    working: bool,
    /// The peer was asked whether it is there, and has said nothing since.
    pinged: bool,
    /// The peer sends no more.
    peer_done: bool,
    shed: bool,
    /// The channel was told how it ended.
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Our close frame is on its way, theirs has not come.
    Closing,
    /// All was said; what still comes is dropped so that the peer can read the end.
    Linger {
        dropped: u64,
    },
    Over,
}

impl Ws {
    /// A connection that was just agreed upon, with what its peer has sent since.
    pub fn new(upgrade: Upgrade, caller: Caller, peer: Option<IpAddr>, outlet: Arc<dyn Outlet>, at: Address) -> Self {
        let Upgrade { channel, terms, deflate } = upgrade;
        Self {
            channel,
            decoder: Decoder::new(Role::Server, deflate.is_some()),
            outgoing: Outgoing::new(terms.queue_bytes, terms.overflow).to(caller, peer),
            limits: terms.limits,
            state: State::Open,
            sender: Sender::new(outlet, at),
            deflate: deflate.map(|agreed| Box::new(Deflate::new(&agreed))),
            topics: Vec::new(),
            rest: Aligned::new(),
            messages: 0,
            working: false,
            pinged: false,
            peer_done: false,
            shed: false,
            told: false,
        }
    }

    /// Begins, with what the peer has sent already.
    pub fn on_open(&mut self, bytes: &mut [u8], turn: &mut Turn<'_>) {
        self.call(turn, |channel, link| channel.on_open(link));
        if turn.draining {
            self.call(turn, |channel, link| channel.on_drain(link));
        }
        self.on_bytes(bytes, turn);
    }

    /// Takes what was received.
    #[inline(never)]
    pub fn on_bytes(&mut self, bytes: &mut [u8], turn: &mut Turn<'_>) {
        self.pinged = false;
        let used = self.pump(bytes, turn);
        if used < bytes.len() {
            self.rest.extend_from_slice(&bytes[used..]);
        }
        if turn.pressure == Pressure::Hard && !self.decoder.is_between() {
            self.shed = true;
            self.fail(Code::TRY_LATER, "the node is short of memory", turn);
        }
    }

    /// Goes on with what waits.
    pub fn on_ready(&mut self, turn: &mut Turn<'_>) {
        self.outgoing.fill(turn.out);
        if !self.rest.is_empty() && self.takes_more(turn.out.len()) {
            let mut rest = core::mem::take(&mut self.rest);
            let used = self.pump(&mut rest, turn);
            self.rest.extend_from_slice(&rest[used..]);
        }
        self.end_if_peer_done();
    }

    /// Takes the result of a job, or what is done from outside.
    pub fn on_done(&mut self, done: Done, turn: &mut Turn<'_>) {
        match done {
            Done::Push(act) => self.on_push(&act, turn),
            Done::Value(value) => self.on_value(Ok(value), turn),
            Done::Busy => self.on_value(Err(Failed::Busy), turn),
            Done::Panicked => self.on_value(Err(Failed::Panicked), turn),
            // Nothing of the kind was asked for since this is a WebSocket.
            Done::Enough(_) | Done::Sink(..) | Done::Source(..) | Done::Wake => {}
        }
        self.on_ready(turn);
    }

    fn on_value(&mut self, value: Result<Value, Failed>, turn: &mut Turn<'_>) {
        if !self.outgoing.end_work() {
            return;
        }
        self.working = self.outgoing.has_work();
        if self.state != State::Open {
            return;
        }
        self.call_late(turn, |channel, link| match value {
            Ok(value) => channel.on_done(value, link),
            Err(failed) => channel.on_failed(failed, link),
        });
    }

    /// Is sent what a topic retains that it has subscribed to: as if the channel had sent it.
    pub fn on_retained(&mut self, act: &Act, turn: &mut Turn<'_>) {
        match act {
            Act::Message(framed) if self.state == State::Open => self.outgoing.send_framed(framed, turn.out),
            act => self.on_push(act, turn),
        }
        self.on_ready(turn);
    }

    /// Does what others want done.
    pub fn on_push(&mut self, act: &Act, turn: &mut Turn<'_>) {
        if self.state != State::Open {
            return;
        }
        match act {
            Act::Message(framed) => self.outgoing.push(framed, turn.out),
            Act::Close(code, reason) => self.outgoing.close(*code, reason, turn.out),
        }
        self.settle();
    }

    /// Another standing of this user is in force, or of anybody: who was let in as somebody has to come again.
    pub fn on_identity_change(&mut self, user: Option<&str>, turn: &mut Turn<'_>) {
        let is_meant = self.outgoing.identity().user().is_some_and(|own| user.is_none_or(|user| **own == *user));
        if is_meant && self.state == State::Open {
            self.outgoing.close(Code::POLICY, "what you may do has changed: connect again", turn.out);
            self.settle();
        }
    }

    /// The peer will send no more.
    pub fn on_eof(&mut self) {
        self.peer_done = true;
        self.end_if_peer_done();
    }

    /// The deadline of the current [`Phase`] has passed.
    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        match self.phase() {
            Phase::Open => {
                self.pinged = true;
                self.outgoing.ping(turn.out);
            }
            Phase::Body => self.fail(Code::POLICY, "a message took too long", turn),
            _ => self.end(),
        }
    }

    /// The node is going away.
    pub fn on_drain(&mut self, turn: &mut Turn<'_>) {
        if self.state == State::Open {
            self.call_late(turn, |channel, link| channel.on_drain(link));
        }
    }

    /// Uses as much of `bytes` as it can; how much that was.
    #[inline]
    fn pump(&mut self, bytes: &mut [u8], turn: &mut Turn<'_>) -> usize {
        if let State::Linger { dropped } = &mut self.state {
            *dropped += bytes.len() as u64;
            if *dropped > LINGER_BYTES_MAX {
                self.end();
            }
            return bytes.len();
        }
        let (mut used, mut events) = (0, 0);
        while used < bytes.len() && events < WS_EVENTS_PER_TURN_MAX && self.takes_more(turn.out.len()) {
            match self.decoder.next_short(bytes, &mut used, &self.limits) {
                Ok(Some((kind, payload))) => self.on_message(kind, Payload::Here(&mut bytes[payload]), turn),
                Ok(None) if self.on_other(bytes, &mut used, turn) => {}
                Ok(None) => break,
                Err(error) => self.fail(error.code(), error.sentence(), turn),
            }
            events += 1;
        }
        // Nothing after the end means anything.
        if matches!(self.state, State::Linger { .. } | State::Over) { bytes.len() } else { used }
    }

    /// What is no short message, the next of `bytes`; false if they have come to their end.
    #[inline(never)]
    fn on_other(&mut self, bytes: &mut [u8], used: &mut usize, turn: &mut Turn<'_>) -> bool {
        match self.decoder.next(bytes, used, &self.limits) {
            Ok(Some(event)) => self.on_event(event, turn),
            Ok(None) => return false,
            Err(error) => self.fail(error.code(), error.sentence(), turn),
        }
        true
    }

    fn on_event(&mut self, event: Event<'_>, turn: &mut Turn<'_>) {
        match event {
            Event::Message(kind, false, payload) => self.on_message(kind, payload, turn),
            Event::Message(kind, true, payload) => self.on_compressed(kind, &payload, turn),
            Event::Ping(payload) => self.outgoing.pong(&payload, turn.out),
            Event::Pong(_) => {}
            Event::Close(said) => self.on_close(said.map(|(code, _)| code), turn),
        }
    }

    #[inline(always)]
    fn on_message(&mut self, kind: Kind, payload: Payload<'_>, turn: &mut Turn<'_>) {
        // After our close frame, theirs is all that counts.
        if self.state != State::Open {
            return;
        }
        self.messages += 1;
        self.call(turn, |channel, link| channel.on_message(Message::new(kind, payload), link));
    }

    #[cold]
    fn on_compressed(&mut self, kind: Kind, payload: &[u8], turn: &mut Turn<'_>) {
        let Some(deflate) = self.deflate.as_mut().filter(|_| self.state == State::Open) else { return };
        let mut inflated = Aligned::new();
        let mut contexts = turn.memory.contexts.borrow_mut();
        let outcome = deflate.inflater.inflate(kind, payload, self.limits.message_bytes, &mut inflated, &mut contexts);
        drop(contexts);
        match outcome {
            Ok(()) => self.on_message(kind, Payload::Whole(inflated), turn),
            Err(error) => self.fail(error.code(), error.sentence(), turn),
        }
    }

    fn on_close(&mut self, code: Option<Code>, turn: &mut Turn<'_>) {
        let first = self.outgoing.closed().or(code);
        self.tell(Closed { code: first.unwrap_or(NO_STATUS), clean: true });
        self.outgoing.answer_close(code, turn.out);
        self.forget();
        self.state = State::Linger { dropped: 0 };
    }

    /// Calls the channel; what it did decides how things stand.
    #[inline(always)]
    fn call(&mut self, turn: &mut Turn<'_>, call: impl FnOnce(&mut dyn Channel, &mut Link<'_>)) {
        let flags = turn.app.flags();
        match &mut self.deflate {
            None => {
                let way = Way { out: turn.out, compress: None };
                call(&mut *self.channel, &mut Link::new(&mut self.outgoing, way, turn.now, flags, &self.sender));
            }
            Some(deflate) => {
                let mut compress = Compressing { deflater: &mut deflate.deflater, contexts: &turn.memory.contexts };
                let way = Way { out: turn.out, compress: Some(&mut compress) };
                call(&mut *self.channel, &mut Link::new(&mut self.outgoing, way, turn.now, flags, &self.sender));
            }
        }
        self.settle();
    }

    /// The same where it is not called because its peer has taken what it was sent.
    fn call_late(&mut self, turn: &mut Turn<'_>, call: impl FnOnce(&mut dyn Channel, &mut Link<'_>)) {
        self.outgoing.begin_call(turn.out);
        self.call(turn, call);
        self.outgoing.end_call();
    }

    #[inline]
    fn settle(&mut self) {
        self.working |= self.outgoing.has_work();
        if self.outgoing.closed().is_some() && self.state == State::Open {
            self.state = State::Closing;
        }
    }

    /// The peer is wrong, or cannot be served: it is told why, and that is all (RFC 6455 §7.1.7).
    #[cold]
    fn fail(&mut self, code: Code, sentence: &str, turn: &mut Turn<'_>) {
        if matches!(self.state, State::Linger { .. } | State::Over) {
            return;
        }
        self.outgoing.close_now(code, sentence, turn.out);
        self.tell(Closed { code: self.outgoing.closed().unwrap_or(code), clean: false });
        self.forget();
        self.state = State::Linger { dropped: 0 };
    }

    fn tell(&mut self, closed: Closed) {
        if !core::mem::replace(&mut self.told, true) {
            self.channel.on_close(&closed);
        }
    }

    /// Gives back what messages hold, for none follows.
    fn forget(&mut self) {
        self.deflate = None;
        self.decoder = Decoder::new(Role::Server, false);
        self.rest = Aligned::new();
    }

    fn end_if_peer_done(&mut self) {
        // What has arrived may still be answered, and what waits be sent.
        let stuck = self.state != State::Open || !self.working && self.rest.is_empty();
        if self.peer_done && stuck && !self.outgoing.waits() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.state = State::Over;
    }

    /// The connection is gone, or is about to be. The channel is told if it does not know.
    pub fn on_gone(&mut self) {
        let code = self.outgoing.closed().unwrap_or(ABNORMAL);
        self.tell(Closed { code, clean: false });
    }

    /// Whether more is taken while `queued` bytes have not left.
    #[inline]
    fn takes_more(&self, queued: u64) -> bool {
        match self.state {
            State::Open => !self.working && queued < SEND_HIGH_WATER_BYTES as u64 && !self.outgoing.waits(),
            State::Closing | State::Linger { .. } => true,
            State::Over => false,
        }
    }

    /// Whether [`Self::on_ready`] would get further without more bytes.
    #[inline(never)]
    pub fn is_ready(&self, queued: u64) -> bool {
        let may_fill = self.outgoing.waits() && queued < crate::limits::WS_OUT_BYTES as u64;
        may_fill || (!self.rest.is_empty() && self.takes_more(queued))
    }

    /// Whether more bytes are of use; `queued` bytes have not left yet.
    #[inline(never)]
    pub fn wants_read(&self, queued: u64) -> bool {
        let reads_on = self.state != State::Open || queued < WS_READ_ON_BYTES as u64;
        !self.peer_done && self.rest.is_empty() && reads_on && self.takes_more(queued)
    }

    /// Whether [`Self::take_asks`] or [`Self::take_work`] has something for the loop.
    #[inline]
    pub fn has_effects(&self) -> bool {
        self.outgoing.has_asks() || self.outgoing.has_work()
    }

    /// What the channel asks of the loop, once.
    pub fn take_asks(&mut self) -> Vec<Ask> {
        let mut asks = self.outgoing.take_asks();
        asks.retain(|ask| match ask {
            Ask::Publish(_) => true,
            Ask::Subscribe(topic) => self.note_subscribed(topic),
            Ask::Unsubscribe(topic) => self.note_unsubscribed(topic),
        });
        asks
    }

    /// Whether it was not there before.
    fn note_subscribed(&mut self, topic: &Topic) -> bool {
        let is_new = !self.topics.contains(topic);
        if is_new {
            self.topics.push(topic.clone());
        }
        is_new
    }

    /// Whether it was there before.
    fn note_unsubscribed(&mut self, topic: &Topic) -> bool {
        let place = self.topics.iter().position(|own| own == topic);
        place.inspect(|&place| drop(self.topics.swap_remove(place))).is_some()
    }

    /// A job to be done, once.
    pub fn take_work(&mut self) -> Option<Work> {
        self.outgoing.take_work().map(|(lane, job)| value_work(lane, job))
    }

    /// Jobs that were never begun, for when they never will be.
    pub fn take_abandoned(&mut self) -> Option<Box<dyn Send>> {
        let unbegun = self.outgoing.take_unbegun();
        (!unbegun.is_empty()).then(|| Box::new(unbegun) as Box<dyn Send>)
    }

    /// Whose it is, while it is open and somebody's.
    pub fn somebody(&self) -> Option<&Arc<Identity>> {
        self.outgoing.shown().filter(|identity| self.state == State::Open && identity.user().is_some())
    }

    /// What it is subscribed to.
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Messages that have come.
    #[inline]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether it was ended for want of memory.
    pub fn was_shed(&self) -> bool {
        self.shed
    }

    /// Bytes of memory that it holds beyond its channel's own.
    #[inline(never)]
    pub fn held_bytes(&self) -> usize {
        let deflate = self.deflate.as_ref().map_or(0, |deflate| deflate.held_bytes());
        size_of::<Self>()
            + self.decoder.held_bytes()
            + self.rest.capacity_bytes()
            + self.outgoing.held_bytes()
            + deflate
            + self.topics.capacity() * size_of::<Topic>()
    }

    /// Open, with nothing incomplete and nothing under way.
    #[inline(never)]
    pub fn is_idle(&self) -> bool {
        self.state == State::Open
            && !self.working
            && !self.pinged
            && self.rest.is_empty()
            && !self.outgoing.waits()
            && self.decoder.is_between()
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Open if self.working || !self.takes_more(0) => Phase::Working,
            State::Open if !self.decoder.is_between() => Phase::Body,
            State::Open if self.pinged => Phase::Pinged,
            State::Open => Phase::Open,
            State::Closing => Phase::Closing,
            State::Linger { .. } => Phase::Linger,
            State::Over => Phase::Over,
        }
    }
}
