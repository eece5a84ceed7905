//! Frames to messages: the bytes of one connection in, [`Event`]s out.
//!
//! A data frame that is whole, alone its message, is handed over where it lies. What comes in pieces is
//! unmasked, checked and kept as it comes: all fragments of a message in one memory that grows with what
//! came, never by what a header declares.
//! Invariant: every byte taken in is either handed over or kept once; nothing of it is read again, except
//! the beginning of a character or of a header.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::header::{Expected, Frame, HEADER_BYTES_MAX, parse};
use super::payload::{place, shift_of};
use super::{Code, Error, Kind, Opcode, Payload, Role, mask, utf8};
use crate::buffer::{Aligned, rotated};
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

/// What a peer said.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// The last frame, and why. Whatever follows is dropped.
    Close(Option<(Code, Cow<'b, str>)>),
    /// A message: whether it is compressed, and its payload. Text that is not compressed is UTF-8.
    Message(Kind, bool, Payload<'b>),
    /// To be answered with a pong that carries the same.
    Ping(Cow<'b, [u8]>),
    /// The answer to a ping, or a sign of life.
    Pong(Cow<'b, [u8]>),
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
    /// One of the payload of this frame.
    Payload(Frame),
    /// One after the end: of no interest.
    Ended,
}

const BETWEEN: Stage = Stage::Header([0; HEADER_BYTES_MAX], 0);

/// What came of a message.
#[derive(Debug)]
struct Message {
    bytes: Aligned,
    /// Bytes at the start that are whole characters, if it is text.
    checked: usize,
    fragments: u32,
    kind: Kind,
    compressed: bool,
}

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

    /// Whether no frame and no message is incomplete.
    pub fn is_between(&self) -> bool {
        !matches!(self.stage, Stage::Header(_, 1..) | Stage::Payload(_)) && self.message.is_none()
    }

    /// Bytes of memory that it holds beside itself.
    pub fn held_bytes(&self) -> usize {
        let message = |message: &Message| size_of::<Message>() + message.bytes.capacity_bytes();
        self.message.as_deref().map_or(0, message) + self.control.capacity()
    }

    /// Goes on at `bytes[*used..]` and leaves `used` behind what it took in; what stands before it may be
    /// overwritten.
    ///
    /// `Ok(None)`: everything was taken in. After an error or a close, all is dropped. A message stays where
    /// it lies for sure if `bytes` begins at a multiple of 8.
    pub fn next<'b>(
        &mut self,
        bytes: &'b mut [u8],
        used: &mut usize,
        limits: &Limits,
    ) -> Result<Option<Event<'b>>, Error> {
        let result = self.read(bytes, used, limits);
        if matches!(result, Err(_) | Ok(Some(Event::Close(_)))) {
            *self = Self { stage: Stage::Ended, ..Self::new(self.role, self.deflate) };
        }
        result
    }

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
        match self.stage {
            Stage::Header(held, count) => {
                let Some(frame) = self.read_header(held, count, bytes, used, limits)? else { return Ok(Step::More) };
                if self.is_here(&frame, bytes, *used) {
                    return Ok(Step::Here(frame));
                }
                self.begin(&frame);
                self.take_in(frame, bytes, used)
            }
            Stage::Payload(frame) => self.take_in(frame, bytes, used),
            Stage::Ended => {
                *used = bytes.len();
                Ok(Step::More)
            }
        }
    }

    /// The frame whose header is whole now, `used` behind it; otherwise the rest of `bytes` is kept.
    fn read_header(
        &mut self,
        mut held: [u8; HEADER_BYTES_MAX],
        count: u8,
        bytes: &[u8],
        used: &mut usize,
        limits: &Limits,
    ) -> Result<Option<Frame>, Error> {
        let expected = self.expected(limits);
        let before = usize::from(count);
        let rest = &bytes[*used..];
        let taken = rest.len().min(HEADER_BYTES_MAX - before);
        held[before..before + taken].copy_from_slice(&rest[..taken]);
        match parse(&held[..before + taken], &expected)? {
            Some((frame, length)) => {
                self.stage = BETWEEN;
                *used += length - before;
                Ok(Some(frame))
            }
            None => {
                self.stage = Stage::Header(held, (before + taken) as u8);
                *used = bytes.len();
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
        is_alone && bytes.len() - start >= frame.left && shift_of(bytes, start) <= start
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
        let message = Message { bytes: Aligned::new(), checked: 0, fragments: 1, kind, compressed: frame.rsv1 };
        self.message = Some(Box::new(message));
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

impl Message {
    fn is_text(&self) -> bool {
        self.kind == Kind::Text && !self.compressed
    }

    fn append(&mut self, came: &[u8], key: [u8; 4]) -> Result<(), Error> {
        self.bytes.extend_xored(came, key);
        if self.is_text() {
            self.checked += utf8::whole_characters(&self.bytes[self.checked..])?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Event<'static>, Error> {
        if self.is_text() && self.checked < self.bytes.len() {
            return Err(Error::Utf8);
        }
        Ok(Event::Message(self.kind, self.compressed, Payload::Whole(self.bytes)))
    }
}

/// What the frame says whose whole payload stands at `start`.
fn event_here<'b>(bytes: &'b mut [u8], start: usize, frame: &Frame) -> Result<Event<'b>, Error> {
    let payload = place(bytes, start, frame);
    match frame.opcode {
        Opcode::Binary => Ok(Event::Message(Kind::Binary, frame.rsv1, Payload::Here(payload))),
        Opcode::Text => {
            if !frame.rsv1 {
                utf8::check(payload)?;
            }
            Ok(Event::Message(Kind::Text, frame.rsv1, Payload::Here(payload)))
        }
        opcode => control(opcode, Cow::Borrowed(payload)),
    }
}

fn control(opcode: Opcode, payload: Cow<'_, [u8]>) -> Result<Event<'_>, Error> {
    match opcode {
        Opcode::Close => close(payload).map(Event::Close),
        Opcode::Ping => Ok(Event::Ping(payload)),
        _ => Ok(Event::Pong(payload)),
    }
}

/// The payload of a close frame (RFC 6455 §5.5.1): nothing, or a code and a reason.
fn close(payload: Cow<'_, [u8]>) -> Result<Option<(Code, Cow<'_, str>)>, Error> {
    let code = match payload[..] {
        [] => return Ok(None),
        [_] => return Err(Error::CloseLength),
        [high, low, ..] => Code::new(u16::from_be_bytes([high, low])),
    };
    if !code.is_allowed_on_wire() {
        return Err(Error::CloseCode);
    }
    let reason = match payload {
        Cow::Borrowed(bytes) => Cow::Borrowed(utf8::check(&bytes[2..])?),
        Cow::Owned(bytes) => Cow::Owned(String::from(utf8::check(&bytes[2..])?)),
    };
    Ok(Some((code, reason)))
}
