//! HTTP/1.1 on the wire: bytes in, heads and body data out; status and fields in, bytes out.
//!
//! A head borrows the bytes it was parsed from; nothing is allocated.
//! Refused here, not later, because parsers disagree on them: bare LF or CR, obs-fold, space before
//! the colon, NUL, two lengths, a length with chunked, chunk sizes that are no plain hex number.

pub mod body;
mod diagnose;
pub mod emit;
pub mod error;
mod fields;
pub mod fuzz;
pub mod head;
pub mod lines;
pub mod memory;
mod octets;
mod quick;
mod recall;
pub mod scan;
mod swar;
mod target;
pub mod trailers;

#[cfg(test)]
mod tests;

pub use body::{BodyDecoder, Step};
pub use error::Error;
pub use head::{Framing, Head, Limits, Method, Version, parse_head};
pub use lines::{FieldLines, Slots, slots};
pub use memory::HeadMemory;
pub use scan::HeadScan;
pub use trailers::Trailers;
