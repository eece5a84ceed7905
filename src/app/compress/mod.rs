//! Content codings: bytes in, fewer bytes out, at once or as they come.
//!
//! Whether an answer may be compressed at all is the [`Policy`] of its route; nothing is compressed
//! without one. Which coding a client takes is negotiated by [`crate::wire::http::accept`].

mod encoder;
mod policy;

pub use encoder::{Effort, Encoder, compress};
pub use policy::{Policy, is_compressible};
