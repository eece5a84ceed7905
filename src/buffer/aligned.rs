//! Bytes that begin at a multiple of 8, so that whoever reads numbers in them reads them where they lie.
//!
//! Memory is a vector of words, which the allocator aligns; the bytes are a view of it. It grows with what
//! is appended, never beforehand unless asked.

use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, DerefMut};

use zerocopy::IntoBytes;

const WORD: usize = size_of::<u64>();

/// Bytes in memory that begins at a multiple of 8.
///
/// Invariant: there are as many words as the bytes need, and no more.
#[derive(Clone, Default)]
pub struct Aligned {
    words: Vec<u64>,
    len: usize,
}

impl Aligned {
    /// Without any bytes; allocates nothing.
    pub const fn new() -> Self {
        Self { words: Vec::new(), len: 0 }
    }

    /// Without any bytes, with room for so many.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { words: Vec::with_capacity(bytes.div_ceil(WORD)), len: 0 }
    }

    /// Bytes of memory that it holds.
    pub fn capacity_bytes(&self) -> usize {
        self.words.capacity() * WORD
    }

    /// Makes room for so many bytes more, and no more room than that.
    pub fn reserve_exact(&mut self, bytes: usize) {
        self.words.reserve_exact((self.len + bytes).div_ceil(WORD) - self.words.len());
    }

    /// Appends a copy of `bytes`.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.extend_xored(bytes, [0; 4]);
    }

    /// Appends a copy of `bytes`, xored with `key` over and over from its start: one pass for two.
    pub fn extend_xored(&mut self, bytes: &[u8], key: [u8; 4]) {
        let room = self.words.len() * WORD - self.len;
        let (into_last, rest) = bytes.split_at(room.min(bytes.len()));
        let start = self.len;
        for (index, (to, from)) in self.words.as_mut_bytes()[start..].iter_mut().zip(into_last).enumerate() {
            *to = from ^ key[index % 4];
        }
        self.len += bytes.len();
        let key = rotated(key, into_last.len());
        let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
        let (words, tail) = rest.as_chunks::<WORD>();
        self.words.extend(words.iter().map(|word| u64::from_ne_bytes(*word) ^ wide));
        if !tail.is_empty() {
            let mut last = [0; WORD];
            last[..tail.len()].copy_from_slice(tail);
            self.words.push(u64::from_ne_bytes(last) ^ wide);
        }
    }

    /// Forgets all bytes behind the first `len`; keeps the memory.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.words.truncate(self.len.div_ceil(WORD));
    }

    /// Forgets all bytes; keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }
}

/// A key of four bytes as it goes on after `count` bytes.
pub(crate) fn rotated(key: [u8; 4], count: usize) -> [u8; 4] {
    let mut key = key;
    key.rotate_left(count % 4);
    key
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.words.as_bytes()[..self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.words.as_mut_bytes()[..self.len]
    }
}

impl From<&[u8]> for Aligned {
    fn from(bytes: &[u8]) -> Self {
        let mut aligned = Self::with_capacity(bytes.len());
        aligned.extend_from_slice(bytes);
        aligned
    }
}

impl PartialEq for Aligned {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Aligned {}

impl fmt::Debug for Aligned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self[..], formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_allocated_before_the_first_byte() {
        let aligned = Aligned::new();
        assert_eq!((aligned.len(), aligned.capacity_bytes()), (0, 0));
        assert_eq!(aligned.as_ptr().addr() % WORD, 0);
    }

    #[test]
    fn room_is_made_for_as_much_as_was_asked() {
        for (before, more) in [(0, 0), (0, 1), (3, 5), (3, 6), (9, 1000)] {
            let mut aligned = Aligned::from(&[7; 9][..before]);
            aligned.reserve_exact(more);
            let room = aligned.capacity_bytes();
            assert!((before + more..before + more + 2 * WORD).contains(&room), "{before} and {more}: {room}");
            let start = aligned.as_ptr();
            aligned.extend_from_slice(&vec![8; more]);
            assert_eq!((aligned.as_ptr(), aligned.len()), (start, before + more));
        }
    }

    #[test]
    fn forgotten_bytes_do_not_come_back() {
        for len in 0..=20 {
            let mut aligned = Aligned::from(&[0xff; 17][..]);
            aligned.truncate(len);
            aligned.extend_from_slice(b"abc");
            assert_eq!(aligned[..], [&[0xff; 17][..len.min(17)], b"abc"].concat()[..], "truncated to {len}");
        }
    }

    proptest! {
        #[test]
        fn it_holds_what_was_appended_and_begins_at_a_word(
            pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), any::<[u8; 4]>()), 0..12),
        ) {
            let mut aligned = Aligned::new();
            let mut expected = Vec::new();
            for (bytes, key) in &pieces {
                aligned.extend_xored(bytes, *key);
                expected.extend(bytes.iter().enumerate().map(|(index, byte)| byte ^ key[index % 4]));
                prop_assert_eq!(&aligned[..], &expected[..]);
                prop_assert_eq!(aligned.as_ptr().addr() % WORD, 0);
                prop_assert!(aligned.capacity_bytes() >= aligned.len());
            }
        }
    }
}
