//! `lattice bench`: measures the parts of a node on this machine, against targets and an earlier run.
//!
//! Benches drive the code that serves: the node's router, the session over an app, the codecs, a real
//! node in a process of its own. Arithmetic and reports are in `measure/`; here are clock, files and
//! processes.
#![allow(clippy::disallowed_methods, reason = "a measurement has clock, files and sockets; it runs beside no loop")]

mod baseline;
mod client;
mod elf;
mod instructions;
mod machine;
mod node;
mod progress;
mod runner;
mod scratch;
mod suite;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::{Ended, Failure, print};
use super::sources;
use crate::limits::{BENCH_SAMPLES_MAX, BENCH_WARMUP_MAX};
use crate::measure::report::{json, markdown};
use crate::measure::{Report, Row, Target, Tier, Verdict, report::Standing};
use crate::settings::Performance;
use baseline::{Directory, Name};
use runner::Effort;
use suite::{Bench, Category};

const EXAMPLES: &str = "\
Examples:
  lattice bench                                    everything: some ten seconds
  lattice bench --quick --category routing --category http
  lattice bench --filter cookie --samples 100
  lattice bench --save before                      keep the result as a baseline …
  lattice bench --compare before                   … and hold the next one against it
  lattice bench --json result.json --markdown result.md
  lattice bench --instructions --category http     count instead of time: the same on a busy machine

The report goes to stdout, as Markdown. Targets are [performance] of registry.toml; they are meant for a
release build. Exits 1 if a bench is POOR against its target (120 % of it or more), or significantly slower
than the baseline (Welch's t-test, p < 0.05) by more than --threshold per cent; else 0. Benches of files use the
directory of temporary files (TMPDIR): its file system is what they measure.";

/// Measure the parts of a node on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only this category; may be given several times
    #[arg(long, value_enum, value_name = "NAME")]
    category: Vec<Category>,
    /// Only benches with this text in their name
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Samples of each bench [default: 30, or 10 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=BENCH_SAMPLES_MAX))]
    samples: Option<u32>,
    /// Rounds before the first sample [default: 3, or 1 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=BENCH_WARMUP_MAX))]
    warmup: Option<u32>,
    /// Fewer and shorter samples, for a first look
    #[arg(long)]
    quick: bool,
    /// Write the report as JSON, samples included
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Keep the result as a baseline of this name
    #[arg(long, value_name = "NAME")]
    save: Option<Name>,
    /// Compare with the baseline of this name
    #[arg(long, value_name = "NAME")]
    compare: Option<Name>,
    /// Directory of the baselines
    #[arg(long, value_name = "DIR", default_value = ".lattice/baselines")]
    baselines: PathBuf,
    /// How much slower than the baseline is a regression, in per cent
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = percent)]
    threshold: f64,
    /// Count user instructions and allocations per operation under valgrind instead of taking times
    #[arg(long, conflicts_with_all = ["samples", "warmup"])]
    instructions: bool,
    /// Configuration with the targets [default: ./registry.toml if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How `--instructions` calls itself: runs one bench this many times
    #[arg(long, hide = true, num_args = 2, value_names = ["NAME", "BATCHES"])]
    run_one: Vec<String>,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=1000.0).contains(&percent) => Ok(percent),
        _ => Err("allowed: a number from 0 to 1000".into()),
    }
}

pub(crate) fn run(args: &Args) -> Ended {
    if let [name, batches] = &args.run_one[..] {
        return instructions::run_one(name, batches);
    }
    let performance = sources::settings(args.config.as_deref(), Vec::new())?.performance;
    let benches = selected(args)?;
    let directory = Directory::new(&args.baselines);
    // Before the work: a name that is wrong should not cost a minute.
    let baseline = args.compare.as_ref().map(|name| directory.load(name)).transpose()?;
    let effort = Effort::new(args.quick, args.samples, args.warmup);
    let mut report = measure(&benches, &performance, &effort, args.instructions)?;
    if let Some(baseline) = &baseline {
        report.compare_with(baseline, args.threshold);
    }
    let (json, markdown) = (json::emit(&report), markdown::emit(&report));
    print(&markdown)?;
    write(args.json.as_deref(), &json)?;
    write(args.markdown.as_deref(), &markdown)?;
    if let Some(name) = &args.save {
        directory.save(name, &json)?;
    }
    judge(&report)
}

/// The benches that the arguments name, in the order of the suite.
fn selected(args: &Args) -> Result<Vec<Bench>, Failure> {
    let wanted = |bench: &Bench| {
        let category = args.category.is_empty() || args.category.contains(&bench.category);
        let counted = !args.instructions || bench.is_counted();
        category && counted && args.filter.as_ref().is_none_or(|text| bench.name.contains(text.as_str()))
    };
    let benches: Vec<Bench> = suite::all().into_iter().filter(wanted).collect();
    if benches.is_empty() {
        let names: Vec<&str> = suite::all().iter().map(|bench| bench.name).collect();
        let only = if args.instructions { "; --instructions counts those that run in one process" } else { "" };
        return Err(Failure::Failed(format!("no bench is left to run: there are {}{only}", names.join(", "))));
    }
    Ok(benches)
}

fn measure(
    benches: &[Bench],
    performance: &Performance,
    effort: &Effort,
    instructions: bool,
) -> Result<Report, Failure> {
    // Before the work, which is a load of its own.
    let machine = machine::name();
    let (rows, method) = if instructions {
        (instructions::measure(benches, effort)?, instructions::METHOD.to_string())
    } else {
        (runner::measure(benches, performance, effort)?, effort.describe())
    };
    let sections = !instructions && benches.iter().any(|bench| bench.category == Category::Binary);
    Ok(Report {
        machine,
        commit: machine::commit(),
        binary: machine::binary()?,
        method,
        baseline: None,
        rows,
        parts: if sections { suite::binary::parts()? } else { Vec::new() },
    })
}

fn write(path: Option<&Path>, text: &str) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let written = std::fs::write(path, text);
    written.map_err(|error| Failure::Failed(format!("{} cannot be written: {error}", path.display())))
}

/// Exit code 1, and why, if something is not as it should be.
fn judge(report: &Report) -> Ended {
    let faults: Vec<String> = report.rows.iter().flat_map(faults).collect();
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(Failure::Failed(faults.join("\nlattice: "))) }
}

fn faults(row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    if let (Some(Tier::Poor), Some(median), Some(target)) = (row.tier(), row.judged(), row.target) {
        let unit = match target {
            Target::Figure(_) => row.unit.name(),
            Target::Ratio(_) => "× bare",
        };
        let (name, median, target) = (row.name, markdown::figure(median), markdown::target(target));
        faults.push(format!("{name} is POOR: {median} {unit}, and its target is {target}"));
    }
    if matches!(row.standing, Standing::Compared(comparison) if comparison.verdict == Verdict::Regression) {
        faults.push(format!("{}: {}", row.name, markdown::standing(&row.standing, row.unit)));
    }
    faults
}
