//! The app as its users see it: through the test client.
#![allow(clippy::disallowed_methods, reason = "a test writes the files it has served")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;

mod answers;
mod compression;
mod extractors;
mod failures;
mod files;
mod hooks;
mod middlewares;
mod mounts;
mod pool;
mod routes;
mod sockets;
mod streams;
mod topics;
mod uploads;
mod websocket;

/// Writes what it sees into the answer.
struct Tell(&'static str);

impl Middleware for Tell {
    fn before(&self, request: &mut Request<'_>) -> Option<Response> {
        let way = format!("{}{}", request.local::<String>().map_or("", String::as_str), self.0);
        request.set_local(way);
        (request.query_string() == Some(self.0)).then(|| Response::text(format!("stopped by {}", self.0)))
    }

    fn after(&self, _: &Request<'_>, response: &mut Response) {
        response.add_header("X-After", self.0);
    }
}

fn after_of(answer: &TestResponse) -> String {
    let after = answer.headers.iter().filter(|(name, _)| name == "X-After");
    after.map(|(_, value)| value.as_str()).collect()
}
