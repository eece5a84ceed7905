//! Services of the core inside of an app, behind its middlewares.

use std::sync::Arc;

use super::middleware::{Chain, Middleware};
use super::parked::{Parked, parked};
use super::request::{Locals, Request};
use super::response::Response;
use super::service::settle;
use super::table::Table;
use crate::app::{self, Change, Flow, Reply, RouteSpec, Service, Value};

/// Makes the service of one thread.
pub(super) type Make = Arc<dyn Fn() -> Box<dyn Service> + Send + Sync>;

/// A service that was declared. Its prefix may have captures, which are no business of the service: it
/// sees those of its own routes.
pub(super) struct Mount {
    pub(super) prefix: String,
    pub(super) routes: Vec<RouteSpec>,
    pub(super) make: Make,
    pub(super) chain: Chain,
}

/// A service with middlewares before it.
pub(super) struct Behind {
    pub(super) inner: Box<dyn Service>,
    /// How many captures its prefix has.
    captures: usize,
    pub(super) chain: Chain,
    pub(super) table: Arc<Table>,
}

/// Left by the last in the chain: every middleware has let the request pass.
struct Passed;

impl Middleware for Passed {
    fn before(&self, request: &mut Request<'_>) -> Option<Response> {
        request.set_local(Passed);
        None
    }
}

impl Service for Behind {
    fn call(&mut self, core: &app::Request<'_>, reply: &mut Reply<'_>) -> Flow {
        if self.chain.is_empty() {
            return self.inside(core, |inner, request| inner.call(request, reply));
        }
        let mut request = Request::new(core, self.table.way(None), Locals::default());
        let mut depth = 0;
        let response = self.table.call(&self.chain, &mut depth, &mut request, |_| Response::empty(200));
        if request.local::<Passed>().is_none() || response.failure.is_some() {
            return settle(&self.table, &self.chain, request, response, depth, reply);
        }
        // The service writes its answer itself: what the middlewares would add to one is added to it.
        for (name, value) in response.headers() {
            reply.add_field(std::str::from_utf8(name).unwrap_or_default(), value);
        }
        self.inside(core, |inner, request| inner.call(request, reply))
    }

    fn resume(&mut self, core: &app::Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        match parked(&self.table, core, value) {
            Ok(Parked { response, depth, locals }) => {
                let request = Request::new(core, self.table.way(None), locals);
                settle(&self.table, &self.chain, request, response, depth, reply)
            }
            Err(value) => self.inside(core, |inner, request| inner.resume(request, value, reply)),
        }
    }

    fn on_change(&mut self, change: &Change) {
        self.inner.on_change(change);
    }
}

impl Behind {
    /// Gives the service the request as it sees it.
    fn inside(
        &mut self,
        core: &app::Request<'_>,
        act: impl FnOnce(&mut dyn Service, &app::Request<'_>) -> Flow,
    ) -> Flow {
        if self.captures == 0 {
            return act(&mut *self.inner, core);
        }
        let params = core.params.after(self.captures);
        act(&mut *self.inner, &app::Request { params, identity: core.identity.clone(), ..*core })
    }
}

impl Mount {
    /// The service of one thread.
    pub(super) fn service(&self, table: &Arc<Table>) -> Box<dyn Service> {
        let mut chain = self.chain.clone();
        if !chain.is_empty() {
            chain.push(Arc::new(Passed));
        }
        let captures = self.prefix.split('/').filter(|segment| segment.starts_with('{')).count();
        Box::new(Behind { inner: (self.make)(), captures, chain, table: Arc::clone(table) })
    }
}
