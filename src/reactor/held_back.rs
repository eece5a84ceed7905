//! Connections that had no share of a turn: while those of the last turn are driven, those of this one
//! are listed. The two lists change places, so that neither is made anew each turn.

use super::slab::Key;
use crate::limits::HELD_BACK_KEPT;

/// The list that is written, and the memory of the one before.
#[derive(Default)]
pub(super) struct HeldBack {
    next: Vec<Key>,
    spare: Vec<Key>,
}

impl HeldBack {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// The list for the next turn.
    pub(super) fn next(&mut self) -> &mut Vec<Key> {
        &mut self.next
    }

    /// Those listed so far; whoever is listed from now on is for the turn after.
    pub(super) fn take(&mut self) -> Vec<Key> {
        std::mem::replace(&mut self.next, std::mem::take(&mut self.spare))
    }

    /// Takes the memory of a list back, unless it is that of a bad day.
    pub(super) fn give_back(&mut self, mut listed: Vec<Key>) {
        if listed.capacity() <= HELD_BACK_KEPT {
            listed.clear();
            self.spare = listed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists so many, as if each turn held the same ones back, and gives where each turn's list is.
    fn turns(count: usize, turns: usize) -> Vec<*const Key> {
        let mut held_back = HeldBack::default();
        held_back.next().reserve_exact(count);
        let mut places = Vec::new();
        for turn in 0..turns {
            let listed = held_back.take();
            assert!(held_back.is_empty() && (turn == 0 || listed.len() == count));
            if held_back.next().capacity() < count {
                held_back.next().reserve_exact(count);
            }
            held_back.next().extend((0..count as u64).map(Key));
            places.push(held_back.next().as_ptr());
            held_back.give_back(listed);
        }
        places
    }

    #[test]
    fn two_lists_change_places_and_keep_their_memory() {
        for count in [1, 100, HELD_BACK_KEPT] {
            let places = turns(count, 6);
            assert_ne!(places[0], places[1]);
            assert!((2..6).all(|turn| places[turn] == places[turn - 2]), "{count}: {places:?}");
        }
    }

    #[test]
    fn what_was_listed_meanwhile_is_for_the_next_turn() {
        let mut held_back = HeldBack::default();
        held_back.next().push(Key(1));
        let listed = held_back.take();
        held_back.next().push(Key(2));
        assert_eq!(listed, [Key(1)]);
        held_back.give_back(listed);
        assert_eq!(held_back.take(), [Key(2)]);
        assert!(held_back.is_empty());
    }

    #[test]
    fn no_more_memory_is_kept_than_the_bound() {
        for (capacity, kept) in [(HELD_BACK_KEPT - 1, true), (HELD_BACK_KEPT, true), (HELD_BACK_KEPT + 1, false)] {
            let mut held_back = HeldBack::default();
            let mut listed = Vec::new();
            listed.reserve_exact(capacity);
            assert_eq!(listed.capacity(), capacity);
            held_back.give_back(listed);
            assert_eq!(held_back.spare.capacity() > 0, kept, "{capacity}");
        }
    }
}
