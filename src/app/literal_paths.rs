//! Paths without captures, found by one look: an open table with as few collisions as its size allows.
//!
//! It is filled once, when the node starts, and only asked afterwards: nobody outside can put a path
//! into it, so nothing is gained by making paths collide. The hash is for that alone.

/// Odd, and half of its bits set, so that a multiplication spreads every bit.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Places for each path: most lookups of a path that is not there end at the first.
const PLACES_PER_PATH: usize = 4;

/// Which value belongs to which path.
#[derive(Debug, Default)]
pub(super) struct LiteralPaths {
    places: Box<[Option<Place>]>,
}

#[derive(Debug, Clone)]
struct Place {
    hash: u64,
    path: Box<[u8]>,
    value: usize,
}

impl LiteralPaths {
    /// A table of `paths`, which all differ.
    pub(super) fn new(paths: Vec<(Box<[u8]>, usize)>) -> Self {
        let count = (paths.len() * PLACES_PER_PATH).next_power_of_two();
        let mut places = vec![None; count];
        for (path, value) in paths {
            let hash = hash(&path);
            let mut at = hash as usize & (count - 1);
            while places[at].is_some() {
                at = (at + 1) & (count - 1);
            }
            places[at] = Some(Place { hash, path, value });
        }
        Self { places: places.into() }
    }

    /// The value of `path`.
    #[inline]
    pub(super) fn find(&self, path: &[u8]) -> Option<usize> {
        let hash = hash(path);
        let last = self.places.len().wrapping_sub(1);
        let mut at = hash as usize & last;
        // There is always an empty place to stop at.
        while let Some(place) = self.places.get(at)?.as_ref() {
            if place.hash == hash && *place.path == *path {
                return Some(place.value);
            }
            at = (at + 1) & last;
        }
        None
    }
}

/// Eight octets at a time; the last ones twice if need be.
#[inline]
fn hash(path: &[u8]) -> u64 {
    let (words, rest) = path.as_chunks::<8>();
    let mixed = words.iter().fold(path.len() as u64, |mixed, word| mix(mixed, u64::from_le_bytes(*word)));
    match (path.last_chunk::<8>(), rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(last), ..) => mix(mixed, u64::from_le_bytes(*last)),
        (None, Some(first), Some(last)) => {
            mix(mixed, u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)))
        }
        _ => mix(mixed, rest.iter().fold(0, |word, &octet| word << 8 | u64::from(octet))),
    }
}

#[inline]
fn mix(state: u64, word: u64) -> u64 {
    let wide = u128::from(state ^ word) * u128::from(SPREAD);
    (wide >> 64) as u64 ^ wide as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_path_is_found_and_no_other() {
        let paths: Vec<String> = (0..1000).map(|n| format!("{}/{n}", "x".repeat(n % 20))).collect();
        let table = LiteralPaths::new(paths.iter().enumerate().map(|(n, path)| (path.as_bytes().into(), n)).collect());
        for (n, path) in paths.iter().enumerate() {
            assert_eq!(table.find(path.as_bytes()), Some(n));
            assert_eq!(table.find(format!("{path}?").as_bytes()), None);
            assert_eq!(table.find(&path.as_bytes()[..path.len() - 1]).filter(|&found| found == n), None);
        }
        assert_eq!(LiteralPaths::new(Vec::new()).find(b"a"), None);
        assert_eq!(LiteralPaths::default().find(b"a"), None);
        assert_eq!(LiteralPaths::new(vec![(Box::new([]), 7)]).find(b""), Some(7));
    }

    #[test]
    fn paths_that_differ_little_are_spread() {
        let hashes: HashSet<u64> = (0..4096).map(|n| hash(format!("api/v{}/item/{n}", n % 7).as_bytes())).collect();
        assert_eq!(hashes.len(), 4096);
        let places: HashSet<u64> = hashes.iter().map(|hash| hash % 8192).collect();
        // Chance would take about 3,223.
        assert!(places.len() > 3000, "{} of 4096", places.len());
        assert_ne!(hash(b"a"), hash(b"a\0"));
        assert_ne!(hash(b"\0"), hash(b""));
    }
}
