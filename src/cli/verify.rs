//! `lattice verify`: whether everything that was published is there, whole.
//!
//! Works beside a running node; only `--repair` needs it stopped. Repairing removes files that no
//! version has, and is refused while anything is damaged: a database restored from a backup may
//! have versions again that the damaged one has lost.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use super::output::{Ended, Failure, plain, print, say};
use super::place::{Place, cannot_open};
use crate::settings::units::show_bytes;
use crate::store::verify::{Finding, Progress, Report, Severity, remove_orphans, verify};

const EXAMPLES: &str = "\
Examples:
  lattice verify
  lattice verify --data /srv/npm
  lattice verify --repair        also remove files that no version has; stop the node first

Reads every tarball and compares it with its hashes. Exits 0 if all that was published is whole, 1 if
something is damaged; each finding says what to do.";

/// Check every tarball and the database
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Remove files that no version has, if nothing is damaged
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: &Args) -> Ended {
    let directory = args.place.existing()?;
    let report = check(&directory)?;
    print(&tell(&report))?;
    let damaged = report.worst() == Some(Severity::Error);
    match (args.repair, damaged) {
        (true, true) => say("lattice: nothing is removed while something is damaged: mend that first"),
        (true, false) => repair(&directory)?,
        (false, _) => {}
    }
    Ok(if damaged { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// With a line of progress if somebody watches.
fn check(directory: &Path) -> Result<Report, Failure> {
    let watched = io::stderr().is_terminal();
    let mut percent = None;
    let report = verify(directory, &mut |progress| {
        let now = progress.done * 100 / progress.total.max(1);
        if watched && percent.replace(now) != Some(now) {
            tell_progress(progress, now);
        }
    });
    if percent.is_some() {
        tell_progress_over();
    }
    report.map_err(|error| cannot_open(directory, &error))
}

fn tell_progress(progress: Progress, percent: u64) {
    let Progress { done, total, .. } = progress;
    write!(io::stderr().lock(), "\r{done} of {total} tarballs, {percent} %").ok();
}

/// Empties the line.
fn tell_progress_over() {
    write!(io::stderr().lock(), "\r\x1b[K").ok();
}

fn repair(directory: &Path) -> Result<(), Failure> {
    let removed = remove_orphans(directory).map_err(|error| cannot_open(directory, &error))?;
    print(&format!("removed {}, {}\n", count(removed.files, "file"), show_bytes(removed.bytes)))
}

/// The findings, the worst first, each kind followed by what to do about it.
fn tell(report: &Report) -> String {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity()), finding.advice()));
    let kinds = findings.chunk_by(|one, other| one.advice() == other.advice());
    let told: String = kinds.map(tell_kind).collect();
    told + &summary(report)
}

fn tell_kind(findings: &[&Finding]) -> String {
    let lines: String =
        findings.iter().map(|finding| format!("{}: {}\n", label(finding), plain(&finding.to_string()))).collect();
    let advice = findings.first().map_or("", |finding| finding.advice());
    format!("{lines}    {advice}\n")
}

fn label(finding: &Finding) -> &'static str {
    match finding.severity() {
        Severity::Error => "damage",
        Severity::Warning => "untidy",
        Severity::Note => "note",
    }
}

fn summary(report: &Report) -> String {
    let read = format!("{} read, {}", count(report.blobs, "tarball"), show_bytes(report.bytes));
    let of = |severity| report.findings.iter().filter(|finding| finding.severity() == severity).count() as u64;
    match (of(Severity::Error), report.findings.len() as u64) {
        (0, 0) => format!("ok: {read}\n"),
        (0, findings) => format!("ok, with {}: {read}\n", count(findings, "remark")),
        (errors, _) => format!("{}: {read}\n", count(errors, "damage finding")),
    }
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: Vec<Finding>) -> Report {
        Report { findings, blobs: 1, bytes: 2048 }
    }

    #[test]
    fn a_sound_store_is_ok_in_one_line() {
        assert_eq!(tell(&report(vec![])), "ok: 1 tarball read, 2 KiB\n");
    }

    #[test]
    fn the_worst_comes_first_and_advice_once_for_its_kind() {
        let stray = |name: &str| Finding::StrayFile { path: name.into() };
        let database = Finding::Database { message: "page 3".into() };
        let told = tell(&report(vec![stray("a"), database, stray("b\u{1b}[2J")]));
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 6, "{told}");
        assert!(lines[0].starts_with("damage: ") && lines[0].contains("page 3"), "{told}");
        assert!(lines[1].starts_with("    Stop the node"), "{told}");
        assert!(lines[2].starts_with("untidy: a") && lines[3].starts_with("untidy: b"), "{told}");
        assert!(lines[4].starts_with("    Lattice did not put it there"), "{told}");
        assert_eq!(lines[5], "1 damage finding: 1 tarball read, 2 KiB");
        assert!(!told.contains('\u{1b}'), "a file's name does nothing to the terminal");
    }

    #[test]
    fn what_is_no_damage_is_ok_with_remarks() {
        let told = tell(&report(vec![Finding::Leftover { path: "x".into(), bytes: 1 }]));
        assert!(told.ends_with("ok, with 1 remark: 1 tarball read, 2 KiB\n"), "{told}");
    }
}
