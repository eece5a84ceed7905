//! `lattice serve`: reads the settings and runs the node.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use super::output::Ended;
use super::sources;
use crate::settings::Flag;

const EXAMPLES: &str = "\
Examples:
  lattice serve
  lattice serve --config /etc/lattice/registry.toml
  lattice serve --listen 127.0.0.1:0 --threads 2     any free port; the first line says which

A flag wins over an environment variable, which wins over the file. SIGTERM or SIGINT ends the node once
it has answered what is in flight, a second one at once.";

/// Run the registry (what `lattice` alone does)
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Configuration file [default: ./registry.toml if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address and port to listen on, or unix:PATH; several with commas [default: 127.0.0.1:4873]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,
    /// Directory of the store [default: lattice-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Threads of the event loop; 0 = one per core [default: 0]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) threads: Option<String>,
    /// Open /-/echo, a diagnostic route that answers a POST with its own body
    #[arg(long)]
    pub(crate) echo: bool,
}

pub(crate) fn run(args: Args, started: Instant) -> Ended {
    let config = args.config.clone();
    let settings = sources::settings(config.as_deref(), flags(args))?;
    super::log::install();
    let code: ExitCode = crate::node::run(settings, started);
    Ok(code)
}

/// The flags as settings, judged like any other source.
fn flags(args: Args) -> Vec<Flag> {
    let echo = args.echo.then(|| "true".to_string());
    let given = [
        ("--listen", "listen", args.listen),
        ("--data", "data", args.data),
        ("--threads", "threads", args.threads),
        ("--echo", "echo", echo),
    ];
    let flag = |(name, key, value): (&'static str, &'static str, Option<String>)| {
        Some(Flag { name, section: "node", key, value: value? })
    };
    given.into_iter().filter_map(flag).collect()
}
