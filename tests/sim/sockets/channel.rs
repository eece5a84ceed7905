//! The slice that is simulated: what messages tell it, it does; what is no command comes back.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use lattice::app::ws::{Channel, Closed, Failed, Framed, Link, Message, Overflow, Terms, Topic, accept};
use lattice::app::{App, BodyPolicy, Flow, Lane, Outcome, Reply, Request, RouteSpec, RouterBuilder, Service, Value};
use lattice::wire::http1::Method;
use lattice::wire::ws::{Code, Kind, Limits};

use crate::slice::Intended;

/// What all channels have in common.
#[derive(Default)]
pub(crate) struct Counts {
    /// Channels that exist.
    pub(crate) alive: AtomicI64,
    /// Those that were opened and not told of their end.
    pub(crate) open: AtomicI64,
}

pub(crate) const MESSAGE_BYTES: usize = 200_000;
pub(crate) const FRAGMENTS: u32 = 20;

pub(crate) fn app(counts: &Arc<Counts>) -> App {
    let mut router = RouterBuilder::new();
    let spec = RouteSpec { method: Method::Get, pattern: "/ws", id: 0, body: BodyPolicy::Discard, open: true };
    router.mount(&[""], &[spec]);
    App::new(Arc::new(router.build()), Vec::new(), vec![Box::new(Slice { counts: Arc::clone(counts) })])
}

struct Slice {
    counts: Arc<Counts>,
}

impl Service for Slice {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let terms = Terms {
            limits: Limits { message_bytes: MESSAGE_BYTES, fragments: FRAGMENTS },
            queue_bytes: 64 << 20,
            overflow: Overflow::Close,
            ..Terms::default()
        };
        let counts = Arc::clone(&self.counts);
        counts.alive.fetch_add(1, SeqCst);
        accept(request, reply, &terms, &[]).map_or(Flow::Done, |accepted| accepted.serve(Actor { counts, job: None }))
    }
}

struct Actor {
    counts: Arc<Counts>,
    /// The job that is under way.
    job: Option<String>,
}

impl Channel for Actor {
    fn on_open(&mut self, _link: &mut Link<'_>) {
        self.counts.open.fetch_add(1, SeqCst);
    }

    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        assert!(self.job.is_none(), "a message while a job is under way");
        let text = message.text().unwrap_or_default().into_owned();
        let topic = Topic::new("t");
        match text.split(' ').collect::<Vec<_>>()[..] {
            ["job", name] => {
                let number = name.to_owned();
                self.job = Some(number.clone());
                link.wait(Lane::Io, Box::new(move || Outcome::value(number)));
            }
            ["break", name] => {
                self.job = Some(name.to_owned());
                link.wait(Lane::Io, Box::new(|| resume_unwind(Box::new(Intended))));
            }
            ["sub"] => link.subscribe(&topic),
            ["unsub"] => link.unsubscribe(&topic),
            ["pub", name] => link.publish(&topic, Framed::new(Kind::Text, format!("news {name}").as_bytes())),
            ["close", code] => link.close(Code::new(code.parse().expect("a code")), "as you wish"),
            _ => link.send_back(message),
        }
    }

    fn on_done(&mut self, value: Value, link: &mut Link<'_>) {
        let name = value.downcast::<String>().expect("its jobs leave their names");
        assert_eq!(self.job.take().as_ref(), Some(&*name));
        link.send(Kind::Text, format!("job {name}").as_bytes());
    }

    fn on_failed(&mut self, _failed: Failed, link: &mut Link<'_>) {
        let name = self.job.take().expect("one was under way");
        link.send(Kind::Text, format!("job {name}").as_bytes());
    }

    fn on_close(&mut self, _closed: &Closed) {
        self.counts.open.fetch_sub(1, SeqCst);
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.counts.alive.fetch_sub(1, SeqCst);
    }
}
