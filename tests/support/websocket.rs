//! A WebSocket as a test speaks it: blocking, over a plain socket, every frame in sight.
//!
//! Written apart from the node's own codec, as `http` is. It masks what it sends, answers pings, and reads
//! whole messages in frames of any length.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::http::{READ_TIMEOUT, Raw, Response, undisturbed};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// Of that key (RFC 6455 §1.3).
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    Binary(Vec<u8>),
    Text(String),
    /// The code and the reason; 1005 without one.
    Closed(u16, String),
    /// The connection is gone, and nothing was said.
    Gone,
}

/// A frame: whether its message ends with it, its opcode, its payload.
type Frame = (bool, u8, Vec<u8>);

/// An open WebSocket.
pub(crate) struct WebSocket {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl WebSocket {
    /// Opens one with these fields beside the usual ones; the answer, if that is no 101.
    pub(crate) fn open(address: SocketAddr, path: &str, fields: &[(&str, &str)]) -> Result<WebSocket, Response> {
        let mut raw = Raw::connect(address);
        let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n"
        );
        raw.send(head.as_bytes());
        let answer = raw.response("GET");
        if answer.status != 101 {
            return Err(answer);
        }
        assert_eq!(answer.header("Sec-WebSocket-Accept"), Some(ACCEPT), "{answer:?}");
        let stream = raw.stream().try_clone().expect("a socket");
        Ok(WebSocket { stream, unread: raw.unread().to_vec() })
    }

    pub(crate) fn send_binary(&mut self, payload: &[u8]) {
        self.send(BINARY, payload);
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes());
    }

    /// What comes next; pings are answered. Panics when nothing does for long.
    pub(crate) fn next(&mut self) -> Came {
        self.next_within(READ_TIMEOUT).expect("a message in time")
    }

    /// The same; `None` if nothing came.
    pub(crate) fn next_within(&mut self, wait: Duration) -> Option<Came> {
        let deadline = Instant::now() + wait;
        let mut message: Option<(u8, Vec<u8>)> = None;
        loop {
            let (is_last, opcode, payload) = match self.frame(deadline) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Some(Came::Gone),
                Err(()) => return None,
            };
            match opcode {
                PING => self.send(PONG, &payload),
                PONG => {}
                CLOSE => return Some(closed(&payload)),
                0 => message.as_mut().expect("a message was begun").1.extend(payload),
                _ => message = Some((opcode, payload)),
            }
            if is_last && opcode < CLOSE {
                let (opcode, payload) = message.take().expect("it has begun");
                return Some(if opcode == TEXT { text(payload) } else { Came::Binary(payload) });
            }
        }
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | length as u8),
            length @ ..0x1_0000 => frame.extend([&[0x80 | 126][..], &(length as u16).to_be_bytes()].concat()),
            length => frame.extend([&[0x80 | 127][..], &(length as u64).to_be_bytes()].concat()),
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        // A peer that has closed meanwhile says so in what is read.
        self.stream.write_all(&frame).ok();
    }

    /// The next frame; `Ok(None)` at the end, `Err` at the deadline.
    fn frame(&mut self, deadline: Instant) -> Result<Option<Frame>, ()> {
        loop {
            if let Some((frame, used)) = parse(&self.unread) {
                self.unread.drain(..used);
                return Ok(Some(frame));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(());
            }
            self.stream.set_read_timeout(Some(left)).expect("a socket takes this option");
            let mut bytes = [0; 64 * 1024];
            match undisturbed(|| self.stream.read(&mut bytes)) {
                Ok(0) => return Ok(None),
                Ok(count) => self.unread.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Err(()),
                Err(_) => return Ok(None),
            }
        }
    }
}

/// The first whole frame and how many bytes it takes.
fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!((first & 0x70, second & 0x80), (0, 0), "no extension was agreed on, and servers do not mask");
    let (length, head) = match second {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    let end = head + usize::try_from(length).expect("a length");
    let payload = bytes.get(head..end)?.to_vec();
    Some(((first & 0x80 != 0, first & 0x0f, payload), end))
}

fn closed(payload: &[u8]) -> Came {
    match payload {
        [first, second, reason @ ..] => {
            Came::Closed(u16::from_be_bytes([*first, *second]), String::from_utf8_lossy(reason).into_owned())
        }
        _ => Came::Closed(1005, String::new()),
    }
}

fn text(payload: Vec<u8>) -> Came {
    Came::Text(String::from_utf8(payload).expect("text is UTF-8"))
}
