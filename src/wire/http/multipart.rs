//! Several parts of one representation in one body: `multipart/byteranges` (RFC 9110 §14.6).
//!
//! The boundary comes from the caller, who must choose one that is not in the data. What is written
//! between the data is made once and counted as it is made, so that the length told first and the
//! bytes sent later agree.

use alloc::vec::Vec;
use core::ops::Range;

use super::range::content_range;

/// Longest boundary (RFC 2046 §5.1.1).
pub const BOUNDARY_BYTES_MAX: usize = 70;

/// A multipart body without its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart {
    parts: Vec<(Vec<u8>, Range<u64>)>,
    closing: Vec<u8>,
}

impl Multipart {
    /// A body of `parts` of a representation of `length` bytes.
    ///
    /// # Panics
    /// When the boundary is none: 1 to 70 letters, digits and `'()+_,-./:=?`.
    pub fn new(parts: &[Range<u64>], length: u64, content_type: &[u8], boundary: &str) -> Self {
        assert!(is_boundary(boundary.as_bytes()), "a boundary that RFC 2046 allows");
        let head = |(index, part): (usize, &Range<u64>)| {
            let mut head = Vec::with_capacity(128);
            head.extend_from_slice(if index == 0 { b"--" } else { b"\r\n--" });
            head.extend_from_slice(boundary.as_bytes());
            head.extend_from_slice(b"\r\nContent-Type: ");
            head.extend_from_slice(content_type);
            head.extend_from_slice(b"\r\nContent-Range: ");
            head.extend_from_slice(&content_range(part, length));
            head.extend_from_slice(b"\r\n\r\n");
            (head, part.clone())
        };
        let parts = parts.iter().enumerate().map(head).collect();
        let closing = [b"\r\n--", boundary.as_bytes(), b"--\r\n"].concat();
        Self { parts, closing }
    }

    /// What goes before each part's data, and where that data is.
    pub fn parts(&self) -> impl Iterator<Item = (&[u8], Range<u64>)> {
        self.parts.iter().map(|(head, part)| (head.as_slice(), part.clone()))
    }

    /// What goes after the last part.
    pub fn closing(&self) -> &[u8] {
        &self.closing
    }

    /// The length of the whole body, in bytes.
    pub fn content_length(&self) -> u64 {
        let part = |(head, part): &(Vec<u8>, Range<u64>)| head.len() as u64 + (part.end - part.start);
        self.parts.iter().map(part).sum::<u64>() + self.closing.len() as u64
    }
}

/// The `Content-Type` of such a body. Quoted: some of the octets that a boundary may have need it.
pub fn content_type(boundary: &str) -> Vec<u8> {
    [b"multipart/byteranges; boundary=\"", boundary.as_bytes(), b"\""].concat()
}

pub(super) fn is_boundary(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(byte);
    (1..=BOUNDARY_BYTES_MAX).contains(&text.len()) && text.iter().all(allowed)
}
