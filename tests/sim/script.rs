//! Requests for the built-in slice: good, refused and malformed ones.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use lattice::app::App;
use lattice::session::Settings;
use lattice::wire::http1::Limits;

use crate::reference::expected;
use crate::rng::Rng;
use crate::scenario::{Ask, Expect, Model, Scenario};
use crate::slice::{Mistake, STREAM_BYTES_MAX, World, app};
use crate::wanted::Expected;

/// `[http] body_bytes` of the simulated node.
const BODY_BYTES: u64 = 4096;
/// `[http] head_bytes` of the simulated node.
const HEAD_BYTES: usize = 2048;

/// The built-in slice and requests for all of its routes.
pub(crate) struct Builtin {
    world: Arc<World>,
    mistake: Mistake,
}

impl Builtin {
    pub(crate) fn new(mistake: Mistake) -> Self {
        Self { world: Arc::default(), mistake }
    }
}

impl Scenario for Builtin {
    fn app(&self) -> App {
        app(&self.world, self.mistake)
    }

    fn reference(&self) -> App {
        app(&Arc::default(), Mistake::None)
    }

    fn settings(&self, rng: &mut Rng) -> Settings {
        Settings {
            head: Limits { head_bytes: HEAD_BYTES, headers: 20 },
            body_bytes: BODY_BYTES,
            requests: *rng.pick(&[0, 0, 0, 1, 3, 7]),
            ..Settings::default()
        }
    }

    fn script(&self, settings: &Settings, reference: &mut App, rng: &mut Rng) -> (Vec<Ask>, Vec<Expected>) {
        let asks = self.asks(rng);
        let expected = expected(reference, settings, &asks);
        (asks, expected)
    }

    fn ended(&self) -> Result<(), String> {
        let left = self.world.sinks.load(SeqCst);
        if left != 0 {
            return Err(format!("{left} sinks are left"));
        }
        match self.world.complaint.lock().expect("nobody panics while it is held").take() {
            Some(complaint) => Err(complaint),
            None => Ok(()),
        }
    }
}

impl Builtin {
    fn asks(&self, rng: &mut Rng) -> Vec<Ask> {
        if rng.once_in(40) {
            return flood(rng);
        }
        match rng.below(25) {
            0 => (0..rng.between(100, 400)).map(|_| request(rng, "GET", "/plain/x", Credentials::None, None)).collect(),
            1 => (0..rng.between(100, 300)).map(|_| self.small(rng)).collect(),
            2..=5 => (0..rng.between(5, 25))
                .map(|_| if rng.once_in(3) { self.bump(rng) } else { self.counter(rng) })
                .collect(),
            _ => (0..rng.between(1, 9)).map(|_| self.ask(rng)).collect(),
        }
    }

    fn small(&self, rng: &mut Rng) -> Ask {
        match rng.below(12) {
            0 => self.bump(rng),
            1 => self.counter(rng),
            2 => get(rng, "/job/1"),
            _ => get(rng, "/plain/x"),
        }
    }

    fn ask(&self, rng: &mut Rng) -> Ask {
        match rng.below(40) {
            0..=5 => get(rng, "/plain/some%20thing?with=query"),
            6..=9 => {
                let path = format!("/job/{}", rng.between(1, 3));
                get(rng, &path)
            }
            10..=11 => get(rng, "/guarded/door"),
            12 => get(rng, "/slow"),
            13 => {
                let path = format!("/big/{}", rng.below(64 * 1024));
                get(rng, &path)
            }
            14..=15 => self.counter(rng),
            16..=17 => self.bump(rng),
            18..=22 => {
                let path = *rng.pick(&["/echo", "/echo-job"]);
                let length = body_length(rng, BODY_BYTES);
                with_body(rng, "POST", path, length)
            }
            23..=28 => {
                let path = *rng.pick(&["/sink", "/sink", "/guarded-sink"]);
                let most = if rng.once_in(8) { 700 * 1024 } else { 2000 };
                let length = body_length(rng, most);
                with_body(rng, "PUT", path, length)
            }
            29 => {
                let length = body_length(rng, 3000);
                Ask { may_close: true, ..early(with_body(rng, "PUT", "/early", length), false) }
            }
            30 => {
                let length = body_length(rng, 3000);
                let path = *rng.pick(&["/refuse", "/guarded-sink"]);
                let mut ask = request(rng, "PUT", path, Credentials::None, Some(length));
                ask = early(ask, true);
                ask
            }
            31..=32 => refused_without_route(rng),
            33 => too_large(rng),
            34 => without_length(rng),
            35 => breaking(rng),
            36..=37 => malformed(rng),
            38 => options(rng),
            _ => with_body(rng, "GET", "/plain/dropped", 700),
        }
    }

    fn counter(&self, rng: &mut Rng) -> Ask {
        let model = ReadCount { world: Arc::clone(&self.world), floor: 0 };
        let ask = request(rng, "GET", "/counter", Credentials::Good, None);
        Ask { expect: Expect::Model(Box::new(model)), ..ask }
    }

    fn bump(&self, rng: &mut Rng) -> Ask {
        let ask = request(rng, "POST", "/bump", Credentials::Good, None);
        Ask { expect: Expect::Model(Box::new(Bumped(Arc::clone(&self.world)))), ..ask }
    }
}

/// A reader must see every bump that some client knew of before the request arrived.
struct ReadCount {
    world: Arc<World>,
    floor: u64,
}

impl Model for ReadCount {
    fn arrived(&mut self) {
        self.floor = self.world.acknowledged.load(SeqCst);
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Result<(), String> {
        let count = parse_count(status, body)?;
        let now = self.world.counter.load(SeqCst);
        if count < self.floor || count > now {
            return Err(format!("read {count}, though {} was acknowledged before and it is {now} now", self.floor));
        }
        Ok(())
    }
}

struct Bumped(Arc<World>);

impl Model for Bumped {
    fn arrived(&mut self) {}

    fn answered(&mut self, status: u16, body: &[u8]) -> Result<(), String> {
        let count = parse_count(status, body)?;
        self.0.acknowledged.fetch_max(count, SeqCst);
        Ok(())
    }
}

fn parse_count(status: u16, body: &[u8]) -> Result<u64, String> {
    let text = String::from_utf8_lossy(body);
    let count = text.parse().ok().filter(|_| status == 200);
    count.ok_or_else(|| format!("not a count: {status} {text:?}"))
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Credentials {
    None,
    Bad,
    Good,
}

fn get(rng: &mut Rng, path: &str) -> Ask {
    let method = if rng.once_in(5) { "HEAD" } else { "GET" };
    let credentials = *rng.pick(&[Credentials::Good, Credentials::Good, Credentials::None, Credentials::Bad]);
    request(rng, method, path, credentials, None)
}

/// More answers than wait for a client that is slow to take them, so that requests have to.
fn flood(rng: &mut Rng) -> Vec<Ask> {
    (0..rng.between(5, 40)).map(|_| request(rng, "GET", "/big/65536", Credentials::None, None)).collect()
}

fn with_body(rng: &mut Rng, method: &str, path: &str, length: u64) -> Ask {
    request(rng, method, path, Credentials::Good, Some(length))
}

fn body_length(rng: &mut Rng, most: u64) -> u64 {
    match rng.below(8) {
        0 => 0,
        1 => most,
        2 => rng.between(1, 9),
        _ => rng.below(most + 1),
    }
}

/// A whole request that is answered when all of it is there.
fn request(rng: &mut Rng, method: &str, path: &str, credentials: Credentials, body: Option<u64>) -> Ask {
    let old = rng.once_in(15);
    let mut head = String::new();
    if rng.once_in(15) {
        head.push_str("\r\n"); // RFC 9112 §2.2: an empty line before a request is skipped
    }
    head.push_str(&format!("{method} {path} HTTP/1.{}\r\nHost: sim\r\n", u8::from(!old)));
    match credentials {
        Credentials::None => {}
        Credentials::Bad => head.push_str("Authorization: no\r\n"),
        Credentials::Good => head.push_str("Authorization: ok\r\n"),
    }
    match rng.below(20) {
        0 => head.push_str("Connection: close\r\n"),
        1 if old => head.push_str("Connection: keep-alive\r\n"),
        _ => {}
    }
    let asks_first = !old && body.is_some_and(|length| length > 0) && rng.once_in(4);
    if asks_first {
        head.push_str("Expect: 100-continue\r\n");
    }
    let mut tail = Vec::new();
    match body {
        None => {}
        Some(length) if old || rng.once_in(2) => {
            head.push_str(&format!("Content-Length: {length}\r\n"));
            tail = rng.bytes(length as usize);
        }
        Some(length) => {
            head.push_str("Transfer-Encoding: chunked\r\n");
            tail = chunked(rng, length as usize);
        }
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    let head = bytes.len();
    bytes.extend_from_slice(&tail);
    Ask {
        needs: bytes.len(),
        bytes,
        head,
        asks_first,
        refused: false,
        may_close: false,
        head_only: method == "HEAD",
        is_open: false,
        breaks: false,
        expect: Expect::Reference,
    }
}

fn chunked(rng: &mut Rng, mut left: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let piece_max = (left as u64 / 4).max(20);
    while left > 0 {
        let piece = (rng.between(1, piece_max) as usize).min(left);
        let extension = if rng.once_in(6) { ";a=b" } else { "" };
        bytes.extend_from_slice(format!("{piece:x}{extension}\r\n").as_bytes());
        bytes.extend_from_slice(&rng.bytes(piece));
        bytes.extend_from_slice(b"\r\n");
        left -= piece;
    }
    bytes.extend_from_slice(if rng.once_in(6) { b"0\r\nTrailer: t\r\n\r\n" } else { b"0\r\n\r\n" });
    bytes
}

/// The answer may come as soon as the head is there.
fn early(ask: Ask, refused: bool) -> Ask {
    Ask { needs: ask.head, refused, ..ask }
}

fn refused_without_route(rng: &mut Rng) -> Ask {
    let (method, path) =
        *rng.pick(&[("GET", "/nowhere"), ("DELETE", "/plain/x"), ("POST", "/no/route"), ("PATCH", "/sink")]);
    let body = (rng.below(2) == 0).then(|| rng.below(500));
    let ask = request(rng, method, path, Credentials::Good, body);
    Ask { may_close: body.is_some(), ..early(ask, true) }
}

fn options(rng: &mut Rng) -> Ask {
    let path = *rng.pick(&["*", "/sink", "/plain/x"]);
    early(request(rng, "OPTIONS", path, Credentials::None, None), true)
}

/// More than the route takes: said in advance, or found out on the way.
fn too_large(rng: &mut Rng) -> Ask {
    if rng.once_in(2) {
        let most = if rng.once_in(2) { BODY_BYTES } else { STREAM_BYTES_MAX };
        let (method, path) = if most == BODY_BYTES { ("POST", "/echo") } else { ("PUT", "/sink") };
        let asks_first = rng.once_in(2);
        let expect = if asks_first { "Expect: 100-continue\r\n" } else { "" };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: sim\r\n{expect}Content-Length: {}\r\n\r\n", most + 1);
        return Ask { asks_first, refused: true, ..raw(head.into_bytes(), true) };
    }
    let length = BODY_BYTES + rng.between(1, 50);
    let mut ask = request(rng, "POST", "/echo", Credentials::None, Some(length));
    ask.needs = ask.head;
    ask
}

fn without_length(rng: &mut Rng) -> Ask {
    request(rng, "PUT", "/sink", Credentials::Good, None)
}

fn breaking(rng: &mut Rng) -> Ask {
    match rng.below(3) {
        0 => get(rng, "/job-panic"),
        1 => {
            let length = rng.between(1, 400);
            early(with_body(rng, "PUT", "/sink-panic", length), false)
        }
        _ => Ask { breaks: true, ..get(rng, "/call-panic") },
    }
}

/// One mistake each: which of several is named may depend on how the bytes are cut.
fn malformed(rng: &mut Rng) -> Ask {
    let long = "x".repeat(HEAD_BYTES);
    let fields = "A: b\r\n".repeat(25);
    let ask = match rng.below(11) {
        0 => raw(b"BREW /plain/x HTTP/1.1\r\nHost: sim\r\n\r\n".to_vec(), true),
        1 => raw(b"GET /plain/x HTTP/2.0\r\nHost: sim\r\n\r\n".to_vec(), false),
        2 => raw(b"GET /plain/x HTTP/1.1\nHost: sim\r\n\r\n".to_vec(), false),
        3 => raw(b"GET /plain/x HTTP/1.1\r\n\r\n".to_vec(), true),
        4 => raw(
            b"POST /echo HTTP/1.1\r\nHost: sim\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            true,
        ),
        5 => {
            raw(b"POST /echo HTTP/1.1\r\nHost: sim\r\nExpect: wonders\r\nContent-Length: 3\r\n\r\nabc".to_vec(), false)
        }
        6 => raw(format!("GET /plain/x HTTP/1.1\r\nHost: sim\r\nLong: {long}\r\n\r\n").into_bytes(), false),
        7 => raw(format!("GET /{long} HTTP/1.1\r\nHost: sim\r\n\r\n").into_bytes(), false),
        8 => raw(format!("GET /plain/x HTTP/1.1\r\nHost: sim\r\n{fields}\r\n").into_bytes(), false),
        9 => raw(
            b"POST /echo HTTP/1.1\r\nHost: sim\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n".to_vec(),
            false,
        ),
        _ => raw(
            b"PUT /sink HTTP/1.1\r\nHost: sim\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n".to_vec(),
            false,
        ),
    };
    Ask { refused: false, ..ask }
}

/// Bytes as they are; `whole`: no answer before all of them.
fn raw(bytes: Vec<u8>, whole: bool) -> Ask {
    let length = bytes.len();
    Ask {
        bytes,
        head: length,
        needs: if whole { length } else { 1 },
        asks_first: false,
        refused: false,
        may_close: false,
        head_only: false,
        is_open: false,
        breaks: false,
        expect: Expect::Reference,
    }
}
