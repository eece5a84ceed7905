//! The property of this room, for any bytes at all.

use super::{Deflater, INFLATE_CONTEXT_BYTES, Inflater, Pool};
use crate::buffer::Aligned;
use crate::limits::{WS_WINDOW_BITS_MAX, WS_WINDOW_BITS_MIN};
use crate::wire::ws::{Error, Kind};

/// Largest message that is unfolded here.
const BYTES_MAX: usize = 64 * 1024;
/// Times a long message repeats its piece: longer than every window.
const REPEATS: usize = 300;

/// `data` is a byte of settings and pieces, each behind a byte of its length; panics where a property does not hold.
///
/// What is compressed unfolds to itself, whatever came before. Any payload unfolds to as much as it may or to
/// an error, and to the same again.
pub fn fuzz(data: &[u8]) {
    let Some((&settings, mut rest)) = data.split_first() else { return };
    let takeover = settings & 1 != 0;
    let windows = WS_WINDOW_BITS_MAX - WS_WINDOW_BITS_MIN + 1;
    let bits = WS_WINDOW_BITS_MIN + (settings >> 1) % windows;
    let mut pieces = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        let (piece, after) = after.split_at(usize::from(length).min(after.len()));
        pieces.push(piece);
        rest = after;
    }
    there_and_back(&pieces, takeover, bits);
    unfold(&pieces, takeover);
}

fn there_and_back(pieces: &[&[u8]], takeover: bool, bits: u8) {
    let (mut deflater, mut inflater) = (Deflater::new(takeover, bits), Inflater::new(takeover));
    let (mut pool, mut out) = (Pool::new(), Aligned::new());
    for piece in pieces {
        let repeats = if piece.first().is_some_and(|&byte| byte % 8 == 7) { REPEATS } else { 1 };
        let message = piece.repeat(repeats);
        let mut payload = b"head".to_vec();
        if deflater.deflate(&message, 0, &mut payload, &mut pool) {
            assert!(takeover || payload.len() - 4 < message.len());
            inflater
                .inflate(Kind::Binary, &payload[4..], message.len(), &mut out, &mut pool)
                .expect("our own messages unfold");
            assert_eq!(out[..], message[..]);
        }
        assert!(payload.starts_with(b"head"));
        assert!(takeover || deflater.held_bytes() + inflater.held_bytes() == 0);
    }
}

fn unfold(pieces: &[&[u8]], takeover: bool) {
    let (mut one, mut other) = (Inflater::new(takeover), Inflater::new(takeover));
    let (mut pool, mut out, mut again) = (Pool::new(), Aligned::new(), Aligned::new());
    for piece in pieces {
        let outcome = one.inflate(Kind::Text, piece, BYTES_MAX, &mut out, &mut pool);
        // A context that others used is as good as a new one.
        assert_eq!(other.inflate(Kind::Text, piece, BYTES_MAX, &mut again, &mut Pool::new()), outcome);
        assert!(out.len() <= BYTES_MAX && out.capacity_bytes() < BYTES_MAX + 8);
        assert!(one.held_bytes() <= INFLATE_CONTEXT_BYTES && pool.held_bytes() > 0 || piece.is_empty() || takeover);
        match outcome {
            Ok(()) => assert!(out == again && core::str::from_utf8(&out).is_ok()),
            Err(error) => {
                return assert!(matches!(error, Error::Compressed | Error::MessageTooLarge | Error::Utf8));
            }
        }
    }
}
