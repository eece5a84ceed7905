//! A message that is not whole: what came of it, in one memory for all its fragments.

use super::{Error, Event, Kind, Payload, utf8};
use crate::buffer::Aligned;

/// What came of a message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) bytes: Aligned,
    /// Bytes at the start that are whole characters, if it is text.
    checked: usize,
    pub(super) fragments: u32,
    kind: Kind,
    compressed: bool,
}

impl Message {
    /// Of which the first frame begins.
    pub(super) fn new(kind: Kind, compressed: bool) -> Self {
        Self { bytes: Aligned::new(), checked: 0, fragments: 1, kind, compressed }
    }

    /// Bytes of memory that it takes.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity_bytes()
    }

    fn is_text(&self) -> bool {
        self.kind == Kind::Text && !self.compressed
    }

    /// Takes in what came next; text that is none is refused at once.
    pub(super) fn append(&mut self, came: &[u8], key: [u8; 4]) -> Result<(), Error> {
        self.bytes.extend_xored(came, key);
        if self.is_text() {
            self.checked += utf8::whole_characters(&self.bytes[self.checked..])?;
        }
        Ok(())
    }

    /// The message, now that its last frame is whole.
    pub(super) fn finish(self) -> Result<Event<'static>, Error> {
        if self.is_text() && self.checked < self.bytes.len() {
            return Err(Error::Utf8);
        }
        Ok(Event::Message(self.kind, self.compressed, Payload::Whole(self.bytes)))
    }
}
