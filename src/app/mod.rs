//! The contract between the node and its slices.
//!
//! A slice sees a [`Request`] (a view into the receive buffer), writes into a [`Reply`] (which
//! writes into the send buffer) and answers with a [`Flow`]: done, or a blocking job to run first,
//! or a sink for the body. It never sees a socket, a file system, a clock or another slice.
//!
//! ```text
//! head ─▶ Router::find ─▶ Guard::check ─▶ Service::call ─▶ Flow::Done
//!                              │  ▲              │  ▲
//!                              ▼  │ resume       ▼  │ resume
//!                            Flow::Wait(job) ─▶ a thread of the pool
//! ```
//!
//! Each thread of the loop has its own `App` with its own slices, so a slice is `&mut self` and
//! needs no lock. What threads must tell each other travels as a [`Change`].

pub(crate) mod cache;
pub mod compress;
pub mod files;
pub mod flow;
pub mod identity;
pub mod reply;
pub mod representation;
pub mod request;
pub mod router;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;

pub use flow::{Change, Flow, Job, Lane, Outcome, Sink, Value};
pub use identity::{Caller, Identity};
pub use reply::{Body, Rendered, Reply};
pub use request::{Moment, Request};
pub use router::{BodyPolicy, Found, Route, RouteSpec, Router, RouterBuilder};

use std::sync::Arc;

/// One feature of the node: its routes are given to the [`Router`] under its index.
pub trait Service: Send {
    /// Answers a request whose body (unless it is streamed) is complete.
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow;

    /// Goes on after the job or the sink of an earlier [`Flow`] has ended.
    ///
    /// `value` is what it left. The request is the same; its body is empty if it was streamed.
    fn resume(&mut self, _request: &Request<'_>, _value: Value, _reply: &mut Reply<'_>) -> Flow {
        Flow::Done
    }

    /// Forgets what it has cached of what changed.
    fn on_change(&mut self, _change: &Change) {}
}

/// What a guard decides about a request.
pub enum Verdict {
    /// Nothing against it.
    Pass,
    /// Nothing against it, and this is who asks.
    Known(Arc<Identity>),
    /// The guard must look something up first.
    Wait(Lane, Job),
    /// The guard has written the refusal into the reply.
    Refused,
}

/// Looks at a request before the service does.
pub trait Guard: Send {
    /// Decides at once, or after a job.
    fn check(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Verdict;

    /// Decides after the job of [`Verdict::Wait`].
    fn resume(&mut self, request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Verdict;

    /// Forgets what it has cached of what changed.
    fn on_change(&mut self, _change: &Change) {}
}

/// Where a request stands on its way through the [`App`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Before or inside the guard of this index.
    Guard(usize),
    /// Inside the service.
    Service,
}

/// A request's way through the app, kept by the session while a job runs.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Where it stands.
    pub stage: Stage,
    /// Who asks, as far as it is known.
    pub identity: Caller,
}

/// What one thread serves: the router all threads share, and this thread's guards and services.
pub struct App {
    router: Arc<Router>,
    guards: Vec<Box<dyn Guard>>,
    services: Vec<Box<dyn Service>>,
}

impl App {
    /// Puts an app together; `services` are in the order the router was built with.
    pub fn new(router: Arc<Router>, guards: Vec<Box<dyn Guard>>, services: Vec<Box<dyn Service>>) -> Self {
        assert_eq!(router.services(), services.len(), "one service for each index the routes name");
        Self { router, guards, services }
    }

    /// The router.
    pub fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// A request's state before anything was decided about it.
    pub fn begin(&self) -> Progress {
        Progress { stage: Stage::Guard(0), identity: Caller::default() }
    }

    /// Takes a request as far as it comes without waiting.
    pub fn call(&mut self, request: &mut Request<'_>, progress: &mut Progress, reply: &mut Reply<'_>) -> Flow {
        let first = if request.route.open { self.guards.len() } else { 0 };
        self.run_guards(first, request, progress, reply)
    }

    /// Goes on with a request after its job has ended.
    pub fn resume(
        &mut self,
        request: &mut Request<'_>,
        progress: &mut Progress,
        value: Value,
        reply: &mut Reply<'_>,
    ) -> Flow {
        request.identity = progress.identity.clone();
        match progress.stage {
            Stage::Service => self.services[request.route.service].resume(request, value, reply),
            Stage::Guard(index) => {
                let verdict = self.guards[index].resume(request, value, reply);
                match self.settle(verdict, request, progress) {
                    Some(flow) => flow,
                    None => self.run_guards(index + 1, request, progress, reply),
                }
            }
        }
    }

    fn run_guards(
        &mut self,
        first: usize,
        request: &mut Request<'_>,
        progress: &mut Progress,
        reply: &mut Reply<'_>,
    ) -> Flow {
        for index in first..self.guards.len() {
            progress.stage = Stage::Guard(index);
            let verdict = self.guards[index].check(request, reply);
            if let Some(flow) = self.settle(verdict, request, progress) {
                return flow;
            }
        }
        progress.stage = Stage::Service;
        self.services[request.route.service].call(request, reply)
    }

    /// `None` when the request may go on.
    fn settle(&self, verdict: Verdict, request: &mut Request<'_>, progress: &mut Progress) -> Option<Flow> {
        match verdict {
            Verdict::Pass => None,
            Verdict::Known(identity) => {
                request.identity = identity.into();
                progress.identity = request.identity.clone();
                None
            }
            Verdict::Wait(lane, job) => Some(Flow::Wait(lane, job)),
            Verdict::Refused => Some(Flow::Done),
        }
    }

    /// Tells every guard and service what changed.
    pub fn on_change(&mut self, change: &Change) {
        for guard in &mut self.guards {
            guard.on_change(change);
        }
        for service in &mut self.services {
            service.on_change(change);
        }
    }
}
