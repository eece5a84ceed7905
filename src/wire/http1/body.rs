//! Request bodies: framed bytes to runs of content.
//!
//! Takes every byte once and keeps none: what comes out borrows what came in. Inside chunked
//! framing only CRLF ends a line; extensions and trailers are checked and bounded, extensions dropped.

use super::octets::{is_blank, is_control, is_token};
use super::{Error, Framing};
use crate::limits::{
    CHUNK_LINE_BYTES_MAX, CHUNK_OVERHEAD_BYTES, CHUNK_OVERHEAD_PER_BYTE, CHUNK_SIZE_DIGITS_MAX, TRAILER_BYTES_MAX,
};

/// What became of the bytes given to [`BodyDecoder::decode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// Bytes taken from the front; at least one if there was one and the body had not ended.
    pub consumed: usize,
    /// The next run of content; may be empty.
    pub data: &'a [u8],
    /// The next run of the trailer section, for [`Trailers`](super::Trailers); never beside content.
    pub trailers: &'a [u8],
    /// The body has ended: what follows is the next request.
    pub done: bool,
}

/// Decodes one body.
#[derive(Debug, Clone)]
pub struct BodyDecoder {
    state: State,
    /// Bytes of content given out, for chunked bodies.
    data_bytes: u64,
    /// Bytes of framing taken, without trailers, which have a bound of their own.
    framing_bytes: u64,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A body of known length: bytes left.
    Counted(u64),
    Size(SizeLine),
    /// The content of a chunk: bytes left, never zero.
    Data(u64),
    /// The CR after a chunk's content.
    DataCr,
    /// The LF after that.
    DataLf,
    Trailer(Trailer, usize),
    Done,
    Failed(Error),
}

/// A chunk-size line so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SizeLine {
    part: SizePart,
    size: u64,
    digits: usize,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SizePart {
    Digits,
    /// Blanks after the digits: an extension must follow.
    Blanks,
    Extension,
    LineFeed,
}

const NEW_LINE: SizeLine = SizeLine { part: SizePart::Digits, size: 0, digits: 0, bytes: 0 };

/// Where in the trailer section the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trailer {
    LineStart,
    Name,
    Value,
    /// The LF of a field line.
    LineFeed,
    /// The LF of the blank line.
    LastLineFeed,
}

impl BodyDecoder {
    /// A decoder for the body of a head with this framing.
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Counted(length),
            Framing::Chunked => State::Size(NEW_LINE),
        };
        Self { state, data_bytes: 0, framing_bytes: 0 }
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Bytes of content that are announced and have not come: the rest of the chunk, or of the body.
    pub fn announced(&self) -> u64 {
        match self.state {
            State::Counted(left) | State::Data(left) => left,
            _ => 0,
        }
    }

    /// Takes bytes up to the end of the next run of content, of the body, or of `bytes`.
    ///
    /// Call again with what is left until that is nothing or the body is done. After an error every
    /// further call answers the same error: where the next request begins is not known any more.
    pub fn decode<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Error> {
        let mut consumed = 0;
        while consumed < bytes.len() {
            match self.state {
                State::Done => break,
                State::Failed(error) => return Err(error),
                State::Counted(left) | State::Data(left) => return Ok(self.take_data(left, bytes, consumed)),
                State::Trailer(..) => return self.take_trailers(bytes, consumed),
                _ => self.take_framing(bytes[consumed])?,
            }
            consumed += 1;
        }
        Ok(Step { consumed, data: &[], trailers: &[], done: self.is_done() })
    }

    fn take_data<'a>(&mut self, left: u64, bytes: &'a [u8], from: usize) -> Step<'a> {
        let rest = &bytes[from..];
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        let left = left - count as u64;
        self.data_bytes = self.data_bytes.saturating_add(count as u64);
        self.state = match (self.state, left) {
            (State::Counted(_), 0) => State::Done,
            (State::Counted(_), _) => State::Counted(left),
            (_, 0) => State::DataCr,
            _ => State::Data(left),
        };
        Step { consumed: from + count, data: &rest[..count], trailers: &[], done: self.is_done() }
    }

    /// Everything but the blank line at the end belongs to the fields.
    fn take_trailers<'a>(&mut self, bytes: &'a [u8], from: usize) -> Result<Step<'a>, Error> {
        let (mut consumed, mut end) = (from, from);
        while let (State::Trailer(part, count), Some(&byte)) = (self.state, bytes.get(consumed)) {
            let next = next_in_trailer(part, count, byte);
            self.state = next.unwrap_or_else(State::Failed);
            next?;
            consumed += 1;
            if !matches!(self.state, State::Done | State::Trailer(Trailer::LastLineFeed, _)) {
                end = consumed;
            }
        }
        Ok(Step { consumed, data: &[], trailers: &bytes[from..end], done: self.is_done() })
    }

    fn take_framing(&mut self, byte: u8) -> Result<(), Error> {
        let next = self.count_framing().and_then(|()| next_in_chunk(self.state, byte));
        self.state = next.unwrap_or_else(State::Failed);
        next.map(|_| ())
    }

    fn count_framing(&mut self) -> Result<(), Error> {
        self.framing_bytes += 1;
        let allowed = CHUNK_OVERHEAD_BYTES.saturating_add(self.data_bytes.saturating_mul(CHUNK_OVERHEAD_PER_BYTE));
        if self.framing_bytes > allowed { Err(Error::ChunkOverhead) } else { Ok(()) }
    }
}

fn next_in_chunk(state: State, byte: u8) -> Result<State, Error> {
    match (state, byte) {
        (State::Size(line), _) => next_in_size_line(line, byte),
        (State::DataCr, b'\r') => Ok(State::DataLf),
        (State::DataCr, b'\n') => Err(Error::BareLineEnd),
        (State::DataLf, b'\n') => Ok(State::Size(NEW_LINE)),
        (State::DataLf, _) => Err(Error::BareLineEnd),
        _ => Err(Error::BadChunk),
    }
}

fn next_in_size_line(mut line: SizeLine, byte: u8) -> Result<State, Error> {
    match (line.part, byte) {
        (SizePart::LineFeed, b'\n') => return Ok(after_size_line(line.size)),
        (SizePart::LineFeed, _) | (_, b'\n') => return Err(Error::BareLineEnd),
        (SizePart::Digits | SizePart::Extension, b'\r') if line.digits > 0 => line.part = SizePart::LineFeed,
        (SizePart::Digits, _) if byte.is_ascii_hexdigit() => add_digit(&mut line, byte)?,
        (SizePart::Digits | SizePart::Blanks, b';') if line.digits > 0 => line.part = SizePart::Extension,
        (SizePart::Digits | SizePart::Blanks, _) if line.digits > 0 && is_blank(byte) => line.part = SizePart::Blanks,
        (SizePart::Extension, _) if !is_control(byte) => {}
        _ => return Err(Error::BadChunk),
    }
    line.bytes += 1;
    // The line end does not count: its CR may come one byte later.
    if line.bytes > CHUNK_LINE_BYTES_MAX && line.part != SizePart::LineFeed {
        return Err(Error::BadChunk);
    }
    Ok(State::Size(line))
}

fn add_digit(line: &mut SizeLine, digit: u8) -> Result<(), Error> {
    let value = (digit as char).to_digit(16).ok_or(Error::BadChunk)?;
    line.digits += 1;
    if line.digits > CHUNK_SIZE_DIGITS_MAX {
        return Err(Error::BadChunk);
    }
    line.size = line.size << 4 | u64::from(value);
    Ok(())
}

fn after_size_line(size: u64) -> State {
    match size {
        0 => State::Trailer(Trailer::LineStart, 0),
        size => State::Data(size),
    }
}

/// The fields of a trailer section obey the rules of those of a head; `bytes` are all before this one.
fn next_in_trailer(part: Trailer, bytes: usize, byte: u8) -> Result<State, Error> {
    let next = match (part, byte) {
        (Trailer::LastLineFeed, b'\n') => return Ok(State::Done),
        (Trailer::LineStart, b'\r') => return Ok(State::Trailer(Trailer::LastLineFeed, bytes)),
        (Trailer::LineFeed, b'\n') => Trailer::LineStart,
        (Trailer::LineFeed | Trailer::LastLineFeed, _) | (_, b'\n') => return Err(Error::BareLineEnd),
        (Trailer::LineStart, _) if is_blank(byte) => return Err(Error::ObsoleteFold),
        (Trailer::LineStart | Trailer::Name, _) if is_token(byte) => Trailer::Name,
        (Trailer::Name, b':') => Trailer::Value,
        (Trailer::Value, b'\r') => Trailer::LineFeed,
        (Trailer::Value, _) if !is_control(byte) => Trailer::Value,
        _ => return Err(Error::BadByte),
    };
    if bytes >= TRAILER_BYTES_MAX {
        return Err(Error::HeadTooLarge);
    }
    Ok(State::Trailer(next, bytes + 1))
}
