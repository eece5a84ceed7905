//! HTTP/1.1 as a test speaks it: blocking, over a plain socket, every byte in sight.
//!
//! Written apart from the node's own codec, so that the two cannot share a mistake. A read that takes
//! longer than `READ_TIMEOUT` panics: a test may fail but never hangs.

use std::fmt::{Debug, Formatter};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// The longest a test waits for bytes.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// The most of a body that a failure message shows.
const SHOWN_CHARS_MAX: usize = 2000;

/// One answer, with its body unframed.
#[derive(Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of the first field called `name`, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// How many fields are called `name`.
    pub(crate) fn header_count(&self, name: &str) -> usize {
        self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).count()
    }

    /// The body as text; bytes that are not UTF-8 show as U+FFFD.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON. Panics with the whole answer when it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }
}

impl Debug for Response {
    /// As it came, for a failure message; a long body is cut.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "{} {}", self.status, self.reason)?;
        for (name, value) in &self.headers {
            writeln!(formatter, "{name}: {value}")?;
        }
        let text: String = self.text().chars().take(SHOWN_CHARS_MAX).collect();
        writeln!(formatter, "({} bytes)\n{text}", self.body.len())
    }
}

/// Asks `url` (`http://127.0.0.1:PORT/path`) on a new connection and returns the final answer.
///
/// Adds `Host`, `Connection: close` and, with a body, `Content-Length`, unless `headers` says them.
pub(crate) fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let (authority, target) = split_url(url);
    let mut raw = Raw::connect(authority.parse().unwrap_or_else(|error| panic!("{url}: {error}")));
    raw.send(request_head(method, authority, target, headers, body.len()).as_bytes());
    raw.send(body);
    raw.final_response(method)
}

/// `GET url` without further fields.
pub(crate) fn get(url: &str) -> Response {
    http("GET", url, &[], b"")
}

fn split_url(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("not an http URL: {url}"));
    let slash = rest.find('/').unwrap_or(rest.len());
    let target = &rest[slash..];
    (&rest[..slash], if target.is_empty() { "/" } else { target })
}

fn request_head(method: &str, authority: &str, target: &str, headers: &[(&str, &str)], body_bytes: usize) -> String {
    let is_given = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !is_given("host") {
        head.push_str(&format!("Host: {authority}\r\n"));
    }
    if !is_given("connection") {
        head.push_str("Connection: close\r\n");
    }
    if body_bytes > 0 && !is_given("content-length") && !is_given("transfer-encoding") {
        head.push_str(&format!("Content-Length: {body_bytes}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// A connection on which a test says exactly the bytes it wants.
pub(crate) struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Raw {
    /// Connects, without delay for small writes.
    pub(crate) fn connect(address: SocketAddr) -> Raw {
        Raw::try_connect(address).unwrap_or_else(|error| panic!("connect {address}: {error}"))
    }

    /// Connects with room for next to nothing: what is not read stays at the node.
    pub(crate) fn connect_narrow(address: SocketAddr) -> Raw {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a socket takes this option");
        socket.connect(&address.into()).unwrap_or_else(|error| panic!("connect {address}: {error}"));
        let stream = TcpStream::from(socket);
        stream.set_write_timeout(Some(READ_TIMEOUT)).expect("a socket takes this option");
        Raw { stream, unread: Vec::new() }
    }

    /// Connects to a node that may be gone.
    pub(crate) fn try_connect(address: SocketAddr) -> std::io::Result<Raw> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(READ_TIMEOUT))?;
        Ok(Raw { stream, unread: Vec::new() })
    }

    /// Connects to a Unix socket.
    pub(crate) fn connect_unix(path: &Path) -> Raw {
        let stream = UnixStream::connect(path).unwrap_or_else(|error| panic!("connect {}: {error}", path.display()));
        // What std does with it from here on is the same for both families.
        let stream = TcpStream::from(OwnedFd::from(stream));
        stream.set_write_timeout(Some(READ_TIMEOUT)).expect("a socket takes this option");
        Raw { stream, unread: Vec::new() }
    }

    /// Sends all bytes. A peer that closed meanwhile is no failure here: its answer tells the story.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Err(error) if is_gone(error.kind()) => {}
            other => other.unwrap_or_else(|error| panic!("send {} bytes: {error}", bytes.len())),
        }
    }

    /// Sends `bytes` in pieces of `piece_bytes` with `pause` between them.
    pub(crate) fn send_slowly(&mut self, bytes: &[u8], piece_bytes: usize, pause: Duration) {
        for piece in bytes.chunks(piece_bytes) {
            self.send(piece);
            std::thread::sleep(pause);
        }
    }

    /// Whether something has come that was not read yet.
    pub(crate) fn has_bytes(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a socket");
        let seen = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).expect("a socket");
        !matches!(seen, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Reads once; 0 when the peer has ended, in whatever way.
    pub(crate) fn read_some_into(&mut self, bytes: &mut [u8]) -> usize {
        self.stream.set_read_timeout(Some(READ_TIMEOUT)).expect("a socket takes this option");
        match undisturbed(|| self.stream.read(bytes)) {
            Err(error) if is_gone(error.kind()) => 0,
            other => other.unwrap_or_else(|error| panic!("nothing comes: {error}")),
        }
    }

    /// Says that no further bytes come, and still reads (a half-close).
    pub(crate) fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).ok();
    }

    /// The next answer, interim ones (100, 103) included; `method` says whether it may have a body.
    pub(crate) fn response(&mut self, method: &str) -> Response {
        self.try_response(method).unwrap_or_else(|| {
            panic!("closed before a whole answer to {method}; so far: {:?}", String::from_utf8_lossy(&self.unread))
        })
    }

    /// The next answer that is not an interim one.
    pub(crate) fn final_response(&mut self, method: &str) -> Response {
        loop {
            let response = self.response(method);
            if !response.is_interim() {
                return response;
            }
        }
    }

    /// As `response`, but `None` when the peer closes before the answer is whole.
    pub(crate) fn try_response(&mut self, method: &str) -> Option<Response> {
        let deadline = Instant::now() + READ_TIMEOUT;
        let mut is_closed = false;
        loop {
            if let Some((response, used)) = parse_response(&self.unread, method, is_closed) {
                self.unread.drain(..used);
                return Some(response);
            }
            if is_closed {
                return None;
            }
            is_closed = !self.read_some(deadline);
        }
    }

    /// Everything the peer still says until it closes.
    pub(crate) fn until_close(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + READ_TIMEOUT;
        while self.read_some(deadline) {}
        std::mem::take(&mut self.unread)
    }

    /// Whether the peer closes (or resets) within `wait`; bytes that come first are kept.
    pub(crate) fn is_closed_within(&mut self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        loop {
            match self.read_before(deadline) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(kind) => return is_gone(kind),
            }
        }
    }

    /// Bytes that arrived and belong to no answer yet.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// The socket, for what this room does not offer.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads once; false once the peer has closed. Panics at the deadline.
    fn read_some(&mut self, deadline: Instant) -> bool {
        match self.read_before(deadline) {
            Ok(count) => count > 0,
            Err(kind) if is_gone(kind) => false,
            Err(kind) => panic!("no answer ({kind:?}); so far: {:?}", String::from_utf8_lossy(&self.unread)),
        }
    }

    fn read_before(&mut self, deadline: Instant) -> Result<usize, ErrorKind> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut);
        }
        self.stream.set_read_timeout(Some(left)).map_err(|error| error.kind())?;
        let mut bytes = [0; 64 * 1024];
        let count = undisturbed(|| self.stream.read(&mut bytes)).map_err(|error| error.kind())?;
        self.unread.extend_from_slice(&bytes[..count]);
        Ok(count)
    }
}

/// Calls again what a signal has interrupted: a machine that was put to sleep for a moment sends one, and a
/// read with a timeout is not begun again by the kernel.
pub(crate) fn undisturbed<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn is_gone(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

/// The first whole answer in `bytes` and how many bytes it takes, or `None` while it is incomplete.
fn parse_response(bytes: &[u8], method: &str, is_closed: bool) -> Option<(Response, usize)> {
    let head_bytes = find(bytes, b"\r\n\r\n")? + 4;
    let mut response = parse_head(&bytes[..head_bytes - 4]);
    let rest = &bytes[head_bytes..];
    let (body, body_bytes) = take_body(&response, rest, method, is_closed)?;
    response.body = body;
    Some((response, head_bytes + body_bytes))
}

fn parse_head(head: &[u8]) -> Response {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or("").splitn(3, ' ');
    assert_eq!(words.next(), Some("HTTP/1.1"), "not an HTTP/1.1 answer: {head:?}");
    let status = words.next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no status: {head:?}"));
    let reason = words.next().unwrap_or("").to_owned();
    Response { status, reason, headers: lines.map(parse_field).collect(), body: Vec::new() }
}

fn parse_field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
    (name.to_owned(), value.trim().to_owned())
}

/// The body and how many bytes of `rest` carry it (RFC 9112 §6.3).
fn take_body(head: &Response, rest: &[u8], method: &str, is_closed: bool) -> Option<(Vec<u8>, usize)> {
    if method == "HEAD" || head.is_interim() || head.status == 204 || head.status == 304 {
        return Some((Vec::new(), 0));
    }
    if head.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return take_chunks(rest);
    }
    match head.header("content-length") {
        Some(text) => {
            let count: usize = text.parse().unwrap_or_else(|_| panic!("bad Content-Length {text:?}"));
            rest.get(..count).map(|body| (body.to_vec(), count))
        }
        None => is_closed.then(|| (rest.to_vec(), rest.len())),
    }
}

fn take_chunks(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line_bytes = find(&bytes[at..], b"\r\n")?;
        let line = String::from_utf8_lossy(&bytes[at..at + line_bytes]).into_owned();
        let digits = line.split(';').next().unwrap_or("");
        let count = usize::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("bad chunk size {line:?}"));
        at += line_bytes + 2;
        if count == 0 {
            return take_trailers(&bytes[at..]).map(|trailers| (body, at + trailers));
        }
        body.extend_from_slice(bytes.get(at..at + count)?);
        assert_eq!(bytes.get(at + count..at + count + 2)?, b"\r\n", "a chunk ends with CRLF");
        at += count + 2;
    }
}

fn take_trailers(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line_bytes = find(&bytes[at..], b"\r\n")?;
        at += line_bytes + 2;
        if line_bytes == 0 {
            return Some(at);
        }
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
