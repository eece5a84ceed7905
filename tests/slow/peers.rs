//! Many slow peers of one kind, moved by one thread.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// How often each peer moves.
const PERIOD: Duration = Duration::from_secs(1);
/// They do not all move in the same moment.
const PARTS: usize = 20;
/// What a reader lets the kernel keep for it: little, so that the rest waits in the node.
const RECEIVE_BUFFER_BYTES: usize = 4096;

/// In what they are slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One byte of a head each second.
    Head,
    /// One byte of a body each second.
    Body,
    /// Part of a body, and nothing more.
    StuckBody,
    /// A large answer; every second one reads a little of it each second, the others nothing.
    Read,
    /// A large answer, of which nothing is read.
    Deaf,
}

/// The peers; they hang up on drop.
pub(crate) struct Peers {
    is_over: Arc<AtomicBool>,
    moved: Arc<AtomicU64>,
    mover: Option<JoinHandle<()>>,
}

impl Peers {
    /// Connects all of them, each with the first part of its request sent. Readers ask for `path`.
    pub(crate) fn start(kind: Kind, count: usize, address: SocketAddr, path: &str) -> Peers {
        let peers: Vec<TcpStream> = (0..count).map(|_| connect(kind, address, path)).collect();
        let (is_over, moved) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (over, counter) = (is_over.clone(), moved.clone());
        let mover = std::thread::spawn(move || {
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let turn = peers.iter().enumerate().skip(round % PARTS).step_by(PARTS);
                let bytes: u64 = turn.map(|(number, peer)| step(kind, number, peer)).sum();
                counter.fetch_add(bytes, Ordering::Relaxed);
                round += 1;
                std::thread::sleep((PERIOD / PARTS as u32).saturating_sub(begin.elapsed()));
            }
        });
        Peers { is_over, moved, mover: Some(mover) }
    }

    /// Bytes sent or read since the beginning.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(mover) = self.mover.take() {
            mover.join().ok();
        }
    }
}

fn connect(kind: Kind, address: SocketAddr, path: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("descriptors are left");
    if matches!(kind, Kind::Read | Kind::Deaf) {
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).expect("a socket takes this option");
    }
    socket.connect(&address.into()).unwrap_or_else(|error| panic!("connect {address}: {error}"));
    let mut stream = TcpStream::from(socket);
    let first = match kind {
        Kind::Head => "GET /-/ping HTTP/1.1\r\nHost: a\r\nX: ".to_owned(),
        Kind::Body | Kind::StuckBody => {
            "POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n".to_owned() + "part of it"
        }
        Kind::Read | Kind::Deaf => format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    stream.write_all(first.as_bytes()).expect("a new connection takes this");
    stream.set_nonblocking(true).expect("a socket");
    stream
}

/// What one peer does in its turn; how many bytes it moved. The node may have ended it: that is no fault here.
fn step(kind: Kind, number: usize, mut peer: &TcpStream) -> u64 {
    let mut little = [0; 64];
    let moved = match kind {
        Kind::Head | Kind::Body => peer.write(b"x"),
        Kind::Read if number.is_multiple_of(2) => peer.read(&mut little),
        Kind::Read | Kind::StuckBody | Kind::Deaf => Ok(0),
    };
    moved.unwrap_or(0) as u64
}
