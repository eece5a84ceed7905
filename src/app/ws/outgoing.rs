//! What waits for a peer, and what its channel has asked of the node.

use std::mem::size_of;
use std::net::IpAddr;
use std::sync::Arc;

use super::jobs::Jobs;
use super::waiting::Waiting;
use super::{Framed, Overflow, Publication, Topic};
use crate::app::{Caller, Identity, Job, Lane};
use crate::buffer::{Aligned, SendBuf};
use crate::limits::{SEND_HIGH_WATER_BYTES, WS_CALL_BYTES, WS_OUT_BYTES};
use crate::wire::ws::{Code, Kind, Opcode, put_close, put_header};

/// A close frame without a code (RFC 6455 §7.4.1).
pub(crate) const NO_STATUS: Code = Code::new(1005);
/// No close frame.
pub(crate) const ABNORMAL: Code = Code::new(1006);

/// Compresses messages of one connection (RFC 7692).
pub trait Compress {
    /// Appends the compressed payload; false, and nothing, where that is not worth it.
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool;
}

/// Where messages of a connection go in this turn.
pub struct Way<'a> {
    /// Behind what is there.
    pub out: &'a mut SendBuf,
    /// What compresses them, if that was agreed on.
    pub compress: Option<&'a mut dyn Compress>,
}

impl Way<'_> {
    /// Whether the message is sent compressed.
    #[inline]
    fn compress(&mut self, kind: Kind, payload: &[u8]) -> bool {
        match &mut self.compress {
            Some(compress) => put_compressed(*compress, kind, payload, self.out),
            None => false,
        }
    }
}

#[inline(never)]
fn put_compressed(compress: &mut dyn Compress, kind: Kind, payload: &[u8], out: &mut SendBuf) -> bool {
    let mut compressed = Vec::new();
    let is_worth_it = compress.compress(payload, &mut compressed);
    if is_worth_it {
        put_frame_header(kind, true, compressed.len(), out);
        out.put(&compressed);
    }
    is_worth_it
}

/// What a channel asks of the loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Tell all subscribers.
    Publish(Publication),
    /// It wants to be sent what is published there.
    Subscribe(Topic),
    /// It wants that no more.
    Unsubscribe(Topic),
}

/// The way out of one connection.
///
/// As long as the peer takes what it is sent, messages go straight into the send buffer. Beyond
/// [`WS_OUT_BYTES`] whole messages of others wait here, where they still can be dropped. What the channel sends
/// in one call was offered to nobody yet: up to [`WS_CALL_BYTES`] it goes into the send buffer all the same,
/// provided that the call began below [`SEND_HIGH_WATER_BYTES`].
pub struct Outgoing {
    overflow: Overflow,
    waiting: Waiting,
    /// The peer has not taken what it was sent before this call.
    late: bool,
    asks: Vec<Ask>,
    jobs: Jobs,
    /// Our close frame is on its way; nothing follows it.
    closed: Option<Code>,
    /// The payload of the close frame, while other messages wait before it.
    last: Option<Box<[u8]>>,
    identity: Caller,
    peer: Option<IpAddr>,
}

impl Outgoing {
    /// The way to `peer`, who is `identity`.
    pub fn new(queue_bytes: usize, overflow: Overflow) -> Self {
        Self {
            overflow,
            waiting: Waiting::new(queue_bytes),
            late: false,
            asks: Vec::new(),
            jobs: Jobs::default(),
            closed: None,
            last: None,
            identity: Caller::default(),
            peer: None,
        }
    }

    /// The same with who is at the other end.
    pub fn to(mut self, identity: Caller, peer: Option<IpAddr>) -> Self {
        (self.identity, self.peer) = (identity, peer);
        self
    }

    /// Sends a message of the channel's own; memory that is handed over is not copied, unless it is little.
    pub fn send_owned(&mut self, kind: Kind, payload: Aligned, way: &mut Way<'_>) {
        if self.leaves_now(kind, &payload, way.out) && !way.compress(kind, &payload) {
            put_frame_header(kind, false, payload.len(), way.out);
            way.out.put_owned(payload);
        }
    }

    /// Sends a copy of these bytes.
    #[inline]
    pub fn send(&mut self, kind: Kind, payload: &[u8], way: &mut Way<'_>) {
        if self.leaves_now(kind, payload, way.out) && !way.compress(kind, payload) {
            put_frame_header(kind, false, payload.len(), way.out);
            way.out.put(payload);
        }
    }

    /// Whether a message of the channel's own goes into the send buffer. Else it waits.
    #[inline(always)]
    fn leaves_now(&mut self, kind: Kind, payload: &[u8], out: &mut SendBuf) -> bool {
        let leaves = self.is_straight(out, SEND_HIGH_WATER_BYTES) || self.goes_beyond(out);
        if !leaves {
            self.wait_for_room(&Framed::new(kind, payload), out);
        }
        leaves
    }

    /// Sends a message of the channel's own that was framed before. It is never compressed: its bytes are shared.
    pub fn send_framed(&mut self, framed: &Framed, out: &mut SendBuf) {
        if self.is_straight(out, WS_OUT_BYTES) || self.goes_beyond(out) {
            return framed.put(out);
        }
        self.wait_for_room(framed, out);
    }

    /// Sends a message of somebody else. It is never compressed either.
    pub fn push(&mut self, framed: &Framed, out: &mut SendBuf) {
        if self.is_straight(out, WS_OUT_BYTES) {
            return framed.put(out);
        }
        self.wait_for_room(framed, out);
    }

    /// Whether a message of this call goes into the send buffer though there is much in it; what waits goes first.
    #[cold]
    fn goes_beyond(&mut self, out: &mut SendBuf) -> bool {
        let queued = out.len() + self.waiting.bytes() as u64;
        let goes = !self.late && self.closed.is_none() && queued < WS_CALL_BYTES as u64;
        while goes && let Some(next) = self.waiting.pop() {
            next.put(out);
        }
        goes
    }

    /// Waits, as far as the terms allow it.
    fn wait_for_room(&mut self, framed: &Framed, out: &mut SendBuf) {
        if self.closed.is_some() {
            return;
        }
        match self.overflow {
            Overflow::Close if !self.waiting.has_room(framed) => {
                self.waiting.forget();
                return self.close(Code::TRY_LATER, "you take too little of what you are sent", out);
            }
            Overflow::Close => {}
            Overflow::DropOldest => self.waiting.make_room(framed),
        }
        self.waiting.push(framed.clone());
    }

    /// A call of the channel begins that the peer did not bring about by reading on.
    pub fn begin_call(&mut self, out: &SendBuf) {
        self.late = out.len() + self.waiting.bytes() as u64 >= SEND_HIGH_WATER_BYTES as u64;
    }

    /// It is over.
    pub fn end_call(&mut self) {
        self.late = false;
    }

    /// Answers a ping. What is sent in answer is bounded by what is read.
    pub fn pong(&mut self, payload: &[u8], out: &mut SendBuf) {
        if self.closed.is_none() {
            put_control(Opcode::Pong, payload, out);
        }
    }

    /// Asks whether anybody is there.
    pub fn ping(&mut self, out: &mut SendBuf) {
        if self.closed.is_none() {
            put_control(Opcode::Ping, b"", out);
        }
    }

    /// Says that this is the end, after all that waits.
    pub fn close(&mut self, code: Code, reason: &str, out: &mut SendBuf) {
        let (payload, length) = put_close(code, reason);
        self.end(code, &payload[..length], out);
    }

    /// Says that this is the end, and drops what waits.
    pub fn close_now(&mut self, code: Code, reason: &str, out: &mut SendBuf) {
        self.skip_waiting(out);
        self.close(code, reason, out);
    }

    /// Answers a close frame that has come.
    pub fn answer_close(&mut self, code: Option<Code>, out: &mut SendBuf) {
        // If both said it at once, nothing waits before ours any more.
        self.skip_waiting(out);
        match code {
            Some(code) => self.close(code, "", out),
            None => self.end(NO_STATUS, &[], out),
        }
    }

    /// Drops what waits but for our close frame.
    fn skip_waiting(&mut self, out: &mut SendBuf) {
        self.waiting.forget();
        if let Some(last) = self.last.take() {
            put_control(Opcode::Close, &last, out);
        }
    }

    fn end(&mut self, code: Code, payload: &[u8], out: &mut SendBuf) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(code);
        match self.waiting.is_empty() {
            true => put_control(Opcode::Close, payload, out),
            false => self.last = Some(payload.into()),
        }
    }

    /// With which code it was ended by us.
    pub fn closed(&self) -> Option<Code> {
        self.closed
    }

    /// Moves what waits to where it leaves from, as far as there is room.
    pub fn fill(&mut self, out: &mut SendBuf) {
        while out.len() < WS_OUT_BYTES as u64 {
            let Some(next) = self.waiting.pop() else { break };
            next.put(out);
        }
        if !self.waiting.is_empty() {
            return;
        }
        self.waiting.give_back();
        if let Some(last) = self.last.take() {
            put_control(Opcode::Close, &last, out);
        }
    }

    /// Whether a message need not wait.
    #[inline]
    fn is_straight(&self, out: &SendBuf, bytes_max: usize) -> bool {
        self.closed.is_none() && self.waiting.is_empty() && out.len() < bytes_max as u64
    }

    /// Who is at the other end.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The same, to be kept; `None` where no credentials were shown.
    pub fn shown(&self) -> Option<&Arc<Identity>> {
        self.identity.shown()
    }

    /// The other end; nobody can tell of a Unix socket.
    pub fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Whether messages wait.
    #[inline]
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty() || self.last.is_some()
    }

    /// Messages that were dropped.
    pub fn dropped(&self) -> u64 {
        self.waiting.dropped()
    }

    pub(crate) fn ask(&mut self, ask: Ask) {
        self.asks.push(ask);
    }

    pub(crate) fn wait(&mut self, lane: Lane, job: Job) {
        self.jobs.add(lane, job);
    }

    /// Whether a job is to be begun.
    #[inline]
    pub fn has_work(&self) -> bool {
        self.jobs.has_next()
    }

    /// Whether there is something for the loop.
    #[inline]
    pub fn has_asks(&self) -> bool {
        !self.asks.is_empty()
    }

    /// What the channel has asked for, once.
    pub fn take_asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// The job to be done, once.
    pub fn take_work(&mut self) -> Option<(Lane, Job)> {
        self.jobs.begin()
    }

    /// The job that was begun is over; whether there was one. The next can be begun.
    pub fn end_work(&mut self) -> bool {
        self.jobs.end()
    }

    /// Jobs that nobody will begin: whoever drops them may have to block.
    pub fn take_unbegun(&mut self) -> Vec<(Lane, Job)> {
        self.jobs.take_all()
    }

    /// Bytes of memory it holds; its share of what others hold too.
    pub fn held_bytes(&self) -> usize {
        self.waiting.held_bytes() + self.asks.capacity() * size_of::<Ask>()
    }
}

#[inline]
fn put_frame_header(kind: Kind, compressed: bool, length: usize, out: &mut SendBuf) {
    let (header, count) = put_header(Opcode::from(kind), true, compressed, length);
    match header.first_chunk::<2>() {
        // Of a length that is known here, it is a store and not a call.
        Some(short) if count == 2 => out.put(short),
        _ => out.put(&header[..count]),
    }
}

fn put_control(opcode: Opcode, payload: &[u8], out: &mut SendBuf) {
    let (header, count) = put_header(opcode, true, false, payload.len());
    out.put(&header[..count]);
    out.put(payload);
}
