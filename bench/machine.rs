//! Where a figure comes from: without it, the figure says nothing.

use std::process::Command;

use lattice::measure::machine;

pub(crate) fn name() -> String {
    let text = |path| std::fs::read_to_string(path).unwrap_or_default();
    machine::describe(&text("/proc/cpuinfo"), &text("/proc/sys/kernel/osrelease"))
}

pub(crate) fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (head, changes) =
        (git(&["rev-parse", "--short", "HEAD"]), git(&["status", "--porcelain", "--untracked-files=no"]));
    machine::commit(head.as_deref(), changes.as_deref())
}
