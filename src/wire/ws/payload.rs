//! The payload of a message, where it lies or in memory of its own.

use core::ops::{Deref, DerefMut, Range};

use super::mask::unmask_down;
use crate::buffer::Aligned;

/// What alignment every payload has.
const ALIGN: usize = align_of::<u64>();

/// The bytes of one message. They begin at a multiple of 8.
#[derive(Debug)]
pub enum Payload<'b> {
    /// In the bytes that were read.
    Here(&'b mut [u8]),
    /// In memory of its own, for it did not come at once.
    Whole(Aligned),
}

impl Payload<'_> {
    /// In memory of its own: copied only if it is not there.
    pub fn into_owned(self) -> Aligned {
        match self {
            Payload::Here(bytes) => Aligned::from(&*bytes),
            Payload::Whole(bytes) => bytes,
        }
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Payload::Here(bytes) => bytes,
            Payload::Whole(bytes) => bytes,
        }
    }
}

impl DerefMut for Payload<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Payload::Here(bytes) => bytes,
            Payload::Whole(bytes) => bytes,
        }
    }
}

impl PartialEq for Payload<'_> {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Payload<'_> {}

/// How far `start` stands above a multiple of 8.
#[inline]
fn shift_of(bytes: &[u8], start: usize) -> usize {
    (bytes.as_ptr().addr() + start) % ALIGN
}

/// Whether there is a multiple of 8 at or below `start`: always, if `bytes` begins at one.
#[inline]
pub(super) fn can_be_placed(bytes: &[u8], start: usize) -> bool {
    shift_of(bytes, start) <= start
}

/// Unmasks the `len` bytes at `start` and puts them at the multiple of 8 at or below it; where they lie then.
///
/// What stands there is the header or was read before.
#[inline(always)]
pub(super) fn place(bytes: &mut [u8], start: usize, len: usize, key: [u8; 4]) -> Range<usize> {
    let shift = shift_of(bytes, start);
    let placed = start - shift;
    unmask_down(&mut bytes[placed..start + len], shift, key);
    placed..placed + len
}
