//! `lattice config check`: what `registry.toml` and the environment come to, or everything that is wrong.

use std::path::PathBuf;
use std::process::ExitCode;

use super::super::output::{Ended, print};
use super::super::sources;
use crate::settings::show::show;

const EXAMPLES: &str = "\
Examples:
  lattice config check
  lattice config check --config /etc/lattice/registry.toml
  LATTICE_NODE_THREADS=4 lattice config check        variables count too

Exits 0 if the node would start with it, 78 if not.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Configuration file [default: ./registry.toml if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Ended {
    let settings = sources::settings(args.config.as_deref(), Vec::new())?;
    print(&format!("ok\n\n{}", show(&settings)))?;
    Ok(ExitCode::SUCCESS)
}
