//! Where a figure comes from: without it, the figure says nothing.

use std::process::Command;

pub(crate) fn name() -> String {
    let text = |path| std::fs::read_to_string(path).unwrap_or_default();
    lattice::measure::machine::describe(&text("/proc/cpuinfo"), &text("/proc/sys/kernel/osrelease"))
}

pub(crate) fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let dirty = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    if dirty { format!("{commit} with changes") } else { commit }
}
