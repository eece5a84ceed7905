//! The config file with real files and real processes: what opens, who may write, what a crash leaves.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(clippy::disallowed_methods, reason = "tests stand outside the node: they have files and processes")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod child;
mod create;
mod cut;
mod kill;
mod lock;
mod model;
mod open;
mod share;
mod torn;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use lattice::config::{Config, ConfigFile, Flags};

/// A directory for one test, and paths in it as the config wants them.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A new config file, open for writing.
    fn create(&self, config: Config) -> ConfigFile {
        ConfigFile::create(&c(&self.path("config")), config).unwrap()
    }

    /// The same file, opened again.
    fn open(&self) -> ConfigFile {
        ConfigFile::open_writable(&c(&self.path("config"))).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = std::fs::read_dir(self.0.path()).unwrap().map(name).collect();
        names.sort();
        names
    }
}

fn c(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

/// A config that is told from others by `hash`, and from garbage by its flags.
fn config(hash: u32) -> Config {
    Config::new().with_registry_hash(hash).with_flags(Flags(hash.wrapping_mul(0x9e37_79b1) ^ 0x5555_5555))
}

/// The hash of such a config. Panics if it is none.
fn hash_of(config_read: &Config) -> u32 {
    assert_eq!(*config_read, config(config_read.registry_hash()), "a config that nobody wrote");
    config_read.registry_hash()
}
