//! The 64 bytes as threads and processes share them: how they are read while others write.
//!
//! Writers take turns (a lock sees to that) and write the slot that is *not* the config. Words are
//! loaded one by one, so a slot may be seen half old and half new; then its checksum does not hold.
//!
//! **A view** loads both sequences, then a slot, then both sequences again. If they are the same, what
//! it found was the config in between. For suppose that at the start it was S in slot i, and that
//! something older was found, in the other slot. Then slot i was not whole, so it was being written
//! again; but nobody writes slot i before the other one has a sequence above S, and that would have
//! shown, in the first look or in the second. The fences order the loads for that.
//!
//! To find neither slot whole says little: the one may have been seen before its update ended, the other
//! after the next had begun. At each moment one of them is whole, so it takes an update that ends in the
//! middle of a view. Only a file that looks like this again and again is damaged.
//!
//! **A hot read** compares both sequences with those of the last view. The next update after S goes
//! into the other slot and gives it a sequence above all that stand in the file. So that one
//! word changes, if it was not above S already. If it was, the other slot was just being written or was
//! torn; the same word might then belong to an update that has ended since, and the view is not kept
//! for comparing. One word would do for updates; the second costs nothing measurable and shows a file
//! that was cut, or restored from a copy.

use core::sync::atomic::{Ordering, fence};

use super::slot::{Slot, Words, newest, plan};
use super::{Config, Error};

/// How often a view is tried while writers are faster. Each try but the last means an update.
const VIEWS_MAX: usize = 4096;
/// How many views must find no whole slot before there is none. With writers, each means an update.
const EMPTY_VIEWS: usize = 64;

/// Two sequences that never stand in a file: an update passes both.
const NEVER: [u64; 2] = [(1 << 63) | 1; 2];

/// Where the 64 bytes are. Loads are relaxed; numbers are little-endian.
pub trait Line {
    /// Loads the sequences of both slots, in any order.
    fn sequences(&self) -> [u64; 2];

    /// Loads a slot: the first for 0, else the second.
    fn slot(&self, index: usize) -> Words;

    /// Keeps loads after it from being done before loads before it.
    #[inline]
    fn order_loads(&self) {
        fence(Ordering::Acquire);
    }

    /// Whether there are fewer than 64 bytes by now. May take its time.
    fn is_cut(&self) -> bool;

    /// Looks at it, unless writers are faster: whether `seen` is what it found.
    #[inline]
    fn look(&self, seen: &mut Look) -> bool
    where
        Self: Sized,
    {
        look(self, seen)
    }
}

/// A line that can be written as it is read.
pub trait LineMut: Line {
    /// Stores a slot, after all that was stored before.
    fn store(&self, index: usize, words: Words);
}

/// The config and what stood around it.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The index and slot of the config; `None` if neither slot is whole.
    pub newest: Option<(usize, Slot)>,
    /// Both sequences, whole or not.
    pub sequences: [u64; 2],
}

/// The same with the slot as its numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// The index of the config's slot; `None` if neither is whole.
    pub index: Option<usize>,
    /// Its numbers.
    pub words: Words,
    /// Both sequences, whole or not.
    pub sequences: [u64; 2],
}

impl Look {
    /// What a hot read may compare with.
    #[inline]
    pub(super) fn settled(&self) -> [u64; 2] {
        let ([first, second], [_, _, sequence, _]) = (self.sequences, self.words);
        let Some(index) = self.index else { return NEVER };
        let (own, other) = if index == 0 { (first, second) } else { (second, first) };
        if sequence == own && other <= own { self.sequences } else { NEVER }
    }
}

impl From<Look> for View {
    #[inline]
    fn from(look: Look) -> Self {
        let newest = look.index.map(|index| (index, Slot::from_whole(look.words)));
        Self { newest, sequences: look.sequences }
    }
}

/// Looks at the line until it holds still for as long as that takes.
pub fn view(line: &impl Line) -> Result<View, Error> {
    let mut seen = Look::default();
    if line.look(&mut seen) { Ok(seen.into()) } else { Err(Error::Busy) }
}

#[inline]
fn look(line: &impl Line, seen: &mut Look) -> bool {
    let mut empty_views = 0;
    for _ in 0..VIEWS_MAX {
        seen.sequences = line.sequences();
        line.order_loads();
        seen.index = newest(seen.sequences, |index| line.slot(index), &mut seen.words);
        line.order_loads();
        empty_views += usize::from(seen.index.is_none());
        if line.sequences() == seen.sequences && (seen.index.is_some() || empty_views >= EMPTY_VIEWS) {
            return true;
        }
        core::hint::spin_loop();
    }
    false
}

/// The config as it is now, its checksum verified.
pub fn snapshot(line: &impl Line) -> Result<Slot, Error> {
    view(line).and_then(|view| slot_of(&view, line))
}

fn slot_of(view: &View, line: &impl Line) -> Result<Slot, Error> {
    let missing = || if line.is_cut() { Error::Cut } else { Error::Damaged };
    view.newest.map(|(_, slot)| slot).ok_or_else(missing)
}

impl View {
    /// Which slot to write, and with what, so that `config` becomes the current one.
    #[inline]
    pub fn plan(&self, config: Config) -> Result<(usize, Slot), Error> {
        let (index, sequence) = plan(self.newest.as_ref(), self.sequences, &config)?;
        Ok((index, Slot { config, sequence }))
    }

    /// Notes that this was written.
    #[inline]
    pub fn note(&mut self, index: usize, slot: Slot) {
        self.newest = Some((index, slot));
        let [first, second] = &mut self.sequences;
        *if index == 0 { first } else { second } = slot.sequence;
    }
}

/// The config kept at hand: reading it compares two words, and looks further only if they changed.
/// One for each thread.
#[derive(Debug, Clone)]
pub struct Cache {
    seen: [u64; 2],
    slot: Slot,
}

impl Cache {
    /// The config of this line, to be read from the same line later.
    pub fn new(line: &impl Line) -> Result<Self, Error> {
        let (seen, slot) = newer(line, 0)?;
        Ok(Self { seen, slot })
    }

    /// The config as it is now.
    #[inline]
    pub fn read(&mut self, line: &impl Line) -> Result<&Slot, Error> {
        let ([first, second], [seen_first, seen_second]) = (line.sequences(), self.seen);
        if (first ^ seen_first) | (second ^ seen_second) != 0 {
            // Given and returned by value, so that a cache in a loop may stay in registers.
            (self.seen, self.slot) = newer(line, self.slot.sequence)?;
        }
        Ok(&self.slot)
    }

    /// The config as it was read last, whatever became of the file.
    pub fn last(&self) -> &Slot {
        &self.slot
    }
}

/// What a cache compares with and what it holds, after a config of this sequence.
#[cold]
#[inline(never)]
fn newer(line: &impl Line, last: u64) -> Result<([u64; 2], Slot), Error> {
    let mut look = Look::default();
    if !line.look(&mut look) {
        return Err(Error::Busy);
    }
    let slot = slot_of(&look.into(), line)?;
    // What is older than what was read comes from a copy, which counts, or from what is left.
    if slot.sequence < last && line.is_cut() {
        return Err(Error::Cut);
    }
    Ok((look.settled(), slot))
}
