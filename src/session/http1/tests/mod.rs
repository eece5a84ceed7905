//! A connection without a socket: bytes in, bytes and work out, jobs done by hand.

mod asker;
mod bodies;
mod edge;
mod endings;
mod pipeline;
mod pressure;
mod refusals;
mod reworded;
mod sources;
mod trailers;
mod work;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::Http1;
use crate::app::{
    App, Body, BodyPolicy, Flow, Guard, Lane, Moment, Outcome, Pull, Reply, Request, RouteSpec, RouterBuilder, Service,
    Sink, Source, Value, Verdict, Wake,
};
use crate::buffer::SendBuf;
use crate::limits::SOURCE_PIECE_BYTES;
use crate::session::{Done, Memory, Phase, Pressure, Settings, Turn, Work};
use crate::wire::http1::{Method, Trailers};

/// Longest body of the streamed routes, in bytes.
const STREAM_MAX: u64 = 2 * 1024 * 1024;

const PLAIN: u16 = 0;
const ECHO: u16 = 1;
const JOB: u16 = 2;
const JOBS: u16 = 3;
const SINK: u16 = 4;
const BREAK: u16 = 5;
const REFUSE: u16 = 6;
const PANIC: u16 = 7;
const BIG: u16 = 8;
const ECHO_JOB: u16 = 9;
const STREAM: u16 = 10;
const STREAM_JOBS: u16 = 11;
const ENDLESS: u16 = 12;
const ENDLESS_JOBS: u16 = 13;
const GUARDED: u16 = 14;
const GUARDED_SINK: u16 = 15;
const TRAILERS: u16 = 16;
const TRAILERS_JOB: u16 = 17;
const TRAILERS_SINK: u16 = 18;
const TRAILERS_BREAK: u16 = 19;
const SLOW: u16 = 20;
const SLOW_AGAIN: u16 = 21;

/// What is left by the job that was not run.
const NO_PLACE: u32 = 1000;

fn routes() -> Vec<RouteSpec> {
    let stream = BodyPolicy::Stream { max: STREAM_MAX };
    let route = |method, pattern, id, body| RouteSpec {
        method,
        pattern,
        id,
        body,
        open: !matches!(id, GUARDED | GUARDED_SINK),
    };
    vec![
        route(Method::Get, "/plain/{x}", PLAIN, BodyPolicy::Discard),
        route(Method::Post, "/echo", ECHO, BodyPolicy::Buffer),
        route(Method::Get, "/job/{x}", JOB, BodyPolicy::Discard),
        route(Method::Get, "/jobs/{x}", JOBS, BodyPolicy::Discard),
        route(Method::Put, "/sink", SINK, stream),
        route(Method::Put, "/break", BREAK, stream),
        route(Method::Put, "/refuse", REFUSE, stream),
        route(Method::Get, "/panic", PANIC, BodyPolicy::Discard),
        route(Method::Get, "/big", BIG, BodyPolicy::Discard),
        route(Method::Post, "/echo-job", ECHO_JOB, BodyPolicy::Buffer),
        route(Method::Get, "/stream/{x}", STREAM, BodyPolicy::Discard),
        route(Method::Get, "/stream-jobs/{x}", STREAM_JOBS, BodyPolicy::Discard),
        route(Method::Get, "/endless", ENDLESS, BodyPolicy::Discard),
        route(Method::Get, "/endless-jobs", ENDLESS_JOBS, BodyPolicy::Discard),
        route(Method::Get, "/guarded/{x}", GUARDED, BodyPolicy::Discard),
        route(Method::Put, "/guarded-sink", GUARDED_SINK, stream),
        route(Method::Post, "/trailers", TRAILERS, BodyPolicy::Buffer),
        route(Method::Post, "/trailers-job", TRAILERS_JOB, BodyPolicy::Buffer),
        route(Method::Put, "/trailers-sink", TRAILERS_SINK, stream),
        route(Method::Put, "/trailers-break", TRAILERS_BREAK, stream),
        route(Method::Get, "/slow/{x}", SLOW, BodyPolicy::Discard),
        route(Method::Get, "/slow-again/{x}", SLOW_AGAIN, BodyPolicy::Discard),
    ]
}

/// What became of the sinks.
#[derive(Default)]
struct Sinks {
    alive: AtomicUsize,
    finished: AtomicUsize,
    /// The lengths of what they were given.
    writes: Mutex<Vec<usize>>,
    /// The fields behind the last body.
    trailers: Mutex<String>,
    bytes: Mutex<Vec<u8>>,
}

struct Slice {
    sinks: Arc<Sinks>,
    big: Arc<[u8]>,
}

impl Service for Slice {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        match request.route.id {
            PLAIN | GUARDED => reply.status(200).body(Body::Bytes(request.params.at(0))),
            ECHO => reply.status(200).body(Body::Bytes(request.body)),
            TRAILERS => reply.status(200).body(Body::Bytes(shown(request).as_bytes())),
            JOB | ECHO_JOB | TRAILERS_JOB => return Flow::wait(|| 0u32),
            JOBS => return Flow::wait(|| 2u32),
            SLOW | SLOW_AGAIN => return slow(),
            REFUSE => reply.error(403, "no", None),
            BIG => reply.status(200).body(Body::Shared(&self.big, 0..self.big.len())),
            PANIC => panic!("the slice breaks"),
            STREAM | STREAM_JOBS | ENDLESS | ENDLESS_JOBS => return self.stream(request, reply),
            id => return Flow::Receive(Box::new(Counting::new(&self.sinks, id))),
        }
        Flow::Done
    }

    fn resume(&mut self, request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        match value.downcast::<u32>() {
            Ok(left) if *left == NO_PLACE && request.route.id == SLOW => reply.error(429, "come back", None),
            Ok(left) if *left == NO_PLACE => return slow(),
            Ok(left) if *left > 0 => return Flow::wait(move || *left - 1),
            Ok(_) if request.route.id == ECHO_JOB => reply.status(200).body(Body::Bytes(request.body)),
            Ok(_) if request.route.id == TRAILERS_JOB => reply.status(200).body(Body::Bytes(shown(request).as_bytes())),
            Ok(_) => reply.status(200).body(Body::Bytes(request.params.at(0))),
            Err(value) => {
                let mut text = value.downcast::<String>().expect("its sinks leave text");
                if matches!(request.route.id, BREAK | TRAILERS_SINK | TRAILERS_BREAK) {
                    text.push_str(&shown(request));
                }
                reply.status(200).body(Body::Bytes(text.as_bytes()));
            }
        }
        Flow::Done
    }
}

impl Slice {
    /// The pieces that the path names, with the length that the query promises.
    fn stream(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let length = request.head.query.map(|query| u64::from(query[0] - b'0'));
        reply.status(200).stream(length);
        self.sinks.alive.fetch_add(1, Ordering::SeqCst);
        let script = match request.route.id {
            STREAM | STREAM_JOBS => Some(String::from_utf8(request.params.at(0).to_vec()).expect("text")),
            _ => None,
        };
        let on_pool = matches!(request.route.id, STREAM_JOBS | ENDLESS_JOBS);
        Flow::Send(Box::new(Pieces { script, at: 0, on_pool, drained: false, sinks: Arc::clone(&self.sinks) }))
    }
}

/// A job, or that there is no place for it.
fn slow() -> Flow {
    Flow::WaitOr(Lane::Slow, Box::new(|| Outcome::value(0u32)), Box::new(NO_PLACE))
}

/// The body, and each field behind it.
fn shown(request: &Request<'_>) -> String {
    let fields = request.trailers.into_iter().flat_map(|trailers| trailers.iter());
    let fields = fields.map(|(name, value)| [b"|", name, b"=", value].concat());
    let all = [request.body.to_vec(), fields.flatten().collect()].concat();
    String::from_utf8(all).expect("text")
}

/// Gives its script piece by piece: `~` waits, `!` breaks; without a script it never ends.
struct Pieces {
    script: Option<String>,
    at: usize,
    on_pool: bool,
    drained: bool,
    sinks: Arc<Sinks>,
}

impl Source for Pieces {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        let Some(script) = &self.script else {
            piece.resize(SOURCE_PIECE_BYTES, b'x');
            return Pull::More;
        };
        let next = script.split('.').nth(self.at);
        self.at += 1;
        match next {
            None | Some(_) if self.drained => Pull::End,
            None => Pull::End,
            Some("~") => Pull::Later,
            Some("!") => Pull::Broken,
            Some(text) => {
                piece.extend_from_slice(text.as_bytes());
                Pull::More
            }
        }
    }

    fn lane(&self) -> Option<Lane> {
        self.on_pool.then_some(Lane::Io)
    }

    fn on_drain(&mut self) {
        self.drained = true;
    }

    fn trailers(&mut self) -> Vec<(&'static str, Vec<u8>)> {
        vec![("Pieces", (self.at - 1).to_string().into_bytes())]
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.sinks.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Counting {
    sinks: Arc<Sinks>,
    id: u16,
    length: usize,
}

impl Counting {
    fn new(sinks: &Arc<Sinks>, id: u16) -> Self {
        sinks.alive.fetch_add(1, Ordering::SeqCst);
        Self { sinks: Arc::clone(sinks), id, length: 0 }
    }
}

impl Sink for Counting {
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome> {
        self.length += bytes.len();
        self.sinks.writes.lock().expect("no panic").push(bytes.len());
        self.sinks.bytes.lock().expect("no panic").extend_from_slice(bytes);
        match self.id == BREAK {
            true => ControlFlow::Break(Outcome::value("enough".to_owned())),
            false => ControlFlow::Continue(()),
        }
    }

    fn trailers(&mut self, trailers: &Trailers) -> ControlFlow<Outcome> {
        let names = trailers.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned());
        *self.sinks.trailers.lock().expect("no panic") = names.collect::<Vec<_>>().join(",");
        match self.id == TRAILERS_BREAK {
            true => ControlFlow::Break(Outcome::value("wrong".to_owned())),
            false => ControlFlow::Continue(()),
        }
    }

    fn finish(self: Box<Self>) -> Outcome {
        self.sinks.finished.fetch_add(1, Ordering::SeqCst);
        Outcome::value(format!("took {}", self.length))
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.sinks.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Looks up every guarded request; refuses those without `Authorization`.
struct Keeper;

impl Guard for Keeper {
    fn check(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Verdict {
        if request.header("authorization").is_none() {
            reply.error(401, "who?", None);
            return Verdict::Refused;
        }
        Verdict::Wait(Lane::Slow, Box::new(|| Outcome::value(())))
    }

    fn resume(&mut self, _request: &Request<'_>, _value: Value, _reply: &mut Reply<'_>) -> Verdict {
        Verdict::Pass
    }
}

/// A connection and all it needs.
struct Bench {
    session: Http1,
    app: App,
    settings: Settings,
    out: SendBuf,
    draining: bool,
    pressure: Pressure,
    memory: Memory,
    sinks: Arc<Sinks>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let mut router = RouterBuilder::new();
        router.mount(&[""], &routes());
        let sinks = Arc::<Sinks>::default();
        let slice = Slice { sinks: Arc::clone(&sinks), big: vec![b'x'; 60_000].into() };
        let app = App::new(Arc::new(router.build()), vec![Box::new(Keeper)], vec![Box::new(slice)]);
        Self {
            session: Http1::new(),
            app,
            settings,
            out: SendBuf::new(),
            draining: false,
            pressure: Pressure::None,
            memory: Memory::new(),
            sinks,
        }
    }

    fn turn<T>(&mut self, call: impl FnOnce(&mut Http1, &mut Turn<'_>) -> T) -> T {
        let mut turn = Turn {
            app: &mut self.app,
            settings: &self.settings,
            out: &mut self.out,
            date: b"",
            now: Moment { monotonic_ns: 0, unix_ms: 0 },
            peer: None,
            draining: self.draining,
            pressure: self.pressure,
            memory: &self.memory,
        };
        call(&mut self.session, &mut turn)
    }

    /// One read that brought `bytes`.
    fn feed(&mut self, bytes: &[u8]) -> &mut Self {
        assert!(self.session.wants_read(self.out.len()), "nobody wants these bytes");
        let all = [self.session.rest(), bytes].concat();
        self.turn(|session, turn| session.on_bytes(&all, turn));
        self
    }

    /// The work that is to be done.
    fn take_work(&mut self) -> Work {
        self.session.take_work().expect("there is work")
    }

    /// Does the work that is to be done.
    fn work(&mut self) -> &mut Self {
        let work = self.take_work();
        let done = catch_unwind(AssertUnwindSafe(work.run)).map_or(Done::Panicked, |(done, _)| done);
        self.done(done)
    }

    fn done(&mut self, done: Done) -> &mut Self {
        self.turn(|session, turn| session.on_done(done, turn));
        self
    }

    /// Does all work, and goes on with all bytes at hand.
    fn settle(&mut self) -> &mut Self {
        loop {
            if let Some(work) = self.session.take_work() {
                let (done, _) = (work.run)();
                self.done(done);
            } else if self.session.wants_wake() {
                self.turn(|session, turn| session.on_wake_made(Wake::new(|| ()), turn));
            } else if self.session.is_ready(self.out.len()) {
                self.turn(|session, turn| session.on_ready(turn));
            } else {
                return self;
            }
        }
    }

    /// Takes what was written.
    fn sent(&mut self) -> String {
        let mut bytes = Vec::new();
        self.out.slices(|slice| {
            bytes.extend_from_slice(slice);
            true
        });
        self.out.clear();
        String::from_utf8(bytes).expect("these answers are text")
    }

    fn phase(&self) -> Phase {
        self.session.phase()
    }

    /// Feeds a request, does its work, and takes the answer.
    fn ask(&mut self, request: &[u8]) -> String {
        self.feed(request).settle().sent()
    }
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn ok_last(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// The status of the only answer in `sent`.
fn status(sent: &str) -> u16 {
    let (head, body) = sent.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {sent:?}"));
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap_or("0");
    assert!(body.is_empty() || body.len().to_string() == length, "one answer: {sent}");
    sent[9..12].parse().expect("a status line")
}

/// That of an answer which ends the connection.
fn last_status(sent: &str) -> u16 {
    assert!(sent.contains("\r\nConnection: close\r\n"), "{sent}");
    status(sent)
}
