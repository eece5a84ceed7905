//! The `lattice` program. Everything is in the library: see `cli`.

use std::process::ExitCode;
use std::time::Instant;

#[allow(clippy::disallowed_methods, reason = "the clock of the first line of the log: from here to listening")]
fn main() -> ExitCode {
    let started = Instant::now();
    lattice::cli::main(started)
}
