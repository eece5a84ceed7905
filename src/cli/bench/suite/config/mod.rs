//! The live config: its bytes as values, and the file that processes share. What has a bare cost stands beside
//! it: the same bytes or system calls with nothing around them, timed in turn.

mod file;
mod record;

use super::{Bench, Category, Subject, TargetKey};

pub(super) fn benches() -> Vec<Bench> {
    let mut all = record::benches();
    all.extend(file::benches());
    all
}

fn bench(name: &'static str, about: &'static str, target: Option<TargetKey>, subject: Subject) -> Bench {
    Bench { category: Category::Config, name, about, target, subject }
}
