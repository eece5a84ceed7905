//! Is the node there? The smallest slice: the template for others, and the floor of the benchmarks.

use std::sync::Arc;

use crate::app::{BodyPolicy, Flow, Rendered, Reply, Request, RouteSpec, Service};
use crate::wire::http1::Method;

const PING: u16 = 0;
const LIVE: u16 = 1;
const READY: u16 = 2;

/// `/-/ping` for npm, `/healthz` and `/readyz` for whoever watches over the node.
pub struct Ping {
    pong: Rendered,
    live: Rendered,
}

impl Ping {
    /// The slice.
    pub fn new() -> Self {
        Self { pong: fixed(b"{}"), live: fixed(br#"{"status":"live"}"#) }
    }

    /// Its routes.
    pub fn routes() -> Vec<RouteSpec> {
        let route = |pattern, id| RouteSpec { method: Method::Get, pattern, id, body: BodyPolicy::Discard, open: true };
        vec![route("/-/ping", PING), route("/healthz", LIVE), route("/readyz", READY)]
    }
}

impl Default for Ping {
    fn default() -> Self {
        Self::new()
    }
}

impl Service for Ping {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        match request.route.id {
            READY if request.draining => reply.json(503, br#"{"status":"draining"}"#),
            READY => reply.json(200, br#"{"status":"ready"}"#),
            id => reply.rendered(if id == PING { &self.pong } else { &self.live }),
        }
        Flow::Done
    }
}

fn fixed(json: &[u8]) -> Rendered {
    let fields: [(&str, &[u8]); 2] = [("Content-Type", b"application/json"), ("Cache-Control", b"no-store")];
    Rendered::new(200, &fields, Arc::from(json))
}
