//! Answers a POST with its own body, and a WebSocket with its own messages, so that conformance tools have
//! something to talk to. Off unless the node is started with `--echo`.

use crate::app::ws::{Channel, Link, Message, Terms, accept};
use crate::app::{Body, BodyPolicy, Flow, Reply, Request, RouteSpec, Service};
use crate::wire::http1::Method;

const BODY: u16 = 0;
const MESSAGES: u16 = 1;

/// `/-/echo`.
pub struct Echo {
    terms: Terms,
}

impl Echo {
    /// With WebSockets under these terms.
    pub fn new(terms: Terms) -> Self {
        Self { terms }
    }

    /// Its routes.
    pub fn routes() -> Vec<RouteSpec> {
        let route = |method, id, body| RouteSpec { method, pattern: "/-/echo", id, body, open: true };
        vec![route(Method::Post, BODY, BodyPolicy::Buffer), route(Method::Get, MESSAGES, BodyPolicy::Discard)]
    }
}

impl Service for Echo {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        if request.route.id == MESSAGES {
            return accept(request, reply, &self.terms, &[]).map_or(Flow::Done, |accepted| accepted.serve(Returned));
        }
        let kind = request.header("content-type").unwrap_or(b"application/octet-stream");
        reply.status(200).header("Content-Type", kind).header("X-Content-Type-Options", b"nosniff");
        reply.body(Body::Bytes(request.body));
        Flow::Done
    }
}

/// Messages on their way back.
struct Returned;

impl Channel for Returned {
    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        link.send_back(message);
    }
}
