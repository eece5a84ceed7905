//! A bounded cache: what is used again stays, the rest makes room.
//!
//! Second chance (clock): a hit marks its entry, and whoever needs room passes over marked entries
//! once. Hits and misses cost one lookup, and nothing depends on the order of a hash map, so a run
//! can be replayed.
//!
//! Invariant: the weights of all entries add up to `weight`, which is at most the bound given with
//! the last insertion.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Entries of the queue that may be out of date before it is swept.
const STALE_MAX: usize = 64;

struct Slot<V> {
    value: V,
    weight: usize,
    /// Of the one entry of the queue that stands for this slot.
    ticket: u64,
    used: bool,
}

/// Values by key, with weights.
pub(crate) struct Cache<K, V> {
    slots: HashMap<K, Slot<V>>,
    queue: VecDeque<(K, u64)>,
    weight: usize,
    next_ticket: u64,
}

impl<K: Clone + Eq + Hash, V> Cache<K, V> {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { slots: HashMap::new(), queue: VecDeque::new(), weight: 0, next_ticket: 0 }
    }

    /// The value of a key, which is marked as used.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let slot = self.slots.get_mut(key)?;
        slot.used = true;
        Some(&slot.value)
    }

    /// Keeps a value, and drops others until all weigh at most `weight_max`. A value that is heavier
    /// alone is not kept.
    pub(crate) fn insert(&mut self, key: K, value: V, weight: usize, weight_max: usize) {
        self.remove(&key);
        if weight > weight_max {
            return;
        }
        self.make_room(weight_max - weight);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.weight += weight;
        self.queue.push_back((key.clone(), ticket));
        self.slots.insert(key, Slot { value, weight, ticket, used: false });
    }

    /// Forgets a key.
    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Some(slot) = self.slots.remove(key) {
            self.weight -= slot.weight;
            self.sweep();
        }
    }

    /// Forgets what `keep` refuses. Looks at every entry.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        let weight = &mut self.weight;
        self.slots.retain(|_, slot| {
            let kept = keep(&slot.value);
            *weight -= if kept { 0 } else { slot.weight };
            kept
        });
        self.sweep();
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.queue.clear();
        self.weight = 0;
    }

    /// Each entry is passed over at most once before it goes: marks are taken on the way.
    fn make_room(&mut self, weight_max: usize) {
        while self.weight > weight_max {
            let Some((key, ticket)) = self.queue.pop_front() else { return };
            match self.slots.get_mut(&key) {
                Some(slot) if slot.ticket != ticket => {}
                Some(slot) if slot.used => {
                    slot.used = false;
                    self.queue.push_back((key, ticket));
                }
                Some(slot) => {
                    self.weight -= slot.weight;
                    self.slots.remove(&key);
                }
                None => {}
            }
        }
    }

    /// Removals leave their place in the queue; it is swept when that is most of it.
    fn sweep(&mut self) {
        if self.queue.len() > 2 * self.slots.len() + STALE_MAX {
            let slots = &self.slots;
            self.queue.retain(|(key, ticket)| slots.get(key).is_some_and(|slot| slot.ticket == *ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_and_what_was_used_stays() {
        let mut cache = Cache::<&str, u32>::new();
        for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
            cache.insert(key, value, 1, 3);
        }
        assert_eq!(cache.get("a"), Some(&1));
        cache.insert("d", 4, 1, 3);
        assert_eq!(cache.get("b"), None, "the oldest that was not used went");
        assert_eq!((cache.get("a").copied(), cache.weight), (Some(1), 3));
    }

    #[test]
    fn a_value_at_the_bound_is_kept_and_one_above_it_is_not() {
        let mut cache = Cache::<&str, u32>::new();
        cache.insert("a", 1, 10, 10);
        assert_eq!(cache.get("a"), Some(&1));
        cache.insert("a", 2, 11, 10);
        assert_eq!((cache.get("a").copied(), cache.weight), (None, 0), "nor does the one before it linger");
    }

    #[test]
    fn forgetting_and_keeping_the_same_key_for_ever_takes_no_more_room() {
        let mut cache = Cache::<u32, u32>::new();
        for round in 0..10_000 {
            cache.insert(round % 3, round, 1, 10);
            cache.remove(&(round % 3));
        }
        assert!(cache.queue.len() <= STALE_MAX + 1, "{}", cache.queue.len());
        cache.insert(7, 7, 1, 10);
        cache.retain(|value| *value != 7);
        assert_eq!((cache.get(&7).copied(), cache.weight), (None, 0));
    }

    #[test]
    fn a_key_kept_again_is_counted_once() {
        let mut cache = Cache::<&str, u32>::new();
        cache.insert("a", 1, 4, 10);
        cache.insert("a", 2, 5, 10);
        assert_eq!((cache.get("a").copied(), cache.weight), (Some(2), 5));
        cache.clear();
        assert_eq!((cache.get("a").copied(), cache.weight), (None, 0));
    }
}
