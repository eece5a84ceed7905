//! Compressed payload in, message out.

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{INFLATE_CONTEXT_BYTES, Pool, TAIL};
use crate::buffer::Aligned;
use crate::limits::WS_FINAL_BLOCKS_MAX;
use crate::wire::ws::utf8::whole_characters;
use crate::wire::ws::{Error, Kind};

/// Unfolds the messages of one connection.
pub struct Inflater {
    takeover: bool,
    context: Option<Box<Inflate>>,
}

impl Inflater {
    /// For messages that refer to those before, or never do.
    pub const fn new(takeover: bool) -> Self {
        Self { takeover, context: None }
    }

    /// The message that `payload` is, instead of what was in `out`.
    ///
    /// Its memory grows with what comes out, to `bytes_max` at the most. After an error no message can be
    /// unfolded that refers to those before: the connection ends.
    ///
    /// A payload of nothing is an empty message. The RFC has one octet there, but a compressor that is flushed
    /// twice in a row brings nothing forth, and there are peers that send that.
    pub fn inflate(
        &mut self,
        kind: Kind,
        payload: &[u8],
        bytes_max: usize,
        out: &mut Aligned,
        pool: &mut Pool,
    ) -> Result<(), Error> {
        out.clear();
        if payload.is_empty() {
            return Ok(());
        }
        let mut context = self.context.take().unwrap_or_else(|| pool.inflater());
        let is_text = kind == Kind::Text;
        let mut message = Message { context: &mut context, step: pool.step(), out, bytes_max, is_text, checked: 0 };
        let outcome = message.unfold(payload);
        match (outcome.is_ok(), self.takeover) {
            (true, true) => self.context = Some(context),
            _ => pool.keep_inflater(context),
        }
        outcome
    }

    /// Gives the thread what it holds: the connection ends.
    pub fn release(&mut self, pool: &mut Pool) {
        if let Some(context) = self.context.take() {
            pool.keep_inflater(context);
        }
    }

    /// Bytes of memory that it holds.
    pub fn held_bytes(&self) -> usize {
        if self.context.is_some() { INFLATE_CONTEXT_BYTES } else { 0 }
    }
}

/// A message on its way out.
struct Message<'a> {
    context: &'a mut Inflate,
    step: &'a mut [u8],
    out: &'a mut Aligned,
    bytes_max: usize,
    is_text: bool,
    /// How much of `out` is known to be whole characters.
    checked: usize,
}

impl Message<'_> {
    /// A final block ends the stream, but not the message: another stream may follow, with nothing to refer to,
    /// for whoever compresses with final blocks begins anew behind each (§7.2.3.4).
    fn unfold(&mut self, payload: &[u8]) -> Result<(), Error> {
        let mut rest = payload;
        let mut final_blocks = 0;
        while self.feed(&mut rest, InflateFlush::NoFlush)? == Status::StreamEnd {
            self.context.reset(false);
            if rest.is_empty() {
                return self.end();
            }
            final_blocks += 1;
            if final_blocks > WS_FINAL_BLOCKS_MAX {
                return Err(Error::Compressed);
            }
        }
        self.feed_tail()?;
        self.end()
    }

    /// The four octets that were left out end a block, bring nothing forth, and all four belong to it: asked to
    /// stop between blocks, the decoder leaves a fifth untouched. A payload that lacks something takes it.
    fn feed_tail(&mut self) -> Result<(), Error> {
        let len = self.out.len();
        let tail_and_probe = [TAIL[0], TAIL[1], TAIL[2], TAIL[3], 0];
        let mut rest = &tail_and_probe[..];
        let status = self.feed(&mut rest, InflateFlush::Block)?;
        let is_whole = status != Status::StreamEnd && rest.len() == 1 && self.out.len() == len;
        if is_whole { Ok(()) } else { Err(Error::Compressed) }
    }

    /// Takes `input` in until it ends or the decoder stops, and what comes out.
    fn feed(&mut self, input: &mut &[u8], flush: InflateFlush) -> Result<Status, Error> {
        loop {
            // One byte more than allowed shows that there is one.
            let room = self.step.len().min((self.bytes_max - self.out.len()).saturating_add(1));
            let (taken, given) = (self.context.total_in(), self.context.total_out());
            let status = self.context.decompress(input, &mut self.step[..room], flush);
            let status = status.map_err(|_| Error::Compressed)?;
            *input = &input[(self.context.total_in() - taken) as usize..];
            let came = (self.context.total_out() - given) as usize;
            self.append(came)?;
            if status == Status::StreamEnd || came < room {
                return Ok(status);
            }
        }
    }

    fn append(&mut self, count: usize) -> Result<(), Error> {
        let len = self.out.len() + count;
        if len > self.bytes_max {
            return Err(Error::MessageTooLarge);
        }
        if len > self.out.capacity_bytes() {
            // Twice as much each time, so that it is linear, but never beyond what is allowed.
            let wanted = len.saturating_mul(2).min(self.bytes_max).max(len);
            self.out.reserve_exact(wanted - self.out.len());
        }
        self.out.extend_from_slice(&self.step[..count]);
        if self.is_text {
            self.checked += whole_characters(&self.out[self.checked..])?;
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Error> {
        if self.is_text && self.checked != self.out.len() { Err(Error::Utf8) } else { Ok(()) }
    }
}
