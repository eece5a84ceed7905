//! Where a figure comes from: machine, commit, program.

use std::fs;
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};

use super::super::output::Failure;
use crate::measure::machine;

/// Processor, cores, kernel, and how busy it is.
pub(super) fn name() -> String {
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    let load = text("/proc/loadavg");
    let load = load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown");
    format!("{}, load {load}", machine::describe(&text("/proc/cpuinfo"), &text("/proc/sys/kernel/osrelease")))
}

/// The commit of the sources this program was built from, where they are still at hand.
pub(super) fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(["-C", env!("CARGO_MANIFEST_DIR")]).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let head = git(&["rev-parse", "--short", "HEAD"]);
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    machine::commit(head.as_deref(), changes.as_deref())
}

/// Version, profile and hash: what was measured, whatever the sources say by now.
pub(super) fn binary() -> Result<String, Failure> {
    let bytes = executable()?;
    let hash: String = digest(&SHA256, &bytes).as_ref()[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let profile = if cfg!(debug_assertions) { "debug build, which targets are not meant for" } else { "release build" };
    Ok(format!("lattice {}, {profile}, sha-256 {hash}…, {} bytes", env!("CARGO_PKG_VERSION"), bytes.len()))
}

/// The program that runs.
pub(super) fn executable() -> Result<Vec<u8>, Failure> {
    fs::read("/proc/self/exe").map_err(|error| Failure::Failed(format!("/proc/self/exe cannot be read: {error}")))
}
