//! Where a head ends, found without looking at a byte twice.

use memchr::memchr;

use super::{Error, Limits};
use crate::limits::BLANK_LINES_MAX;

/// Waits for the end of one head. A fresh one for each message.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadScan {
    /// Bytes looked at.
    seen: usize,
    /// Where the line begins that is not whole yet.
    line: usize,
    /// The request line is whole.
    begun: bool,
}

impl HeadScan {
    /// Whether the head at the start of `bytes` (all bytes of the message so far) is whole, so that
    /// [`parse_head`](super::parse_head) will decide about it.
    ///
    /// Refuses at once what more bytes cannot mend: a lone LF, and a head that is too large.
    pub fn scan(&mut self, bytes: &[u8], limits: &Limits) -> Result<bool, Error> {
        let window = &bytes[..bytes.len().min(limits.head_bytes)];
        if !self.begun {
            let Some(start) = skip_blank_lines(window)? else {
                return incomplete(window, 0, limits).map(|()| false);
            };
            self.line = start;
            self.seen = self.seen.max(start);
        }
        while let Some(offset) = memchr(b'\n', &window[self.seen..]) {
            let line = &window[self.line..self.seen + offset];
            match line {
                // Left unseen, so that the answer stays the same.
                b"\r" => return Ok(true),
                [.., b'\r'] => self.begin_line(self.seen + offset + 1),
                _ => return Err(Error::BareLineEnd),
            }
        }
        self.seen = window.len();
        let start = if self.begun { 0 } else { self.line };
        incomplete(window, start, limits).map(|()| false)
    }

    fn begin_line(&mut self, at: usize) {
        *self = Self { seen: at, line: at, begun: true };
    }
}

/// Where the request line begins, or `None` if that is not to be seen yet.
pub(super) fn skip_blank_lines(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let mut at = 0;
    for _ in 0..=BLANK_LINES_MAX {
        match &bytes[at..] {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] => at += 2,
            [b'\r' | b'\n', ..] => return Err(Error::BareLineEnd),
            _ => return Ok(Some(at)),
        }
    }
    Err(Error::BadRequestLine)
}

/// A head that is not whole yet, its request line beginning at `start`, may still become so unless
/// it fills all the bytes it may have. Then what made it too large names the error.
pub(super) fn incomplete(window: &[u8], start: usize, limits: &Limits) -> Result<(), Error> {
    if window.len() < limits.head_bytes {
        return Ok(());
    }
    match memchr(b'\n', &window[start..]) {
        None => Err(Error::TargetTooLong),
        Some(_) => Err(Error::HeadTooLarge),
    }
}
