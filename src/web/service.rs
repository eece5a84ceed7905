//! The app as a service of the core: one for each thread, over the table they share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::error::Failure;
use super::later::guarded;
use super::middleware::Middleware;
use super::parked::{Parked, parked, wait};
use super::request::{Locals, Request};
use super::response::{Body, Kind, Response, Special};
use super::table::{Route, Table};
use super::upload::ToSink;
use crate::app::{self, Answer, Flow, Missed, Observer, Reply, Service, Value};
use crate::wire::http1::Method;

/// The service of one thread.
pub(super) struct Web(pub(super) Arc<Table>);

impl Service for Web {
    fn call(&mut self, core: &app::Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let table = &*self.0;
        // Misses have a number that no route has.
        let route = table.routes.get(usize::from(core.route.id));
        if let Some(fixed) = route.and_then(Route::fixed) {
            reply.rendered(fixed.rendered());
            return Flow::Done;
        }
        let mut request = Request::new(core, table.way(route), Locals::default());
        let chain = table.chain(route, &request);
        let mut depth = 0;
        let response = table.call(chain, &mut depth, &mut request, |request| table.handle(route, request));
        if response.is_made() && depth == 0 {
            request.locals.drop();
            return response.write(reply);
        }
        match response.body {
            Body::Special(Special(Kind::Receive(receiver))) if route.is_some_and(|route| route.is_upload) => {
                Flow::Receive(Box::new(ToSink { receiver, depth, locals: request.locals }))
            }
            _ => settle(table, chain, request, response, depth, reply),
        }
    }

    fn resume(&mut self, core: &app::Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        let table = &*self.0;
        let route = table.routes.get(usize::from(core.route.id));
        let Ok(Parked { mut response, depth, locals }) = parked(table, core, value) else {
            panic!("this service parks nothing else")
        };
        if let Some(Missed::Method(allow)) = core.missed {
            response.set_header("Allow", allow.as_bytes());
        }
        let request = Request::new(core, table.way(route), locals);
        settle(table, table.chain(route, &request), request, response, depth, reply)
    }
}

/// Writes the answer, or has it made first.
#[inline(never)]
pub(super) fn settle(
    table: &Table,
    chain: &[Arc<dyn Middleware>],
    request: Request<'_>,
    mut response: Response,
    depth: usize,
    reply: &mut Reply<'_>,
) -> Flow {
    match response.body {
        Body::Special(Special(Kind::Later(lane, later))) => {
            return wait(lane, later, depth, request.locals);
        }
        Body::Special(Special(Kind::Receive(_))) => {
            let text = "an upload begins in the handler of an App::upload route, and nowhere else";
            response = Response::failed(Failure::Panic(text.into()));
        }
        Body::Special(Special(Kind::WebSocket(socket))) => {
            response.body = Body::Empty;
            response = guarded(|| socket.answer(request.core(), response, &table.failures));
        }
        _ => {}
    }
    let finished = table.finish(chain, &request, response, depth).sound();
    table.finish(&[], &request, finished, 0).write(reply)
}

/// A request that took longer than it should, see [`App::on_slow`](super::App::on_slow).
#[derive(Debug, Clone, Copy)]
pub struct SlowRequest<'r> {
    /// The method.
    pub method: Method,
    /// The path, as sent.
    pub path: &'r str,
    /// The pattern of the route; empty where none fits.
    pub pattern: &'r str,
    /// The status of the answer.
    pub status: u16,
    /// From the request (of an upload: its head) to the answer (of a stream: its head).
    pub elapsed: Duration,
    /// The other end's address, if the connection has one.
    pub peer: Option<IpAddr>,
}

/// What is told of slow requests.
pub(super) type OnSlow = Arc<dyn Fn(&SlowRequest<'_>) + Send + Sync>;

/// Tells of slow requests.
pub(super) struct SlowObserver {
    pub(super) table: Arc<Table>,
    /// The index of [`Web`]; others have routes of their own.
    pub(super) service: usize,
    pub(super) above_ns: u64,
    pub(super) on_slow: OnSlow,
}

impl Observer for SlowObserver {
    fn on_answer(&mut self, request: &app::Request<'_>, answer: &Answer) {
        if answer.elapsed_ns < self.above_ns {
            return;
        }
        let is_ours = request.route.service == self.service;
        let route = self.table.routes.get(usize::from(request.route.id)).filter(|_| is_ours);
        (self.on_slow)(&SlowRequest {
            method: request.head.method,
            path: std::str::from_utf8(request.head.path).unwrap_or_default(),
            pattern: route.map_or("", |route| &route.pattern),
            status: answer.status,
            elapsed: Duration::from_nanos(answer.elapsed_ns),
            peer: request.peer,
        });
    }
}
