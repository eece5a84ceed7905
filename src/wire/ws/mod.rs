//! WebSocket on the wire (RFC 6455): bytes in, messages and control frames out; values in, headers out.
//!
//! No socket, no clock, no policy. A message that came whole is handed over where it lies, unmasked; of one
//! that comes in pieces, what came is kept, and no byte is looked at twice however they are cut.
//! Payloads of messages begin at a multiple of 8.
//! Refused here, not later: reserved bits and opcodes, lengths that are not the shortest, a mask where there
//! must be none and none where there must be one, fragments out of order, control frames that are long or in
//! fragments, close codes that may not be sent, text that is no UTF-8, at the first byte that shows it.

pub mod code;
pub mod decoder;
pub mod emit;
pub mod error;
pub mod event;
pub mod extension;
pub mod fuzz;
pub mod handshake;
mod header;
pub mod mask;
mod message;
pub mod payload;
pub(crate) mod utf8;

#[cfg(test)]
mod tests;

pub use code::Code;
pub use decoder::{Decoder, Limits};
pub use emit::{put_close, put_header, put_masked_header};
pub use error::Error;
pub use event::Event;
pub use header::{Kind, Opcode, Role};
pub use mask::mask;
pub use payload::Payload;

/// Longest payload of a control frame, in bytes (RFC 6455 §5.5).
pub const CONTROL_BYTES_MAX: usize = 125;
