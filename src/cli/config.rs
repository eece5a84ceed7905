//! `lattice config check`: what is in force, or everything that is wrong.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::output::{Ended, print};
use super::sources;
use crate::settings::show::show;

const EXAMPLES: &str = "\
Examples:
  lattice config check
  lattice config check --config /etc/lattice/registry.toml
  LATTICE_NODE_THREADS=4 lattice config check        variables count too

Exits 0 if the node would start with it, 78 if not.";

/// Look at the configuration
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the file and the environment, and show every key as it is in force
    #[command(after_help = EXAMPLES)]
    Check {
        /// Configuration file [default: ./registry.toml if there is one]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub(crate) fn run(args: &Args) -> Ended {
    let Command::Check { config } = &args.command;
    let settings = sources::settings(config.as_deref(), Vec::new())?;
    print(&format!("ok\n\n{}", show(&settings)))?;
    Ok(ExitCode::SUCCESS)
}
