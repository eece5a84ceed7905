//! `[performance]`: what `lattice bench` holds its figures against.

use super::Decimal;

/// Most nanoseconds a target may allow: ten seconds are no target.
pub(crate) const TARGET_NS_MAX: u64 = 10_000_000_000;
/// Most times the bare cost that a target may allow.
pub(crate) const TARGET_RATIO_MAX: u64 = 1000;
/// Most bytes a target may allow.
pub(crate) const TARGET_BYTES_MAX: u64 = 1 << 40;

/// Targets that medians are to stay below; 0 stands for none. Named after the benches and their unit: of a
/// `_ratio`, it is times the bare cost of the same thing in the same run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performance {
    /// For finding the route of a path without captures.
    pub routing_static_ns: Decimal,
    /// For finding the route of a packument.
    pub routing_package_ns: Decimal,
    /// For parsing the head of a request as npm sends it.
    pub http_parse_ns: Decimal,
    /// For answering a small request, from bytes to bytes, without a socket.
    pub http_session_ns: Decimal,
    /// For the same for each of 16 that arrive at once.
    pub http_pipelined_ns: Decimal,
    /// For decoding a body of 64 KiB in 16 chunks.
    pub http_chunked_ns: Decimal,
    /// For an update of the config: a slot written into the 64 bytes and read back.
    pub config_update_ns: Decimal,
    /// For checking a slot of 32 bytes against its checksum.
    pub config_slot_decode_ns: Decimal,
    /// For checking a frame of 14 bytes.
    pub config_frame_decode_ns: Decimal,
    /// For reading the config of a file that did not change.
    pub config_cached_ns: Decimal,
    /// For reading it anew, checksum included.
    pub config_snapshot_ns: Decimal,
    /// For changing it in the mapping, with the lock held.
    pub config_publish_ns: Decimal,
    /// For changing it in the file, with the lock held: times a bare write of 32 bytes.
    pub config_write_ratio: Decimal,
    /// For opening its file, reading and closing it: times the bare system calls.
    pub config_open_ratio: Decimal,
    /// For finding one of eight cookies.
    pub cookie_parse_ns: Decimal,
    /// For the state of a connection between two requests.
    pub memory_session_bytes: u64,
    /// For what an idle connection adds to a node's memory.
    pub memory_connection_bytes: u64,
    /// For the executable.
    pub binary_file_bytes: u64,
    /// For a request to a node over a loopback connection, answer included.
    pub integration_ping_ns: Decimal,
    /// For the same for each of 16 that are sent at once.
    pub integration_pipelined_ns: Decimal,
}

/// About twice of what two cores of a virtual AMD EPYC take; those of the config's file are its budgets.
impl Default for Performance {
    fn default() -> Self {
        Self {
            routing_static_ns: Decimal::of(50),
            routing_package_ns: Decimal::of(100),
            http_parse_ns: Decimal::of(500),
            http_session_ns: Decimal::of(300),
            http_pipelined_ns: Decimal::of(250),
            http_chunked_ns: Decimal::of(2500),
            config_update_ns: Decimal::of(400),
            config_slot_decode_ns: Decimal::of(25),
            config_frame_decode_ns: Decimal::of(8),
            config_cached_ns: Decimal::of_thousandths(500),
            config_snapshot_ns: Decimal::of(20),
            config_publish_ns: Decimal::of(45),
            config_write_ratio: Decimal::of_thousandths(1100),
            config_open_ratio: Decimal::of_thousandths(1200),
            cookie_parse_ns: Decimal::of(500),
            memory_session_bytes: 128,
            memory_connection_bytes: 512,
            binary_file_bytes: 16 << 20,
            integration_ping_ns: Decimal::of(100_000),
            integration_pipelined_ns: Decimal::of(5000),
        }
    }
}
