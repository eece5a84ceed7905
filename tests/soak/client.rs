//! A quick client: batches of requests in one write, and answers checked as they come.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use memchr::memmem;

use crate::support::undisturbed;

/// Requests of one batch: eight rounds of each kind.
const ROUNDS: usize = 8;
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// What a GET of the package is answered with.
pub(crate) struct Get {
    pub(crate) etag: String,
    pub(crate) bytes: usize,
}

/// What an answer must be.
#[derive(Debug)]
pub(crate) enum Expected {
    /// A status and as many bytes of body.
    Sized(u16, usize),
    /// A status and some body.
    Status(u16),
    /// A status, a length, and no body all the same.
    Bodiless(u16),
    /// 200 with this body.
    Echo(String),
}

/// A connection that is kept.
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
    /// Marks the next echo.
    number: u64,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("connect {address}: {error}"));
        stream.set_nodelay(true).expect("a socket takes this option");
        stream.set_read_timeout(Some(READ_TIMEOUT)).expect("the timeout is not zero");
        Client { stream, unread: Vec::new(), number: 0 }
    }

    /// Sends a batch in one write; what its answers must be, in order.
    pub(crate) fn send_batch(&mut self, package: &Get) -> Vec<Expected> {
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            self.put_round(package, &mut bytes, &mut expected);
        }
        self.stream.write_all(&bytes).expect("the node takes a batch");
        expected
    }

    fn put_round(&mut self, package: &Get, bytes: &mut Vec<u8>, expected: &mut Vec<Expected>) {
        let mut put = |request: String, answer: Expected| {
            bytes.extend_from_slice(request.as_bytes());
            expected.push(answer);
        };
        let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n");
        put(get("/-/ping", ""), Expected::Sized(200, 2));
        put(get("/asked-for", ""), Expected::Sized(200, package.bytes));
        put(get("/asked-for", &format!("If-None-Match: {}\r\n", package.etag)), Expected::Bodiless(304));
        put(get("/no-such-package", ""), Expected::Status(404));
        put("HEAD /asked-for HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), Expected::Bodiless(200));
        let post = |framing: &str| format!("POST /-/echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
        let text = format!("{:016}", self.number);
        put(post("Content-Length: 16") + &text, Expected::Echo(text));
        let text = format!("{:016}", self.number + 1);
        let (one, two) = text.split_at(6);
        let chunks = format!("6\r\n{one}\r\na\r\n{two}\r\n0\r\n\r\n");
        put(post("Transfer-Encoding: chunked") + &chunks, Expected::Echo(text.clone()));
        put(get("/readyz", ""), Expected::Status(200));
        self.number += 2;
    }

    /// Reads the answers to a batch and compares each.
    pub(crate) fn read_batch(&mut self, expected: &[Expected]) {
        let mut at = 0;
        for answer in expected {
            loop {
                if let Some(used) = check(&self.unread[at..], answer) {
                    at += used;
                    break;
                }
                self.read_some();
            }
        }
        assert_eq!(at, self.unread.len(), "more than was asked for");
        self.unread.clear();
    }

    fn read_some(&mut self) {
        let mut bytes = [0; 32 * 1024];
        let count = undisturbed(|| self.stream.read(&mut bytes)).expect("an answer in time");
        assert!(count > 0, "closed; so far {:?}", String::from_utf8_lossy(&self.unread));
        self.unread.extend_from_slice(&bytes[..count]);
    }
}

/// How many bytes the answer in front takes, once it is whole. Panics if it is another than `expected`.
fn check(bytes: &[u8], expected: &Expected) -> Option<usize> {
    let head_bytes = memmem::find(bytes, b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_bytes]).expect("a head is ASCII");
    let status: u16 = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).expect("a status");
    let length = match expected {
        Expected::Bodiless(_) => 0,
        _ => content_length(head),
    };
    let body = bytes.get(head_bytes..head_bytes + length)?;
    let is_right = match expected {
        Expected::Sized(wanted, bytes) => (status, length) == (*wanted, *bytes),
        Expected::Status(wanted) => status == *wanted && length > 0,
        Expected::Bodiless(wanted) => status == *wanted,
        Expected::Echo(text) => status == 200 && body == text.as_bytes(),
    };
    assert!(is_right, "{expected:?}: {head}{}", String::from_utf8_lossy(body));
    Some(head_bytes + length)
}

fn content_length(head: &str) -> usize {
    let (_, rest) = head.split_once("Content-Length: ").unwrap_or_else(|| panic!("no length: {head}"));
    rest.split("\r\n").next().and_then(|text| text.parse().ok()).expect("a length is a number")
}
