//! Watches one connection and says what is wrong.

use std::collections::VecDeque;

use crate::answer::{Answer, parse};
use crate::reference::show;
use crate::scenario::{Ask, Expect};
use crate::wanted::{Expected, Wanted};

/// Why a connection is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The session is over and everything has left.
    Over,
    /// The client broke it, or took nothing for too long.
    Broken,
    /// A slice panicked inside the loop.
    Panicked,
}

/// What a connection was asked, what it answered so far, and what it may answer next.
pub(crate) struct Judge {
    asks: Vec<Ask>,
    expected: Vec<Expected>,
    /// Where each request ends in the bytes of the client.
    ends: Vec<usize>,
    delivered: usize,
    arrived: usize,
    answered: usize,
    interim: bool,
    closed: bool,
    /// Not parsed yet.
    received: Vec<u8>,
    /// Bytes of all that was parsed.
    parsed: u64,
    /// Bytes written so far, and bytes delivered when that was so.
    written: VecDeque<(u64, usize)>,
    /// The node was allowed to answer 503 to this one.
    busy: Option<usize>,
    expired: bool,
    /// The client had ended its half, and its source was silent for too long.
    silent: bool,
    /// The node had no memory to spare at some time.
    pressed: bool,
    draining: bool,
    ended: bool,
}

impl Judge {
    pub(crate) fn new(asks: Vec<Ask>, expected: Vec<Expected>) -> Self {
        let mut end = 0;
        let ends = asks.iter().map(|ask| {
            end += ask.bytes.len();
            end + usize::from(ask.is_open)
        });
        let ends = ends.collect();
        Self {
            asks,
            expected,
            ends,
            delivered: 0,
            arrived: 0,
            answered: 0,
            interim: false,
            closed: false,
            received: Vec::new(),
            parsed: 0,
            written: VecDeque::new(),
            busy: None,
            expired: false,
            silent: false,
            pressed: false,
            draining: false,
            ended: false,
        }
    }

    /// The bytes the client has to send.
    pub(crate) fn script(&self) -> Vec<u8> {
        self.asks.iter().flat_map(|ask| ask.bytes.iter().copied()).collect()
    }

    /// Bytes of all answers, if all goes well.
    pub(crate) fn answer_bytes(&self) -> usize {
        self.expected.iter().filter_map(|expected| expected.usual.as_ref()).map(Wanted::length).sum()
    }

    /// Nothing but a drain or the client ends one of the answers.
    pub(crate) fn is_endless(&self) -> bool {
        self.expected.iter().any(|expected| expected.usual.as_ref().is_some_and(Wanted::is_endless))
    }

    /// How far the client sends before it waits for a 100: the nearest such place after `from`.
    pub(crate) fn gate(&self, from: usize) -> Option<usize> {
        let mut start = 0;
        for (index, ask) in self.asks.iter().enumerate() {
            let at = start + ask.head;
            let passed = self.answered > index || (self.answered == index && self.interim);
            if ask.asks_first && at >= from && !passed {
                return Some(at);
            }
            start = self.ends[index];
        }
        None
    }

    /// The client has every answer it can expect.
    pub(crate) fn is_content(&self) -> bool {
        self.closed || self.answered == self.asks.len()
    }

    /// Every byte delivered so far belongs to a request that was answered.
    pub(crate) fn is_settled(&self) -> bool {
        let answered_to = if self.answered == 0 { 0 } else { self.ends[self.answered - 1] };
        self.delivered <= answered_to
    }

    /// The node read `count` bytes more.
    pub(crate) fn on_delivered(&mut self, count: usize) {
        self.delivered += count;
        while self.arrived < self.asks.len() && self.ends[self.arrived] <= self.delivered {
            if let Expect::Model(model) = &mut self.asks[self.arrived].expect {
                model.arrived();
            }
            self.arrived += 1;
        }
    }

    /// The session has written `total` bytes so far.
    pub(crate) fn on_written(&mut self, total: u64) {
        if self.written.back().map_or(self.parsed + self.received.len() as u64, |(last, _)| *last) < total {
            self.written.push_back((total, self.delivered));
        }
    }

    /// The node had no room for the work of its `served`th request.
    pub(crate) fn on_busy(&mut self, served: u64) {
        self.busy = Some(served as usize - 1);
    }

    /// The node has no memory to spare, and may say so.
    pub(crate) fn on_pressed(&mut self) {
        self.pressed = true;
    }

    /// A deadline of the connection has passed.
    pub(crate) fn on_expired(&mut self) {
        self.expired = true;
    }

    /// It was so because nothing came of a body, and nobody could tell whether the client was there.
    pub(crate) fn on_silence(&mut self) {
        self.silent = true;
    }

    /// The client got bytes.
    pub(crate) fn on_received(&mut self, bytes: &[u8], draining: bool) -> Result<(), String> {
        self.draining |= draining;
        self.received.extend_from_slice(bytes);
        let received = std::mem::take(&mut self.received);
        let mut rest = received.as_slice();
        while !rest.is_empty() {
            let Some(ask) = self.asks.get(self.answered).filter(|_| !self.closed) else {
                return Err(format!("bytes after the last answer: {}", show(rest)));
            };
            let Some(answer) = parse(rest, ask.head_only && self.head_was_there(rest))? else {
                if !begins_answer(rest) {
                    return Err(format!("not the answer expected, nor any: {}", show(rest)));
                }
                break;
            };
            let bytes = &rest[..answer.length];
            self.judge(&answer, bytes, draining).map_err(|problem| self.explain(&problem, bytes))?;
            rest = &rest[answer.length..];
        }
        self.received = rest.to_vec();
        Ok(())
    }

    /// Whether the head of the request that is being answered had arrived; 408 and 503 may say that it
    /// had not.
    fn head_was_there(&self, answer: &[u8]) -> bool {
        let start = if self.answered == 0 { 0 } else { self.ends[self.answered - 1] };
        let written = self.written.iter().find(|(total, _)| *total > self.parsed);
        let known = written.map_or(0, |(_, delivered)| *delivered);
        let may_be_early = answer.starts_with(b"HTTP/1.1 408 ") || answer.starts_with(b"HTTP/1.1 503 ");
        !may_be_early || known >= start + self.asks[self.answered].head
    }

    fn explain(&self, problem: &str, answer: &[u8]) -> String {
        let ask = &self.asks[self.answered];
        let expected = &self.expected[self.answered];
        let usual = expected.usual.as_ref().map_or("nothing".to_owned(), Wanted::show);
        format!(
            "{problem}\n  request {}: {}\n  answer: {}\n  expected: {usual}\n  or at the end: {}",
            self.answered,
            show(&ask.bytes),
            show(answer),
            expected.last.show()
        )
    }

    fn judge(&mut self, answer: &Answer<'_>, bytes: &[u8], draining: bool) -> Result<(), String> {
        let index = self.answered;
        let streamed = self.expected[index].usual.as_ref().is_some_and(Wanted::is_streamed);
        let known = self.delivered_before(answer.length, streamed)?;
        let (start, end) = (if index == 0 { 0 } else { self.ends[index - 1] }, self.ends[index]);
        if answer.status == 408 && answer.closes && self.expired {
            return if known < end { self.settle(true) } else { Err("408 for a request that was there".into()) };
        }
        if answer.status == 503 && answer.closes && self.pressed {
            return self.settle(true);
        }
        let ask = &mut self.asks[index];
        let busy = answer.status == 503 && answer.closes && self.busy == Some(index);
        let needs = if answer.status == 100 || busy { ask.head } else { ask.needs };
        if known < start + needs {
            return Err(format!("answered when {} of its bytes had arrived", known.saturating_sub(start)));
        }
        if answer.status == 100 {
            if !ask.asks_first || ask.refused || self.interim {
                return Err("an interim answer nobody waits for".into());
            }
            self.interim = true;
            return Ok(());
        }
        if busy {
            return self.settle(true);
        }
        let expected = &self.expected[index];
        let Some(usual) = &expected.usual else { return Err("an answer where none is expected".into()) };
        let usual_closes = usual.closes();
        let may_close = usual_closes || draining || ask.may_close;
        let fits = match &mut ask.expect {
            Expect::Reference => {
                usual.fits(answer, bytes, draining) || (may_close && expected.last.fits(answer, bytes, draining))
            }
            Expect::Model(model) => {
                model.answered(answer.status, answer.body.content())?;
                answer.closes == usual_closes || (may_close && answer.closes)
            }
        };
        if fits { self.settle(answer.closes) } else { Err("not the answer expected".into()) }
    }

    fn settle(&mut self, closes: bool) -> Result<(), String> {
        self.answered += 1;
        self.interim = false;
        self.closed = closes;
        Ok(())
    }

    /// Bytes that were delivered when the next answer, of `length` bytes, was begun.
    fn delivered_before(&mut self, length: usize, streamed: bool) -> Result<usize, String> {
        let (start, end) = (self.parsed, self.parsed + length as u64);
        self.parsed = end;
        while self.written.front().is_some_and(|(total, _)| *total <= start) {
            self.written.pop_front();
        }
        match self.written.front() {
            Some((total, _)) if *total < end && !streamed => Err("half an answer was written in one call".into()),
            Some((_, delivered)) => Ok(*delivered),
            None => Err("bytes that nobody wrote".into()),
        }
    }

    /// The connection is no more; `excused` when the client ended, a deadline passed, or a drain began.
    pub(crate) fn on_end(&mut self, end: End, excused: bool) -> Result<(), String> {
        assert!(!self.ended, "a connection ends once");
        self.ended = true;
        if end == End::Broken {
            return Ok(());
        }
        let breaks = self.asks.iter().position(|ask| ask.breaks);
        if end == End::Panicked {
            let blamed = breaks.is_some_and(|index| self.answered <= index);
            return if blamed { Ok(()) } else { Err("cut off by a panic".into()) };
        }
        if !self.received.is_empty() {
            return self.judge_end();
        }
        if self.closed {
            return Ok(());
        }
        // A source was not asked for the end of a body that was whole by its length.
        if self.busy.is_some_and(|index| index + 1 == self.answered) {
            return Ok(());
        }
        if self.answered < self.arrived {
            return Err(format!("{} requests arrived and {} were answered", self.arrived, self.answered));
        }
        if excused { Ok(()) } else { Err(format!("closed without a reason after {} answers", self.answered)) }
    }
}

/// Part of [`Judge`]: answers that the end of the connection ends.
impl Judge {
    fn judge_end(&mut self) -> Result<(), String> {
        let received = std::mem::take(&mut self.received);
        let index = self.answered;
        let Some(expected) = self.expected.get(index) else { return Err("an answer nobody asked for".into()) };
        let busy = self.busy == Some(index) || self.silent;
        let fits = |wanted: &Wanted| wanted.may_end_with(&received, self.draining, busy);
        if expected.usual.as_ref().is_some_and(fits) || self.draining && fits(&expected.last) {
            return Ok(());
        }
        Err(self.explain("cut off inside an answer", &received))
    }
}

fn begins_answer(bytes: &[u8]) -> bool {
    let start = b"HTTP/1.1 ";
    bytes.iter().zip(start).all(|(byte, expected)| byte == expected)
}
