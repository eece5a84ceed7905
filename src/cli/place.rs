//! Which store a command means.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::output::Failure;
use super::sources;
use crate::store::{Accounts, OpenError, Store};

/// Each thread of a node remembers for this long what credentials were worth: see
/// `service::identity`.
pub(crate) const NOTICED: &str = "a node that is running takes notice within 10 seconds";

/// Where the store is: told directly, or as the node would find it.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// Directory of the store [default: that of the configuration]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration that names it [default: ./registry.toml if there is one]
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    config: Option<PathBuf>,
}

impl Place {
    /// The directory. With `--data` no configuration is read, so a broken one is not in the way.
    pub(crate) fn directory(&self) -> Result<PathBuf, Failure> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None => Ok(sources::settings(self.config.as_deref(), Vec::new())?.node.data),
        }
    }

    /// The users and tokens in it, whether or not a node is running; a new store if there is none.
    pub(crate) fn accounts(&self) -> Result<Arc<Accounts>, Failure> {
        open(&self.directory()?)
    }

    /// The same for commands that would find nothing in a new store: none is made.
    pub(crate) fn accounts_there(&self) -> Result<Arc<Accounts>, Failure> {
        open(&self.existing()?)
    }

    /// The directory, which must be there: a slip in its name must not look like an empty store.
    pub(crate) fn existing(&self) -> Result<PathBuf, Failure> {
        let directory = self.directory()?;
        match std::fs::metadata(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::Failed(format!(
                "there is no store: the directory {} does not exist; `--data DIR` names another, and `lattice serve`, \
                 `lattice user add` and `lattice token create` make one",
                directory.display()
            ))),
            _ => Ok(directory),
        }
    }
}

fn open(directory: &Path) -> Result<Arc<Accounts>, Failure> {
    let store = Store::open_shared(directory);
    Ok(store.map_err(|error| cannot_open(directory, &error))?.accounts())
}

/// The store did not open.
pub(crate) fn cannot_open(directory: &Path, error: &OpenError) -> Failure {
    Failure::Failed(format!("the store in {} cannot be opened: {error}", directory.display()))
}
