//! How long the server took, for the developer tools of a browser.
#![allow(clippy::disallowed_methods, reason = "measuring is all it does; only routes that ask for it pay")]

use std::time::Instant;

use super::Middleware;
use crate::web::request::Request;
use crate::web::response::Response;

/// Adds `Server-Timing: app;dur=MILLISECONDS`: from here to the answer, work on the pool included. It
/// tells everybody how long things take; put it where that is no secret.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerTiming;

struct Began(Instant);

impl Middleware for ServerTiming {
    fn before(&self, request: &mut Request<'_>) -> Option<Response> {
        request.set_local(Began(Instant::now()));
        None
    }

    fn after(&self, request: &Request<'_>, response: &mut Response) {
        if let Some(Began(at)) = request.local() {
            let millis = at.elapsed().as_secs_f64() * 1000.0;
            response.add_header("Server-Timing", format!("app;dur={millis:.3}"));
        }
    }
}
