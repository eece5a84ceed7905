//! Answers a POST with its own body, so that conformance tools have something to talk to.
//! Off unless the node is started with `--echo`.

use crate::app::{Body, BodyPolicy, Flow, Reply, Request, RouteSpec, Service};
use crate::wire::http1::Method;

/// `/-/echo`.
pub struct Echo;

impl Echo {
    /// Its route.
    pub fn routes() -> Vec<RouteSpec> {
        vec![RouteSpec { method: Method::Post, pattern: "/-/echo", id: 0, body: BodyPolicy::Buffer, open: true }]
    }
}

impl Service for Echo {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let kind = request.header("content-type").unwrap_or(b"application/octet-stream");
        reply.status(200).header("Content-Type", kind).header("X-Content-Type-Options", b"nosniff");
        reply.body(Body::Bytes(request.body));
        Flow::Done
    }
}
