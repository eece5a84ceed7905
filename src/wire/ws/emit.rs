//! Values to frames: headers and the payload of a close frame.

use super::header::{FIN, HEADER_BYTES_MAX, LENGTH_16, LENGTH_64, MASK, RSV1};
use super::{CONTROL_BYTES_MAX, Code, Opcode};

/// Longest header of a server's frame, in bytes.
pub const SERVER_HEADER_BYTES_MAX: usize = HEADER_BYTES_MAX - 4;

/// The header of a server's frame, and how many of its bytes count.
#[inline]
pub fn put_header(
    opcode: Opcode,
    fin: bool,
    rsv1: bool,
    payload_bytes: usize,
) -> ([u8; SERVER_HEADER_BYTES_MAX], usize) {
    let mut header = [0; SERVER_HEADER_BYTES_MAX];
    header[0] = opcode as u8 | if fin { FIN } else { 0 } | if rsv1 { RSV1 } else { 0 };
    if payload_bytes < usize::from(LENGTH_16) {
        header[1] = payload_bytes as u8;
        (header, 2)
    } else if let Ok(length) = u16::try_from(payload_bytes) {
        header[1] = LENGTH_16;
        header[2..4].copy_from_slice(&length.to_be_bytes());
        (header, 4)
    } else {
        header[1] = LENGTH_64;
        header[2..].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
        (header, SERVER_HEADER_BYTES_MAX)
    }
}

/// The header of a client's frame, and how many of its bytes count; the payload is to be masked with `key`.
pub fn put_masked_header(
    opcode: Opcode,
    fin: bool,
    rsv1: bool,
    payload_bytes: usize,
    key: [u8; 4],
) -> ([u8; HEADER_BYTES_MAX], usize) {
    let (plain, length) = put_header(opcode, fin, rsv1, payload_bytes);
    let mut header = [0; HEADER_BYTES_MAX];
    header[..length].copy_from_slice(&plain[..length]);
    header[1] |= MASK;
    header[length..length + key.len()].copy_from_slice(&key);
    (header, length + key.len())
}

/// The payload of a close frame, and how many of its bytes count. A reason that is too long ends early, at a
/// character.
///
/// # Panics
///
/// If the code may not be sent.
pub fn put_close(code: Code, reason: &str) -> ([u8; CONTROL_BYTES_MAX], usize) {
    assert!(code.is_allowed_on_wire(), "a code that may not be sent: {}", code.number());
    let mut payload = [0; CONTROL_BYTES_MAX];
    let reason = &reason[..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)];
    payload[..2].copy_from_slice(&code.number().to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
    (payload, 2 + reason.len())
}
