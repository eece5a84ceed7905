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
#[path = "sim/naive/mod.rs"]
mod naive;
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
#[path = "sim/shrink.rs"]
mod shrink;
#[path = "sim/site/mod.rs"]
mod site;
#[path = "sim/slice.rs"]
mod slice;
#[path = "sim/socket.rs"]
mod socket;
#[path = "sim/sockets/mod.rs"]
mod sockets;
#[path = "sim/wanted.rs"]
mod wanted;
#[path = "sim/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use node::Defect;
use npm::Registered;
use rng::Rng;
use scenario::Scenario;
use script::Builtin;
use site::Site;
use slice::Mistake;
use world::{Summary, play};

const SEEDS: u64 = 10_000;
const REGISTRY_SEEDS: u64 = 3_000;
const SITE_SEEDS: u64 = 10_000;
const CUT_SEEDS: u64 = 60;
const SOCKET_SEEDS: u64 = 3_000;

/// Makes what is played, for each seed anew.
type Make = fn(u64) -> Box<dyn Scenario>;

fn builtin(_seed: u64) -> Box<dyn Scenario> {
    Box::new(Builtin::new(Mistake::None))
}

fn registry(seed: u64) -> Box<dyn Scenario> {
    Box::new(Registered::new(seed))
}

fn site(seed: u64) -> Box<dyn Scenario> {
    Box::new(Site::new(seed, site::Mistake::None))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Plays a seed; a panic is a failure like any other.
fn play_seed(seed: u64, make: Make, defect: Defect, trace: bool) -> Result<Summary, String> {
    play_boxed(seed, || make(seed), defect, trace)
}

fn play_scenario<S: Scenario + 'static>(
    seed: u64,
    make: impl Fn() -> S,
    defect: Defect,
    trace: bool,
) -> Result<Summary, String> {
    play_boxed(seed, || Box::new(make()), defect, trace)
}

fn play_boxed(seed: u64, make: impl Fn() -> Box<dyn Scenario>, defect: Defect, trace: bool) -> Result<Summary, String> {
    let played = catch_unwind(AssertUnwindSafe(|| play(seed, make().as_ref(), defect, trace)));
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

/// Says more about a seed that failed.
type Tell = fn(u64) -> String;

fn nothing_more(_seed: u64) -> String {
    String::new()
}

/// The fewest of its requests that still fail, with this seed's luck or with that of a few others.
fn fewest_requests(seed: u64) -> String {
    let fails = |sessions: &[site::Session]| {
        (0..LUCKS).any(|other| {
            let scenario = || Site::of(sessions.to_vec(), site::Mistake::None);
            play_scenario(seed + other * 1_000_003, scenario, Defect::None, false).is_err()
        })
    };
    let sessions = site::sessions(seed);
    format!("\nfewest requests that fail:\n{}", shrink::tell(&shrink::shrink(&sessions, fails)))
}

/// With how many seeds fewer requests are tried.
const LUCKS: u64 = 8;

fn simulate(test: &str, make: Make, seeds: u64, tell: Tell) {
    if let Some(seed) = number("LATTICE_SIM_SEED") {
        match play_seed(seed, make, Defect::None, true) {
            Ok(summary) => eprintln!("seed {seed}: {summary:?}"),
            Err(problem) => panic!("seed {seed}: {problem}{}", tell(seed)),
        }
        return;
    }
    let seeds = number("LATTICE_SIM_SEEDS").unwrap_or(seeds);
    if let Some((seed, problem)) = play_seeds(seeds, make, Defect::None) {
        let more = tell(seed);
        panic!(
            "seed {seed}: {problem}{more}\nreplay: LATTICE_SIM_SEED={seed} cargo test --test sim {test} -- --nocapture"
        );
    }
    eprintln!("{test}: {seeds} seeds");
}

#[test]
fn a_node_keeps_its_word_whatever_the_seed() {
    simulate("a_node_keeps_its_word_whatever_the_seed", builtin, SEEDS, nothing_more);
}

#[test]
fn the_registry_keeps_its_word_whatever_the_seed() {
    simulate("the_registry_keeps_its_word_whatever_the_seed", registry, REGISTRY_SEEDS, nothing_more);
}

#[test]
fn the_site_answers_what_a_naive_server_does_whatever_the_seed() {
    let test = "the_site_answers_what_a_naive_server_does_whatever_the_seed";
    simulate(test, site, SITE_SEEDS, fewest_requests);
}

#[test]
fn the_site_answers_the_same_wherever_the_requests_are_cut() {
    let (next, cuts) = (AtomicU64::new(0), AtomicU64::new(0));
    let play_all = || {
        loop {
            let seed = next.fetch_add(1, SeqCst);
            if seed >= CUT_SEEDS {
                return;
            }
            let session = site::requests::calm_session(&mut Rng::new(seed));
            for at in 0..=session.concat().len() {
                let scenario = || Site::of(vec![session.clone()], site::Mistake::None).cut_at(at);
                if let Err(problem) = play_scenario(seed, scenario, Defect::None, false) {
                    panic!("session {seed}, cut at {at}: {problem}\n{}", shrink::tell(std::slice::from_ref(&session)));
                }
                cuts.fetch_add(1, SeqCst);
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(play_all))));
    eprintln!("{CUT_SEEDS} sessions, {} cuts", cuts.into_inner());
}

/// Plays WebSockets until a seed fails: the first that did.
fn play_sockets(count: u64, mistake: sockets::Mistake) -> Option<(u64, String)> {
    (0..count).find_map(|seed| play_socket(seed, mistake).err().map(|problem| (seed, problem)))
}

fn play_socket(seed: u64, mistake: sockets::Mistake) -> Result<sockets::Summary, String> {
    let played = catch_unwind(AssertUnwindSafe(|| sockets::play(seed, mistake)));
    played.unwrap_or_else(|_| Err("panicked".into()))
}

#[test]
fn websockets_keep_their_word_whatever_the_seed() {
    if let Some(seed) = number("LATTICE_SIM_SEED") {
        eprintln!("seed {seed}: {:?}", sockets::play(seed, sockets::Mistake::None));
        return;
    }
    let seeds = number("LATTICE_SIM_SEEDS").unwrap_or(SOCKET_SEEDS);
    if let Some((seed, problem)) = play_sockets(seeds, sockets::Mistake::None) {
        let test = "websockets_keep_their_word_whatever_the_seed";
        panic!("seed {seed}: {problem}\nreplay: LATTICE_SIM_SEED={seed} cargo test --test sim {test} -- --nocapture");
    }
}

/// What no seed brings about, nobody looks at.
#[test]
fn a_few_hundred_seeds_of_websockets_end_in_every_way() {
    let played: Vec<sockets::Summary> =
        (0..400).map(|seed| sockets::play(seed, sockets::Mistake::None).expect("it is right")).collect();
    for code in [1000, 1001, 1002, 1006, 1007, 3000, 4000, 4999] {
        assert!(played.iter().any(|summary| summary.ends.contains(&code)), "none ends with {code}");
    }
    let sum = |count: fn(&sockets::Summary) -> u64| played.iter().map(count).sum::<u64>();
    assert!(sum(|summary| summary.pushed) > 1000 && sum(|summary| summary.jobs) > 1000, "too little happens");
    for (seed, summary) in played.iter().enumerate().take(50) {
        assert_eq!(sockets::play(seed as u64, sockets::Mistake::None).as_ref(), Ok(summary), "it replays exactly");
    }
}

#[test]
fn a_loop_that_serves_websockets_badly_is_found() {
    for (mistake, called) in [
        (sockets::Mistake::ForgetsEffects, "is left in"),
        (sockets::Mistake::ForgetsReady, "is left in"),
        (sockets::Mistake::PushesTwice, "news that were not sent"),
    ] {
        let (seed, problem) = play_sockets(2000, mistake).unwrap_or_else(|| panic!("{mistake:?} goes unnoticed"));
        let is_called =
            problem.contains(called) || problem.contains("were asked for") || problem.contains("closed with");
        assert!(is_called, "{mistake:?}, seed {seed}: {problem}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for make in [builtin, registry, site] {
        for seed in 0..50 {
            let once = play_seed(seed, make, Defect::None, false);
            assert_eq!(once, play_seed(seed, make, Defect::None, false), "seed {seed}");
        }
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
    is_found(registry, Defect::ForgetsChanges, &["was told to be published, and is not there"]);
}

#[test]
fn a_loop_that_keeps_sinks_is_found() {
    is_found(builtin, Defect::KeepsSinks, &["sinks are left"]);
}

/// What no seed asks for, nobody looks at.
#[test]
fn a_few_thousand_seeds_ask_for_every_kind_of_answer() {
    let mut seen = std::collections::BTreeMap::<String, u64>::new();
    let sessions = (0..COVERED_SEEDS).flat_map(site::sessions);
    for served in sessions.flat_map(|session| naive::serve(&session.concat(), &site::rules(0))) {
        let kind = served.expected.usual.map_or("none".into(), |wanted| wanted.kind());
        *seen.entry(kind).or_default() += 1;
    }
    let missing: Vec<&&str> = KINDS.iter().filter(|kind| !seen.contains_key(**kind)).collect();
    assert!(missing.is_empty(), "never asked for: {missing:?}; seen: {seen:?}");
}

const COVERED_SEEDS: u64 = 3_000;

const KINDS: &[&str] = &[
    "none",
    "200",
    "201",
    "204",
    "206",
    "206 parts",
    "301",
    "304",
    "400",
    "404",
    "405",
    "406",
    "411",
    "412",
    "413",
    "414",
    "416",
    "417",
    "431",
    "501",
    "505",
    "200 chunked",
    "200 chunked cut",
    "200 chunked br",
    "200 chunked gzip",
    "200 chunked zstd",
    "200 chunked trailers",
    "200 chunked drained",
    "200 chunked never",
    "200 counted",
    "200 counted cut",
    "200 to the end",
];

#[test]
fn a_loop_that_loses_the_word_of_a_source_is_found() {
    is_found(site, Defect::ForgetsWakes, &["is left open"]);
}

#[test]
fn a_loop_that_does_not_say_how_much_waits_is_found() {
    is_found(site, Defect::ForgetsQueue, &["a source was asked on though"]);
}

#[test]
fn a_loop_that_keeps_who_is_gone_is_found() {
    is_found(site, Defect::ForgetsHangUps, &["is left open", "cut off inside"]);
}

#[test]
fn a_loop_that_does_not_tell_of_a_drain_is_found() {
    is_found(site, Defect::ForgetsDrain, &["is left open"]);
}

#[test]
fn a_head_taken_for_the_one_before_is_found() {
    is_found(site, Defect::ReusesFields, WRONG);
}

#[test]
fn a_chunked_body_without_its_end_is_found() {
    is_found(site, Defect::LosesLastChunks, &["not a chunk's size", "cut off inside", "is left open", "no end of"]);
}

#[test]
fn a_304_with_a_body_is_found() {
    is_found(site, Defect::FillsNotModified, &["not the answer expected", "after the last answer", "cut off inside"]);
}

#[test]
fn a_slice_that_makes_a_mistake_is_found() {
    let makes: [Make; 3] = [
        |seed| Box::new(Site::new(seed, site::Mistake::ForgetsTrailers)),
        |seed| Box::new(Site::new(seed, site::Mistake::ForgetsVary)),
        |seed| Box::new(Site::new(seed, site::Mistake::RangesOffByOne)),
    ];
    for make in makes {
        is_found(make, Defect::None, WRONG);
    }
}

const WRONG: &[&str] = &["not the answer expected"];

#[test]
fn a_slice_that_caches_what_is_stale_already_is_found() {
    is_found(|_| Box::new(Builtin::new(Mistake::CachesTheStale)), Defect::None, &["was acknowledged before"]);
}
