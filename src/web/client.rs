//! A client for tests: real bytes through the real parser, without sockets, threads and clock.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::app::Built;
use super::table::Table;
use crate::app::{self, Change, Moment, Wake};
use crate::buffer::{Front, SendBuf};
use crate::limits::{HEADERS_MAX, RECV_BUFFER_BYTES};
use crate::session::http1::Http1;
use crate::session::{self, Done, Phase, Turn, Work};
use crate::wire::date::http_date;
use crate::wire::http1::{BodyDecoder, Framing, HeadMemory, Method};

/// When the world of a test begins: 2026-01-01 00:00 UTC.
const BEGIN_UNIX_MS: u64 = 1_767_225_600_000;

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
    memory: HeadMemory,
}

impl TestClient {
    pub(super) fn new(built: Built) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&clock);
        let app = built.app(Box::new(move || read.load(Ordering::Relaxed)));
        let settings = built.settings.session();
        Self {
            app: RefCell::new(app),
            table: built.table,
            settings,
            clock,
            draining: Cell::new(false),
            memory: HeadMemory::new(),
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
        TestRequest { client: self, method, head, body: None }
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.clock.fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// From now on the app is told that the server is going away.
    pub fn drain(&self) {
        self.draining.set(true);
    }

    /// How many requests failed: handlers that panicked or returned an error of their own.
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

    /// Sends it and leaves the connection open, for answers that do not end by themselves.
    pub fn open(self) -> TestStream<'c> {
        let mut bytes = self.head.into_bytes();
        let body = self.body.unwrap_or_default();
        if !body.is_empty() {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        let mut stream = TestStream {
            client: self.client,
            session: Http1::new(),
            unsent: bytes,
            received: Vec::new(),
            woken: Arc::default(),
            head_only: self.method == Method::Head,
            read: 0,
        };
        stream.advance();
        stream
    }
}

/// A connection whose answer may go on.
pub struct TestStream<'c> {
    client: &'c TestClient,
    session: Http1,
    unsent: Vec<u8>,
    received: Vec<u8>,
    woken: Arc<AtomicBool>,
    head_only: bool,
    /// Bytes of the body that were given out.
    read: usize,
}

/// What can happen next on a connection.
enum Next {
    Bytes,
    Ready,
    Wake,
    Woken,
    Work(Work),
}

impl TestStream<'_> {
    /// The text of the body that came since the last call.
    ///
    /// # Panics
    /// When it is not UTF-8, or there is no answer.
    pub fn read(&mut self) -> String {
        self.advance();
        let body = self.response().body;
        let text = String::from_utf8(body[self.read..].to_vec()).expect("the body is UTF-8");
        self.read = body.len();
        text
    }

    /// Whether the connection has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.session.phase(), Phase::Over | Phase::Linger)
    }

    /// The answer so far.
    ///
    /// # Panics
    /// When there is none.
    pub fn into_response(self) -> TestResponse {
        self.response()
    }

    fn response(&self) -> TestResponse {
        let parsed = TestResponse::parse(&self.received, self.head_only, self.is_over());
        parsed.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&self.received)))
    }

    /// Goes on until nothing moves any more.
    fn advance(&mut self) {
        while let Some(next) = self.next() {
            let client = self.client;
            let (now, mut out) = (client.now(), SendBuf::new());
            let date = [b"Date: ".as_slice(), &http_date(now.unix_ms / 1000), b"\r\n"].concat();
            let mut app = client.app.borrow_mut();
            let mut turn = Turn {
                app: &mut app,
                settings: &client.settings,
                out: &mut out,
                date: &date,
                now,
                peer: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                draining: client.draining.get(),
                memory: &client.memory,
            };
            match next {
                Next::Bytes => {
                    // As much as a read gives, behind what the session kept.
                    let room = RECV_BUFFER_BYTES - self.session.rest().len();
                    let more: Vec<u8> = self.unsent.drain(..room.min(self.unsent.len())).collect();
                    self.session.on_bytes(&[self.session.rest(), &more].concat(), &mut turn);
                }
                Next::Ready => self.session.on_ready(&mut turn),
                Next::Wake => {
                    let woken = Arc::clone(&self.woken);
                    self.session.on_wake_made(Wake::new(move || woken.store(true, Ordering::Release)), &mut turn);
                }
                Next::Woken => self.session.on_done(Done::Wake, &mut turn),
                Next::Work(work) => {
                    let (done, changes) = catch_unwind(AssertUnwindSafe(work.run))
                        .unwrap_or_else(|_| (Done::Panicked, vec![Change::Everything]));
                    changes.iter().for_each(|change| turn.app.on_change(change));
                    self.session.on_done(done, &mut turn);
                }
            }
            drop(app);
            take_out(&mut out, &mut self.received);
        }
    }

    fn next(&mut self) -> Option<Next> {
        if self.session.wants_wake() {
            return Some(Next::Wake);
        }
        if let Some(work) = self.session.take_work() {
            return Some(Next::Work(work));
        }
        if self.session.is_sending() && self.woken.swap(false, Ordering::AcqRel) {
            return Some(Next::Woken);
        }
        if self.session.is_ready(0) {
            return Some(Next::Ready);
        }
        (!self.unsent.is_empty() && self.session.wants_read(0)).then_some(Next::Bytes)
    }
}

/// Moves all of `out` behind `received`, files included.
fn take_out(out: &mut SendBuf, received: &mut Vec<u8>) {
    while let Some(front) = out.front() {
        if let Front::File(file, offset, length) = front {
            let begun = received.len();
            received.resize(begun + length as usize, 0);
            file.read_exact_at(&mut received[begun..], offset).expect("a file of a test can be read");
        } else {
            out.slices(|slice| {
                received.extend_from_slice(slice);
                true
            });
        }
        out.advance(out.front_len());
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct TestResponse {
    /// The status.
    pub status: u16,
    /// Names and values, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// Whether all of the body has come.
    pub is_complete: bool,
}

impl TestResponse {
    /// The value of the first field of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is no such value.
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The first answer in `bytes` that is final; `over` says that no more will come.
    fn parse(bytes: &[u8], head_only: bool, over: bool) -> Option<Self> {
        let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(length) = head.parse(bytes).ok()? else { return None };
        let status = head.code?;
        if status < 200 {
            return Self::parse(&bytes[length..], head_only, over);
        }
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .map(|field| (field.name.to_owned(), String::from_utf8_lossy(field.value).into_owned()))
            .collect();
        let mut response = Self { status, headers, body: Vec::new(), is_complete: true };
        if !head_only && status != 204 && status != 304 {
            response.take_body(&bytes[length..], over);
        }
        Some(response)
    }

    fn take_body(&mut self, mut bytes: &[u8], over: bool) {
        let length = self.header("Content-Length").and_then(|length| length.parse().ok());
        let framing = match (length, self.header("Transfer-Encoding")) {
            (Some(length), _) => Framing::Length(length),
            (None, Some(_)) => Framing::Chunked,
            (None, None) => {
                (self.body, self.is_complete) = (bytes.to_vec(), over);
                return;
            }
        };
        let mut decoder = BodyDecoder::new(framing);
        while !bytes.is_empty() && !decoder.is_done() {
            let step = decoder.decode(bytes).expect("the server frames its bodies well");
            self.body.extend_from_slice(step.data);
            bytes = &bytes[step.consumed..];
        }
        self.is_complete = decoder.is_done();
    }
}
