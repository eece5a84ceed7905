//! The site as a slice: everything the contract has for answers, one route each.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, LazyLock};

use lattice::app::compress::is_compressible;
use lattice::app::representation::{Representation, Variant, admit_change};
use lattice::app::ws::Terms;
use lattice::app::{
    App, Body, BodyPolicy, Flow, Outcome, Reply, Request, RouteSpec, RouterBuilder, Service, Sink, Value,
};
use lattice::service::echo::Echo;
use lattice::service::files::{self, StaticFiles};
use lattice::service::ping::Ping;
use lattice::wire::http::accept::{Coding, coding};
use lattice::wire::http::conditional::{Modified, Validators};
use lattice::wire::http::etag::EntityTag;
use lattice::wire::http::fields::Fields;
use lattice::wire::http1::Method;

use crate::site::content::{DOCUMENTS, Document, FILE_MEMORY_BYTES, SINK_BYTES_MAX, Stream, live};
use crate::site::directory::Directory;
use crate::site::sources::{Outside, Pieces, Pressed};

/// A mistake that the simulator has to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    ForgetsTrailers,
    /// Names `Vary` only to those who sent what it varies by.
    ForgetsVary,
    /// Sends the bytes after those that were asked for.
    RangesOffByOne,
}

const DOCUMENT: u16 = 0;
const CHANGE: u16 = 1;
const LIVE: u16 = 2;
const STREAM: u16 = 3;
const SINK: u16 = 4;
const SAY: u16 = 5;

fn routes() -> Vec<RouteSpec> {
    let route = |method, pattern, id, body| RouteSpec { method, pattern, id, body, open: true };
    vec![
        route(Method::Get, "/doc/{name}", DOCUMENT, BodyPolicy::Discard),
        route(Method::Put, "/doc/{name}", CHANGE, BodyPolicy::Buffer),
        route(Method::Get, "/live/{name}", LIVE, BodyPolicy::Discard),
        route(Method::Get, "/stream/{what}", STREAM, BodyPolicy::Discard),
        route(Method::Put, "/sink", SINK, BodyPolicy::Stream { max: SINK_BYTES_MAX }),
        route(Method::Get, "/say", SAY, BodyPolicy::Discard),
    ]
}

/// One thread's app.
pub(crate) fn app(outside: &Arc<Outside>, files: &Arc<files::Shared>, mistake: Mistake) -> App {
    let mut router = RouterBuilder::new();
    router.mount(&[""], &routes());
    // Its WebSocket has a play of its own, `sim/sockets`.
    let echo: Vec<RouteSpec> = Echo::routes().into_iter().filter(|route| route.method == Method::Post).collect();
    router.mount(&[""], &echo);
    router.mount(&[""], &Ping::routes());
    router.mount(&["/files"], &StaticFiles::routes(true));
    let site = Site { outside: Arc::clone(outside), mistake };
    let files = StaticFiles::new(Arc::clone(files));
    App::new(
        Arc::new(router.build()),
        Vec::new(),
        vec![Box::new(site), Box::new(Echo::new(Terms::default())), Box::new(Ping::new()), Box::new(files)],
    )
    .reworded(Arc::new(lattice::settings::refusal::words))
}

/// What the threads' file slices share.
pub(crate) fn files() -> Arc<files::Shared> {
    let settings = files::Settings { memory_bytes_max: FILE_MEMORY_BYTES, ..files::Settings::default() };
    files::Shared::new(settings, Arc::new(Directory))
}

struct Site {
    outside: Arc<Outside>,
    mistake: Mistake,
}

impl Service for Site {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let name = match request.params.len() {
            0 => "",
            _ => std::str::from_utf8(request.params.at(0)).unwrap_or_default(),
        };
        match request.route.id {
            DOCUMENT => self.document(name, request, reply),
            CHANGE => change(name, request, reply),
            LIVE => return self.live(name, request, reply),
            STREAM => return self.stream(name, reply),
            SINK => return Flow::Receive(Box::new(Sum::new(&self.outside))),
            _ => say(request, reply),
        }
        Flow::Done
    }

    fn resume(&mut self, _request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        let text = value.downcast::<String>().expect("all its sinks leave this");
        reply.status(200).body(Body::Bytes(text.as_bytes()));
        Flow::Done
    }
}

/// The bodies of all variants, as they are shared.
static BODIES: LazyLock<Vec<Vec<Arc<[u8]>>>> = LazyLock::new(|| {
    let bodies =
        |document: &Document| document.variants.iter().map(|variant| variant.bytes.as_slice().into()).collect();
    DOCUMENTS.iter().map(bodies).collect()
});

/// The same, each byte in the place of the one before.
static SHIFTED: LazyLock<Vec<Vec<Arc<[u8]>>>> = LazyLock::new(|| {
    let shift = |bytes: &Arc<[u8]>| bytes.iter().cycle().skip(1).take(bytes.len()).copied().collect();
    BODIES.iter().map(|bodies| bodies.iter().map(shift).collect()).collect()
});

fn coding_of(token: &str) -> Coding {
    let all = [("br", Coding::Brotli), ("gzip", Coding::Gzip), ("zstd", Coding::Zstd)];
    all.into_iter().find(|(known, _)| *known == token).expect("a coding there is").1
}

fn index_of(name: &str) -> Option<usize> {
    DOCUMENTS.iter().position(|document| document.name == name)
}

fn modified(document: &Document) -> Option<Modified> {
    document.modified.map(|modified| Modified { unix_s: modified.unix_s, is_strong: modified.is_strong })
}

impl Site {
    fn document(&self, name: &str, request: &Request<'_>, reply: &mut Reply<'_>) {
        let Some(index) = index_of(name) else { return reply.error(404, "no such document", None) };
        let document = &DOCUMENTS[index];
        let shifted = self.mistake == Mistake::RangesOffByOne && request.header("range").is_some();
        let bodies = if shifted { &SHIFTED[index] } else { &BODIES[index] };
        let variants: Vec<Variant<'_>> = document
            .variants
            .iter()
            .zip(bodies)
            .map(|(variant, body)| Variant {
                coding: variant.coding.map(coding_of),
                etag: variant.etag.as_deref(),
                body: Body::Shared(body, 0..body.len()),
            })
            .collect();
        let forgets = self.mistake == Mistake::ForgetsVary && request.header("accept-encoding").is_none();
        let representation = Representation {
            content_type: document.content_type,
            cache_control: document.cache_control,
            modified: modified(document),
            fields: &[],
            variants: if forgets { &variants[..1] } else { &variants },
        };
        representation.answer(request, reply);
    }

    fn live(&self, name: &str, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some((content_type, plain)) = live(name) else {
            reply.error(404, "no such text", None);
            return Flow::Done;
        };
        let varies = is_compressible(content_type.as_bytes());
        let chosen = match varies {
            true => coding(request.head.fields.named("Accept-Encoding"), &Coding::ALL),
            false => Some(None),
        };
        let Some(chosen) = chosen else {
            reply.error_with(406, &[("Vary", b"Accept-Encoding")], "no acceptable coding", None);
            return Flow::Done;
        };
        reply.status(200).header("Content-Type", content_type.as_bytes());
        if varies {
            reply.header("Vary", b"Accept-Encoding");
        }
        if let Some(coding) = chosen {
            reply.header("Content-Encoding", coding.token().as_bytes());
        }
        reply.stream(None);
        Flow::Send(Box::new(Pressed::new(plain, chosen)))
    }

    fn stream(&self, name: &str, reply: &mut Reply<'_>) -> Flow {
        let Some(stream) = Stream::parse(name) else {
            reply.error(404, "no such stream", None);
            return Flow::Done;
        };
        reply.status(200).header("Content-Type", b"application/octet-stream").stream(stream.promised());
        Flow::Send(Box::new(Pieces::new(&self.outside, stream, self.mistake)))
    }
}

/// Whether a document may be replaced; nothing is.
fn change(name: &str, request: &Request<'_>, reply: &mut Reply<'_>) {
    let document = index_of(name).map(|index| &DOCUMENTS[index]);
    let current = document.map(|document| Validators {
        etag: document.variants[0].etag.as_deref().and_then(|etag| EntityTag::parse(etag.as_bytes())),
        modified: modified(document),
    });
    if admit_change(request, current.as_ref(), reply) {
        reply.status(if document.is_some() { 204 } else { 201 }).empty();
    }
}

/// Says what was asked.
fn say(request: &Request<'_>, reply: &mut Reply<'_>) {
    let head = request.head;
    let mut said = [head.path, b" ", head.query.unwrap_or(b"-"), b"\n"].concat();
    for (name, value) in head.fields.iter() {
        said.extend_from_slice(&[name, b"=", value, b"\n"].concat());
    }
    reply.status(200).header("Content-Type", b"text/plain").body(Body::Bytes(&said));
}

/// Answers with length and sum of a body.
struct Sum {
    outside: Arc<Outside>,
    length: u64,
    sum: u64,
}

impl Sum {
    fn new(outside: &Arc<Outside>) -> Self {
        outside.alive.fetch_add(1, SeqCst);
        Self { outside: Arc::clone(outside), length: 0, sum: 0 }
    }
}

impl Sink for Sum {
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome> {
        for byte in bytes {
            self.length += 1;
            self.sum = self.sum.wrapping_add(self.length.wrapping_mul(u64::from(*byte) + 1));
        }
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>) -> Outcome {
        Outcome::value(format!("{} {}", self.length, self.sum))
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        self.outside.alive.fetch_sub(1, SeqCst);
    }
}
