//! A document that clients read and replace under conditions: a service of the core, on every thread.

use std::sync::{Arc, Mutex};

use lattice::app::representation::{Representation, Variant, admit_change};
use lattice::app::{Body, BodyPolicy, Flow, Reply, Request, RouteSpec, Service};
use lattice::wire::http::conditional::{Modified, Validators};
use lattice::wire::http::etag::EntityTag;
use lattice::wire::http1::Method;

const STRONG: u16 = 0;
const WEAK: u16 = 1;

/// 2020-09-13 12:26:40 UTC.
const MODIFIED: Modified = Modified { unix_s: 1_600_000_000, is_strong: true };

/// What is there: its version and its bytes, or nothing.
type Shared = Arc<Mutex<Option<(u64, Vec<u8>)>>>;

pub(super) struct Document(Shared);

/// `/` with a strong tag, for reading, replacing and removing; `/weak` with a weak one.
pub(super) fn routes() -> Vec<RouteSpec> {
    let route = |method, pattern, id, body| RouteSpec { method, pattern, id, body, open: true };
    vec![
        route(Method::Get, "/", STRONG, BodyPolicy::Discard),
        route(Method::Put, "/", STRONG, BodyPolicy::Buffer),
        route(Method::Delete, "/", STRONG, BodyPolicy::Discard),
        route(Method::Get, "/weak", WEAK, BodyPolicy::Discard),
    ]
}

/// Version 1 has the ten digits.
pub(super) fn maker() -> impl Fn() -> Document + Send + Sync + 'static {
    let shared: Shared = Arc::new(Mutex::new(Some((1, b"0123456789".to_vec()))));
    move || Document(Arc::clone(&shared))
}

fn tag(version: u64) -> String {
    format!("\"v{version}\"")
}

impl Service for Document {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let mut current = self.0.lock().expect("no test panics here");
        match (request.head.method, request.route.id) {
            (Method::Put | Method::Delete, _) => change(&mut current, request, reply),
            (_, id) => match &*current {
                Some((version, bytes)) if id == STRONG => show(&tag(*version), bytes, request, reply),
                Some((version, bytes)) => show(&format!("W/{}", tag(*version)), bytes, request, reply),
                None => reply.error(404, "not found", None),
            },
        }
        Flow::Done
    }
}

fn show(etag: &str, bytes: &[u8], request: &Request<'_>, reply: &mut Reply<'_>) {
    let variants = [Variant { coding: None, etag: Some(etag), body: Body::Bytes(bytes) }];
    let content_type = "text/plain; charset=utf-8";
    let modified = Some(MODIFIED);
    Representation { content_type, cache_control: None, modified, fields: &[], variants: &variants }
        .answer(request, reply);
}

fn change(current: &mut Option<(u64, Vec<u8>)>, request: &Request<'_>, reply: &mut Reply<'_>) {
    let etag = current.as_ref().map(|(version, _)| tag(*version));
    let etag = etag.as_ref().and_then(|etag| EntityTag::parse(etag.as_bytes()));
    let validators = Validators { etag, modified: Some(MODIFIED) };
    if !admit_change(request, current.is_some().then_some(&validators), reply) {
        return;
    }
    if request.head.method == Method::Delete {
        *current = None;
        return reply.status(204).empty();
    }
    let next = current.as_ref().map_or(1, |(version, _)| version + 1);
    *current = Some((next, request.body.to_vec()));
    reply.status(204).header("ETag", tag(next).as_bytes()).empty();
}
