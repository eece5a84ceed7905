//! What is measured. A bench is named after the key of its target, without the unit.

pub(super) mod binary;
mod config;
mod cookie;
mod http;
mod integration;
mod memory;
mod routing;

use super::super::output::Failure;
use crate::measure::Target;
use crate::settings::{Decimal, Performance};

/// A group of benches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Category {
    /// Paths to routes, on the node's own router
    Routing,
    /// Request heads, bodies, and the session over an app, without a socket
    Http,
    /// The 13 bytes of the live config, their slots and frames, and the file that is mapped
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

/// The key of a target, by what it counts.
#[derive(Clone, Copy)]
pub(super) enum TargetKey {
    Bytes(fn(&Performance) -> u64),
    Nanoseconds(fn(&Performance) -> Decimal),
    /// Times the bare cost.
    Ratio(fn(&Performance) -> Decimal),
}

impl TargetKey {
    /// Its value in these settings, if there is to be one.
    pub(super) fn target(self, targets: &Performance) -> Option<Target> {
        let target = match self {
            TargetKey::Bytes(read) => Target::Figure(read(targets) as f64),
            TargetKey::Nanoseconds(read) => Target::Figure(read(targets).as_f64()),
            TargetKey::Ratio(read) => Target::Ratio(read(targets).as_f64()),
        };
        (target.value() > 0.0).then_some(target)
    }
}

/// Something that can be measured.
pub(super) struct Bench {
    pub(super) category: Category,
    pub(super) name: &'static str,
    /// What it does, in a few words.
    pub(super) about: &'static str,
    /// The key that its median is held against.
    pub(super) target: Option<TargetKey>,
    pub(super) subject: Subject,
}

/// A batch of operations; answers the same each time, and differently if the work were left out.
pub(super) type Batch = Box<dyn FnMut() -> u64>;

/// A batch that something outside of this process can fail.
pub(super) type FallibleBatch = Box<dyn FnMut() -> Result<u64, Failure>>;

/// Two batches of as many operations: the work, and the same with nothing around it.
pub(super) struct Pair {
    pub(super) work: FallibleBatch,
    pub(super) bare: FallibleBatch,
}

/// How it is measured.
pub(super) enum Subject {
    /// Code in this process, on values or files: both of the pair timed in turn, or the work alone counted.
    Beside { operations: u64, bare: &'static str, make: fn() -> Result<Pair, Failure> },
    /// Code in this process: timed, or counted under valgrind.
    Code { operations: u64, make: fn() -> Batch },
    /// A node in another process: timed.
    Node { operations: u64, make: fn() -> Result<FallibleBatch, Failure> },
    /// A number of bytes that is read, this often at most; `true` for a first look.
    Figure { rounds_max: u32, read: fn(bool) -> Result<f64, Failure> },
}

impl Bench {
    /// Its work, if that is done in this process.
    pub(super) fn work(&self) -> Option<Result<FallibleBatch, Failure>> {
        match self.subject {
            Subject::Beside { make, .. } => Some(make().map(|pair| pair.work)),
            Subject::Code { make, .. } => {
                let mut batch = make();
                Some(Ok(Box::new(move || Ok(batch()))))
            }
            Subject::Figure { .. } | Subject::Node { .. } => None,
        }
    }

    /// Whether `--instructions` counts it.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.subject, Subject::Beside { .. } | Subject::Code { .. })
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
            let value = crate::settings::keys::Given::Number(471);
            key.set(&mut settings, value).expect("a target may be that");
            let target = bench.target.and_then(|target| target.target(&settings.performance));
            let is_ratio = key.name.ends_with("_ratio");
            let expected = if is_ratio { Target::Ratio(471.0) } else { Target::Figure(471.0) };
            assert_eq!(target, Some(expected), "{name}");
        }
        assert_eq!(benches.iter().filter(|bench| bench.target.is_some()).count(), keys.len());
    }

    #[test]
    fn work_in_one_process_answers_the_same_each_time_and_never_nothing() {
        for bench in all() {
            let [Some(one), Some(other)] = [bench.work(), bench.work()] else { continue };
            let [mut one, mut other] = [one, other].map(|work| work.unwrap_or_else(|_| panic!("{}", bench.name)));
            let mut sums = || [&mut one, &mut other].map(|batch| batch().unwrap_or(0));
            let [sum, _] = sums();
            assert!(sum != 0 && (0..20).all(|_| sums() == [sum, sum]), "{}", bench.name);
        }
    }
}
