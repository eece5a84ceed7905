//! `lattice config verify`: whether the file of a live config is sound, slot by slot.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use super::super::output::{Ended, Failure, plain, print};
use super::file::{Which, failed, open};
use crate::app::live::field::check;
use crate::config::{IMAGE_BYTES, SLOT_BYTES, Slot};

const EXAMPLES: &str = "\
Examples:
  lattice config verify
  lattice config verify --file ./config.bin

Exits 0 if a node can use the file, 1 if not. `lattice config import` mends one that is damaged.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &Args) -> Ended {
    let path = args.which.path()?;
    // The way a node opens it, with everything that it refuses.
    let opened = open(&path)?;
    let bytes = bytes_of(&path)?;
    let slots = [0, SLOT_BYTES].map(|at| bytes[at..].first_chunk::<SLOT_BYTES>().copied().unwrap_or([0; SLOT_BYTES]));
    let mut text = String::new();
    for (index, slot) in slots.into_iter().enumerate() {
        text.push_str(&format!("slot {index}: {}\n", state(slot)));
    }
    print(&text)?;
    let slot = opened.snapshot().map_err(|error| failed(&path, error))?;
    let odd = check(slot.config).err().map(|mistake| format!(", though {mistake}"));
    print(&format!(
        "{}: {}, sequence {} is in force{}\n",
        plain(&path.display().to_string()),
        if odd.is_some() { "readable" } else { "ok" },
        slot.sequence,
        odd.unwrap_or_default()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn state(bytes: [u8; SLOT_BYTES]) -> String {
    match Slot::decode(bytes) {
        Some(slot) => format!("whole, sequence {}", slot.sequence),
        None if bytes == [0; SLOT_BYTES] => "never written".to_owned(),
        None => "not whole: a write that stopped half-way, or damage".to_owned(),
    }
}

#[allow(clippy::disallowed_methods, reason = "a command of its own, no part of a node")]
fn bytes_of(path: &Path) -> Result<[u8; IMAGE_BYTES], Failure> {
    let mut bytes = [0; IMAGE_BYTES];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map(|()| bytes).map_err(|error| Failure::Failed(format!("{} cannot be read: {error}", path.display())))
}
