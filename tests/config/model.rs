//! Every order in which the loads of a reader and the stores of writers can follow each other.
//!
//! A reader meets updates; each of its loads may have any number of the writers' stores before it. Which
//! words of a slot are stored together, and in which order, is varied too: three updates that are all
//! stored alike, and two of which each is stored in its own way. What loads may do out
//! of order is not seen here but in `tests/config_loom.rs`.

use std::cell::RefCell;

use lattice::config::line::{Line, View, view};
use lattice::config::slot::Words;
use lattice::config::{Cache, Config, Error, Slot};

use crate::{config, hash_of};

/// The sequence of the config before them.
const FIRST: u64 = 7;

/// Words that are stored at once; two stores make a slot.
type Halves = [&'static [usize]; 2];
const HALVES: [Halves; 6] = [
    [&[0, 1], &[2, 3]],
    [&[2, 3], &[0, 1]],
    [&[2], &[0, 1, 3]],
    [&[0, 1, 3], &[2]],
    [&[3], &[0, 1, 2]],
    [&[0, 1, 2], &[3]],
];

/// The 64 bytes, with writers that go on before each load as far as the schedule says.
struct Scheduled<'s> {
    slots: RefCell<[Words; 2]>,
    /// Of odd and of even updates.
    halves: [Halves; 2],
    stores: usize,
    done: RefCell<usize>,
    schedule: RefCell<&'s mut Schedule>,
}

/// Which choices to make. Each run makes the next ones, until there are none.
#[derive(Default)]
struct Schedule {
    choices: Vec<(usize, usize)>,
    next: usize,
}

impl Schedule {
    /// One of the numbers up to `most`.
    fn choose(&mut self, most: usize) -> usize {
        if self.next == self.choices.len() {
            self.choices.push((0, most));
        }
        self.next += 1;
        self.choices[self.next - 1].0
    }

    /// Whether there is another run to make.
    fn advance(&mut self) -> bool {
        self.next = 0;
        while let Some((chosen, most)) = self.choices.pop() {
            if chosen < most {
                self.choices.push((chosen + 1, most));
                return true;
            }
        }
        false
    }
}

fn update(sequence: u64) -> Slot {
    Slot { config: config_of(sequence), sequence }
}

fn config_of(sequence: u64) -> Config {
    config(sequence as u32)
}

impl<'s> Scheduled<'s> {
    fn new(updates: usize, halves: [Halves; 2], schedule: &'s mut Schedule) -> Self {
        let slots = [update(FIRST - 1), update(FIRST)].map(|slot| slot.to_words());
        Self { slots: slots.into(), halves, stores: updates * 2, done: 0.into(), schedule: schedule.into() }
    }

    fn left(&self) -> usize {
        self.stores - *self.done.borrow()
    }

    /// The sequence of the last update that is done.
    fn last_done(&self) -> u64 {
        FIRST + *self.done.borrow() as u64 / 2
    }

    /// The sequence of the last update that has begun.
    fn last_begun(&self) -> u64 {
        FIRST + (*self.done.borrow() as u64).div_ceil(2)
    }

    fn store(&self, stores: usize) {
        for _ in 0..stores {
            let store = self.done.replace_with(|done| *done + 1);
            let sequence = FIRST + 1 + store as u64 / 2;
            let words = update(sequence).to_words();
            for &word in self.halves[store / 2 % 2][store % 2] {
                self.slots.borrow_mut()[(sequence - FIRST + 1) as usize % 2][word] = words[word];
            }
        }
    }

    /// Lets the writers go on, perhaps.
    fn go_on(&self) {
        let left = self.left();
        let stores = if left == 0 { 0 } else { self.schedule.borrow_mut().choose(left) };
        self.store(stores);
    }

    fn load(&self, slot: usize, word: usize) -> u64 {
        self.go_on();
        self.slots.borrow()[slot][word]
    }
}

impl Line for Scheduled<'_> {
    fn sequences(&self) -> [u64; 2] {
        [self.load(0, 2), self.load(1, 2)]
    }

    fn slot(&self, index: usize) -> Words {
        // Two of four words are loaded together, for the sake of fewer runs.
        let (first, sequence) = (self.load(index, 0), self.load(index, 2));
        let slots = self.slots.borrow();
        [first, slots[index][1], sequence, slots[index][3]]
    }

    fn is_cut(&self) -> bool {
        false
    }
}

/// Runs it in every order; how many there were.
fn in_every_order(run: impl Fn(Scheduled<'_>)) -> usize {
    let alike = HALVES.map(|halves| (3, [halves; 2]));
    let differing = HALVES.into_iter().flat_map(|odd| HALVES.map(|even| (2, [odd, even])));
    alike.into_iter().chain(differing).map(|(updates, halves)| all_runs(updates, halves, &run)).sum()
}

fn all_runs(updates: usize, halves: [Halves; 2], run: impl Fn(Scheduled<'_>)) -> usize {
    let mut schedule = Schedule::default();
    let mut runs = 1;
    run(Scheduled::new(updates, halves, &mut schedule));
    while schedule.advance() {
        run(Scheduled::new(updates, halves, &mut schedule));
        runs += 1;
    }
    runs
}

#[test]
fn a_view_is_the_config_at_some_moment_of_the_reading() {
    let runs = in_every_order(|line| {
        let View { newest, .. } = view(&line).unwrap();
        let (_, slot) = newest.expect("one slot is always whole");
        assert_eq!(u64::from(hash_of(&slot.config)), slot.sequence);
        assert!((FIRST..=line.last_begun()).contains(&slot.sequence), "never one that was not yet");
    });
    assert!(runs > 100_000, "{runs} runs are not all");
}

#[test]
fn a_view_never_goes_back() {
    in_every_order(|line| {
        line.go_on();
        let before = line.last_done();
        let (_, slot) = view(&line).unwrap().newest.expect("one slot is always whole");
        assert!(slot.sequence >= before, "{} is from before {before}", slot.sequence);
    });
}

#[test]
fn a_cache_sees_every_update_that_ends() {
    in_every_order(|line| {
        let mut cache = Cache::new(&line).unwrap();
        line.go_on();
        let before = line.last_done();
        let read = cache.read(&line).copied();
        assert!(read.is_ok_and(|slot| slot.sequence >= before), "{read:?} is from before {before}");
    });
}

#[test]
fn a_reader_that_is_never_left_in_peace_gives_up() {
    struct Restless(RefCell<u64>);
    impl Line for Restless {
        fn sequences(&self) -> [u64; 2] {
            [self.0.replace_with(|sequence| *sequence + 1), 0]
        }
        fn slot(&self, _: usize) -> Words {
            [0; 4]
        }
        fn is_cut(&self) -> bool {
            false
        }
    }
    assert_eq!(view(&Restless(1.into())).err(), Some(Error::Busy));
}
