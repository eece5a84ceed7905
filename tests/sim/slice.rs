//! The slice the simulator serves by itself: one route for each thing a slice can do.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use lattice::app::{
    App, Body, BodyPolicy, Change, Flow, Guard, Identity, Lane, Outcome, Reply, Request, RouteSpec, RouterBuilder,
    Service, Sink, Value, Verdict, identity::Standing,
};
use lattice::limits::{RECV_BUFFER_BYTES, SINK_CHUNK_BYTES};
use lattice::wire::http1::Method;

/// Panics with this payload are part of the play.
pub(crate) struct Intended;

/// Longest body of the streamed routes.
pub(crate) const STREAM_BYTES_MAX: u64 = 1024 * 1024;

/// What all threads share.
#[derive(Default)]
pub(crate) struct World {
    /// How often it was bumped.
    pub(crate) counter: AtomicU64,
    /// The highest count a client was told its bump made.
    pub(crate) acknowledged: AtomicU64,
    /// Sinks that exist.
    pub(crate) sinks: AtomicI64,
    /// What a sink was given that it must not be.
    pub(crate) complaint: Mutex<Option<String>>,
}

/// A mistake that the simulator has to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    /// Keeps what it looked up although it was told of a change meanwhile.
    CachesTheStale,
}

const PLAIN: u16 = 0;
const JOB: u16 = 1;
const ECHO: u16 = 2;
const ECHO_JOB: u16 = 3;
const SINK: u16 = 4;
const EARLY: u16 = 5;
const REFUSE: u16 = 6;
const SINK_PANIC: u16 = 7;
const JOB_PANIC: u16 = 8;
const CALL_PANIC: u16 = 9;
const BIG: u16 = 10;
const SLOW: u16 = 11;
const COUNTER: u16 = 12;
const BUMP: u16 = 13;
const GUARDED: u16 = 14;
const GUARDED_SINK: u16 = 15;

/// Its routes, in the order of their ids.
pub(crate) fn routes() -> Vec<RouteSpec> {
    use BodyPolicy::{Buffer, Discard};
    let stream = BodyPolicy::Stream { max: STREAM_BYTES_MAX };
    let route = |method, pattern, id, body| RouteSpec { method, pattern, id, body, open: id < GUARDED };
    vec![
        route(Method::Get, "/plain/{x}", PLAIN, Discard),
        route(Method::Get, "/job/{x}", JOB, Discard),
        route(Method::Post, "/echo", ECHO, Buffer),
        route(Method::Post, "/echo-job", ECHO_JOB, Buffer),
        route(Method::Put, "/sink", SINK, stream),
        route(Method::Put, "/early", EARLY, stream),
        route(Method::Put, "/refuse", REFUSE, stream),
        route(Method::Put, "/sink-panic", SINK_PANIC, stream),
        route(Method::Get, "/job-panic", JOB_PANIC, Discard),
        route(Method::Get, "/call-panic", CALL_PANIC, Discard),
        route(Method::Get, "/big/{x}", BIG, Discard),
        route(Method::Get, "/slow", SLOW, Discard),
        route(Method::Get, "/counter", COUNTER, Discard),
        route(Method::Post, "/bump", BUMP, Discard),
        route(Method::Get, "/guarded/{x}", GUARDED, Discard),
        route(Method::Put, "/guarded-sink", GUARDED_SINK, stream),
    ]
}

/// One thread's app.
pub(crate) fn app(world: &Arc<World>, mistake: Mistake) -> App {
    let mut router = RouterBuilder::new();
    router.mount(&[""], &routes());
    let slice = Slice {
        world: Arc::clone(world),
        mistake,
        cached: None,
        changes: 0,
        big: (0..64 * 1024u32).map(|index| (index % 251) as u8).collect(),
    };
    App::new(Arc::new(router.build()), vec![Box::new(Keeper)], vec![Box::new(slice)])
}

struct Slice {
    world: Arc<World>,
    mistake: Mistake,
    cached: Option<u64>,
    /// Changes heard of.
    changes: u64,
    big: Arc<[u8]>,
}

/// What a job leaves.
enum Left {
    Text(String),
    /// So many more jobs are to follow.
    Again(u64),
    Count {
        count: u64,
        /// `Slice::changes` when it was asked for.
        changes: u64,
    },
}

impl Service for Slice {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        match request.route.id {
            PLAIN | GUARDED => self.tell(request, reply),
            ECHO => reply.status(200).body(Body::Bytes(request.body)),
            JOB => return again(number(request)),
            ECHO_JOB => return Flow::wait(|| Left::Text(String::new())),
            SLOW => return Flow::Wait(Lane::Slow, Box::new(|| Outcome::value(Left::Text("slow".into())))),
            SINK | GUARDED_SINK | EARLY | SINK_PANIC => return Flow::Receive(Box::new(self.sink(request.route.id))),
            REFUSE => reply.error(403, "not here", None),
            JOB_PANIC => return Flow::wait(|| -> Left { resume_unwind(Box::new(Intended)) }),
            CALL_PANIC => resume_unwind(Box::new(Intended)),
            BIG => reply.status(200).body(Body::Shared(&self.big, 0..(number(request) as usize).min(self.big.len()))),
            BUMP => return self.bump(),
            _ => return self.count(reply),
        }
        Flow::Done
    }

    fn resume(&mut self, request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        match *value.downcast::<Left>().expect("all its jobs leave this") {
            Left::Again(left) if left > 1 => return again(left - 1),
            Left::Again(_) => self.tell(request, reply),
            Left::Text(text) => {
                let body = [text.as_bytes(), request.body].concat();
                reply.status(200).body(Body::Bytes(&body));
            }
            Left::Count { count, changes } => {
                if changes == self.changes || self.mistake == Mistake::CachesTheStale {
                    self.cached = Some(count);
                }
                reply.json(200, count.to_string().as_bytes());
            }
        }
        Flow::Done
    }

    fn on_change(&mut self, _change: &Change) {
        self.changes += 1;
        self.cached = None;
    }
}

impl Slice {
    fn tell(&self, request: &Request<'_>, reply: &mut Reply<'_>) {
        let user = request.identity.user().map_or("nobody", |name| name);
        let text = format!("{} for {user}", String::from_utf8_lossy(request.params.at(0)));
        reply.status(200).header("Content-Type", b"text/plain").body(Body::Bytes(text.as_bytes()));
    }

    fn count(&self, reply: &mut Reply<'_>) -> Flow {
        if let Some(count) = self.cached {
            reply.json(200, count.to_string().as_bytes());
            return Flow::Done;
        }
        let (world, changes) = (Arc::clone(&self.world), self.changes);
        Flow::wait(move || Left::Count { count: world.counter.load(SeqCst), changes })
    }

    fn bump(&self) -> Flow {
        let world = Arc::clone(&self.world);
        Flow::Wait(
            Lane::Io,
            Box::new(move || {
                let count = world.counter.fetch_add(1, SeqCst) + 1;
                Outcome::changed(Left::Text(count.to_string()), vec![Change::Package("counter".into())])
            }),
        )
    }

    fn sink(&self, id: u16) -> HashSink {
        self.world.sinks.fetch_add(1, SeqCst);
        HashSink { world: Arc::clone(&self.world), id, hash: FNV_START, length: 0 }
    }
}

fn number(request: &Request<'_>) -> u64 {
    std::str::from_utf8(request.params.at(0)).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn again(left: u64) -> Flow {
    Flow::wait(move || Left::Again(left))
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// Answers with length and hash of the body.
struct HashSink {
    world: Arc<World>,
    id: u16,
    hash: u64,
    length: u64,
}

impl Sink for HashSink {
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome> {
        if bytes.len() > SINK_CHUNK_BYTES + RECV_BUFFER_BYTES {
            *self.world.complaint.lock().expect("nobody panics while it is held") =
                Some(format!("a sink was given {} bytes at once", bytes.len()));
        }
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
        self.length += bytes.len() as u64;
        match self.id {
            EARLY => ControlFlow::Break(Outcome::value(Left::Text("enough".into()))),
            SINK_PANIC => resume_unwind(Box::new(Intended)),
            _ => ControlFlow::Continue(()),
        }
    }

    fn finish(self: Box<Self>) -> Outcome {
        Outcome::value(Left::Text(format!("{} {:016x}", self.length, self.hash)))
    }
}

impl Drop for HashSink {
    fn drop(&mut self) {
        self.world.sinks.fetch_sub(1, SeqCst);
    }
}

/// Lets those in who show `Authorization: ok…`, after it looked that up.
struct Keeper;

impl Guard for Keeper {
    fn check(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Verdict {
        let Some(shown) = request.header("authorization") else {
            reply.error(401, "who are you?", None);
            return Verdict::Refused;
        };
        let shown = shown.to_vec();
        Verdict::Wait(Lane::Io, Box::new(move || Outcome::value(shown.starts_with(b"ok"))))
    }

    fn resume(&mut self, _request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Verdict {
        if *value.downcast::<bool>().expect("its job leaves this") {
            let standing = Standing::User("alice".into());
            return Verdict::Known(Arc::new(Identity { standing, ..Identity::anonymous() }));
        }
        reply.error(403, "not you", None);
        Verdict::Refused
    }
}
