//! Message in, compressed payload out.

use zlib_rs::{Deflate, DeflateFlush};

use super::{Pool, TAIL, deflate_context_bytes};
use crate::limits::{WS_WINDOW_BITS_MAX, WS_WINDOW_BITS_MIN};

/// Bytes that are given to zlib-rs at once. It keeps what comes out until it is called again, has room for
/// 8 KiB of it, and panics (0.6.8) if a block ends within the last few bytes of that room: so no call may come
/// near it.
const PIECE_BYTES: usize = 4096;

/// Compresses the messages of one connection.
///
/// What is compressed and then not sent must leave no trace: the peer's window lacks it. So whoever sends a
/// message as it is instead begins anew, which is always allowed, and refers to nothing from before. Where
/// that would cost history that is worth something, what came out is sent even if it grew.
pub struct Deflater {
    takeover: bool,
    bits: u8,
    context: Option<Box<Deflate>>,
}

impl Deflater {
    /// For messages that refer to those before, or never do, with a window of `bits` (9 to 15).
    pub fn new(takeover: bool, bits: u8) -> Self {
        Self { takeover, bits: bits.clamp(WS_WINDOW_BITS_MIN, WS_WINDOW_BITS_MAX), context: None }
    }

    /// Appends the payload that `message` is when compressed; false if it is to be sent as it is, `out` as it was.
    ///
    /// Messages shorter than `bytes_min` are sent as they are, and so is the empty one always.
    pub fn deflate(&mut self, message: &[u8], bytes_min: usize, out: &mut Vec<u8>, pool: &mut Pool) -> bool {
        if message.is_empty() || message.len() < bytes_min {
            return false;
        }
        // A message that fills the window would have pushed all history out of it.
        let may_begin_anew = !self.takeover || message.len() >= 1 << self.bits;
        let bytes_max = if may_begin_anew { message.len() - 1 } else { usize::MAX };
        let start = out.len();
        let mut context = self.context.take().unwrap_or_else(|| pool.deflater(self.bits));
        let is_compressed = compress(&mut context, message, bytes_max, out, pool.step());
        if is_compressed && self.takeover {
            self.context = Some(context);
        } else {
            pool.keep_deflater(self.bits, context);
        }
        if !is_compressed {
            out.truncate(start);
        }
        is_compressed
    }

    /// Gives the thread what it holds: the connection ends.
    pub fn release(&mut self, pool: &mut Pool) {
        if let Some(context) = self.context.take() {
            pool.keep_deflater(self.bits, context);
        }
    }

    /// Bytes of memory that it holds.
    pub fn held_bytes(&self) -> usize {
        if self.context.is_some() { deflate_context_bytes(self.bits) } else { 0 }
    }
}

/// Appends the payload; false as soon as it is longer than `bytes_max`, some of it appended.
fn compress(context: &mut Deflate, message: &[u8], bytes_max: usize, out: &mut Vec<u8>, step: &mut [u8]) -> bool {
    let start = out.len();
    let mut rest = message;
    loop {
        let (taken, given) = (context.total_in(), context.total_out());
        let piece = &rest[..rest.len().min(PIECE_BYTES)];
        let is_last = piece.len() == rest.len();
        let flush = if is_last { DeflateFlush::SyncFlush } else { DeflateFlush::NoFlush };
        // It fails only when it was set up wrongly, and then the message goes as it is.
        if context.compress(piece, step, flush).is_err() {
            return false;
        }
        rest = &rest[(context.total_in() - taken) as usize..];
        let came = (context.total_out() - given) as usize;
        out.extend_from_slice(&step[..came]);
        if (out.len() - start).saturating_sub(TAIL.len()) > bytes_max {
            return false;
        }
        if is_last && came < step.len() {
            break;
        }
    }
    if !rest.is_empty() || !out[start..].ends_with(&TAIL) {
        return false;
    }
    out.truncate(out.len() - TAIL.len());
    true
}
