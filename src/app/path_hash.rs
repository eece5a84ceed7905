//! A hash for tables that are filled once, when the node starts, and only asked afterwards: nobody
//! outside can put a key into them, so nothing is gained by making keys collide.

use std::hash::Hasher;

/// Odd, and half of its bits set, so that a multiplication spreads every bit.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Eight octets at a time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PathHasher(u64);

impl PathHasher {
    #[inline]
    fn add(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(SPREAD);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl Hasher for PathHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            self.add(rest.iter().fold(1, |word, &octet| word << 8 | u64::from(octet)));
        }
    }

    #[inline]
    fn write_usize(&mut self, length: usize) {
        self.add(length as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        // Tables take the low bits for the place and the highest for the tag.
        self.0.wrapping_mul(SPREAD).rotate_left(20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn hash(path: &str) -> u64 {
        let mut hasher = PathHasher::default();
        hasher.write(path.as_bytes());
        hasher.finish()
    }

    #[test]
    fn paths_that_differ_little_are_spread() {
        let paths: Vec<String> = (0..4096).map(|n| format!("api/v{}/item/{n}", n % 7)).collect();
        let places: HashSet<u64> = paths.iter().map(|path| hash(path) % 8192).collect();
        // Chance would leave about 3,223 places taken.
        assert!(places.len() > 3000, "{} of 4096", places.len());
        assert_eq!(paths.iter().map(|path| hash(path)).collect::<HashSet<_>>().len(), paths.len());
    }

    #[test]
    fn zeros_and_lengths_count() {
        assert_ne!(hash("a"), hash("a\0"));
        assert_ne!(hash("\0"), hash(""));
        assert_ne!(hash("abcdefgh"), hash("abcdefgh\0"));
    }
}
