//! What HTTP means in every version of it (RFC 9110): fields in, decisions and values out.
//!
//! No framing, no socket, no clock. What is malformed is ignored or refused as the RFC says of each
//! field; work is linear in the bytes of the fields.

pub mod accept;
pub mod conditional;
pub mod cookie;
pub mod cors;
pub mod etag;
pub mod fields;
pub mod forwarded;
pub mod fuzz;
pub mod multipart;
pub mod network;
pub mod range;

#[cfg(test)]
mod tests;
