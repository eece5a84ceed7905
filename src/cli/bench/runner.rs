//! Takes the samples: of all benches in turn, so that what the machine does meanwhile hits all alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::super::output::Failure;
use super::progress::Progress;
use super::suite::{Bench, Subject};
use crate::measure::report::Standing;
use crate::measure::{Bare, Row, Summary, Unit};
use crate::settings::Performance;

/// Batches are not repeated more often than this in one sample.
const BATCHES_MAX: u64 = 1 << 32;
/// Times that a number of batches is tried before it is judged.
const CALIBRATIONS: u32 = 3;

/// How much is done.
pub(super) struct Effort {
    samples: u32,
    warmup: u32,
    sample: Duration,
    quick: bool,
}

impl Effort {
    pub(super) fn new(quick: bool, samples: Option<u32>, warmup: Option<u32>) -> Self {
        let (usual, warm, sample) = if quick { (10, 1, 500) } else { (30, 3, 5_000) };
        let (samples, warmup) = (samples.unwrap_or(usual), warmup.unwrap_or(warm));
        Self { samples, warmup, sample: Duration::from_micros(sample), quick }
    }

    /// Whether a first look is enough.
    pub(super) fn is_quick(&self) -> bool {
        self.quick
    }

    pub(super) fn describe(&self) -> String {
        let Self { samples, warmup, sample, .. } = self;
        format!("{samples} of each timed bench, some {sample:?} long, in turn, after {warmup} rounds of warm-up")
    }
}

/// A bench under way.
struct Running<'b> {
    bench: &'b Bench,
    probe: Probe<'b>,
    samples: Vec<f64>,
    bare: Option<Beside>,
}

/// The bare cost of a bench, timed right after each of its samples.
struct Beside {
    about: &'static str,
    timed: Timed,
    samples: Vec<f64>,
}

enum Probe<'b> {
    Timed(Timed),
    Figure { rounds_max: u32, read: &'b dyn Fn(bool) -> Result<f64, Failure> },
}

struct Timed {
    batch: Box<dyn FnMut() -> Result<u64, Failure>>,
    operations: u64,
    /// Batches of one sample.
    batches: u64,
    /// What every batch answers.
    checksum: u64,
}

/// A row for each bench.
pub(super) fn measure(benches: &[Bench], targets: &Performance, effort: &Effort) -> Result<Vec<Row>, Failure> {
    let mut all = benches.iter().map(|bench| Running::start(bench, effort)).collect::<Result<Vec<_>, _>>()?;
    let mut progress = Progress::new(all.len() * (effort.warmup + effort.samples) as usize);
    for round in 0..effort.warmup + effort.samples {
        for running in &mut all {
            progress.step(running.bench.name);
            match round.checked_sub(effort.warmup) {
                None => running.warm_up()?,
                Some(round) => running.sample(round, effort)?,
            }
        }
    }
    Ok(all.into_iter().filter_map(|running| running.finish(targets)).collect())
}

impl<'b> Running<'b> {
    fn start(bench: &'b Bench, effort: &Effort) -> Result<Self, Failure> {
        let timed = |operations, batch| Timed::start(bench, operations, batch, effort);
        let (probe, bare) = match &bench.subject {
            Subject::Beside { operations, bare, make } => {
                let pair = make()?;
                let bare = Beside { about: bare, timed: timed(*operations, pair.bare)?, samples: Vec::new() };
                (Probe::Timed(timed(*operations, pair.work)?), Some(bare))
            }
            Subject::Code { operations, make } => {
                let mut batch = make();
                (Probe::Timed(timed(*operations, Box::new(move || Ok(batch())))?), None)
            }
            Subject::Node { operations, make } => (Probe::Timed(timed(*operations, make()?)?), None),
            Subject::Figure { rounds_max, read } => (Probe::Figure { rounds_max: *rounds_max, read }, None),
        };
        Ok(Self { bench, probe, samples: Vec::new(), bare })
    }

    fn warm_up(&mut self) -> Result<(), Failure> {
        if let Probe::Timed(timed) = &mut self.probe {
            timed.time(self.bench)?;
        }
        self.bare.as_mut().map_or(Ok(()), |bare| bare.timed.time(self.bench).map(drop))
    }

    fn sample(&mut self, round: u32, effort: &Effort) -> Result<(), Failure> {
        match &mut self.probe {
            Probe::Timed(timed) => self.samples.push(timed.per_operation(self.bench)?),
            Probe::Figure { rounds_max, read } if round < *rounds_max => self.samples.push(read(effort.quick)?),
            Probe::Figure { .. } => {}
        }
        if let Some(bare) = &mut self.bare {
            bare.samples.push(bare.timed.per_operation(self.bench)?);
        }
        Ok(())
    }

    fn finish(self, targets: &Performance) -> Option<Row> {
        let (unit, operations, checksum) = match &self.probe {
            Probe::Timed(timed) => (Unit::Nanoseconds, timed.operations_per_sample(), Some(timed.checksum)),
            Probe::Figure { .. } => (Unit::Bytes, 1, None),
        };
        let bare = self.bare.and_then(|bare| Bare::of(bare.about, bare.samples, &self.samples));
        Some(Row {
            category: self.bench.category.name(),
            name: self.bench.name,
            about: self.bench.about,
            unit,
            summary: Summary::of(&self.samples)?,
            samples: self.samples,
            operations,
            checksum,
            allocations: None,
            bare,
            target: self.bench.target.and_then(|target| target.target(targets)),
            standing: Standing::Alone,
        })
    }
}

impl Timed {
    /// Finds out how many batches make a sample.
    fn start(
        bench: &Bench,
        operations: u64,
        mut batch: Box<dyn FnMut() -> Result<u64, Failure>>,
        effort: &Effort,
    ) -> Result<Self, Failure> {
        let checksum = batch()?;
        let mut timed = Self { batch, operations, batches: 1, checksum };
        let wanted = effort.sample.as_nanos() as f64;
        loop {
            // The least of a few: whoever is interrupted here would take too few batches for ever after.
            let mut taken = f64::INFINITY;
            for _ in 0..CALIBRATIONS {
                taken = taken.min(timed.time(bench)?);
            }
            if taken * 4.0 >= wanted || timed.batches >= BATCHES_MAX {
                let batches = (timed.batches as f64 * wanted / taken.max(1.0)).round();
                timed.batches = (batches as u64).clamp(1, BATCHES_MAX);
                return Ok(timed);
            }
            timed.batches *= 4;
        }
    }

    fn operations_per_sample(&self) -> u64 {
        self.batches * self.operations
    }

    /// Nanoseconds of one operation, by one sample.
    fn per_operation(&mut self, bench: &Bench) -> Result<f64, Failure> {
        Ok(self.time(bench)? / self.operations_per_sample() as f64)
    }

    /// Nanoseconds of one sample. Work that answers differently is other work: no figure comes of it.
    fn time(&mut self, bench: &Bench) -> Result<f64, Failure> {
        let started = Instant::now();
        let mut all_same = true;
        for _ in 0..self.batches {
            all_same &= black_box((self.batch)()?) == self.checksum;
        }
        let taken = started.elapsed();
        if !all_same {
            return Err(Failure::Failed(format!(
                "{}: the work answered differently from one time to the next",
                bench.name
            )));
        }
        Ok(taken.as_nanos() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::{Category, Pair, TargetKey};
    use super::*;
    use crate::measure::Target;

    fn bench(subject: Subject) -> Bench {
        Bench {
            category: Category::Memory,
            name: "probe",
            about: "a probe",
            target: Some(TargetKey::Bytes(|_| 64)),
            subject,
        }
    }

    fn quick() -> Effort {
        Effort::new(true, Some(4), Some(2))
    }

    #[test]
    fn timed_work_has_a_checksum_and_its_samples() {
        let subject = Subject::Code { operations: 3, make: || Box::new(|| black_box(0xabc)) };
        let rows = measure(&[bench(subject)], &Performance::default(), &quick()).expect("it works");
        assert_eq!((rows[0].unit, rows[0].checksum, rows[0].samples.len()), (Unit::Nanoseconds, Some(0xabc), 4));
        assert!(rows[0].operations.is_multiple_of(3) && rows[0].summary.min >= 0.0);
        assert_eq!(rows[0].target, Some(Target::Figure(64.0)));
    }

    #[test]
    fn a_bare_cost_has_a_sample_for_each_of_the_work() {
        let make = || {
            let work = || (0..1000).fold(1, |sum: u64, _| black_box(sum.wrapping_mul(3)));
            Ok(Pair { work: Box::new(move || Ok(work())), bare: Box::new(|| Ok(black_box(1))) })
        };
        let subject = Subject::Beside { operations: 2, bare: "nothing", make };
        let rows = measure(&[bench(subject)], &Performance::default(), &quick()).expect("it works");
        let bare = rows[0].bare.as_ref().expect("it was measured");
        assert_eq!((bare.about, bare.samples.len(), bare.ratio.count), ("nothing", 4, 4));
        assert_ne!(rows[0].checksum, Some(1), "that of the work");
    }

    #[test]
    fn a_figure_is_read_no_more_often_than_it_wants() {
        for (rounds_max, count) in [(1, 1), (3, 3), (4, 4), (9, 4)] {
            let subject = Subject::Figure { rounds_max, read: |_| Ok(13.0) };
            let rows = measure(&[bench(subject)], &Performance::default(), &quick()).expect("it works");
            assert_eq!((rows[0].unit, rows[0].samples.as_slice()), (Unit::Bytes, &vec![13.0; count][..]));
            assert_eq!((rows[0].checksum, rows[0].operations), (None, 1));
        }
    }

    #[test]
    fn work_that_changes_is_refused() {
        let changing = || -> Box<dyn FnMut() -> u64> {
            let mut count = 0;
            Box::new(move || {
                count += 1;
                count / 3
            })
        };
        let subject = Subject::Code { operations: 1, make: changing };
        let refused = measure(&[bench(subject)], &Performance::default(), &quick());
        assert!(matches!(refused, Err(Failure::Failed(why)) if why.contains("answered differently")));
    }

    #[test]
    fn a_failure_ends_the_run() {
        let subject = Subject::Node { operations: 1, make: || Err(Failure::Failed("no node".into())) };
        assert!(measure(&[bench(subject)], &Performance::default(), &quick()).is_err());
    }

    #[test]
    fn what_was_asked_for_wins_over_quick() {
        let describe = |quick, samples| Effort::new(quick, samples, None).describe();
        assert!(describe(false, None).starts_with("30 of each") && describe(true, None).starts_with("10 of each"));
        assert!(describe(true, Some(77)).starts_with("77 of each") && describe(true, None).contains("after 1 rounds"));
    }
}
