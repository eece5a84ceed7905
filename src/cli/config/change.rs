//! `lattice config set` and `lattice config flag`: one change of the live config, on the disk when they end.

use std::path::Path;
use std::process::ExitCode;

use super::super::output::{Ended, Failure, print};
use super::file::{Which, failed, open_writable};
use super::get::{on_off, shown};
use crate::app::live::field::{self, FIELDS, Field, Mistake};
use crate::config::{Config, Error, Flags, LOCK_WAIT_MS, Slot};

const SET_EXAMPLES: &str = "\
Examples:
  lattice config set rows 24
  lattice config set feature_flags 0xf8
  lattice config set terminal_mode 2 --expect 7      only if nobody has written since sequence 7";

const FLAG_EXAMPLES: &str = "\
Examples:
  lattice config flag PRIVATE_REGISTRY on
  lattice config flag debug off --file /srv/npm/config.bin

`lattice config --help` tells what each does.";

#[derive(Debug, clap::Args)]
#[command(after_help = SET_EXAMPLES)]
pub(super) struct SetArgs {
    /// The field: registry_hash, feature_flags, terminal_mode, rows, cols or reserved
    field: String,
    /// Its value, decimal or with 0x
    #[arg(allow_hyphen_values = true)]
    value: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
#[command(after_help = FLAG_EXAMPLES)]
pub(super) struct FlagArgs {
    /// The flag
    name: String,
    /// `on` or `off`
    #[arg(value_parser = ["on", "off"])]
    state: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
struct How {
    /// Change nothing unless this is the sequence (`lattice config get sequence`)
    #[arg(long, value_name = "SEQUENCE")]
    expect: Option<u64>,
    #[command(flatten)]
    which: Which,
}

pub(super) fn set(args: &SetArgs) -> Ended {
    if let Ok(Flags(bit)) = field::flag(&args.field) {
        let name = Flags::NAMES[bit.trailing_zeros() as usize];
        return Err(Failure::Usage(format!("{name} is a flag: `lattice config flag {name} on` or `off`")));
    }
    let field = Field::find(&args.field).map_err(not_understood)?;
    args.how.apply(|config| field.set_text(config, &args.value))
}

pub(super) fn flag(args: &FlagArgs) -> Ended {
    let flag = field::flag(&args.name).map_err(not_understood)?;
    args.how.apply(|config| Ok(config.with_features(flag, args.state == "on")))
}

fn not_understood(mistake: Mistake) -> Failure {
    Failure::Usage(mistake.to_string())
}

impl How {
    /// Makes the change, and tells what it was.
    fn apply(&self, change: impl FnOnce(Config) -> Result<Config, Mistake>) -> Ended {
        let path = self.which.path()?;
        let (before, after) = write(&path, self.expect, change)?;
        print(&format!("sequence {}: {}\n", after.sequence, difference(&before.config, &after.config)))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes what becomes of the config, if its sequence is the one expected; what it was and is.
fn write(
    path: &Path,
    expect: Option<u64>,
    change: impl FnOnce(Config) -> Result<Config, Mistake>,
) -> Result<(Slot, Slot), Failure> {
    let explain = |error| failed(path, error);
    let mut file = open_writable(path)?;
    let mut locked = file.lock(LOCK_WAIT_MS).map_err(explain)?;
    let before = locked.slot().ok_or_else(|| explain(Error::Damaged))?;
    if let Some(expected) = expect.filter(|expected| *expected != before.sequence) {
        let now = before.sequence;
        return Err(Failure::Failed(format!(
            "nothing was changed: the sequence is {now} and not {expected}, somebody else wrote meanwhile; \
             `lattice config get` shows what stands there, `--expect {now}` changes that"
        )));
    }
    let config = change(before.config).map_err(not_understood)?;
    let after = locked.replace(config, before.sequence).map_err(explain)?;
    locked.sync().map_err(explain)?;
    Ok((before, after))
}

/// What differs, in words.
pub(super) fn difference(before: &Config, after: &Config) -> String {
    let mut parts = Vec::new();
    for (bit, name) in Flags::NAMES.iter().enumerate() {
        let [was, is] = [before, after].map(|config| config.flags().contains(Flags(1 << bit)));
        if was != is {
            parts.push(format!("{name} {} → {}", on_off(was), on_off(is)));
        }
    }
    let named_only = before.flags().unnamed() == after.flags().unnamed();
    for field in FIELDS.iter().filter(|field| !(field.name == "feature_flags" && named_only)) {
        let (was, is) = (field.value(before), field.value(after));
        if was != is {
            parts.push(format!("{} {} → {}", field.name, shown(field, was), shown(field, is)));
        }
    }
    if parts.is_empty() { "nothing differs".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_differs_and_nothing_else() {
        let config = Config::new().with_flags(Flags::METRICS).with_size(24, 80);
        let other = config.with_features(Flags::METRICS, false).with_features(Flags::DEBUG, true);
        assert_eq!(difference(&config, &other), "DEBUG off → on, METRICS on → off");
        assert_eq!(difference(&config, &config.with_size(24, 81)), "cols 80 → 81");
        assert_eq!(difference(&config, &config), "nothing differs");
        let unnamed = config.with_flags(Flags(config.flags().0 | 1 << 31));
        assert_eq!(difference(&config, &unnamed), "feature_flags 0x00000040 → 0x80000040");
    }
}
