//! The C library of the config, as programs in other languages use it: built by `scripts/cabi`, looked at as
//! machine code, compiled against, run.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(clippy::disallowed_methods, reason = "tests stand outside the node: they have files and processes")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../clients/client.rs"]
#[allow(dead_code, reason = "of the clients, the examples use Node.js and bun")]
mod client;
#[path = "../support/mod.rs"]
mod support;

mod binary;
mod examples;
mod header;
mod library;
mod node;
mod programs;
mod readme;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::{Finished, Running};

/// Runs a program to its end.
fn run(command: Command) -> Finished {
    Running::start(command, Duration::from_secs(120)).finish()
}

/// Runs a program that must succeed; what it said.
fn succeed(command: Command) -> String {
    let what = format!("{command:?}");
    let finished = run(command);
    assert!(finished.is_success(), "{what}: {}", finished.report());
    finished.stdout
}

fn c(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}
