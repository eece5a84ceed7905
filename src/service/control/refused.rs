//! Why a message of `lattice.config.v1` was refused: the codes of its error frames. They stay for good.
//!
//! | code | what | what to do |
//! |---|---|---|
//! | 1 | the message is text | send it as binary |
//! | 2 | it has not 14 bytes | one frame is one message |
//! | 3 | the checksum is not that of the 13 bytes before | CRC-8/SMBUS |
//! | 4 | no frame has this type | 0x01, 0x02, 0x03 |
//! | 5 | the offset is out of range | a byte from 0 to 12, a bit from 0 to 31 |
//! | 6 | the value is out of range | as the sentence says |
//! | 7 | only the node sends frames of this type | 0x01, 0x02, 0x03 |
//! | 8 | too many messages | wait a second |
//! | 16 | whoever asks is not logged in | connect with a token |
//! | 17 | the token may only read | connect with another |
//! | 18 | whoever asks is no administrator | connect with a token of one |
//! | 19 | BINARY_PROTOCOL is off | the node is about to close this connection |
//! | 32 | the config is of a version that this node never writes | for the operator |
//! | 33 | others changed the config again and again meanwhile | send it again |
//! | 34 | the file or the node is busy | send it again, later |
//! | 35 | the disk is full | for the operator |
//! | 36 | the file may not be written | for the operator |
//! | 37 | the file cannot be used | for the operator, whose log says why |

use std::borrow::Cow;

use super::change::Mistake;
use crate::config::frame::{Frame, FrameError};
use crate::config::{Error, Refusal};

/// The code of an error frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Code {
    Text = 1,
    Length = 2,
    Checksum = 3,
    Type = 4,
    Offset = 5,
    Value = 6,
    Direction = 7,
    TooFast = 8,
    NotLoggedIn = 16,
    ReadOnlyToken = 17,
    NotAdmin = 18,
    Off = 19,
    Version = 32,
    Conflict = 33,
    Busy = 34,
    DiskFull = 35,
    Unwritable = 36,
    Unusable = 37,
}

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: Code,
    /// For people.
    pub(super) sentence: Cow<'static, str>,
}

impl Refused {
    pub(super) const fn new(code: Code, sentence: &'static str) -> Self {
        Self { code, sentence: Cow::Borrowed(sentence) }
    }

    /// The message that says so.
    pub(super) fn message(&self) -> Vec<u8> {
        let sentence = self.sentence.as_bytes();
        // A sentence is short.
        let head = Frame::Error { payload_bytes: sentence.len() as u32, code: self.code as u64 };
        [&head.encode(), sentence].concat()
    }

    /// Whether somebody has to mend something here.
    pub(super) fn is_operators(&self) -> bool {
        matches!(self.code, Code::DiskFull | Code::Unusable)
    }
}

impl From<FrameError> for Refused {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Checksum => Self::new(Code::Checksum, "the last byte is not the CRC-8/SMBUS of those before"),
            FrameError::Kind => Self::new(Code::Type, "no frame has this type: allowed is 0x01, 0x02, 0x03"),
            FrameError::Offset => {
                Self::new(Code::Offset, "the offset is out of range: a byte is 0 to 12, a feature bit 0 to 31")
            }
            FrameError::Value => {
                Self::new(Code::Value, "the value is out of range: a byte is 0 to 255, a feature bit 0 or 1")
            }
        }
    }
}

impl From<Mistake> for Refused {
    fn from(mistake: Mistake) -> Self {
        Self { code: Code::Value, sentence: mistake.to_string().into() }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Refused(Refusal::UnknownVersion) => Code::Version,
            Error::Refused(Refusal::Offset) => Code::Offset,
            Error::Refused(Refusal::Value) => Code::Value,
            Error::Conflict => Code::Conflict,
            Error::Busy | Error::Locked => Code::Busy,
            Error::DiskFull => Code::DiskFull,
            Error::Denied | Error::Mode | Error::Owner | Error::ReadOnly => Code::Unwritable,
            _ => Code::Unusable,
        };
        Self::new(code, error.sentence())
    }
}
