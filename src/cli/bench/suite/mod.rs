//! What is measured. A bench is named after the key of its target, without the unit.

pub(super) mod binary;
mod config;
mod cookie;
mod http;
mod integration;
mod memory;
mod routing;

use super::super::output::Failure;
use crate::settings::Performance;

/// A group of benches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Category {
    /// Paths to routes, on the node's own router
    Routing,
    /// Request heads, bodies, and the session over an app, without a socket
    Http,
    /// The 13 bytes of the live config, and their slots
    Config,
    /// The Cookie field
    Cookie,
    /// Connections and requests of a real node
    Memory,
    /// The executable and what fills it
    Binary,
    /// A real node in a process of its own, over loopback
    Integration,
}

impl Category {
    /// As reports write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Category::Routing => "routing",
            Category::Http => "http",
            Category::Config => "config",
            Category::Cookie => "cookie",
            Category::Memory => "memory",
            Category::Binary => "binary",
            Category::Integration => "integration",
        }
    }
}

/// Something that can be measured.
pub(super) struct Bench {
    pub(super) category: Category,
    pub(super) name: &'static str,
    /// What it does, in a few words.
    pub(super) about: &'static str,
    /// The key that its median is held against.
    pub(super) target: Option<fn(&Performance) -> u64>,
    pub(super) subject: Subject,
}

/// A batch of operations; answers the same each time, and differently if the work were left out.
pub(super) type Batch = Box<dyn FnMut() -> u64>;

/// A batch that talks to another process.
pub(super) type FallibleBatch = Box<dyn FnMut() -> Result<u64, Failure>>;

/// How it is measured.
pub(super) enum Subject {
    /// Code in this process: timed, or counted under valgrind.
    Code { operations: u64, make: fn() -> Batch },
    /// A node in another process: timed.
    Node { operations: u64, make: fn() -> Result<FallibleBatch, Failure> },
    /// A number of bytes that is read, this often at most; `true` for a first look.
    Figure { rounds_max: u32, read: fn(bool) -> Result<f64, Failure> },
}

impl Bench {
    /// Whether `--instructions` counts it.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.subject, Subject::Code { .. })
    }
}

/// Every bench, those of a category together.
pub(super) fn all() -> Vec<Bench> {
    let mut all = routing::benches();
    all.extend(http::benches());
    all.extend(config::benches());
    all.extend(cookie::benches());
    all.extend(memory::benches());
    all.extend(binary::benches());
    all.extend(integration::benches());
    all
}

/// Folds an answer into the checksum of a batch; cheap beside anything that is measured.
pub(super) fn mix(sum: u64, answer: u64) -> u64 {
    (sum.rotate_left(5) ^ answer).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::keys::KEYS;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_begin_with_their_category() {
        let benches = all();
        let names: HashSet<&str> = benches.iter().map(|bench| bench.name).collect();
        assert_eq!(names.len(), benches.len());
        for bench in &benches {
            assert!(bench.name.starts_with(&format!("{}_", bench.category.name())), "{}", bench.name);
        }
        assert!(benches.is_sorted_by_key(|bench| bench.category as u8), "a category has one table");
    }

    #[test]
    fn every_target_is_the_key_of_its_bench_and_every_key_has_a_bench() {
        let keys: Vec<_> = KEYS.iter().filter(|key| key.section == "performance").collect();
        let benches = all();
        for key in &keys {
            let name = key.name.rsplit_once('_').expect("a name and a unit").0;
            let bench = benches.iter().find(|bench| bench.name == name).expect(key.name);
            let mut settings = crate::settings::Settings::default();
            let value = crate::settings::keys::Given::Number(4711);
            key.set(&mut settings, value).expect("a target may be that");
            assert_eq!(bench.target.map(|target| target(&settings.performance)), Some(4711), "{name}");
        }
        assert_eq!(benches.iter().filter(|bench| bench.target.is_some()).count(), keys.len());
    }

    #[test]
    fn work_in_one_process_answers_the_same_each_time_and_never_nothing() {
        for bench in all() {
            let Subject::Code { operations, make } = bench.subject else { continue };
            let (mut one, mut other) = (make(), make());
            let sum = one();
            assert!(operations > 0 && sum != 0, "{}", bench.name);
            assert!((0..20).all(|_| one() == sum) && other() == sum, "{}", bench.name);
        }
    }
}
