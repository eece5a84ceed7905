//! Compressed messages (RFC 7692): the payload of a whole message in, the message out, and back.
//!
//! A connection has an [`Inflater`] and a [`Deflater`], of a few words each. What costs memory is a context:
//! [`INFLATE_CONTEXT_BYTES`] to unfold, whatever window the peer promised, and [`deflate_context_bytes`] to
//! compress. A connection has one from its first compressed message in that direction, and keeps it only if
//! messages refer to those before; else it is borrowed from the thread's [`Pool`] for each message.
//!
//! Refused: a message that is not whole or no deflate, more final blocks than [`WS_FINAL_BLOCKS_MAX`] (each
//! costs a reset), text that is no UTF-8, and, as soon as it shows, a message that unfolds to more than it may.
//!
//! [`WS_FINAL_BLOCKS_MAX`]: crate::limits::WS_FINAL_BLOCKS_MAX

mod deflater;
mod fuzz;
mod inflater;
mod pool;

#[cfg(test)]
mod tests;

pub use deflater::Deflater;
pub use fuzz::fuzz;
pub use inflater::Inflater;
pub use pool::{INFLATE_CONTEXT_BYTES, Pool, deflate_context_bytes};

/// What ends a flushed message: sent by nobody, for everybody knows it (§7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
