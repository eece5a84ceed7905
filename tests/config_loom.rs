//! The config between threads under the memory model of Rust: loads and stores may come out of order.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --release --no-default-features --test config_loom --target-dir target/loom
//! ```
//!
//! `tests/config/model.rs` tries every order of more loads and stores, but each in its place.
#![cfg(loom)]

use lattice::config::line::{Line, LineMut, View, view};
use lattice::config::slot::Words;
use lattice::config::{Cache, Config, Flags, Slot};
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use loom::sync::{Arc, Mutex};
use loom::thread;

/// The sequence of the config before any update.
const FIRST: u64 = 7;
/// How often loom lets another thread go on where one would not have to wait.
const PREEMPTIONS_MAX: usize = 2;

struct Shared {
    words: [AtomicU64; 8],
    /// What the lock of the file is to processes.
    lock: Mutex<()>,
    /// The last update that readers have been told of, as by a message.
    told: AtomicUsize,
}

impl Shared {
    fn new() -> Arc<Self> {
        let [first, second] = [FIRST - 1, FIRST].map(|sequence| slot(sequence).to_words());
        let mut words = first.into_iter().chain(second);
        let words = std::array::from_fn(|_| AtomicU64::new(words.next().unwrap_or(0)));
        Arc::new(Self { words, lock: Mutex::new(()), told: AtomicUsize::new(FIRST as usize) })
    }

    /// Updates as a writer does, and tells.
    fn update(&self) {
        let _locked = self.lock.lock().expect("no thread panics");
        let view = view(self).expect("the lock is held");
        let last = view.newest.expect("one slot is whole").1.sequence;
        let (index, slot) = view.plan(slot(last + 1).config).expect("a config may follow");
        self.store(index, slot.to_words());
        self.told.store(slot.sequence as usize, Ordering::Release);
    }

    fn told(&self) -> u64 {
        self.told.load(Ordering::Acquire) as u64
    }
}

/// A slot whose config is told by its sequence.
fn slot(sequence: u64) -> Slot {
    let hash = sequence as u32;
    Slot { config: Config::new().with_registry_hash(hash).with_flags(Flags(!hash)), sequence }
}

impl Line for Shared {
    fn sequences(&self) -> [u64; 2] {
        [2, 6].map(|at: usize| self.words[at].load(Ordering::Relaxed))
    }

    fn slot(&self, index: usize) -> Words {
        [0, 1, 2, 3].map(|at: usize| self.words[index * 4 + at].load(Ordering::Relaxed))
    }

    fn order_loads(&self) {
        fence(Ordering::Acquire);
    }

    fn is_cut(&self) -> bool {
        false
    }
}

impl LineMut for Shared {
    fn store(&self, index: usize, words: Words) {
        fence(Ordering::Release);
        for (at, word) in words.into_iter().enumerate() {
            self.words[index * 4 + at].store(word, Ordering::Relaxed);
        }
    }
}

fn check(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.check(run);
}

fn view_of(shared: &Shared) -> Slot {
    let View { newest, .. } = view(shared).expect("writers end");
    let (_, found) = newest.expect("one slot is always whole");
    assert_eq!(found, slot(found.sequence), "a config that nobody wrote");
    found
}

#[test]
fn a_view_is_never_older_than_what_was_told() {
    check(|| {
        let shared = Shared::new();
        let writer = Arc::clone(&shared);
        let writer = thread::spawn(move || (0..2).for_each(|_| writer.update()));
        let told = shared.told();
        let first = view_of(&shared);
        assert!(first.sequence >= told);
        assert!(view_of(&shared).sequence >= first.sequence);
        writer.join().expect("no thread panics");
        assert_eq!(view_of(&shared), slot(FIRST + 2));
    });
}

#[test]
fn a_cache_is_never_older_than_what_was_told() {
    check(|| {
        let shared = Shared::new();
        let writer = Arc::clone(&shared);
        let writer = thread::spawn(move || (0..2).for_each(|_| writer.update()));
        let mut cache = Cache::new(&*shared).expect("a config");
        let told = shared.told();
        assert!(cache.read(&*shared).expect("a config").sequence >= told);
        writer.join().expect("no thread panics");
        assert_eq!(cache.read(&*shared), Ok(&slot(FIRST + 2)));
    });
}

#[test]
fn two_writers_lose_nothing() {
    check(|| {
        let shared = Shared::new();
        let writers = [0, 1].map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.update())
        });
        view_of(&shared);
        for writer in writers {
            writer.join().expect("no thread panics");
        }
        assert_eq!(view_of(&shared), slot(FIRST + 2));
    });
}
