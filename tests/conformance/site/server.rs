//! A server of the library with one route for each thing that clients are to be shown, and what it has
//! seen of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lattice::web::{CompressPolicy, FileSettings, Forwarded, Group, Pull, Source, TrustedProxies};
use lattice::wire::http::accept::{Coding, MediaType, media};
use lattice::wire::http::fields::Fields;
use lattice::{
    App, Body, Broadcast, Compress, Cors, Event, Json, Method, Overflow, Request, RequestId, Response, Running,
    SecurityHeaders, ServerTiming, Settings, Sse, State, Stream,
};

use super::document;
use super::seen::Seen;
use crate::support::noise;

/// Scripts may ask every port of this machine, so that CORS alone decides.
pub(super) const PAGE_POLICY: &str = "default-src 'self'; connect-src 'self' http://127.0.0.1:* http://localhost:*; \
    frame-ancestors 'none'; base-uri 'self'; object-src 'none'";

/// How long the streams without an end are, should nobody stop them.
const FLOOD_BYTES: u64 = 256 << 20;
const FLOOD_PIECE: usize = 64 * 1024;

/// The lines of `/lines`, whose sum is in the trailer.
pub(super) const LINES: u64 = 20_000;

pub(super) fn settings() -> Settings {
    let trusted_proxies = TrustedProxies { networks: vec!["127.0.0.1".parse().expect("an address")], unix: false };
    let (forwarded, drain_timeout) = (Some(Forwarded::Standard), Duration::from_secs(1));
    Settings { threads: 2, pin: false, drain_timeout, trusted_proxies, forwarded, ..Settings::default() }
}

/// The site over `directory`, on a free port.
pub(super) fn start(directory: &Path, seen: &Arc<Seen>) -> Running {
    let ticks = Broadcast::with(64, Overflow::Disconnect, 0);
    let clock = ticks.clone();
    let mut number = 0;
    let [flooded, looked, told] = [seen, seen, seen].map(Arc::clone);
    let security = SecurityHeaders::new().content_security_policy(PAGE_POLICY).strict_transport(86_400);
    let app = App::new()
        .settings(settings())
        .state(ticks)
        .middleware(RequestId)
        .middleware(ServerTiming)
        .middleware(security)
        .every(Duration::from_millis(20), move || {
            number += 1;
            clock.send(&Event::data(number.to_string()).name("tick"));
        })
        .get("/ticks", |ticks: State<'_, Broadcast>| ticks.subscribe())
        .get("/events", events)
        .get("/lines", lines)
        .get("/flood", move || Stream::new(Flood { seen: Arc::clone(&flooded), given: 0 }))
        .get("/look", move || Json(looked.look()))
        .post("/report", move |facts: String| told.report(facts))
        .get("/empty", || ())
        .get("/greeting", greeting)
        .get("/fail", || Err::<&str, lattice::Error>(std::io::Error::other("on purpose").into()))
        .post("/echo", |body: Vec<u8>| body)
        .put("/echo", |body: Vec<u8>| body)
        .post("/behind", behind)
        .mount("/document", document::routes(), document::maker())
        .files("/files", directory);
    watched(compressing(app, directory), seen).start("127.0.0.1:0").expect("a port is free")
}

/// A server of another origin, whose answers the scripts of `origin` may read.
pub(super) fn start_other(origin: &str, seen: &Arc<Seen>) -> Running {
    let cors = Cors::origins([origin]).methods([Method::Put]).headers(["X-Custom"]).expose(["X-Total"]).max_age(600);
    let app = App::new()
        .settings(settings())
        .middleware(cors)
        .get("/data", || ([("X-Total", "3"), ("X-Hidden", "4")], "read by others"))
        .put("/data", |request: &Request<'_>| request.header("X-Custom").unwrap_or("none").to_owned());
    watched(app, seen).start("127.0.0.1:0").expect("a port is free")
}

/// Notes every answer.
fn watched(app: App, seen: &Arc<Seen>) -> App {
    let (asked, answered) = (Arc::clone(seen), Arc::clone(seen));
    app.before(move |request| {
        asked.note(request);
        None
    })
    .on_slow(Duration::ZERO, move |answer| answered.answered(answer))
}

/// Each coding alone, from siblings and while it is sent, and all of them.
fn compressing(mut app: App, directory: &Path) -> App {
    for coding in Coding::ALL {
        let files = FileSettings { siblings: vec![coding], ..FileSettings::default() };
        let policy = CompressPolicy { codings: vec![coding], ..CompressPolicy::default() };
        let name = coding.token();
        app = app.files_with(&format!("/siblings-{name}"), directory, files);
        app = app.group(&format!("/packed-{name}"), |group| packed(group.middleware(Compress::new(policy))));
    }
    app.group("/packed", |group| packed(group.middleware(Compress::default())))
}

fn packed(group: Group) -> Group {
    group
        .get("/short", || "too short to compress")
        .get("/text", || text(12_000))
        .get("/large", || text(300_000))
        .get("/lines", lines)
}

/// Text of at most this many bytes, and not much less.
pub(super) fn text(bytes: usize) -> String {
    let words = ["lattice ", "range ", "trailer ", "origin ", "vary\n"];
    let mut text: String = noise(bytes, 4).into_iter().map(|byte| words[usize::from(byte) % words.len()]).collect();
    text.truncate(bytes);
    text
}

/// All lines, as they arrive.
pub(super) fn all_lines() -> String {
    (1..=LINES).map(|number| format!("line {number}\n")).collect()
}

/// Lines of unknown number, and behind them what they come to.
struct Lines {
    next: u64,
    sum: u64,
}

impl Source for Lines {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        for _ in 0..1000 {
            self.sum += self.next;
            piece.extend_from_slice(format!("line {}\n", self.next).as_bytes());
            self.next += 1;
        }
        if self.next > LINES { Pull::End } else { Pull::More }
    }

    fn trailers(&mut self) -> Vec<(&'static str, Vec<u8>)> {
        vec![("X-Sum", self.sum.to_string().into_bytes()), ("X-Count", LINES.to_string().into_bytes())]
    }
}

fn lines() -> Response {
    let source: Box<dyn Source> = Box::new(Lines { next: 1, sum: 0 });
    Response::new("text/plain; charset=utf-8", Body::Stream(source, None)).with_header("Trailer", "X-Sum, X-Count")
}

/// The fields behind the body, one a line.
fn behind(request: &Request<'_>) -> Vec<u8> {
    request.trailers().flat_map(|(name, value)| [name.as_bytes(), b": ", value, b"\n"].concat()).collect()
}

/// Zeroes until somebody has had enough; what it gave is counted.
struct Flood {
    seen: Arc<Seen>,
    given: u64,
}

impl Source for Flood {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        piece.resize(piece.len() + FLOOD_PIECE, 0);
        self.given += FLOOD_PIECE as u64;
        self.seen.pulled.store(self.given, Ordering::SeqCst);
        if self.given >= FLOOD_BYTES { Pull::End } else { Pull::More }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.seen.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// As JSON or HTML, as the client prefers.
fn greeting(request: &Request<'_>) -> Response {
    let offered = ["application/json", "text/html"].map(|essence| MediaType { essence, parameters: &[] });
    let response = match media(request.core().head.fields.named("Accept"), &offered) {
        Some(0) => Response::new("application/json", r#""hello""#),
        Some(_) => Response::html("<p>hello"),
        None => Response::error(406, "there is JSON and HTML", None),
    };
    response.with_header("Vary", "Accept")
}

/// Three events after the last that the client has seen, and the end.
fn events(request: &Request<'_>) -> Sse {
    let last: u64 = request.header("Last-Event-ID").and_then(|id| id.parse().ok()).unwrap_or(0);
    let (hub, sse) = Sse::channel();
    for id in last + 1..=last + 3 {
        hub.send(&Event::data(format!("event {id}\nof many")).id(id.to_string()));
    }
    sse
}
