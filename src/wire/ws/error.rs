//! What may be wrong with frames, and what their sender is told.

use super::Code;

/// What is wrong with the bytes of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Error {
    /// A close code that may not be sent.
    CloseCode,
    /// A close frame with half a code.
    CloseLength,
    /// A compressed message that does not unfold.
    Compressed,
    /// A continuation of nothing.
    Continuation,
    /// A control frame in fragments.
    ControlFragment,
    /// A control frame of more than 125 bytes.
    ControlLength,
    /// A message that begins inside of another.
    Interleaved,
    /// A length that a shorter form has room for.
    LengthForm,
    /// A length of more than 63 bits.
    LengthRange,
    /// A server's frame with a mask.
    Masked,
    /// A message longer than it may be.
    MessageTooLarge,
    /// An opcode that means nothing.
    Opcode,
    /// A reserved bit that nothing was agreed on for.
    ReservedBit,
    /// A message of more frames than it may have.
    TooManyFragments,
    /// A client's frame without a mask.
    Unmasked,
    /// Text that is no UTF-8.
    Utf8,
}

impl Error {
    /// Every error, for tables and tests.
    pub const ALL: [Error; 16] = [
        Error::CloseCode,
        Error::CloseLength,
        Error::Compressed,
        Error::Continuation,
        Error::ControlFragment,
        Error::ControlLength,
        Error::Interleaved,
        Error::LengthForm,
        Error::LengthRange,
        Error::Masked,
        Error::MessageTooLarge,
        Error::Opcode,
        Error::ReservedBit,
        Error::TooManyFragments,
        Error::Unmasked,
        Error::Utf8,
    ];

    /// What the close frame says that answers it.
    ///
    /// Too many fragments are 1008, as peers have it (`ws` for Node): with 1009 a client would send smaller
    /// messages, and the size of this one was not what was wrong.
    pub fn code(self) -> Code {
        match self {
            Error::MessageTooLarge => Code::TOO_LARGE,
            Error::TooManyFragments => Code::POLICY,
            Error::Compressed | Error::Utf8 => Code::INVALID_PAYLOAD,
            _ => Code::PROTOCOL_ERROR,
        }
    }

    /// What is wrong, where, and what is allowed, short enough for a close frame.
    pub fn sentence(self) -> &'static str {
        match self {
            Error::CloseCode => "close frame: a code that may not be sent; 1000-1003, 1007-1014 and 3000-4999 may",
            Error::CloseLength => "close frame: one byte of payload; none, or a code of two and a reason",
            Error::Compressed => "compressed message: not whole blocks of deflate (RFC 7692)",
            Error::Continuation => "opcode 0: no message to continue; a message begins with opcode 1 or 2",
            Error::ControlFragment => "control frame: FIN is not set; it must be in opcodes 8 to 10",
            Error::ControlLength => "control frame: longer than 125 bytes",
            Error::Interleaved => "opcode 1 or 2 inside of a message; its next frame has opcode 0",
            Error::LengthForm => "frame length: not in the shortest of the forms of 7, 16 and 64 bits",
            Error::LengthRange => "frame length: the highest of 64 bits is set; it must be 0",
            Error::Masked => "frame of a server: masked; it must not be",
            Error::MessageTooLarge => "message: larger than this end takes",
            Error::Opcode => "opcode: 3 to 7 and 11 to 15 mean nothing; 0, 1, 2, 8, 9 and 10 do",
            Error::ReservedBit => "reserved bit: set, but not agreed on; RSV1 begins a compressed message only",
            Error::TooManyFragments => "message: more frames than this end takes",
            Error::Unmasked => "frame of a client: not masked; it must be",
            Error::Utf8 => "text or reason: not UTF-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ws::CONTROL_BYTES_MAX;

    #[test]
    fn every_sentence_fits_a_close_frame_and_every_code_may_be_sent() {
        for error in Error::ALL {
            assert!(error.sentence().len() <= CONTROL_BYTES_MAX - 2, "{error:?}");
            assert!(error.code().is_allowed_on_wire(), "{error:?}");
        }
    }

    #[test]
    fn errors_stand_in_the_order_of_the_alphabet() {
        assert!(Error::ALL.is_sorted_by_key(|error| alloc::format!("{error:?}")));
    }
}
