//! `lattice config watch`: every change of the live config, a line each.
//!
//! It looks at the mapped file again and again: updates that are stored into memory raise no event of the
//! file system. What is overwritten between two looks is not seen.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::super::output::{Ended, Failure, print_line, say};
use super::change::difference;
use super::file::{Which, failed, open};
use crate::app::live::show::json;
use crate::config::{Cache, ConfigFile, Error, Slot};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// Looks between two questions to the kernel whether it is still the same file.
const LOOKS_PER_CHECK: u32 = 20;

const EXAMPLES: &str = "\
Examples:
  lattice config watch
  lattice config watch --json | jq --unbuffered .flags.DEBUG

Ends with Ctrl-C.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Each state as one JSON object, the first at once
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &Args) -> Ended {
    let path = args.which.path()?;
    let mut watched = Watched::new(&path)?;
    let mut last = *watched.cache.last();
    let mut is_read = tell(args, None, &last)?;
    let mut looks = 0_u32;
    while is_read {
        pause();
        looks = looks.wrapping_add(1);
        let now = watched.look(&path, looks.is_multiple_of(LOOKS_PER_CHECK))?;
        if now != last {
            is_read = tell(args, Some(&last), &now)?;
            last = now;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::disallowed_methods, reason = "a command of its own, no part of a node")]
fn pause() {
    std::thread::sleep(PAUSE);
}

/// Prints a state; whether anybody reads on.
fn tell(args: &Args, before: Option<&Slot>, now: &Slot) -> Result<bool, Failure> {
    print_line(&match before {
        _ if args.json => json(now).to_string(),
        Some(before) => format!("sequence {}: {}", now.sequence, difference(&before.config, &now.config)),
        None => format!("sequence {}", now.sequence),
    })
}

/// A file that is looked at.
struct Watched {
    file: ConfigFile,
    cache: Cache,
}

impl Watched {
    fn new(path: &Path) -> Result<Self, Failure> {
        let file = open(path)?;
        let cache = Cache::new(&file).map_err(|error| failed(path, error))?;
        Ok(Self { file, cache })
    }

    /// The config as it is now. A file that has taken the place of this one is opened instead.
    fn look(&mut self, path: &Path, check: bool) -> Result<Slot, Failure> {
        let read = if check { self.file.verify() } else { Ok(()) };
        match read.and_then(|()| self.cache.read(&self.file).copied()) {
            Ok(slot) => Ok(slot),
            Err(Error::Busy) => Ok(*self.cache.last()),
            Err(error @ (Error::Cut | Error::Replaced)) => {
                say(&format!("lattice: {}: {error}; looking for the new one", path.display()));
                *self = Self::new(path)?;
                Ok(*self.cache.last())
            }
            Err(error) => Err(failed(path, error)),
        }
    }
}
