//! A node inside of the test: everybody who opens `/room` is sent what is published there, and publishes what
//! it sends; who opens `/loud` is sent nothing. `/jobs` answers each message from the pool.

use std::net::SocketAddr;
use std::sync::Arc;

use lattice::app::ws::{Act, Closed};
use lattice::app::ws::{Channel, Failed, Framed, Link, Message, Outlet, Overflow, Publication, Terms, Topic, accept};
use lattice::app::{
    App, BodyPolicy, Flow, Lane, Outcome, Reply, Request, RouteSpec, Router, RouterBuilder, Service, Value,
};
use lattice::reactor::{Engine, ListenSettings, OnFailure, Plan, Settings, listen_all};
use lattice::session;
use lattice::wire::http1::Method;
use lattice::wire::ws::Kind;

const ROOM: u16 = 0;
const JOBS: u16 = 1;
const LOUD: u16 = 2;

/// The running node.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    engine: Option<Engine>,
}

impl Node {
    pub(crate) fn start(queue_bytes: usize, overflow: Overflow, http: session::Settings) -> Node {
        let plan = Plan { threads: 2, pin: false, pool_threads: 1, buffer_bytes: 1 << 30, connections_per_ip: 0 };
        let how = ListenSettings { backlog: 1024, defer_accept: false, steer: false };
        let (address, listeners) = listen_all(([127, 0, 0, 1], 0).into(), 2, &how).expect("a port is free");
        let listeners = listeners.into_iter().map(|listener| vec![listener]).collect();
        let settings = Settings {
            http,
            connections: 10_000,
            drain_ns: 1_000_000_000,
            busy_poll_ns: 0,
            live: None,
            standings: None,
        };
        let router = router();
        let terms = Terms { queue_bytes, overflow, ..Terms::default() };
        let app = || App::new(Arc::clone(&router), Vec::new(), vec![Box::new(Rooms { terms: terms.clone() })]);
        let on_failure: OnFailure = Arc::new(|thread, failure| panic!("thread {thread}: {failure}"));
        let engine = Engine::start(&plan, listeners, &settings, app, &on_failure).expect("threads start");
        Node { address, engine: Some(engine) }
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("it runs until it is dropped")
    }

    /// Sends this to everybody in the room.
    pub(crate) fn publish(&self, payload: &[u8]) {
        let act = Act::Message(Framed::new(Kind::Binary, payload));
        self.engine().mesh().publish(Publication { topic: Topic::new("room"), act, retain: false });
    }

    /// Messages that have come.
    pub(crate) fn messages(&self) -> u64 {
        self.engine().meters().iter().map(|meters| meters.messages.read()).sum()
    }

    /// Connections that were accepted and not closed.
    pub(crate) fn open(&self) -> u64 {
        let of = |meters: &Arc<lattice::reactor::Meters>| meters.accepted.read() - meters.closed.read();
        self.engine().meters().iter().map(of).sum()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.mesh().drain();
            assert!(engine.join() || std::thread::panicking(), "a thread ended badly");
        }
    }
}

fn router() -> Arc<Router> {
    let route = |pattern, id| RouteSpec { method: Method::Get, pattern, id, body: BodyPolicy::Discard, open: true };
    let mut router = RouterBuilder::new();
    router.mount(&[""], &[route("/room", ROOM), route("/jobs", JOBS), route("/loud", LOUD)]);
    Arc::new(router.build())
}

struct Rooms {
    terms: Terms,
}

impl Service for Rooms {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some(accepted) = accept(request, reply, &self.terms, &[]) else { return Flow::Done };
        match request.route.id {
            ROOM | LOUD => accepted.serve(Visitor { room: Topic::new("room"), listens: request.route.id == ROOM }),
            _ => accepted.serve(Worker),
        }
    }
}

struct Visitor {
    room: Topic,
    listens: bool,
}

impl Channel for Visitor {
    fn on_open(&mut self, link: &mut Link<'_>) {
        if self.listens {
            link.subscribe(&self.room);
        }
    }

    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        link.publish(&self.room, Framed::new(message.kind(), &message));
    }
}

/// Does a job for each message; where the pool has no place for it, it says so and goes on.
struct Worker;

impl Channel for Worker {
    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        let number = message.to_vec();
        link.wait(
            Lane::Slow,
            Box::new(move || {
                std::thread::sleep(std::time::Duration::from_micros(200));
                Outcome::value(number)
            }),
        );
    }

    fn on_done(&mut self, value: Value, link: &mut Link<'_>) {
        let number = value.downcast::<Vec<u8>>().expect("its jobs leave what they were for");
        link.send(Kind::Binary, &number);
    }

    fn on_failed(&mut self, failed: Failed, link: &mut Link<'_>) {
        assert_eq!(failed, Failed::Busy);
        link.send(Kind::Text, b"busy");
    }

    fn on_close(&mut self, _closed: &Closed) {}
}
