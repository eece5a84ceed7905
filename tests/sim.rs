//! Threads of the node on a fake reactor, played from a seed: short reads and writes, resets, slow
//! jobs, silent clients, a drain at any moment. A seed that fails fails again:
//!
//! ```text
//! LATTICE_SIM_SEED=17 cargo test --test sim -- --nocapture     one seed, with all that happens
//! LATTICE_SIM_SEEDS=100000 cargo test --release --test sim     that many
//! ```
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has threads")]

#[path = "support/mem_store.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod mem_store;
#[path = "support/package.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod package;

#[path = "sim/answer.rs"]
mod answer;
#[path = "sim/conn.rs"]
mod conn;
#[path = "sim/judge.rs"]
mod judge;
#[path = "sim/node.rs"]
mod node;
#[path = "sim/npm.rs"]
mod npm;
#[path = "sim/reference.rs"]
mod reference;
#[path = "sim/rng.rs"]
mod rng;
#[path = "sim/scenario.rs"]
mod scenario;
#[path = "sim/script.rs"]
mod script;
#[path = "sim/slice.rs"]
mod slice;
#[path = "sim/socket.rs"]
mod socket;
#[path = "sim/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use node::Defect;
use npm::Registered;
use scenario::Scenario;
use script::Builtin;
use slice::Mistake;
use world::{Summary, play};

const SEEDS: u64 = 10_000;
const REGISTRY_SEEDS: u64 = 3_000;

/// Makes what is played, for each seed anew.
type Make = fn(u64) -> Box<dyn Scenario>;

fn builtin(_seed: u64) -> Box<dyn Scenario> {
    Box::new(Builtin::new(Mistake::None))
}

fn registry(seed: u64) -> Box<dyn Scenario> {
    Box::new(Registered::new(seed))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Plays a seed; a panic is a failure like any other.
fn play_seed(seed: u64, make: Make, defect: Defect, trace: bool) -> Result<Summary, String> {
    let played = catch_unwind(AssertUnwindSafe(|| play(seed, make(seed).as_ref(), defect, trace)));
    played.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panicked: {}", text.unwrap_or_else(|| "with something that is no text".into())))
    })
}

/// Plays seeds on two threads until one fails: the first that did.
fn play_seeds(count: u64, make: Make, defect: Defect) -> Option<(u64, String)> {
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !failed.load(SeqCst) {
                    let seed = next.fetch_add(1, SeqCst);
                    if seed >= count {
                        return;
                    }
                    if let Err(problem) = play_seed(seed, make, defect, false) {
                        failed.store(true, SeqCst);
                        *failure.lock().expect("nobody panics while it is held") = Some((seed, problem));
                    }
                }
            });
        }
    });
    failure.into_inner().expect("nobody panics while it is held")
}

fn simulate(test: &str, make: Make, seeds: u64) {
    if let Some(seed) = number("LATTICE_SIM_SEED") {
        match play_seed(seed, make, Defect::None, true) {
            Ok(summary) => eprintln!("seed {seed}: {summary:?}"),
            Err(problem) => panic!("seed {seed}: {problem}"),
        }
        return;
    }
    if let Some((seed, problem)) = play_seeds(number("LATTICE_SIM_SEEDS").unwrap_or(seeds), make, Defect::None) {
        panic!("seed {seed}: {problem}\nreplay: LATTICE_SIM_SEED={seed} cargo test --test sim {test} -- --nocapture");
    }
}

#[test]
fn a_node_keeps_its_word_whatever_the_seed() {
    simulate("a_node_keeps_its_word_whatever_the_seed", builtin, SEEDS);
}

#[test]
fn the_registry_keeps_its_word_whatever_the_seed() {
    simulate("the_registry_keeps_its_word_whatever_the_seed", registry, REGISTRY_SEEDS);
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..50 {
        assert_eq!(
            play_seed(seed, builtin, Defect::None, false),
            play_seed(seed, builtin, Defect::None, false),
            "seed {seed}"
        );
    }
}

/// A mistake must be found within a few hundred seeds, and be called what it is.
fn is_found(make: Make, defect: Defect, called: &[&str]) {
    let (seed, problem) = play_seeds(2000, make, defect).unwrap_or_else(|| panic!("{defect:?} goes unnoticed"));
    assert!(called.iter().any(|name| problem.contains(name)), "{defect:?}, seed {seed}: {problem}");
    assert!(play_seed(seed, make, defect, false).is_err(), "seed {seed} fails once only");
}

#[test]
fn a_loop_that_leaves_pipelined_requests_lying_is_found() {
    is_found(builtin, Defect::ForgetsReady, &["408 for a request that was there", "requests arrived", "left open"]);
}

#[test]
fn a_loop_that_loses_the_start_of_a_message_is_found() {
    is_found(
        builtin,
        Defect::ForgetsRest,
        &["not the answer", "requests arrived", "of its bytes had arrived", "idle,", "panicked"],
    );
}

#[test]
fn a_loop_that_sends_bytes_twice_is_found() {
    is_found(
        builtin,
        Defect::SendsTwice,
        &["not the answer", "after the last answer", "cut off inside", "panicked", "nobody wrote", "half an answer"],
    );
}

#[test]
fn a_loop_that_does_not_hear_of_changes_is_found() {
    is_found(builtin, Defect::ForgetsChanges, &["was acknowledged before"]);
}

#[test]
fn a_loop_that_keeps_sinks_is_found() {
    is_found(builtin, Defect::KeepsSinks, &["sinks are left"]);
}

#[test]
fn a_slice_that_caches_what_is_stale_already_is_found() {
    is_found(|_| Box::new(Builtin::new(Mistake::CachesTheStale)), Defect::None, &["was acknowledged before"]);
}
