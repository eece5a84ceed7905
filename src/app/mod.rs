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
pub mod edge;
pub mod files;
pub mod flow;
pub mod identity;
mod literal_paths;
pub mod live;
mod precedence;
pub mod refusal;
pub mod reply;
pub mod representation;
pub mod request;
pub mod router;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod ws;

pub use edge::Edge;
use edge::Took;
pub use flow::{Change, Flow, Job, Lane, Outcome, Pull, Sink, Source, Value, Wake};
pub use identity::{Caller, Identity};
use refusal::{Refusal, Reword, Words};
pub use reply::{Body, Rendered, Reply};
pub use request::{Missed, Moment, Request};
pub use router::{BodyPolicy, Found, Route, RouteSpec, Router, RouterBuilder};

use std::net::IpAddr;
use std::sync::Arc;

use crate::config::Flags;

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

    /// Obeys these flags of the live config from now on. Until it is called, [`live::USUAL`] holds.
    fn on_flags(&mut self, _flags: Flags) {}
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

/// Looks at answers after they were written. None is asked when there is none.
pub trait Observer: Send {
    /// An answer was written; of a streamed one, its head.
    fn on_answer(&mut self, request: &Request<'_>, answer: &Answer);

    /// A request was refused before any service saw it: its head or body was malformed, too large or
    /// too slow.
    fn on_refusal(&mut self, _status: u16, _peer: Option<IpAddr>) {}
}

/// What an [`Observer`] is told about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Nanoseconds since the request was whole, or for a streamed one its head.
    pub elapsed_ns: u64,
}

/// Nanoseconds of a clock that never goes back, read whenever it is called; shared by the answers
/// under way.
pub type Stopwatch = Arc<dyn Fn() -> u64 + Send + Sync>;

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
    /// Fields for the answer, as they leave.
    pub extra: Vec<u8>,
    /// When the request began on the app's stopwatch; 0 without one.
    pub began_ns: u64,
}

/// What one thread serves: the router all threads share, and this thread's guards and services.
pub struct App {
    router: Arc<Router>,
    guards: Vec<Box<dyn Guard>>,
    services: Vec<Box<dyn Service>>,
    observers: Vec<Box<dyn Observer>>,
    stopwatch: Option<Stopwatch>,
    debugger: Option<Debugger>,
    edge: Option<Edge>,
    reword: Option<Reword>,
    /// Of the live config, as the services were told last.
    flags: Flags,
}

/// An observer that is asked only while [`Flags::DEBUG`] is on. While it is not, it costs nothing.
struct Debugger {
    /// `None` while it is among the observers, the last of them.
    observer: Option<Box<dyn Observer>>,
    stopwatch: Stopwatch,
    /// The app's own.
    before: Option<Stopwatch>,
}

impl App {
    /// Puts an app together; `services` are in the order the router was built with.
    pub fn new(router: Arc<Router>, guards: Vec<Box<dyn Guard>>, services: Vec<Box<dyn Service>>) -> Self {
        assert_eq!(router.services(), services.len(), "one service for each index the routes name");
        Self {
            router,
            guards,
            services,
            observers: Vec::new(),
            stopwatch: None,
            debugger: None,
            edge: None,
            reword: None,
            flags: live::USUAL,
        }
    }

    /// Adds observers and the clock they measure with.
    pub fn observed_by(mut self, observers: Vec<Box<dyn Observer>>, stopwatch: Stopwatch) -> Self {
        if !observers.is_empty() {
            (self.observers, self.stopwatch) = (observers, Some(stopwatch));
        }
        self
    }

    /// Adds an observer that is asked only while [`Flags::DEBUG`] is on. The last thing an app is given.
    pub fn debugged_by(mut self, observer: Box<dyn Observer>, stopwatch: Stopwatch) -> Self {
        let before = self.stopwatch.clone();
        self.debugger = Some(Debugger { observer: Some(observer), stopwatch, before });
        self
    }

    /// Gives every answer what `edge` says.
    pub fn with_edge(mut self, edge: Edge) -> Self {
        self.stopwatch = self.stopwatch.or_else(|| edge.stopwatch.clone());
        self.edge = (!edge.is_empty()).then_some(edge);
        self
    }

    /// Has refusals said by `reword`, which must not panic.
    pub fn reworded(mut self, reword: Reword) -> Self {
        self.reword = Some(reword);
        self
    }

    /// Other words for a refusal, if there are any.
    #[cold]
    pub(crate) fn words(&self, refusal: &Refusal) -> Option<Words> {
        self.reword.as_ref()?(refusal)
    }

    /// What every answer carries, if anything.
    #[inline]
    pub(crate) fn edge(&mut self) -> Option<&mut Edge> {
        self.edge.as_mut()
    }

    /// Tells the observers of an answer to a request that began at `began_ns`.
    #[inline]
    pub fn answered(&mut self, request: &Request<'_>, status: u16, began_ns: u64) {
        if let (Some(stopwatch), false) = (&self.stopwatch, self.observers.is_empty()) {
            // A request that began before there was a stopwatch took nobody knows how long.
            let elapsed_ns = if began_ns == 0 { 0 } else { stopwatch().saturating_sub(began_ns) };
            let answer = Answer { status, elapsed_ns };
            self.observers.iter_mut().for_each(|observer| observer.on_answer(request, &answer));
        }
    }

    /// How long the answer takes that is about to be written, if it is to say so.
    pub(crate) fn took(&self, progress: &Progress) -> Option<Took> {
        self.edge.as_ref()?.stopwatch.as_ref()?;
        Some(Took::new(self.stopwatch.clone()?, progress.began_ns))
    }

    /// Tells the observers of a refusal.
    pub fn refused(&mut self, status: u16, peer: Option<IpAddr>) {
        self.observers.iter_mut().for_each(|observer| observer.on_refusal(status, peer));
    }

    /// The router.
    pub fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// A request's state before anything was decided about it.
    #[inline]
    pub fn begin(&self) -> Progress {
        let began_ns = self.stopwatch.as_ref().map_or(0, |stopwatch| stopwatch());
        Progress { stage: Stage::Guard(0), identity: Caller::default(), extra: Vec::new(), began_ns }
    }

    /// Takes a request as far as it comes without waiting.
    #[inline]
    pub fn call(&mut self, request: &mut Request<'_>, progress: &mut Progress, reply: &mut Reply<'_>) -> Flow {
        if request.route.open || self.guards.is_empty() {
            progress.stage = Stage::Service;
            return self.services[request.route.service].call(request, reply);
        }
        self.run_guards(0, request, progress, reply)
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

    /// The flags of the live config that are in force.
    #[inline]
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Tells every service which flags of the live config are in force.
    pub fn on_flags(&mut self, flags: Flags) {
        self.flags = flags;
        for service in &mut self.services {
            service.on_flags(flags);
        }
        let Some(debugger) = &mut self.debugger else { return };
        match (flags.contains(Flags::DEBUG), debugger.observer.take()) {
            (true, Some(observer)) => {
                self.observers.push(observer);
                self.stopwatch.get_or_insert_with(|| Arc::clone(&debugger.stopwatch));
            }
            (false, None) => {
                debugger.observer = self.observers.pop();
                self.stopwatch.clone_from(&debugger.before);
            }
            (_, observer) => debugger.observer = observer,
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

#[cfg(test)]
mod tests;
