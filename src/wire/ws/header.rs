//! The header of a frame (RFC 6455 §5.2): bytes to [`Frame`], each rule checked at the byte that breaks it.
//!
//! ```text
//! byte 0         FIN 1 bit | RSV1-3 3 bits | opcode 4 bits
//! byte 1         MASK 1 bit | length 7 bits: 0-125, 126: 16 bits follow, 127: 64 bits follow
//! 0, 2 or 8      the length, the highest byte first
//! 0 or 4         the key of the mask
//! ```

use super::{CONTROL_BYTES_MAX, Error};

pub(super) const FIN: u8 = 0x80;
pub(super) const RSV1: u8 = 0x40;
const RSV: u8 = 0x70;
pub(super) const MASK: u8 = 0x80;
pub(super) const LENGTH_16: u8 = 126;
pub(super) const LENGTH_64: u8 = 127;
const FIXED_BYTES: usize = 2;
const KEY_BYTES: usize = 4;

/// Longest header, in bytes.
pub(super) const HEADER_BYTES_MAX: usize = FIXED_BYTES + 8 + KEY_BYTES;

/// What a message is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Bytes.
    Binary,
    /// UTF-8.
    Text,
}

/// Which end of the connection reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Frames that come are a server's: they must not be masked.
    Client,
    /// Frames that come are a client's: they must be masked.
    Server,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// The next fragment of a message.
    Continuation = 0,
    /// A message of text, or its first fragment.
    Text = 1,
    /// A message of bytes, or its first fragment.
    Binary = 2,
    /// The last frame.
    Close = 8,
    /// To be answered with a pong.
    Ping = 9,
    /// The answer to a ping, or a sign of life.
    Pong = 10,
}

impl Opcode {
    /// `None` if it means nothing.
    pub(super) fn parse(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return None,
        })
    }

    /// Whether it may stand between the fragments of a message.
    pub fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

impl From<Kind> for Opcode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Binary => Opcode::Binary,
            Kind::Text => Opcode::Text,
        }
    }
}

/// What a header says of its frame, and of the payload what has not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Bytes of the payload still to come.
    pub(super) left: usize,
    /// What the next byte of the payload begins to be xored with; zeros if it is not masked.
    pub(super) key: [u8; 4],
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
    pub(super) rsv1: bool,
}

/// What the next header may say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) role: Role,
    /// RSV1 may be set where a message begins.
    pub(super) deflate: bool,
    /// Fragments of the message under way, if there is one.
    pub(super) fragments: Option<u32>,
    pub(super) fragments_max: u32,
    /// Most bytes of payload that a data frame may have.
    pub(super) room: usize,
}

/// Reads the header at the start of `bytes`: it and its length. `None` if more bytes are needed.
pub(super) fn parse(bytes: &[u8], expected: &Expected) -> Result<Option<(Frame, usize)>, Error> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let opcode = expected.opcode(first)?;
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    expected.check_mask(second)?;
    let Some((length, at)) = parse_length(bytes, second, opcode)? else { return Ok(None) };
    if !opcode.is_control() && length > expected.room as u64 {
        return Err(Error::MessageTooLarge);
    }
    let mut frame =
        Frame { left: length as usize, key: [0; 4], opcode, fin: first & FIN != 0, rsv1: first & RSV1 != 0 };
    if expected.role == Role::Client {
        return Ok(Some((frame, at)));
    }
    let Some(key) = bytes[at..].first_chunk() else { return Ok(None) };
    frame.key = *key;
    Ok(Some((frame, at + KEY_BYTES)))
}

impl Expected {
    /// The opcode, if a frame may begin with this byte.
    fn opcode(&self, first: u8) -> Result<Opcode, Error> {
        let opcode = Opcode::parse(first & 0x0f).ok_or(Error::Opcode)?;
        let begins = matches!(opcode, Opcode::Text | Opcode::Binary);
        let allowed = if self.deflate && begins { RSV1 } else { 0 };
        if first & RSV & !allowed != 0 {
            return Err(Error::ReservedBit);
        }
        match (opcode, self.fragments) {
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(Error::Interleaved),
            (Opcode::Continuation, None) => Err(Error::Continuation),
            (Opcode::Continuation, Some(count)) if count >= self.fragments_max => Err(Error::TooManyFragments),
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) if first & FIN == 0 => Err(Error::ControlFragment),
            _ => Ok(opcode),
        }
    }

    fn check_mask(&self, second: u8) -> Result<(), Error> {
        match (self.role, second & MASK != 0) {
            (Role::Server, false) => Err(Error::Unmasked),
            (Role::Client, true) => Err(Error::Masked),
            _ => Ok(()),
        }
    }
}

/// The length of the payload, and where the length ends.
fn parse_length(bytes: &[u8], second: u8, opcode: Opcode) -> Result<Option<(u64, usize)>, Error> {
    let short = second & !MASK;
    if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
        return Err(Error::ControlLength);
    }
    let rest = &bytes[FIXED_BYTES..];
    match short {
        LENGTH_16 => {
            let Some(length) = rest.first_chunk().map(|length| u16::from_be_bytes(*length)) else {
                return Ok(None);
            };
            let is_shortest = length >= u16::from(LENGTH_16);
            if is_shortest { Ok(Some((length.into(), FIXED_BYTES + 2))) } else { Err(Error::LengthForm) }
        }
        LENGTH_64 => parse_long(rest),
        _ => Ok(Some((short.into(), FIXED_BYTES))),
    }
}

/// The length in 64 bits at the start of `rest`.
fn parse_long(rest: &[u8]) -> Result<Option<(u64, usize)>, Error> {
    if rest.first().is_some_and(|first| first & 0x80 != 0) {
        return Err(Error::LengthRange);
    }
    let Some(length) = rest.first_chunk().map(|length| u64::from_be_bytes(*length)) else {
        return Ok(None);
    };
    let is_shortest = length > u64::from(u16::MAX);
    if is_shortest { Ok(Some((length, FIXED_BYTES + 8))) } else { Err(Error::LengthForm) }
}
