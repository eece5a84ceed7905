//! Which file of a live config a command means, and what to do when it cannot be used.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use super::super::output::Failure;
use super::super::sources;
use crate::config::{ConfigFile, Error, Slot};
use crate::node::live::{c_path, explain};
use crate::settings::LIVE_CONFIG;

/// The file: told directly, or as the node would find it.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The file of the live config [default: that of the node]
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// The data directory that has it, as `config.bin`
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    data: Option<PathBuf>,
    /// The registry.toml that names it [default: ./registry.toml if there is one]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "data"])]
    config: Option<PathBuf>,
}

impl Which {
    /// Its path. With `--file` and `--data` no configuration is read, so a broken one is not in the way.
    pub(super) fn path(&self) -> Result<PathBuf, Failure> {
        match (&self.file, &self.data) {
            (Some(file), _) => Ok(file.clone()),
            (None, Some(data)) => Ok(data.join(LIVE_CONFIG)),
            (None, None) => Ok(sources::settings(self.config.as_deref(), Vec::new())?.node.live_config()),
        }
    }

    /// The config in it.
    pub(super) fn read(&self) -> Result<(PathBuf, Slot), Failure> {
        let path = self.path()?;
        let slot = open(&path)?.snapshot().map_err(|error| failed(&path, error))?;
        Ok((path, slot))
    }
}

/// Opens it for reading.
pub(super) fn open(path: &Path) -> Result<ConfigFile, Failure> {
    ConfigFile::open(&name(path)?).map_err(|error| failed(path, error))
}

/// Opens it for writing.
pub(super) fn open_writable(path: &Path) -> Result<ConfigFile, Failure> {
    ConfigFile::open_writable(&name(path)?).map_err(|error| failed(path, error))
}

/// The path as the system takes it.
pub(super) fn name(path: &Path) -> Result<CString, Failure> {
    c_path(path).map_err(|error| failed(path, error))
}

/// What is wrong with the file, and what to do about it.
pub(super) fn failed(path: &Path, error: Error) -> Failure {
    Failure::Failed(explain(path, error))
}
