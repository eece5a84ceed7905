//! A run of benches, with everything a reader needs to judge it: machine, commit, binary, method.
//!
//! [`json`] is for programs and for the next run to compare with; [`markdown`] for people and for
//! language models. Both say the unit of each figure and the checksum of the work behind it.

pub mod json;
pub mod markdown;

use super::{Bare, Comparison, Summary, Target, Tier, compare};

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// User instructions per operation.
    Instructions,
    /// Nanoseconds per operation.
    Nanoseconds,
}

impl Unit {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Instructions => "instructions/op",
            Unit::Nanoseconds => "ns/op",
        }
    }

    /// The words for less and for more of it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Unit::Bytes => ("smaller", "larger"),
            Unit::Instructions => ("fewer", "more"),
            Unit::Nanoseconds => ("faster", "slower"),
        }
    }
}

/// What one bench came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The group it is listed in.
    pub category: &'static str,
    /// Its name, unique in a run.
    pub name: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// What its samples count.
    pub unit: Unit,
    /// The samples, in the order they were taken.
    pub samples: Vec<f64>,
    /// What they come to.
    pub summary: Summary,
    /// Operations behind each sample.
    pub operations: u64,
    /// Of what the work answered; `None` where a figure is read and no work is done.
    pub checksum: Option<u64>,
    /// Allocations and allocated bytes per operation, where they were counted.
    pub allocations: Option<(f64, f64)>,
    /// The least it could cost, where that was measured beside it.
    pub bare: Option<Bare>,
    /// What the median is to stay below.
    pub target: Option<Target>,
    /// Against the baseline.
    pub standing: Standing,
}

impl Row {
    /// The median that the target is about: of the figure, or of how it stands to the bare cost.
    pub fn judged(&self) -> Option<f64> {
        match self.target? {
            Target::Figure(_) => Some(self.summary.p50),
            Target::Ratio(_) => self.bare.as_ref().map(|bare| bare.ratio.p50),
        }
    }

    /// That median against the target, if there is one.
    pub fn tier(&self) -> Option<Tier> {
        Some(Tier::of(self.judged()?, self.target?.value()))
    }
}

/// A bench against the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// There is no baseline.
    Alone,
    /// The baseline has no such bench in this unit.
    Missing,
    /// The baseline's checksum differs: it measured other work.
    OtherWork,
    /// One of the two has a single sample.
    TooFew,
    /// Compared.
    Compared(Comparison),
}

/// A part of the executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its section.
    pub name: String,
    /// Bytes in the file.
    pub bytes: u64,
    /// What is in it.
    pub about: &'static str,
}

/// A run of benches.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Processor, cores, kernel, load.
    pub machine: String,
    /// The commit of the sources.
    pub commit: String,
    /// Version, profile and hash of the program.
    pub binary: String,
    /// How the samples were taken.
    pub method: String,
    /// The name of the baseline compared with.
    pub baseline: Option<String>,
    /// The benches, those of a category together.
    pub rows: Vec<Row>,
    /// What fills the executable; empty unless asked for.
    pub parts: Vec<Part>,
}

/// What an earlier run measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// What it was saved as.
    pub name: String,
    /// Its benches.
    pub rows: Vec<BaselineRow>,
}

/// A bench of a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineRow {
    /// Its name.
    pub name: String,
    /// The name of its unit.
    pub unit: String,
    /// The checksum of its work.
    pub checksum: Option<u64>,
    /// Its samples.
    pub samples: Vec<f64>,
}

impl Report {
    /// Compares every bench with the baseline's; more than `threshold` per cent up is a regression.
    pub fn compare_with(&mut self, baseline: &Baseline, threshold: f64) {
        self.baseline = Some(baseline.name.clone());
        for row in &mut self.rows {
            row.standing = baseline.standing_of(row, threshold);
        }
    }
}

impl Baseline {
    fn standing_of(&self, row: &Row, threshold: f64) -> Standing {
        let same = |before: &&BaselineRow| before.name == row.name && before.unit == row.unit.name();
        match self.rows.iter().find(same) {
            None => Standing::Missing,
            Some(before) if before.checksum != row.checksum => Standing::OtherWork,
            Some(before) => {
                compare(&before.samples, &row.samples, threshold).map_or(Standing::TooFew, Standing::Compared)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Verdict;

    pub(super) fn row(name: &'static str, samples: &[f64]) -> Row {
        Row {
            category: "routing",
            name,
            about: "static paths",
            unit: Unit::Nanoseconds,
            samples: samples.to_vec(),
            summary: Summary::of(samples).expect("there are samples"),
            operations: 64,
            checksum: Some(0xfeed),
            allocations: None,
            bare: None,
            target: Some(Target::Figure(100.0)),
            standing: Standing::Alone,
        }
    }

    pub(super) fn report(rows: Vec<Row>) -> Report {
        Report {
            machine: "Some CPU, 2 cores, Linux 6.1".into(),
            commit: "abc1234".into(),
            binary: "lattice 0.1.0".into(),
            method: "3 samples".into(),
            baseline: None,
            rows,
            parts: Vec::new(),
        }
    }

    fn before(name: &str) -> BaselineRow {
        BaselineRow { name: name.into(), unit: "ns/op".into(), checksum: Some(0xfeed), samples: vec![50.0, 50.5, 51.0] }
    }

    #[test]
    fn only_the_same_work_in_the_same_unit_is_compared() {
        let names = ["same", "unit", "work", "few", "new"];
        let mut report = report(names.map(|name| row(name, &[100.0, 101.0, 102.0])).to_vec());
        let mut rows = vec![before("same"), before("unit"), before("work"), before("few")];
        rows[1].unit = "instructions/op".into();
        rows[2].checksum = None;
        rows[3].samples.truncate(1);
        report.compare_with(&Baseline { name: "main".into(), rows }, 10.0);
        assert_eq!(report.baseline.as_deref(), Some("main"));
        assert!(
            matches!(report.rows[0].standing, Standing::Compared(comparison) if comparison.verdict == Verdict::Regression)
        );
        let standings: Vec<Standing> = report.rows[1..].iter().map(|row| row.standing).collect();
        assert_eq!(standings, [Standing::Missing, Standing::OtherWork, Standing::TooFew, Standing::Missing]);
    }

    #[test]
    fn the_median_is_what_is_held_against_the_target() {
        let mut row = row("x", &[10.0, 90.0, 1000.0]);
        assert_eq!(row.tier(), Some(Tier::Good));
        row.target = None;
        assert_eq!(row.tier(), None);
    }

    #[test]
    fn of_a_ratio_the_bare_cost_decides() {
        let mut row = row("x", &[105.0, 90.0, 1200.0]);
        row.target = Some(Target::Ratio(1.1));
        assert_eq!(row.tier(), None, "there is nothing beside it");
        row.bare = Bare::of("a write", vec![100.0, 100.0, 1000.0], &row.samples);
        assert_eq!((row.judged(), row.tier()), (Some(1.05), Some(Tier::Good)));
    }
}
