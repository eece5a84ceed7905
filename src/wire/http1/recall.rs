//! Whole heads that come again, byte for byte, with what their owner found out about them.
//!
//! Health checks, pings and pages that everybody asks for: their heads are compared, not read, and
//! what was noted with them (the route, say) needs not be looked for. Each head has one place, by
//! the first bytes of its target; a head that was asked for again since it was last in somebody's
//! way keeps it.
//!
//! The caller keeps nothing here from which one client could learn of another's secret by the time a
//! request takes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::head::{Head, Method};
use super::lines::{Few, few};
use super::quick::{Said, head_of};

/// A power of two: some hundred bytes each, for every thread.
const PLACES: usize = 16;

/// The bytes that choose the place: nearly all methods end before them.
const TARGET: core::ops::Range<usize> = 4..12;

/// Odd, and half of its bits set, so that a multiplication spreads every bit.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Some heads, and a note of each.
#[derive(Debug)]
pub(super) struct Recall<T> {
    places: Box<[Place<T>; PLACES]>,
}

#[derive(Debug)]
struct Place<T> {
    few: Few,
    known: RefCell<Known<T>>,
    /// Asked for since it was last in somebody's way.
    used: Cell<bool>,
}

#[derive(Debug)]
struct Known<T> {
    /// Up to and with the blank line; empty when there is none.
    bytes: Vec<u8>,
    shape: Shape,
    note: Option<T>,
}

/// Where the parts of a head without a query stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) method: Method,
    pub(super) path: (u16, u16),
    /// Where its field lines begin.
    pub(super) fields: u16,
    pub(super) said: Said,
}

impl<T: Copy> Recall<T> {
    /// Knows none.
    pub(super) fn new() -> Self {
        let shape = Shape { method: Method::Get, path: (0, 0), fields: 0, said: Said::NOTHING };
        let known = || RefCell::new(Known { bytes: Vec::new(), shape, note: None });
        let place = |_| Place { few: few(), known: known(), used: Cell::new(false) };
        Self { places: Box::new(core::array::from_fn(place)) }
    }

    /// The head in front of `bytes`, its length and its note.
    #[inline(always)]
    pub(super) fn find<'b, 'h>(&'h self, bytes: &'b [u8]) -> Option<(Head<'b, 'h>, usize, T)> {
        let place = self.place(bytes)?;
        let known = place.known.borrow();
        let head = bytes.get(..known.bytes.len())?;
        let note = known.note?;
        if *head != *known.bytes {
            return None;
        }
        place.used.set(true);
        Some((head_of(head, &known.shape, &place.few), head.len(), note))
    }

    /// Keeps the head that `bytes` are, unless its place is in use. `lines` are those of its fields.
    pub(super) fn keep(&self, bytes: &[u8], shape: Shape, lines: &Few, note: T) {
        let Some(place) = self.place(bytes) else { return };
        if place.used.replace(false) {
            return;
        }
        let mut known = place.known.borrow_mut();
        known.bytes.clear();
        known.bytes.extend_from_slice(bytes);
        (known.shape, known.note) = (shape, Some(note));
        let noted = place.few.iter().zip(lines).take(shape.said.count);
        noted.for_each(|(place, line)| place.set(line.get()));
    }

    #[inline(always)]
    fn place(&self, bytes: &[u8]) -> Option<&Place<T>> {
        let word = u64::from_le_bytes(bytes.get(TARGET)?.try_into().ok()?);
        let place = word.wrapping_mul(SPREAD) >> (u64::BITS - PLACES.trailing_zeros());
        self.places.get(place as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::super::HeadMemory;
    use super::super::Limits;
    use alloc::format;
    use alloc::string::String;

    fn seen(memory: &HeadMemory<u8>, head: &str, note: u8) {
        let (parsed, length) = memory.parse(head.as_bytes(), &Limits::default()).expect("a usual head");
        memory.keep(&parsed, &head.as_bytes()[..length], note);
    }

    fn recalled(memory: &HeadMemory<u8>, bytes: &str) -> Option<u8> {
        memory.recall(bytes.as_bytes()).map(|(.., note)| note)
    }

    fn head(path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: h:80\r\nAccept:  a \r\n\r\n")
    }

    #[test]
    fn a_head_that_comes_again_means_what_it_meant() {
        let memory = HeadMemory::new();
        let post = "POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\n";
        seen(&memory, &head("/a"), 1);
        seen(&memory, post, 2);
        for (head, note) in [(head("/a").as_str(), 1), (post, 2)] {
            let bytes = format!("{head}12345");
            let (again, length, found) = memory.recall(bytes.as_bytes()).expect("it was kept");
            let (parsed, _) = memory.parse(bytes.as_bytes(), &Limits::default()).expect("a usual head");
            assert_eq!((length, found), (head.len(), note));
            assert_eq!((again.method, again.path, again.query), (parsed.method, parsed.path, parsed.query));
            assert_eq!((again.framing, again.keep_alive), (parsed.framing, parsed.keep_alive));
            assert_eq!((again.host, again.expects_continue), (parsed.host, parsed.expects_continue));
            assert!(again.fields.iter().eq(parsed.fields.iter()));
        }
    }

    #[test]
    fn no_other_bytes_are_taken_for_it() {
        let memory = HeadMemory::new();
        let head = head("/path");
        seen(&memory, &head, 1);
        for cut in 0..head.len() {
            assert_eq!(recalled(&memory, &head[..cut]), None, "{cut}");
            let mut other = head.clone().into_bytes();
            other[cut] ^= 1;
            assert!(memory.recall(&other).is_none(), "{cut}");
        }
        assert_eq!(recalled(&memory, &head), Some(1));
    }

    #[test]
    fn a_head_with_a_query_or_with_a_secret_is_not_kept() {
        let memory = HeadMemory::new();
        seen(&memory, &head("/a?b"), 1);
        assert_eq!(recalled(&memory, &head("/a?b")), None);
        let secret = "GET /a HTTP/1.1\r\nHost: h\r\nCookie: c\r\n\r\n";
        seen(&memory, secret, 1);
        assert_eq!(recalled(&memory, secret), None);
    }

    #[test]
    fn a_head_in_use_keeps_its_place_once() {
        let memory = HeadMemory::new();
        // The same first bytes, so the same place.
        let (first, second) = (head("/same-place/1"), head("/same-place/2"));
        seen(&memory, &first, 1);
        assert_eq!(recalled(&memory, &first), Some(1));
        seen(&memory, &second, 2);
        assert_eq!((recalled(&memory, &second), recalled(&memory, &first)), (None, Some(1)));
        seen(&memory, &second, 2);
        seen(&memory, &second, 2);
        assert_eq!((recalled(&memory, &second), recalled(&memory, &first)), (Some(2), None));
    }
}
