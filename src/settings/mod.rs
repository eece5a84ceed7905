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

mod decimal;
pub mod edge;
mod environment;
mod file;
mod listen;
mod performance;
mod proxies;
pub mod refusal;
mod rules;
mod suggest;
pub(crate) mod units;
mod url;
mod ws;

#[cfg(test)]
mod tests;

pub use decimal::Decimal;
pub use listen::Listen;
pub use load::{Document, Flag, Sources, load};
pub use performance::Performance;
pub use problem::{Origin, Problem, Problems};
pub use ws::{Compression, Ws};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::limits::{BODY_BUFFER_BYTES, BUFFER_BYTES, CONNECTIONS_PER_IP, HEAD_BYTES_MAX, HEADERS_MAX, RATE_BYTES};
use crate::service::npm::settings::Settings as Npm;
use crate::session::trust::Trusted;
use crate::wire::http::cors::Origins;
use crate::wire::http::forwarded::Style;

/// The port a node listens on unless told otherwise.
pub const PORT: u16 = 4873;

/// The file of the live config in the data directory.
pub const LIVE_CONFIG: &str = "config.bin";

/// Everything that can be decided about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[node]`: the process.
    pub node: Node,
    /// `[http]`: what one peer may ask of one connection.
    pub http: Http,
    /// `[ws]`: what one peer may do with a WebSocket.
    pub ws: Ws,
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
    /// Where to listen: one place at least.
    pub listen: Vec<Listen>,
    /// Mode of the files of Unix sockets.
    pub socket_mode: u32,
    /// Directory of the store.
    pub data: PathBuf,
    /// File of the live config, if that is not [`LIVE_CONFIG`] in `data`.
    pub live_config: Option<PathBuf>,
    /// What clients call the node, if that is not `http://` and `listen`. No slash at the end.
    pub public_url: Option<String>,
    /// Threads of the event loop; 0 stands for one per core.
    pub threads: usize,
    /// Each thread stays on its core.
    pub pin: bool,
    /// Microseconds for which a thread asks for events again and again before it sleeps.
    pub busy_poll_us: u64,
    /// Threads for blocking work; 0 stands for twice the cores, at least 4.
    pub pool_threads: usize,
    /// Most connections per thread.
    pub connections: usize,
    /// Most connections of one address; 0 stands for any number.
    pub connections_per_ip: u32,
    /// Memory of all connections above which no request is begun.
    pub buffer_bytes: u64,
    /// Connections the kernel holds per thread before they are accepted.
    pub backlog: u32,
    /// The kernel reports a connection only once its first bytes are there.
    pub defer_accept: bool,
    /// A connection goes to the thread of the core that it arrives on.
    pub steer: bool,
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
    /// Bytes per second that a body must come with on average; 0 stands for none.
    pub body_rate: u64,
    /// Bytes per second that an answer must be taken with on average; 0 stands for none.
    pub write_rate: u64,
    /// Requests answered on one connection before it is closed; 0 stands for any number.
    pub requests_per_connection: u64,
    /// Proxies that are believed.
    pub trusted_proxies: Trusted,
    /// Connections of those begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// The fields in which those tell who asks.
    pub forwarded: Option<Style>,
    /// Whose pages may read answers; nobody's if there are none.
    pub cors_origins: Option<Origins>,
    /// Name each request in `X-Request-Id`.
    pub request_ids: bool,
    /// Say in `Server-Timing` how long each answer took.
    pub server_timing: bool,
    /// How long browsers come back by TLS only, in seconds; 0 says nothing of it.
    pub hsts_s: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: Node::default(),
            http: Http::default(),
            ws: Ws::default(),
            npm: Npm::default(),
            anonymous_reads: true,
            performance: Performance::default(),
        }
    }
}

impl Default for Node {
    fn default() -> Self {
        Self {
            listen: vec![Listen::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)))],
            socket_mode: 0o660,
            data: PathBuf::from("lattice-data"),
            live_config: None,
            public_url: None,
            threads: 0,
            pin: true,
            busy_poll_us: 0,
            pool_threads: 0,
            connections: 65_536,
            connections_per_ip: CONNECTIONS_PER_IP,
            buffer_bytes: BUFFER_BYTES,
            backlog: 4096,
            defer_accept: false,
            steer: false,
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
            body_rate: RATE_BYTES,
            write_rate: RATE_BYTES,
            requests_per_connection: 0,
            trusted_proxies: Trusted::default(),
            proxy_protocol: false,
            forwarded: None,
            cors_origins: None,
            request_ids: false,
            server_timing: false,
            hsts_s: 0,
        }
    }
}

impl Node {
    /// The file of the live config.
    pub fn live_config(&self) -> PathBuf {
        self.live_config.clone().unwrap_or_else(|| self.data.join(LIVE_CONFIG))
    }
}

impl Settings {
    /// What is wrong if `public_url` has to be set and is not.
    pub fn lacks_public_url(&self) -> Option<String> {
        let addresses = || self.node.listen.iter().filter_map(Listen::address);
        let what = match addresses().find(|address| address.ip().is_unspecified()) {
            _ if self.node.public_url.is_some() => return None,
            Some(address) => format!("the node listens on {address}, every address of this machine,"),
            None if addresses().next().is_none() => "the node listens at Unix sockets only".to_owned(),
            None => return None,
        };
        Some(format!("{what} and [node] public_url is not set"))
    }

    /// Takes note of where the node really listens, which matters when port 0 was asked for. Without
    /// an address among them, nothing but `public_url` tells what clients call the node.
    pub fn listening_on(&mut self, places: Vec<Listen>) {
        let address = places.iter().find_map(Listen::address);
        let own = || address.map(|address| format!("http://{address}")).unwrap_or_default();
        self.npm.public_url = self.node.public_url.clone().unwrap_or_else(own);
        self.node.listen = places;
    }
}
