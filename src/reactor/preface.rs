//! The header of the PROXY protocol in front of a connection, before anybody else reads of it.
//!
//! It is looked at where it lies, in the kernel's buffer, and taken out once it is whole: the
//! connection keeps nothing, and what follows the header stays for whoever reads next. Only a proxy
//! that is trusted is asked for a header, and then it must send one.

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;

use super::conn::Conn;
use super::peers::Peers;
use super::sys;
use crate::buffer::RecvBuf;
use crate::limits::PROXY_HEADER_BYTES_MAX;
use crate::session::trust::Trusted;
use crate::wire::proxy::{Origin, parse};

/// What came of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preface {
    /// It is whole and taken out: this says whose connection it is.
    Whole(Origin),
    /// More of it has to come.
    Waits,
    /// There is none, or the connection is over before it was whole.
    Bad,
}

/// Looks for the header. Whatever event brought more of it comes again for the next.
pub(super) fn look(conn: &mut Conn, recv: &mut RecvBuf) -> Preface {
    recv.begin(&[]);
    let space = &mut recv.space()[..PROXY_HEADER_BYTES_MAX];
    let seen = match sys::peek(conn.stream.as_fd(), space) {
        Ok(0) => return Preface::Bad,
        Ok(count) => parse(&space[..count]),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(_) => return Preface::Bad,
    };
    match seen {
        Ok(Some((origin, length))) => match conn.stream.read(&mut space[..length]) {
            Ok(count) if count == length => Preface::Whole(origin),
            _ => Preface::Bad,
        },
        // Who has said that it sends no more will not complete it.
        Ok(None) if conn.read_to_end => Preface::Bad,
        Ok(None) => {
            conn.readable = false;
            Preface::Waits
        }
        Err(_) => Preface::Bad,
    }
}

impl Conn {
    /// Takes note of whose connection it is.
    pub(super) fn come_from(&mut self, origin: Origin) {
        match origin {
            Origin::Own => {}
            Origin::Inet { source, .. } => self.peer = Some(source.ip().to_canonical()),
            Origin::Unix => self.peer = None,
        }
        self.preface = false;
    }

    /// Counts it with the client that a proxy has named, if that one may have another. A proxy that is
    /// believed is not counted, here as where connections are accepted: it stands for many.
    pub(super) fn is_admitted(&mut self, peers: &Peers, trusted: &Trusted) -> bool {
        let Ok(origin) = peers.enter(self.peer.filter(|_| !trusted.contains(self.peer))) else { return false };
        self.origin = self.origin.or(origin);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Settings;
    use socket2::{Domain, Socket, Type};
    use std::net::{IpAddr, SocketAddr};

    #[test]
    fn clients_are_counted_and_proxies_that_are_believed_are_not() {
        let trusted = Trusted { networks: vec!["10.0.0.0/8".parse().expect("a network")], unix: false };
        let settings = Settings { trusted: trusted.clone(), proxy_protocol: true, ..Settings::default() };
        let named = |source: &str| {
            let source = SocketAddr::new(source.parse().expect("an address"), 1);
            Origin::Inet { source, destination: source }
        };
        for (origin, counted) in [(Origin::Own, false), (named("10.0.0.2"), false), (named("192.0.2.1"), true)] {
            let peers = Peers::new(1);
            let admitted: Vec<bool> = (0..2)
                .map(|_| {
                    let (stream, _far) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("a pair");
                    stream.set_nonblocking(true).expect("a socket");
                    let proxy = Some(IpAddr::from([10, 0, 0, 1]));
                    let mut conn = Conn::new(stream, proxy, &settings, 0);
                    conn.come_from(origin);
                    conn.is_admitted(&peers, &trusted)
                })
                .collect();
            assert_eq!(admitted, [true, !counted], "{origin:?}");
        }
    }
}
