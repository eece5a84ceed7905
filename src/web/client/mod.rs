//! A client for tests: real bytes through the real parser, without sockets, threads and clock.

mod answer;
mod connection;
mod outlet;
mod websocket;

pub use answer::TestResponse;
pub use connection::TestStream;
pub use websocket::{TestMessage, TestWebSocket};

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::app::Built;
use super::table::Table;
use crate::app::ws::Outlet;
use crate::app::{self, Moment};
use crate::session;
use crate::wire::http1::Method;
use outlet::TestOutlet;

/// When the world of a test begins: 2026-01-01 00:00 UTC.
const BEGIN_UNIX_MS: u64 = 1_767_225_600_000;

/// What a client sends to open a WebSocket; the key is that of RFC 6455 §1.3.
const HANDSHAKE: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Asks an app as a browser would, in the thread of the test: work for the pool is run at once, and
/// time stands still unless it is moved. What [`App::test`](super::App::test) gives.
///
/// Each request has a connection of its own. Hooks of start, drain and stop are not called.
pub struct TestClient {
    app: RefCell<app::App>,
    table: Arc<Table>,
    settings: session::Settings,
    clock: Arc<AtomicU64>,
    draining: Cell<bool>,
    busy: Cell<bool>,
    memory: session::Memory,
    outlet: Arc<TestOutlet>,
}

impl TestClient {
    pub(super) fn new(built: Built) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&clock);
        let app = built.app(Arc::new(move || read.load(Ordering::Relaxed)));
        let settings = built.settings.session();
        let outlet = Arc::<TestOutlet>::default();
        built.topics.begin(Arc::clone(&outlet) as Arc<dyn Outlet>);
        Self {
            app: RefCell::new(app),
            table: built.table,
            settings,
            clock,
            draining: Cell::new(false),
            busy: Cell::new(false),
            memory: session::Memory::new(),
            outlet,
        }
    }

    /// A GET request of this target: path and query.
    pub fn get(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Get, target)
    }

    /// A POST request.
    pub fn post(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Post, target)
    }

    /// A PUT request.
    pub fn put(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Put, target)
    }

    /// A PATCH request.
    pub fn patch(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Patch, target)
    }

    /// A DELETE request.
    pub fn delete(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::Delete, target)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, target: &str) -> TestRequest<'_> {
        let head = format!("{} {target} HTTP/1.1\r\nHost: test\r\n", method.as_str());
        TestRequest { client: self, method, head, body: None, trailers: String::new() }
    }

    /// A request that opens a WebSocket at this target: what [`TestRequest::connect`] is for.
    pub fn websocket(&self, target: &str) -> TestRequest<'_> {
        HANDSHAKE.iter().fold(self.get(target), |request, (name, value)| request.header(name, value))
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.clock.fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// From now on the app is told that the server is going away, and WebSockets that are open.
    pub fn drain(&self) {
        self.draining.set(true);
    }

    /// From now on the queue of [`Slow`](super::Slow) work is full.
    pub fn fill_slow_queue(&self) {
        self.busy.set(true);
    }

    /// How many requests failed: handlers that panicked or returned an error of their own. Panics of
    /// WebSockets' channels and of their jobs count too.
    pub fn failures(&self) -> u64 {
        self.table.failures.load(Ordering::Relaxed)
    }

    fn now(&self) -> Moment {
        let monotonic_ns = self.clock.load(Ordering::Relaxed);
        Moment { monotonic_ns, unix_ms: BEGIN_UNIX_MS + monotonic_ns / 1_000_000 }
    }
}

/// A request that is not sent yet.
#[must_use = "nothing is asked before it is sent"]
pub struct TestRequest<'c> {
    client: &'c TestClient,
    method: Method,
    head: String,
    body: Option<Vec<u8>>,
    trailers: String,
}

impl<'c> TestRequest<'c> {
    /// With this field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// With this field behind the body, which comes in chunks then.
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With this value as JSON.
    ///
    /// # Panics
    /// When it cannot be JSON.
    pub fn json(self, value: &impl Serialize) -> Self {
        let json = serde_json::to_vec(value).expect("the value of a test can be JSON");
        self.header("Content-Type", "application/json").body(json)
    }

    /// Sends it and takes the answer, or what there is of one that is still being sent.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub fn send(self) -> TestResponse {
        let mut stream = self.open();
        stream.advance();
        stream.into_response()
    }

    /// Offers these subprotocols, the one it likes best first.
    pub fn protocols(self, protocols: &[&str]) -> Self {
        self.header("Sec-WebSocket-Protocol", &protocols.join(", "))
    }

    /// Sends it and is a WebSocket from then on.
    ///
    /// # Errors
    /// With the answer, if that is no 101.
    ///
    /// # Panics
    /// When there is no answer at all, or one that opens no WebSocket.
    pub fn connect(self) -> Result<TestWebSocket<'c>, TestResponse> {
        TestWebSocket::open(self.open())
    }

    /// Sends it and leaves the connection open, for answers that do not end by themselves.
    pub fn open(self) -> TestStream<'c> {
        let mut bytes = self.head.into_bytes();
        let body = self.body.unwrap_or_default();
        if !self.trailers.is_empty() {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            bytes.extend_from_slice(&chunked(&body, &self.trailers));
        } else {
            if !body.is_empty() {
                bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
            }
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(&body);
        }
        let mut stream = TestStream::new(self.client, bytes, self.method == Method::Head);
        stream.advance();
        stream
    }
}

/// The body as one chunk, and the fields behind it.
fn chunked(body: &[u8], trailers: &str) -> Vec<u8> {
    let first =
        if body.is_empty() { Vec::new() } else { [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n"].concat() };
    [&first, b"0\r\n".as_slice(), trailers.as_bytes(), b"\r\n"].concat()
}
