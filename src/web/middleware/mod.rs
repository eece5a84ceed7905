//! What stands before and behind handlers.
//!
//! The chain of a route is put together when the app starts, outermost first; a route without
//! middlewares has none, and none is asked.

mod compress;
mod cors;
mod request_id;
mod security;
mod timing;

pub use compress::Compress;
pub use cors::Cors;
pub use request_id::{RequestId, RequestIdText};
pub use security::SecurityHeaders;
pub use timing::ServerTiming;

use std::sync::Arc;

use super::request::Request;
use super::response::Response;

/// The middlewares of a route, outermost first.
pub(super) type Chain = Vec<Arc<dyn Middleware>>;

/// Looks at requests before their handler and at answers behind it. Runs on the loop: it must not
/// block.
///
/// ```
/// use lattice::{App, Middleware, Request, Response};
///
/// struct Teapot;
///
/// impl Middleware for Teapot {
///     fn before(&self, request: &mut Request) -> Option<Response> {
///         (request.path() == "/coffee").then(|| Response::empty(418))
///     }
///
///     fn after(&self, _: &Request, response: &mut Response) {
///         response.set_header("X-Pot", "tea");
///     }
/// }
///
/// let app = App::new().middleware(Teapot).get("/{drink}", || "here you are").test();
/// assert_eq!(app.get("/tea").send().header("x-pot"), Some("tea"));
/// assert_eq!(app.get("/coffee").send().status, 418);
/// ```
pub trait Middleware: Send + Sync + 'static {
    /// `None` lets the request go on. An answer ends its way here: what stands further inside is not
    /// asked, and of the middlewares only those further outside see the answer.
    fn before(&self, _request: &mut Request<'_>) -> Option<Response> {
        None
    }

    /// Sees the answer before it leaves, also one of another middleware or a failure, and may change
    /// it. A body that comes piece by piece has not begun then.
    fn after(&self, _request: &Request<'_>, _response: &mut Response) {}
}

/// A function as [`Middleware::before`].
pub(super) struct Before<F>(pub(super) F);

impl<F: Fn(&mut Request<'_>) -> Option<Response> + Send + Sync + 'static> Middleware for Before<F> {
    fn before(&self, request: &mut Request<'_>) -> Option<Response> {
        (self.0)(request)
    }
}

/// A function as [`Middleware::after`].
pub(super) struct After<F>(pub(super) F);

impl<F: Fn(&Request<'_>, &mut Response) + Send + Sync + 'static> Middleware for After<F> {
    fn after(&self, request: &Request<'_>, response: &mut Response) {
        (self.0)(request, response);
    }
}
