//! Listening sockets: one SO_REUSEPORT socket for each thread, or one whose connections are dealt out.
//!
//! Out of descriptors or memory, the loop must neither spin nor go deaf: listeners are taken out of the
//! poll for a pause, and a descriptor kept in reserve lets one waiting client be told why.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::meters::Count;
use super::sys;

/// How listening sockets are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Connections the kernel keeps for us until they are accepted.
    pub backlog: u32,
    /// Leave connections in the kernel until they have sent something.
    pub defer_accept: bool,
    /// The core on which a connection arrives says which thread gets it.
    pub steer: bool,
}

/// What a client is told when there is no room for it.
pub(super) const NO_ROOM: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
Content-Length: 55\r\nRetry-After: 1\r\nConnection: close\r\n\r\n\
{\"error\":\"the node has no room for another connection\"}";

/// What a client is told when its address has as many connections as it may.
pub(super) const CROWDED: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\
Content-Length: 49\r\nRetry-After: 1\r\nConnection: close\r\n\r\n\
{\"error\":\"your address has too many connections\"}";

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

/// A listening socket, for one thread.
pub struct Listener {
    socket: Socket,
    /// No other thread listens there: this one deals out what it accepts.
    pub(super) dealt: bool,
    armed: bool,
    /// Somebody may wait: readiness is told once, and stands until accepting has found nobody.
    pub(super) ready: bool,
}

impl Listener {
    /// Opens a TCP socket that shares its port with those of the other threads.
    pub fn tcp(address: SocketAddr, settings: &Settings) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        set_tcp_options(&socket, settings.defer_accept)?;
        socket.bind(&address.into())?;
        socket.listen(i32::try_from(settings.backlog).unwrap_or(i32::MAX))?;
        Self::new(socket, false)
    }

    /// Takes over a socket that listens already.
    pub fn inherited(descriptor: OwnedFd, settings: &Settings) -> io::Result<Self> {
        let socket = Socket::from(descriptor);
        if socket.r#type()? != Type::STREAM || !socket.is_listener()? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no stream socket that listens"));
        }
        if socket.local_addr()?.as_socket().is_some() {
            set_tcp_options(&socket, settings.defer_accept)?;
        }
        Self::new(socket, true)
    }

    pub(super) fn new(socket: Socket, dealt: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket, dealt, armed: false, ready: false })
    }

    /// Where it listens, if that is a TCP address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }

    /// The file it listens at, if that is a Unix socket with a name.
    pub fn path(&self) -> Option<std::path::PathBuf> {
        Some(self.socket.local_addr().ok()?.as_pathname()?.to_path_buf())
    }

    /// Steers connections to the listeners of this one's port, of which the Nth belongs to the thread on `cores[N]`.
    pub(super) fn steer(&self, cores: &[usize]) -> io::Result<()> {
        sys::steer_by_core(self.socket.as_fd(), cores)
    }

    fn arm(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if !self.armed {
            registry.register(&mut SourceFd(&self.socket.as_raw_fd()), token, Interest::READABLE)?;
            self.armed = true;
        }
        Ok(())
    }

    fn disarm(&mut self, registry: &Registry) {
        if self.armed {
            // It fails only for a descriptor that is not registered, and then there is nothing to do.
            let _ = registry.deregister(&mut SourceFd(&self.socket.as_raw_fd()));
            self.armed = false;
        }
    }

    pub(super) fn accept(&self) -> Accepted {
        match sys::accept(&self.socket) {
            Ok((stream, address)) => Accepted::Conn(stream, address.as_socket().map(|address| address.ip())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Accepted::Empty,
            Err(error) if sys::concerns_one_connection(&error) => Accepted::Failed,
            Err(error) => Accepted::Exhausted(error),
        }
    }
}

/// TCP_NODELAY and keep-alive are set here: accepted sockets inherit them, which saves two system
/// calls for each connection.
fn set_tcp_options(socket: &Socket, defer_accept: bool) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(120)))?;
    if defer_accept { sys::defer_accept(socket.as_fd(), 5) } else { Ok(()) }
}

/// The listeners of a thread.
pub(super) struct Listeners {
    pub(super) all: Vec<Listener>,
    /// Somebody may wait at one of them.
    ready: bool,
    reserve: Option<File>,
}

impl Listeners {
    pub(super) fn new(all: Vec<Listener>) -> Self {
        Self { all, ready: false, reserve: reserve() }
    }

    /// Whether somebody may wait to be accepted.
    #[inline(always)]
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Somebody may wait at this one. One that was closed meanwhile may still have had an event.
    pub(super) fn note(&mut self, index: usize) {
        if let Some(listener) = self.all.get_mut(index) {
            (listener.ready, self.ready) = (true, true);
        }
    }

    /// Looks again whether somebody may wait at one, after each was accepted from.
    pub(super) fn look_again(&mut self) {
        self.ready = self.all.iter().any(|listener| listener.ready);
    }

    /// Puts all into the poll, with a token each from `first` on; new connections and those already
    /// waiting are told once.
    pub(super) fn arm(&mut self, registry: &Registry, first: usize) -> io::Result<()> {
        // The last descriptor may have gone to another thread when this one gave up its own.
        self.reserve = self.reserve.take().or_else(reserve);
        self.all.iter_mut().enumerate().try_for_each(|(index, listener)| listener.arm(registry, Token(first + index)))
    }

    /// Takes all out of the poll.
    pub(super) fn disarm(&mut self, registry: &Registry) {
        for listener in &mut self.all {
            listener.disarm(registry);
            listener.ready = false;
        }
    }

    /// Gives up the reserve descriptor to tell one client that waits there, and is counted, that there is
    /// no room.
    pub(super) fn refuse_one(&mut self, index: usize, refused: &Count) {
        drop(self.reserve.take());
        if let Accepted::Conn(stream, _) = self.all[index].accept() {
            refused.one();
            refuse(&stream, NO_ROOM);
        }
        self.reserve = reserve();
    }
}

/// Tells a client why it is not served, as far as it takes one write.
pub(super) fn refuse(mut stream: &Socket, answer: &[u8]) {
    // Whoever cannot take 200 bytes at once gets none.
    let _ = stream.send_with_flags(answer, sys::NO_SIGNAL);
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
    fn the_refusals_count_their_own_bytes() {
        for refusal in [NO_ROOM, CROWDED] {
            let text = std::str::from_utf8(refusal).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
        }
    }

    #[test]
    fn only_a_stream_socket_that_listens_is_taken_over() {
        let settings = Settings { backlog: 8, defer_accept: false, steer: false };
        let made = |kind, listens: bool| {
            let socket = Socket::new(Domain::IPV4, kind, None).expect("a socket");
            let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
            socket.bind(&loopback.into()).expect("a port");
            if listens {
                socket.listen(8).expect("it listens");
            }
            Listener::inherited(socket.into(), &settings)
        };
        assert!(made(Type::STREAM, true).expect("taken").address().is_some());
        assert!(made(Type::STREAM, false).is_err());
        assert!(made(Type::DGRAM, false).is_err());
        assert!(Listener::inherited(File::open("/dev/null").expect("a file").into(), &settings).is_err());
    }
}
