//! Frames to messages: the bytes of one connection in, [`Event`]s out.
//!
//! A data frame that is whole, alone its message, is handed over where it lies. What comes in pieces is
//! unmasked, checked and kept as it comes: all fragments of a message in one memory that grows with what
//! came, never by what a header declares.
//! Invariant: every byte taken in is either handed over or kept once; nothing of it is read again, except
//! the beginning of a character or of a header.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::event::{Event, control, event_here};
use super::header::{Expected, FIN, Frame, HEADER_BYTES_MAX, LENGTH_16, MASK, parse};
use super::message::Message;
use super::payload::{can_be_placed, place};
use super::{Error, Kind, Opcode, Payload, Role, mask, utf8};
use crate::buffer::rotated;
use crate::limits::{WS_FRAGMENTS, WS_MESSAGE_BYTES};

/// How large a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of one message, as they are on the wire.
    pub message_bytes: usize,
    /// Most frames of one message; a message has at least one.
    pub fragments: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes: WS_MESSAGE_BYTES, fragments: WS_FRAGMENTS }
    }
}

/// Reads the frames of one connection.
#[derive(Debug)]
pub struct Decoder {
    stage: Stage,
    /// The message whose last frame has not come to its end.
    message: Option<Box<Message>>,
    /// What came of the payload of a control frame that is not whole.
    control: Vec<u8>,
    role: Role,
    deflate: bool,
}

const _: () = assert!(size_of::<Decoder>() <= 64);

/// What the next byte is.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// One of a header, of which so many came.
    Header([u8; HEADER_BYTES_MAX], u8),
    /// The first of the payload of this frame.
    Begun(Frame),
    /// One of the payload of this frame, whose beginning is kept.
    Payload(Frame),
    /// One after the end: of no interest.
    Ended,
}

/// First bytes of frames that are whole messages, not compressed.
const BINARY_ALONE: u8 = FIN | Opcode::Binary as u8;
const TEXT_ALONE: u8 = FIN | Opcode::Text as u8;
/// The header of a client's frame of less than 126 bytes.
const SHORT_HEADER_BYTES: usize = 6;

const BETWEEN: Stage = Stage::Header([0; HEADER_BYTES_MAX], 0);

/// How far a step came.
enum Step {
    /// A frame ended that says nothing alone.
    Fragment,
    /// The whole payload of this frame is the next in the bytes.
    Here(Frame),
    /// All bytes were taken in.
    More,
    /// A frame that came in pieces is whole.
    Whole(Event<'static>),
}

impl Decoder {
    /// For the end that reads; `deflate`: whether messages may be compressed.
    pub const fn new(role: Role, deflate: bool) -> Self {
        Self { stage: BETWEEN, message: None, control: Vec::new(), role, deflate }
    }

    /// Whether no frame and no message is incomplete: also after the last one.
    pub fn is_between(&self) -> bool {
        !matches!(self.stage, Stage::Header(_, 1..) | Stage::Begun(_) | Stage::Payload(_)) && self.message.is_none()
    }

    /// Bytes of memory that it holds beside itself.
    pub fn held_bytes(&self) -> usize {
        self.message.as_deref().map_or(0, Message::held_bytes) + self.control.capacity()
    }

    /// Goes on at `bytes[*used..]` and leaves `used` behind what it took in; what stands before it may be
    /// overwritten.
    ///
    /// `Ok(None)`: everything was taken in. After an error or a close, all is dropped. A message stays where
    /// it lies for sure if `bytes` begins at a multiple of 8.
    #[inline]
    pub fn next<'b>(
        &mut self,
        bytes: &'b mut [u8],
        used: &mut usize,
        limits: &Limits,
    ) -> Result<Option<Event<'b>>, Error> {
        if *used == bytes.len() {
            return Ok(None);
        }
        if let Some((kind, payload)) = self.next_short(bytes, used, limits)? {
            return Ok(Some(Event::Message(kind, false, Payload::Here(&mut bytes[payload]))));
        }
        let outcome = self.read(bytes, used, limits);
        if let Ok(Some(Event::Close(_))) | Err(_) = outcome {
            self.end();
        }
        outcome
    }

    /// The same for what most messages are: masked, in one frame of less than 126 bytes that is whole, not
    /// compressed; its kind, and where its payload lies now. `Ok(None)`: nothing was taken in, and [`Self::next`]
    /// knows what is there.
    #[inline(always)]
    pub fn next_short(
        &mut self,
        bytes: &mut [u8],
        used: &mut usize,
        limits: &Limits,
    ) -> Result<Option<(Kind, Range<usize>)>, Error> {
        let Some((kind, key, length)) = self.short_message(bytes, *used, limits) else { return Ok(None) };
        let start = *used + SHORT_HEADER_BYTES;
        *used = start + length;
        let payload = place(bytes, start, length, key);
        if kind == Kind::Binary || utf8::is_whole(&bytes[payload.clone()]) {
            return Ok(Some((kind, payload)));
        }
        self.end();
        Err(Error::Utf8)
    }

    /// Lets go of everything and reads no more.
    #[cold]
    fn end(&mut self) {
        *self = Self { stage: Stage::Ended, ..Self::new(self.role, self.deflate) };
    }

    /// Kind, key and length. What does not look like that goes the long way, each mistake among it.
    #[inline(always)]
    fn short_message(&self, bytes: &[u8], at: usize, limits: &Limits) -> Option<(Kind, [u8; 4], usize)> {
        let (Stage::Header(_, 0), None, Role::Server) = (self.stage, &self.message, self.role) else { return None };
        let (header, rest) = bytes.get(at..)?.split_first_chunk::<SHORT_HEADER_BYTES>()?;
        let [first, second, key @ ..] = *header;
        let length = usize::from(second ^ MASK);
        if length > rest.len() || length >= usize::from(LENGTH_16) || length > limits.message_bytes {
            return None;
        }
        let kind = match first {
            BINARY_ALONE => Kind::Binary,
            TEXT_ALONE => Kind::Text,
            _ => return None,
        };
        can_be_placed(bytes, at + SHORT_HEADER_BYTES).then_some((kind, key, length))
    }

    /// The long way, which knows every frame.
    #[inline(never)]
    fn read<'b>(&mut self, bytes: &'b mut [u8], used: &mut usize, limits: &Limits) -> Result<Option<Event<'b>>, Error> {
        loop {
            match self.step(bytes, used, limits)? {
                Step::Fragment => {}
                Step::Here(frame) => {
                    let start = *used;
                    *used += frame.left;
                    return event_here(bytes, start, &frame).map(Some);
                }
                Step::More => return Ok(None),
                Step::Whole(event) => return Ok(Some(event)),
            }
        }
    }

    fn step(&mut self, bytes: &[u8], used: &mut usize, limits: &Limits) -> Result<Step, Error> {
        let frame = match self.stage {
            Stage::Header(held, count) => self.read_header(held, count.into(), bytes, used, limits)?,
            Stage::Begun(frame) => Some(frame),
            Stage::Payload(frame) => return self.take_in(frame, bytes, used),
            Stage::Ended => {
                *used = bytes.len();
                None
            }
        };
        let Some(frame) = frame else { return Ok(Step::More) };
        if *used == bytes.len() && frame.left > 0 {
            // Peers write headers alone: the payload may still come whole.
            self.stage = Stage::Begun(frame);
            return Ok(Step::More);
        }
        if self.is_here(&frame, bytes, *used) {
            self.stage = BETWEEN;
            return Ok(Step::Here(frame));
        }
        self.begin(&frame);
        self.take_in(frame, bytes, used)
    }

    /// The frame whose header is whole now, `used` behind it; otherwise what came of it is kept.
    fn read_header(
        &mut self,
        mut held: [u8; HEADER_BYTES_MAX],
        count: usize,
        bytes: &[u8],
        used: &mut usize,
        limits: &Limits,
    ) -> Result<Option<Frame>, Error> {
        let expected = self.expected(limits);
        let rest = &bytes[*used..];
        if count == 0
            && let Some((frame, length)) = parse(rest, &expected)?
        {
            *used += length;
            return Ok(Some(frame));
        }
        let kept = rest.len().min(HEADER_BYTES_MAX - count);
        held[count..count + kept].copy_from_slice(&rest[..kept]);
        match parse(&held[..count + kept], &expected)? {
            Some((frame, length)) => {
                *used += length - count;
                Ok(Some(frame))
            }
            None => {
                *used += kept;
                self.stage = Stage::Header(held, (count + kept) as u8);
                Ok(None)
            }
        }
    }

    fn expected(&self, limits: &Limits) -> Expected {
        let message = self.message.as_deref();
        Expected {
            role: self.role,
            deflate: self.deflate,
            fragments: message.map(|message| message.fragments),
            fragments_max: limits.fragments,
            room: limits.message_bytes.saturating_sub(message.map_or(0, |message| message.bytes.len())),
        }
    }

    /// Whether the frame says something alone, and its payload at `start` is whole and can be aligned.
    fn is_here(&self, frame: &Frame, bytes: &[u8], start: usize) -> bool {
        let is_alone = frame.opcode.is_control() || frame.fin && self.message.is_none();
        is_alone && bytes.len() - start >= frame.left && can_be_placed(bytes, start)
    }

    /// Prepares for the payload of a frame that will be kept.
    fn begin(&mut self, frame: &Frame) {
        let kind = match frame.opcode {
            Opcode::Binary => Kind::Binary,
            Opcode::Text => Kind::Text,
            _ => {
                if let (Opcode::Continuation, Some(message)) = (frame.opcode, &mut self.message) {
                    message.fragments += 1;
                }
                return;
            }
        };
        self.message = Some(Box::new(Message::new(kind, frame.rsv1)));
    }

    /// Keeps what came of the payload of `frame`.
    fn take_in(&mut self, frame: Frame, bytes: &[u8], used: &mut usize) -> Result<Step, Error> {
        let came = &bytes[*used..][..frame.left.min(bytes.len() - *used)];
        *used += came.len();
        self.keep(&frame, came)?;
        let left = frame.left - came.len();
        if left > 0 {
            self.stage = Stage::Payload(Frame { left, key: rotated(frame.key, came.len()), ..frame });
            return Ok(Step::More);
        }
        self.stage = BETWEEN;
        if frame.opcode.is_control() {
            let payload = core::mem::take(&mut self.control);
            return control(frame.opcode, Cow::Owned(payload)).map(Step::Whole);
        }
        if !frame.fin {
            return Ok(Step::Fragment);
        }
        match self.message.take() {
            Some(message) => message.finish().map(Step::Whole),
            None => Err(Error::Continuation),
        }
    }

    fn keep(&mut self, frame: &Frame, came: &[u8]) -> Result<(), Error> {
        match &mut self.message {
            Some(message) if !frame.opcode.is_control() => message.append(came, frame.key),
            _ => {
                let start = self.control.len();
                self.control.extend_from_slice(came);
                mask(&mut self.control[start..], frame.key);
                Ok(())
            }
        }
    }
}
