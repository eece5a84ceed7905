//! `lattice config import` and `lattice config export`: the record from and to other files.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::super::output::{Ended, Failure, print, say};
use super::file::{Which, failed, name};
use crate::app::live::field::check;
use crate::config::{CONFIG_BYTES, Config, ConfigFile, Error, IMAGE_BYTES, Image, LOCK_WAIT_MS, Slot};

const IMPORT_EXAMPLES: &str = "\
Examples:
  lattice config import backup.bin                  13 bytes, or a file of 64
  lattice config import backup.bin --expect 7       only if nobody has written since sequence 7
  lattice config import --file config.bin config.bin    make a file of a bare record in its place

A node that runs obeys it with its next request. A file that is damaged is mended; one of the wrong length
is put aside as FILE.damaged.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  lattice config export backup.bin
  lattice config export | xxd

A file that is there is not overwritten.";

#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(super) struct ImportArgs {
    /// The file to take over: 13 bytes, or 64
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// Change nothing unless this is the sequence (`lattice config get sequence`)
    #[arg(long, value_name = "SEQUENCE")]
    expect: Option<u64>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(super) struct ExportArgs {
    /// The file to write, which must not be there; standard output without it
    #[arg(value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

pub(super) fn import(args: &ImportArgs) -> Ended {
    let path = args.which.path()?;
    let config = record_in(&args.from)?;
    let slot = put(&path, config, args.expect)?;
    print(&format!("sequence {}: {} is in {}\n", slot.sequence, args.from.display(), path.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The record of a file, which a node could use.
fn record_in(from: &Path) -> Result<Config, Failure> {
    let bytes = read(from).map_err(|error| Failure::Failed(format!("{} cannot be read: {error}", from.display())))?;
    let config = match (<[u8; CONFIG_BYTES]>::try_from(&*bytes), <[u8; IMAGE_BYTES]>::try_from(&*bytes)) {
        (Ok(record), _) => Config::from_bytes(record),
        (_, Ok(image)) => Image::from_bytes(image).current().ok_or_else(|| failed(from, Error::Damaged))?.config,
        _ => {
            return Err(Failure::Failed(format!(
                "{} has {} bytes: a record has {CONFIG_BYTES}, a file {IMAGE_BYTES}",
                from.display(),
                if bytes.len() > IMAGE_BYTES { "more".to_owned() } else { bytes.len().to_string() },
            )));
        }
    };
    check(config).map_err(|mistake| Failure::Failed(format!("{}: {mistake}", from.display())))
}

#[allow(clippy::disallowed_methods, reason = "a command of its own, no part of a node")]
fn read(from: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(from)?.take(IMAGE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes the record that of the file at `path`, whatever state that is in.
fn put(path: &Path, config: Config, expect: Option<u64>) -> Result<Slot, Failure> {
    let explain = |error| failed(path, error);
    let name = name(path)?;
    let mut file = match ConfigFile::open_writable(&name) {
        Ok(file) => file,
        // Whoever expects a sequence expects a file.
        Err(error) if expect.is_some() => return Err(explain(error)),
        Err(Error::NotFound) => return first(ConfigFile::create(&name, config).map_err(explain)?, path),
        Err(Error::Bare) => ConfigFile::import(&name).map_err(explain)?,
        Err(Error::Empty | Error::Long | Error::Short) => {
            put_aside(path)?;
            return first(ConfigFile::create(&name, config).map_err(explain)?, path);
        }
        Err(error) => return Err(explain(error)),
    };
    let mut locked = file.lock(LOCK_WAIT_MS).map_err(explain)?;
    let now = locked.slot().map_or(0, |slot| slot.sequence);
    if let Some(expected) = expect.filter(|expected| *expected != now) {
        return Err(Failure::Failed(format!(
            "nothing was changed: the sequence is {now} and not {expected}, somebody else wrote meanwhile"
        )));
    }
    let slot = locked.replace(config, now).map_err(explain)?;
    locked.sync().map_err(explain)?;
    Ok(slot)
}

fn first(file: ConfigFile, path: &Path) -> Result<Slot, Failure> {
    file.snapshot().map_err(|error| failed(path, error))
}

/// Keeps what is no config file any more for whoever wants to know what happened to it.
#[allow(clippy::disallowed_methods, reason = "a command of its own, no part of a node")]
fn put_aside(path: &Path) -> Result<(), Failure> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    let moved = std::fs::rename(path, &aside);
    moved.map_err(|error| Failure::Failed(format!("{} cannot be put aside: {error}", path.display())))?;
    say(&format!("lattice: the old file is now {}", Path::new(&aside).display()));
    Ok(())
}

pub(super) fn export(args: &ExportArgs) -> Ended {
    let (_, slot) = args.which.read()?;
    let bytes = slot.config.to_bytes();
    match &args.to {
        Some(path) => write(path, &bytes)?,
        None if io::stdout().is_terminal() => {
            let how = "these are bytes and no text: name a file, or see `lattice config get --hex`";
            return Err(Failure::Usage(how.to_owned()));
        }
        None => {
            let written = io::stdout().lock().write_all(&bytes);
            written.map_err(|error| Failure::Failed(format!("stdout cannot be written: {error}")))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::disallowed_methods, reason = "a command of its own, no part of a node")]
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = opened.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| Failure::Failed(format!("{} cannot be written: {error}", path.display())))
}
