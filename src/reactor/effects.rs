//! What a session asks of its thread: work for the pool, a waker, publications, and to become a WebSocket.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::conn::Conn;
use super::slab::Key;
use super::standing::Standing;
use super::timers::Timers;
use super::topics::Topics;
use super::{Mesh, Meters, Pool};
use crate::app::ws::{Address, Ask, Outlet};
use crate::app::{Change, Wake};
use crate::session::{Done, Turn, Work};

/// What effects need of the thread.
pub(super) struct Hands<'a> {
    pub(super) mesh: &'a Arc<Mesh>,
    pub(super) pool: &'a Pool,
    pub(super) thread: usize,
    pub(super) meters: &'a Meters,
    pub(super) topics: &'a mut Topics,
    pub(super) standing: &'a mut Standing,
    pub(super) timers: &'a mut Timers,
}

/// Does what the session asked for.
#[inline(never)]
pub(super) fn perform(conn: &mut Conn, key: Key, turn: &mut Turn<'_>, hands: &mut Hands<'_>) {
    if conn.session.wants_upgrade() {
        hands.meters.upgraded.one();
        let at = Address { thread: hands.thread, key: key.0 };
        conn.session.upgrade(conn.peer, Arc::clone(hands.mesh) as Arc<dyn Outlet>, at, turn);
        hands.standing.watch(key, &conn.session, hands.timers, turn.now.monotonic_ns);
    }
    if conn.session.wants_wake() {
        conn.session.on_wake_made(wake_of(hands.mesh, hands.thread, key), turn);
    }
    if let Some(work) = conn.session.take_work() {
        let outbox = Outbox { mesh: Arc::clone(hands.mesh), thread: hands.thread, key };
        hands.meters.jobs.one();
        if !hands.pool.submit(work.lane, Box::new(move || outbox.run(work))) {
            conn.session.on_done(Done::Busy, turn);
        }
    }
    if let Some(ended) = conn.session.take_ended() {
        hands.pool.discard(ended);
    }
    for ask in conn.session.take_asks() {
        grant(ask, conn, key, turn, hands);
    }
}

/// Does what a channel asked for.
fn grant(ask: Ask, conn: &mut Conn, key: Key, turn: &mut Turn<'_>, hands: &mut Hands<'_>) {
    match ask {
        Ask::Publish(publication) => hands.mesh.publish(publication),
        Ask::Subscribe(topic) => {
            // What came before counts as before: the last of it is what the topic retains.
            hands.topics.publish(hands.mesh.take_published(hands.thread, true));
            if let Some(act) = hands.topics.subscribe(&topic, key) {
                conn.session.on_retained(&act, turn);
            }
        }
        Ask::Unsubscribe(topic) => hands.topics.leave(&topic, key),
    }
}

/// Lets a source tell this connection's loop that it has more.
fn wake_of(mesh: &Arc<Mesh>, thread: usize, key: Key) -> Wake {
    let mesh = Arc::clone(mesh);
    Wake::new(move || mesh.deliver(thread, key, Done::Wake))
}

/// Where a job's result goes.
struct Outbox {
    mesh: Arc<Mesh>,
    thread: usize,
    key: Key,
}

impl Outbox {
    /// Runs on a thread of the pool: the changes are known everywhere before the result is.
    fn run(self, work: Work) {
        let run = AssertUnwindSafe(work.run);
        let (done, changes) = catch_unwind(run).unwrap_or_else(|_| (Done::Panicked, vec![Change::Caches]));
        self.mesh.announce(&changes);
        self.mesh.deliver(self.thread, self.key, done);
    }
}
