//! The header of the PROXY protocol in front of a connection, before anybody else reads of it.
//!
//! It is looked at where it lies, in the kernel's buffer, and taken out once it is whole: the
//! connection keeps nothing, and what follows the header stays for whoever reads next. Only a proxy
//! that is trusted is asked for a header, and then it must send one.

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;

use super::conn::Conn;
use super::listener;
use super::peers::Peers;
use super::sys;
use crate::buffer::RecvBuf;
use crate::limits::PROXY_HEADER_BYTES_MAX;
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

    /// Counts it with the client that a proxy has named, if that one may have another.
    pub(super) fn is_admitted(&mut self, peers: &Peers) -> bool {
        match peers.enter(self.peer) {
            Ok(origin) => {
                self.origin = self.origin.or(origin);
                true
            }
            Err(_) => {
                listener::refuse(&self.stream, listener::CROWDED);
                false
            }
        }
    }
}
