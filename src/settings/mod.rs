//! What the operator decided: `registry.toml`, the environment and flags in, [`Settings`] out.
//!
//! Pure: it is given texts and reads no file and no environment itself. [`keys::KEYS`] is the one
//! list of what can be set; parsing, the environment, the listing of `lattice config check` and the
//! test over the documented `registry.toml` all walk it.
//!
//! A later source wins: default, file, environment, flag. Every mistake of every source is
//! collected, so that one run shows them all; one is enough to refuse.

pub mod keys;
pub mod load;
pub mod problem;
pub mod show;

mod environment;
mod file;
mod performance;
mod rules;
mod suggest;
pub(crate) mod units;
mod url;

#[cfg(test)]
mod tests;

pub use load::{Document, Flag, Sources, load};
pub use performance::Performance;
pub use problem::{Origin, Problem, Problems};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::limits::{BODY_BUFFER_BYTES, HEAD_BYTES_MAX, HEADERS_MAX};
use crate::service::npm::settings::Settings as Npm;

/// The port a node listens on unless told otherwise.
pub const PORT: u16 = 4873;

/// Everything that can be decided about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[node]`: the process.
    pub node: Node,
    /// `[http]`: what one peer may ask of one connection.
    pub http: Http,
    /// `[npm]`: the registry. Its `public_url` and `rules` are final:
    /// `anonymous_reads` is worked in.
    pub npm: Npm,
    /// `[npm] anonymous_reads`: whether `$all` and `$anonymous` in `access` admit anybody at all.
    pub anonymous_reads: bool,
    /// `[performance]`: what `lattice bench` holds its figures against.
    pub performance: Performance,
}

/// `[node]`: the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Directory of the store.
    pub data: PathBuf,
    /// What clients call the node, if that is not `http://` and `listen`. No slash at the end.
    pub public_url: Option<String>,
    /// Threads of the event loop; 0 stands for one per core.
    pub threads: usize,
    /// Each thread stays on its core.
    pub pin: bool,
    /// Threads for blocking work; 0 stands for twice the cores, at least 4.
    pub pool_threads: usize,
    /// Most connections per thread.
    pub connections: usize,
    /// Connections the kernel holds per thread before they are accepted.
    pub backlog: u32,
    /// The kernel reports a connection only once its first bytes are there.
    pub defer_accept: bool,
    /// Seconds a shutdown waits for requests in flight.
    pub drain_s: u64,
    /// Opens `/-/echo`.
    pub echo: bool,
}

/// `[http]`: what one peer may ask of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Longest request head, in bytes.
    pub head_bytes: usize,
    /// Most header fields of a request.
    pub headers: usize,
    /// Largest body read whole, in bytes.
    pub body_bytes: usize,
    /// Seconds a request head may take.
    pub head_timeout_s: u64,
    /// Longest pause between bytes of a body, in seconds.
    pub body_timeout_s: u64,
    /// Seconds a connection may rest between requests.
    pub idle_timeout_s: u64,
    /// Seconds a peer may take none of the bytes that wait for it.
    pub write_timeout_s: u64,
    /// Requests answered on one connection before it is closed; 0 stands for any number.
    pub requests_per_connection: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: Node::default(),
            http: Http::default(),
            npm: Npm::default(),
            anonymous_reads: true,
            performance: Performance::default(),
        }
    }
}

impl Default for Node {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
            data: PathBuf::from("lattice-data"),
            public_url: None,
            threads: 0,
            pin: true,
            pool_threads: 0,
            connections: 65_536,
            backlog: 4096,
            defer_accept: false,
            drain_s: 10,
            echo: false,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            head_bytes: HEAD_BYTES_MAX,
            headers: HEADERS_MAX,
            body_bytes: BODY_BUFFER_BYTES,
            head_timeout_s: 10,
            body_timeout_s: 30,
            idle_timeout_s: 60,
            write_timeout_s: 30,
            requests_per_connection: 0,
        }
    }
}

impl Settings {
    /// Takes note of the address the node really has, which matters when port 0 was asked for.
    pub fn listening_on(&mut self, address: SocketAddr) {
        self.node.listen = address;
        self.npm.public_url = self.node.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    }
}
