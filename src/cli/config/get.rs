//! `lattice config get`: the live config for people, scripts and shells.

use std::process::ExitCode;

use super::super::output::{Ended, Failure, is_coloured, print};
use super::file::Which;
use super::picture::picture;
use crate::app::live::field::{self, FIELDS, Field};
use crate::app::live::show::{Style, environment, hex, json, variables};
use crate::config::{Flags, Slot};

const EXAMPLES: &str = "\
Examples:
  lattice config get
  lattice config get rows                          a field: version, registry_hash, feature_flags,
                                                   terminal_mode, rows, cols, reserved
  lattice config get DEBUG                         a flag: on or off
  lattice config get sequence                      how often it was written, for --expect
  lattice config get --json
  lattice config get --hex --file ./config.bin     the 13 bytes as digits
  eval \"$(lattice config get --shell)\"             LIVE_CONFIG_ROWS and so on";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A field, a flag, or `sequence`; everything without it
    #[arg(value_name = "FIELD", conflicts_with_all = ["json", "hex", "shell"])]
    field: Option<String>,
    /// All of it as one JSON object
    #[arg(long, conflicts_with_all = ["hex", "shell"])]
    json: bool,
    /// The 13 bytes as 26 digits
    #[arg(long, conflicts_with = "shell")]
    hex: bool,
    /// As variables, to be evaluated by a shell
    #[arg(long)]
    shell: bool,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &Args) -> Ended {
    let (path, slot) = args.which.read()?;
    let text = match &args.field {
        Some(name) => format!("{}\n", value(&slot, name)?),
        None if args.json => format!("{}\n", json(&slot)),
        None if args.hex => format!("{}\n", hex(&slot.config)),
        None if args.shell => environment(&variables(&slot), Style::Shell),
        None => picture(&path, &slot, is_coloured()),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// One value: a number, or `on` and `off`.
fn value(slot: &Slot, name: &str) -> Result<String, Failure> {
    if name == "sequence" {
        return Ok(slot.sequence.to_string());
    }
    if let Ok(flag) = field::flag(name) {
        return Ok(on_off(slot.config.flags().contains(flag)).to_owned());
    }
    match Field::find(name) {
        Ok(field) => Ok(shown(field, field.value(&slot.config))),
        Err(mistake) => Err(Failure::Usage(format!(
            "{} is neither a field ({}, sequence) nor a flag ({})",
            mistake.value,
            FIELDS.map(|field| field.name).join(", "),
            Flags::NAMES.join(", "),
        ))),
    }
}

/// A value as people read it: what is made of bits in hexadecimal digits.
pub(super) fn shown(field: &Field, value: u32) -> String {
    if field.bytes > 1 { format!("0x{value:08x}") } else { value.to_string() }
}

pub(super) fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
