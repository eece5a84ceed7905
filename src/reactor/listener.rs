//! Accepting connections: one SO_REUSEPORT listener for each thread.
//!
//! Out of descriptors or memory, the loop must neither spin nor go deaf: the listener is taken out of the
//! poll for a pause, and a descriptor kept in reserve lets one waiting client be told why.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::sys;

/// How listening sockets are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Connections the kernel keeps for us until they are accepted.
    pub backlog: u32,
    /// Leave connections in the kernel until they have sent something.
    pub defer_accept: bool,
}

/// What a client is told when there is no room for it.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
Content-Length: 55\r\nRetry-After: 1\r\nConnection: close\r\n\r\n\
{\"error\":\"the node has no room for another connection\"}";

/// Opens a listening socket that shares its port with those of the other threads.
///
/// TCP_NODELAY and keep-alive are set here: accepted sockets inherit them, which saves two system
/// calls for each connection.
pub fn listen(address: SocketAddr, settings: &Settings) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(120)))?;
    if settings.defer_accept {
        use std::os::fd::AsFd;
        sys::defer_accept(socket.as_fd(), 5)?;
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(settings.backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// What came of one attempt to accept.
pub(super) enum Accepted {
    Conn(Socket, Option<IpAddr>),
    /// Nobody waits.
    Empty,
    /// This one failed on its own account, such as a reset before it was accepted.
    Failed,
    /// There will be none before something changes: most likely no descriptor is left.
    Exhausted(io::Error),
}

/// A thread's listener.
pub(super) struct Listener {
    socket: Socket,
    reserve: Option<File>,
    pub(super) armed: bool,
}

impl Listener {
    pub(super) fn new(socket: std::net::TcpListener) -> Self {
        Self { socket: socket.into(), reserve: reserve(), armed: false }
    }

    /// Puts it into the poll; new connections and those already waiting are told once.
    pub(super) fn arm(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        // The last descriptor may have gone to another thread when this one gave up its own.
        self.reserve = self.reserve.take().or_else(reserve);
        if !self.armed {
            registry.register(&mut SourceFd(&self.socket.as_raw_fd()), token, Interest::READABLE)?;
            self.armed = true;
        }
        Ok(())
    }

    /// Takes it out of the poll.
    pub(super) fn disarm(&mut self, registry: &Registry) {
        if self.armed {
            // It fails only for a descriptor that is not registered, and then there is nothing to do.
            let _ = registry.deregister(&mut SourceFd(&self.socket.as_raw_fd()));
            self.armed = false;
        }
    }

    pub(super) fn accept(&mut self) -> Accepted {
        match sys::accept(&self.socket) {
            Ok((stream, address)) => Accepted::Conn(stream, address.as_socket().map(|address| address.ip())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Accepted::Empty,
            Err(error) if sys::concerns_one_connection(&error) => Accepted::Failed,
            Err(error) => Accepted::Exhausted(error),
        }
    }

    /// Gives up the reserve descriptor to tell one waiting client that there is no room.
    pub(super) fn refuse_one(&mut self) -> bool {
        drop(self.reserve.take());
        let refused = match self.accept() {
            Accepted::Conn(stream, _) => {
                refuse(stream);
                true
            }
            _ => false,
        };
        self.reserve = reserve();
        refused
    }
}

/// Tells a client that there is no room, as far as it takes one write.
pub(super) fn refuse(mut stream: Socket) {
    // Whoever cannot take 200 bytes at once gets none.
    let _ = stream.send_with_flags(REFUSAL, sys::NO_SIGNAL);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    // Closing with a request unread would reset the connection and could take the refusal with it.
    let _ = stream.read(&mut [0; 4096]);
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_counts_its_own_bytes() {
        let text = std::str::from_utf8(REFUSAL).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
