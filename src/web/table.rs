//! The routes of an app as all threads share them, and a request's way through them.
//!
//! ```text
//! before ─▶ before ─▶ handler ─▶ after ─▶ after      the chain of the route, outermost first and last
//!    │ answers         │ fails
//!    └───────▶ after   └─▶ on_error ─▶ after ─▶ after
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::Failure;
use super::group::{Call, Scope, Spec};
use super::handler::Fixed;
use super::later::guarded;
use super::middleware::{Chain, Middleware};
use super::pattern::covers;
use super::refusal::OnRefusal;
use super::request::{Request, Way};
use super::response::Response;
use super::state::States;
use crate::app::{BodyPolicy, Missed};

/// What is told of failures, and makes the answer to them.
pub(super) type OnError = Box<dyn Fn(&Request<'_>, &Failure) -> Response + Send + Sync>;

/// A route, ready to answer.
pub(super) struct Route {
    pub(super) pattern: String,
    names: Vec<Box<str>>,
    chain: Chain,
    call: Call,
    fixed: Option<Fixed>,
    pub(super) is_upload: bool,
}

/// What all threads of an app share.
#[derive(Default)]
pub(super) struct Table {
    pub(super) routes: Vec<Route>,
    /// The longest prefix first.
    pub(super) scopes: Vec<Scope>,
    pub(super) states: States,
    pub(super) not_found: Option<Call>,
    pub(super) method_not_allowed: Option<Call>,
    pub(super) on_error: Option<OnError>,
    pub(super) on_refusal: Option<OnRefusal>,
    pub(super) failures: Arc<AtomicU64>,
}

impl Route {
    pub(super) fn new(spec: Spec) -> Self {
        Self {
            pattern: spec.pattern.text,
            names: spec.pattern.names,
            // With a middleware behind it, an answer has to be a value that can be changed.
            fixed: spec.fixed.filter(|_| spec.chain.is_empty()),
            chain: spec.chain,
            call: spec.call,
            is_upload: matches!(spec.body, BodyPolicy::Stream { .. }),
        }
    }

    /// The answer, if it is the same for every request and nobody changes it.
    #[inline]
    pub(super) fn fixed(&self) -> Option<&Fixed> {
        self.fixed.as_ref()
    }
}

impl Table {
    /// What a request to `route` is told about its way.
    #[inline]
    pub(super) fn way<'r>(&'r self, route: Option<&'r Route>) -> Way<'r> {
        match route {
            Some(route) => Way { pattern: &route.pattern, names: &route.names, states: &self.states },
            None => Way { pattern: "", names: &[], states: &self.states },
        }
    }

    /// The middlewares of a request: of what no route fits, those of the group it would belong to.
    #[inline]
    pub(super) fn chain<'r>(&'r self, route: Option<&'r Route>, request: &Request<'_>) -> &'r [Arc<dyn Middleware>] {
        match route {
            Some(route) => &route.chain,
            None => self.chain_of_miss(request.path()),
        }
    }

    #[cold]
    fn chain_of_miss(&self, path: &str) -> &[Arc<dyn Middleware>] {
        self.scopes.iter().find(|scope| covers(&scope.prefix, path)).map_or(&[], |scope| &scope.chain)
    }

    /// The answer of `handler`, or of a middleware in its place. `depth` becomes how many middlewares have
    /// let the request pass and are still to see it: none, unless it has to be made first.
    #[inline(always)]
    pub(super) fn call(
        &self,
        chain: &[Arc<dyn Middleware>],
        depth: &mut usize,
        request: &mut Request<'_>,
        handler: impl FnOnce(&Request<'_>) -> Response,
    ) -> Response {
        guarded(|| {
            let stopped = chain.iter().find_map(|middleware| {
                let response = middleware.before(request);
                *depth += usize::from(response.is_none());
                response
            });
            let mut response = stopped.unwrap_or_else(|| handler(request));
            if response.is_made() {
                // Should one of them panic, nobody else is asked.
                let passed = &chain[..std::mem::take(depth)];
                passed.iter().rev().for_each(|middleware| middleware.after(request, &mut response));
            }
            response
        })
    }

    /// What a request without a middleware in its way is answered.
    #[inline]
    pub(super) fn handle(&self, route: Option<&Route>, request: &Request<'_>) -> Response {
        match route {
            Some(route) => (route.call)(request),
            None => self.miss(request),
        }
    }

    /// What leaves: failures are told, and the middlewares that have not seen the answer do.
    #[inline]
    pub(super) fn finish(
        &self,
        chain: &[Arc<dyn Middleware>],
        request: &Request<'_>,
        response: Response,
        depth: usize,
    ) -> Response {
        match depth == 0 && response.failure.is_none() {
            true => response,
            false => self.finish_late(chain, request, response, depth),
        }
    }

    fn finish_late(
        &self,
        chain: &[Arc<dyn Middleware>],
        request: &Request<'_>,
        response: Response,
        depth: usize,
    ) -> Response {
        let finished = guarded(|| {
            let mut response = match &response.failure {
                None => response,
                Some(failure) => self.tell(request, failure, response.close),
            };
            chain[..depth].iter().rev().for_each(|middleware| middleware.after(request, &mut response));
            response
        });
        // A middleware or the hook itself has failed: nobody else is asked.
        match &finished.failure {
            Some(failure) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                log::error!("{} {}: {failure}", request.method().as_str(), request.path());
                failure.answer().with_close()
            }
            None => finished,
        }
    }

    /// The answer to a failure.
    #[cold]
    fn tell(&self, request: &Request<'_>, failure: &Failure, close: bool) -> Response {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut answer = match &self.on_error {
            Some(on_error) => on_error(request, failure),
            None => {
                log::error!("{} {}: {failure}", request.method().as_str(), request.path());
                failure.answer()
            }
        };
        // Nobody is left who could begin it.
        if let Some(what) = answer.pending() {
            let (method, path) = (request.method().as_str(), request.path());
            log::error!("{method} {path}: {failure}; App::on_error returned {what}: let it return an answer at hand");
            answer = failure.answer();
        }
        answer.close |= close;
        answer
    }

    /// No route fits.
    #[cold]
    fn miss(&self, request: &Request<'_>) -> Response {
        let custom = |handler: &Option<Call>| handler.as_ref().map(|handler| handler(request));
        match &request.core().missed {
            Some(Missed::Options(allow)) if allow.is_empty() => Response::empty(204),
            Some(Missed::Options(allow)) => Response::empty(204).with_header("Allow", allow.as_bytes()),
            Some(Missed::Method(allow)) => {
                let reason = format!("allowed here: {allow}");
                let plain = || Response::error(405, "method not allowed", Some(&reason));
                let mut response = custom(&self.method_not_allowed).unwrap_or_else(plain);
                response.set_header("Allow", allow.as_bytes());
                response
            }
            Some(Missed::Path) | None => {
                custom(&self.not_found).unwrap_or_else(|| Response::error(404, "not found", None))
            }
        }
    }
}
