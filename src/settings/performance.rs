//! `[performance]`: what `lattice bench` holds its figures against.

/// Most nanoseconds a target may allow: ten seconds are no target.
pub(crate) const TARGET_NS_MAX: u64 = 10_000_000_000;
/// Most bytes a target may allow.
pub(crate) const TARGET_BYTES_MAX: u64 = 1 << 40;

/// Targets that medians are to stay below; 0 stands for none. Named after the benches and their unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performance {
    /// For finding the route of a path without captures.
    pub routing_static_ns: u64,
    /// For finding the route of a packument.
    pub routing_package_ns: u64,
    /// For parsing the head of a request as npm sends it.
    pub http_parse_ns: u64,
    /// For answering a small request, from bytes to bytes, without a socket.
    pub http_session_ns: u64,
    /// For the same for each of 16 that arrive at once.
    pub http_pipelined_ns: u64,
    /// For decoding a body of 64 KiB in 16 chunks.
    pub http_chunked_ns: u64,
    /// For an update of the config: a slot written into the 64 bytes and read back.
    pub config_update_ns: u64,
    /// For finding one of eight cookies.
    pub cookie_parse_ns: u64,
    /// For the state of a connection between two requests.
    pub memory_session_bytes: u64,
    /// For what an idle connection adds to a node's memory.
    pub memory_connection_bytes: u64,
    /// For the executable.
    pub binary_file_bytes: u64,
    /// For a request to a node over a loopback connection, answer included.
    pub integration_ping_ns: u64,
    /// For the same for each of 16 that are sent at once.
    pub integration_pipelined_ns: u64,
}

/// About twice of what two cores of a virtual AMD EPYC take.
impl Default for Performance {
    fn default() -> Self {
        Self {
            routing_static_ns: 50,
            routing_package_ns: 100,
            http_parse_ns: 500,
            http_session_ns: 300,
            http_pipelined_ns: 250,
            http_chunked_ns: 2500,
            config_update_ns: 400,
            cookie_parse_ns: 500,
            memory_session_bytes: 128,
            memory_connection_bytes: 512,
            binary_file_bytes: 16 << 20,
            integration_ping_ns: 100_000,
            integration_pipelined_ns: 5000,
        }
    }
}
