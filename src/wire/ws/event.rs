//! What a peer said, from the payload of the frame that says it.

use alloc::borrow::Cow;
use alloc::string::String;

use super::header::Frame;
use super::payload::place;
use super::{Code, Error, Kind, Opcode, Payload, utf8};

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

/// What the frame says whose whole payload stands at `start`.
pub(super) fn event_here<'b>(bytes: &'b mut [u8], start: usize, frame: &Frame) -> Result<Event<'b>, Error> {
    let placed = place(bytes, start, frame.left, frame.key);
    let payload = &mut bytes[placed];
    match frame.opcode {
        Opcode::Binary => Ok(Event::Message(Kind::Binary, frame.rsv1, Payload::Here(payload))),
        Opcode::Text if frame.rsv1 || utf8::is_whole(payload) => {
            Ok(Event::Message(Kind::Text, frame.rsv1, Payload::Here(payload)))
        }
        Opcode::Text => Err(Error::Utf8),
        opcode => control(opcode, Cow::Borrowed(payload)),
    }
}

/// What a control frame with this payload says.
pub(super) fn control(opcode: Opcode, payload: Cow<'_, [u8]>) -> Result<Event<'_>, Error> {
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
