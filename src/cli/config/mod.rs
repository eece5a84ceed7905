//! `lattice config`: the two configurations of a node.
//!
//! `check` is about `registry.toml`, which a node reads at its start. All others are about the live config,
//! 13 bytes in a file of their own: a node that runs obeys them with its next request. They work whether or
//! not a node runs.

mod change;
mod check;
mod file;
mod get;
mod picture;
mod transfer;
mod verify;
mod watch;

use clap::Subcommand;

use super::output::{Ended, Failure};
use crate::config::sigbus;

const ABOUT: &str = "\
A node has two configurations.

registry.toml is read when the node starts: `lattice config check` tells what it comes to.

The live config is 13 bytes in a file of its own: config.bin in the data directory, unless
[node] live_config names another. A node that runs obeys a change with its next request, on
every thread. All other commands here read and change it, whether or not a node runs.

  PRIVATE_REGISTRY   who is not logged in may not read packages
  CACHE_ENABLED      documents and open tarballs are kept in memory
  DEBUG              each request is logged, if LOGGING is on too
  LOGGING            off, nothing but errors is logged
  METRICS            SIGUSR1 prints the counters
  PREMIUM_TYPES, PROXY_MODE, BINARY_PROTOCOL
                     kept and shown: nothing in this node depends on them yet";

/// Look at the configuration, and change what can be changed while a node runs
#[derive(Debug, clap::Args)]
#[command(long_about = ABOUT)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// registry.toml: check it and the environment, and show every key as it is in force
    Check(check::Args),
    /// Live config: show it, or one field of it
    Get(get::Args),
    /// Live config: give a field another value
    Set(change::SetArgs),
    /// Live config: turn a feature on or off
    Flag(change::FlagArgs),
    /// Live config: show every change as it happens
    Watch(watch::Args),
    /// Live config: whether its file is sound
    Verify(verify::Args),
    /// Live config: take over a record of 13 bytes or a whole file of 64
    Import(transfer::ImportArgs),
    /// Live config: write the record of 13 bytes
    Export(transfer::ExportArgs),
}

pub(crate) fn run(args: &Args) -> Ended {
    // Somebody may cut the file while it is read. Without the handler that would be the end, with it an error.
    sigbus::install().map_err(|error| Failure::Failed(format!("cannot handle SIGBUS: {error}")))?;
    match &args.command {
        Command::Check(args) => check::run(args),
        Command::Get(args) => get::run(args),
        Command::Set(args) => change::set(args),
        Command::Flag(args) => change::flag(args),
        Command::Watch(args) => watch::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Import(args) => transfer::import(args),
        Command::Export(args) => transfer::export(args),
    }
}
