//! A message in its frame, made once for everybody it goes to.

use std::sync::Arc;

use crate::buffer::SendBuf;
use crate::wire::ws::{Kind, Opcode, put_header};

/// A whole message as it leaves. Cheap to clone: all who send it share the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed(Arc<[u8]>);

impl Framed {
    /// Frames a message. That of [`Kind::Text`] has to be UTF-8.
    pub fn new(kind: Kind, payload: &[u8]) -> Self {
        debug_assert!(kind == Kind::Binary || std::str::from_utf8(payload).is_ok(), "text is UTF-8");
        let (header, length) = put_header(Opcode::from(kind), true, false, payload.len());
        Self([&header[..length], payload].concat().into())
    }

    /// Frames a text.
    pub fn text(text: &str) -> Self {
        Self::new(Kind::Text, text.as_bytes())
    }

    /// Frames bytes.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::new(Kind::Binary, bytes)
    }

    /// The frame, header and payload.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Bytes of the frame.
    #[allow(clippy::len_without_is_empty, reason = "a frame has a header")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Appends the frame; the bytes are shared unless they are few.
    pub fn put(&self, out: &mut SendBuf) {
        out.put_shared(&self.0, 0..self.0.len());
    }
}
