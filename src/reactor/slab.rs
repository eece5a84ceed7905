//! Connections by index, with a generation so that a late event never reaches the wrong one.

/// Names one entry of a [`Slab`]: `generation << 32 | index`. Never names a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) u64);

impl Key {
    fn new(index: usize, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | index as u64)
    }

    fn index(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

/// A growing array whose places are used again.
pub(super) struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    /// An empty slab.
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }

    /// How many values it holds.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether it holds none.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds what `make` returns for the new key.
    pub(super) fn insert_with(&mut self, make: impl FnOnce(Key) -> T) -> Key {
        let index = match self.free.pop() {
            Some(index) => index as usize,
            None => {
                self.entries.push(Entry { generation: 0, value: None });
                self.entries.len() - 1
            }
        };
        let entry = &mut self.entries[index];
        let key = Key::new(index, entry.generation);
        entry.value = Some(make(key));
        key
    }

    /// The value of `key`, unless it was removed since.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index())?;
        if entry.generation != key.generation() {
            return None;
        }
        entry.value.as_mut()
    }

    /// Removes the value of `key`; the key is stale from now on.
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get_mut(key.index())?;
        if entry.generation != key.generation() {
            return None;
        }
        let value = entry.value.take()?;
        // After 2^32 lives of one place a key could come back: no event stays queued that long.
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(key.index() as u32);
        Some(value)
    }

    /// The keys of all values.
    pub(super) fn keys(&self) -> Vec<Key> {
        let live = self.entries.iter().enumerate().filter(|(_, entry)| entry.value.is_some());
        live.map(|(index, entry)| Key::new(index, entry.generation)).collect()
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_names_the_next_value_of_its_place() {
        let mut slab = Slab::new();
        let first = slab.insert_with(|_| "a");
        assert_eq!(slab.remove(first), Some("a"));
        let second = slab.insert_with(|_| "b");
        assert_ne!(first, second);
        assert_eq!(slab.get_mut(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get_mut(second), Some(&mut "b"));
        assert_eq!((slab.len(), slab.keys()), (1, vec![second]));
    }
}
