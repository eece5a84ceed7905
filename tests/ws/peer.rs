//! A client that says exactly the bytes a test wants. Written apart from the node's own codec.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// The longest a test waits for bytes.
const PATIENCE: Duration = Duration::from_secs(20);
const KEY: [u8; 4] = [0xa5, 0x5a, 0x0f, 0xf0];

/// A connection that is open.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

/// A frame of the node: its first byte and its payload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame(pub(crate) u8, pub(crate) Vec<u8>);

impl Frame {
    /// The code of a close frame.
    pub(crate) fn code(&self) -> Option<u16> {
        (self.0 == 0x88 && self.1.len() >= 2).then(|| u16::from_be_bytes([self.1[0], self.1[1]]))
    }
}

/// The request that opens a connection, with these lines more.
pub(crate) fn request(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

impl Peer {
    pub(crate) fn open(address: SocketAddr, path: &str) -> Peer {
        Self::begin(TcpStream::connect(address).expect("it listens"), path, "")
    }

    /// The same with room for next to nothing: what is not read stays at the node.
    pub(crate) fn open_narrow(address: SocketAddr, path: &str) -> Peer {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a socket takes this option");
        socket.connect(&address.into()).expect("it listens");
        Self::begin(TcpStream::from(socket), path, "")
    }

    /// Opens a connection on this stream.
    pub(crate) fn begin(stream: TcpStream, path: &str, more: &str) -> Peer {
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        let mut peer = Peer { stream, unread: Vec::new() };
        peer.send(request(path, more).as_bytes());
        let head = peer.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
        peer
    }

    /// Sends bytes as they are. A node that closed meanwhile is no failure here.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
            other => other.unwrap_or_else(|error| panic!("send {} bytes: {error}", bytes.len())),
        }
    }

    /// Sends a message and takes what comes back.
    pub(crate) fn echo(&mut self, payload: &[u8]) {
        self.send(&frame(0x82, payload));
        assert_eq!(self.next(), Some(Frame(0x82, payload.to_vec())));
    }

    /// The next frame, or `None` when the node has ended.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, used)) = split(&self.unread) {
                self.unread.drain(..used);
                return Some(frame);
            }
            if self.read() == 0 {
                assert!(self.unread.is_empty(), "half a frame at the end");
                return None;
            }
        }
    }

    /// The code with which the node ends; whatever comes before is dropped.
    pub(crate) fn code(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(frame) = self.next() {
            assert_eq!(code, None, "{frame:?} behind the close frame");
            code = frame.code();
        }
        code
    }

    /// How long it takes until the node has ended; what comes before is dropped.
    pub(crate) fn time_until_end(&mut self) -> Duration {
        let start = Instant::now();
        while self.read() > 0 {}
        start.elapsed()
    }

    fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return String::from_utf8(head).expect("a head is text");
            }
            assert!(self.read() > 0, "no answer: {:?}", String::from_utf8_lossy(&self.unread));
        }
    }

    fn read(&mut self) -> usize {
        let mut bytes = [0; 65_536];
        let count = crate::support::undisturbed(|| self.stream.read(&mut bytes));
        let count = match count {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            other => other.unwrap_or_else(|error| panic!("nothing comes: {error}")),
        };
        self.unread.extend_from_slice(&bytes[..count]);
        count
    }
}

/// A client's frame; `first` is its first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0xfe);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0xff);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(KEY);
    frame.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ KEY[index % 4]));
    frame
}

/// The first whole frame of the node, and how many bytes it has.
fn split(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(second & 0x80, 0, "a server's frame has no mask");
    let (length, start) = match second {
        126 => (u16::from_be_bytes(bytes.get(2..4)?.try_into().expect("two")).into(), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().expect("eight")) as usize, 10),
        length => (length.into(), 2),
    };
    let payload = bytes.get(start..start + length)?.to_vec();
    Some((Frame(first, payload), start + length))
}
