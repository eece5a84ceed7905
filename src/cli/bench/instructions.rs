//! `--instructions`: what an operation costs in user instructions and allocations, under valgrind.
//!
//! The program calls itself with `--run-one NAME BATCHES`, with one, two and three times as many
//! batches. What two runs differ by is the work alone: starting up, setting up and ending are the same
//! in both. Counts do not depend on what else the machine does.

use std::hint::black_box;
use std::io::ErrorKind;
use std::process::{Command, ExitCode, Output};

use super::super::output::{Ended, Failure, plain, print};
use super::progress::Progress;
use super::runner::Effort;
use super::suite::{self, Bench, Subject};
use crate::measure::report::Standing;
use crate::measure::{Row, Summary, Unit};

/// How the counts come about, for the report.
pub(super) const METHOD: &str = "differences between runs of the program under valgrind (callgrind; dhat)";
const INSTALL: &str =
    "it is the package valgrind: `apt-get install valgrind` on Debian, `dnf install valgrind` on Fedora";
/// Operations that two runs differ by, about.
const OPERATIONS: u64 = 4096;
const OPERATIONS_QUICK: u64 = 512;

/// What one run under valgrind counted, and what the work answered.
struct Counted {
    figures: [f64; 2],
    checksum: u64,
}

/// A row for each bench, all of which are counted.
pub(super) fn measure(benches: &[Bench], effort: &Effort) -> Result<Vec<Row>, Failure> {
    let wanted = if effort.is_quick() { OPERATIONS_QUICK } else { OPERATIONS };
    let mut progress = Progress::new(benches.len());
    let mut rows = Vec::new();
    for bench in benches {
        if let Subject::Beside { operations, .. } | Subject::Code { operations, .. } = bench.subject {
            progress.step(bench.name);
            rows.extend(count(bench, operations, wanted.div_ceil(operations))?);
        }
    }
    Ok(rows)
}

fn count(bench: &Bench, operations: u64, batches: u64) -> Result<Option<Row>, Failure> {
    let per_sample = (operations * batches) as f64;
    let [one, two, three] = [1, 2, 3].map(|times| callgrind(bench.name, times * batches));
    let (one, two, three) = (one?, two?, three?);
    let samples = [(&one, &two), (&two, &three)].map(|(less, more)| (more.figures[0] - less.figures[0]) / per_sample);
    let [few, many] = [1, 2].map(|times| dhat(bench.name, times * batches));
    let (few, many) = (few?, many?);
    if [&two, &three, &few, &many].iter().any(|run| run.checksum != one.checksum) {
        return Err(Failure::Failed(format!("{}: the work answered differently from one run to the next", bench.name)));
    }
    let [blocks, bytes] = [0, 1].map(|at| (many.figures[at] - few.figures[at]) / per_sample);
    Ok(Summary::of(&samples).map(|summary| Row {
        category: bench.category.name(),
        name: bench.name,
        about: bench.about,
        unit: Unit::Instructions,
        samples: samples.to_vec(),
        summary,
        operations: operations * batches,
        checksum: Some(one.checksum),
        allocations: Some((blocks, bytes)),
        bare: None,
        target: None,
        standing: Standing::Alone,
    }))
}

fn callgrind(name: &str, batches: u64) -> Result<Counted, Failure> {
    let output = valgrind(&["--tool=callgrind", "--callgrind-out-file=/dev/null"], name, batches)?;
    counted(&output, |text| Some([number_after(text, "Collected :")?, 0.0]))
}

fn dhat(name: &str, batches: u64) -> Result<Counted, Failure> {
    let output = valgrind(&["--tool=dhat", "--dhat-out-file=/dev/null"], name, batches)?;
    counted(&output, |text| Some([number_after(text, " bytes in ")?, number_after(text, "Total:")?]))
}

fn valgrind(tool: &[&str], name: &str, batches: u64) -> Result<Output, Failure> {
    let program = std::env::current_exe().map_err(|error| failed(format!("this program cannot be found: {error}")))?;
    let mut command = Command::new("valgrind");
    // As many digits whatever the number: arguments are allocated, too.
    command.args(tool).arg(program).args(["bench", "--run-one", name, &format!("{batches:012}")]);
    command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => failed(format!("--instructions needs valgrind, which is not installed: {INSTALL}")),
        _ => failed(format!("valgrind cannot be started: {error}")),
    })
}

/// What a run said on stderr (valgrind) and on stdout (the bench).
fn counted(output: &Output, figures: impl Fn(&str) -> Option<[f64; 2]>) -> Result<Counted, Failure> {
    let said = String::from_utf8_lossy(&output.stderr);
    let checksum = u64::from_str_radix(String::from_utf8_lossy(&output.stdout).trim(), 16);
    match (output.status.success(), figures(&said), checksum) {
        (true, Some(figures), Ok(checksum)) => Ok(Counted { figures, checksum }),
        _ => {
            let last = plain(said.trim_end().lines().next_back().unwrap_or("nothing"));
            Err(failed(format!("valgrind did not count ({}); the last it said is: {last}", output.status)))
        }
    }
}

/// The number that follows `mark`, with commas between its digits or without.
fn number_after(text: &str, mark: &str) -> Option<f64> {
    let rest = text.split_once(mark)?.1.trim_start();
    let end = rest.find(|character: char| !character.is_ascii_digit() && character != ',').unwrap_or(rest.len());
    rest[..end].replace(',', "").parse().ok()
}

fn failed(message: String) -> Failure {
    Failure::Failed(message)
}

/// The other side: runs one bench and prints the checksum of a batch.
pub(super) fn run_one(name: &str, batches: &str) -> Ended {
    let bench = suite::all().into_iter().find(|bench| bench.name == name);
    let (Some(work), Ok(batches)) = (bench.and_then(|bench| bench.work()), batches.parse::<u64>()) else {
        return Err(failed(format!("{name} × {batches} is nothing that runs in one process")));
    };
    let mut batch = work?;
    let checksum = batch()?;
    for _ in 0..batches {
        if black_box(batch()?) != checksum {
            return Err(failed(format!("{name}: the work answered differently from one time to the next")));
        }
    }
    print(&format!("{checksum:016x}\n"))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_where_valgrind_writes_them() {
        let callgrind = "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n";
        assert_eq!(number_after(callgrind, "Collected :"), Some(1_234_567.0));
        let dhat = "==7== Total:     72,704 bytes in 1,001 blocks\n==7== At t-gmax: 0 bytes in 0 blocks";
        assert_eq!(number_after(dhat, "Total:"), Some(72_704.0));
        assert_eq!(number_after(dhat, " bytes in "), Some(1_001.0));
        assert_eq!(number_after("Total: many", "Total:"), None);
        assert_eq!(number_after("", "Total:"), None);
    }
}
