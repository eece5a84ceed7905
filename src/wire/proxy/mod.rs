//! The PROXY protocol, versions 1 and 2, as a receiver: what a proxy writes in front of a connection
//! to say whose it is (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).
//!
//! Bytes in; the two ends of the client's connection and the length of the header out. No socket; no
//! allocation. Which of the versions it is shows in the first bytes. Refused: anything else, a header
//! longer than [`PROXY_HEADER_BYTES_MAX`], datagrams, addresses and numbers that are not written in the
//! one way the specification has for them, a checksum that is wrong.

pub mod fuzz;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use core::net::SocketAddr;

use crate::limits::PROXY_HEADER_BYTES_MAX;

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The proxy's own, such as a health check, or one that it cannot tell anything about.
    Own,
    /// A client's.
    Inet {
        /// The client.
        source: SocketAddr,
        /// Where the client connected to.
        destination: SocketAddr,
    },
    /// A client's of the proxy's machine, which came through a Unix socket.
    Unix,
}

/// Why it is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Something in it is not as the specification has it.
    Malformed,
    /// It begins like neither version: most likely there is none.
    Missing,
    /// Longer than it may be.
    TooLong,
    /// Another version, command, family or transport than there are.
    Unknown,
    /// The checksum is not that of the header.
    WrongChecksum,
}

/// Reads the header in front of `bytes`: whose connection it is and how long the header is. `None` if
/// more bytes are needed.
pub fn parse(bytes: &[u8]) -> Result<Option<(Origin, usize)>, Error> {
    let bytes = &bytes[..bytes.len().min(PROXY_HEADER_BYTES_MAX)];
    if begins(bytes, v1::PREFIX) {
        v1::parse(bytes)
    } else if begins(bytes, v2::SIGNATURE) {
        v2::parse(bytes)
    } else {
        Err(Error::Missing)
    }
}

/// Whether one begins with the other, as far as there are bytes.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    let common = bytes.len().min(with.len());
    bytes[..common] == with[..common]
}
