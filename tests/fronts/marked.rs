//! Requests that can be told apart: an id in the target, and the same id as the body.

use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of an id; the lengths in `cases` count on it.
const ID_BYTES: usize = 8;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An id that nobody else has: a letter for what it marks, and a number.
pub(crate) fn id(letter: char) -> String {
    let id = format!("{letter}{:07}", NEXT.fetch_add(1, Ordering::Relaxed));
    assert_eq!(id.len(), ID_BYTES, "an id has one length");
    id
}

/// A request whose answer has its id as body. `fields` are whole lines.
pub(crate) fn request(id: &str, fields: &str) -> Vec<u8> {
    format!("POST /-/echo?id={id} HTTP/1.1\r\nHost: front\r\nContent-Length: {ID_BYTES}\r\n{fields}\r\n{id}")
        .into_bytes()
}

/// The same in chunks.
pub(crate) fn chunked(id: &str) -> Vec<u8> {
    let (one, two) = id.split_at(3);
    format!(
        "POST /-/echo?id={id} HTTP/1.1\r\nHost: front\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\n{one}\r\n5\r\n{two}\r\n0\r\n\r\n"
    )
    .into_bytes()
}
