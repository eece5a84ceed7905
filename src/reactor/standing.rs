//! Whether those who opened a WebSocket are still who they were then.
//!
//! What this process changes is announced. What another one changes in the database is asked for: by one job
//! for each thread that has WebSockets of somebody known, however many, every [`STANDING_NS`]. What it finds is
//! announced as any change is; for such ones all threads are woken, so that it is obeyed where nothing else happens.
//! A thread without such connections has no timer, and one look is over before the next begins.

use std::sync::Arc;

use super::slab::Key;
use super::timers::{Owner, Timers};
use super::{Mesh, Reactor};
use crate::app::store::Standings;
use crate::app::{Change, Identity, Lane};
use crate::limits::STANDING_NS;
use crate::session::Session;

/// The connections of one thread that are looked after.
#[derive(Default)]
pub(super) struct Standing {
    /// Whom to ask, if anybody knows.
    store: Option<Arc<dyn Standings>>,
    /// Where the timer is set, there are some.
    watched: Vec<Key>,
    /// The job has a clone of it.
    away: Arc<()>,
}

impl Standing {
    /// Nothing yet.
    pub(super) fn new(store: Option<Arc<dyn Standings>>) -> Self {
        Self { store, ..Self::default() }
    }

    /// Looks after a new WebSocket, if it is somebody's.
    pub(super) fn watch(&mut self, key: Key, session: &Session, timers: &mut Timers, now_ns: u64) {
        if self.store.is_none() || session.somebody().is_none() {
            return;
        }
        if self.watched.is_empty() {
            timers.set(now_ns + STANDING_NS, Owner::Standing);
        }
        self.watched.push(key);
    }

    /// The job that looks, unless the last one is still under way.
    fn look(&self, identities: Vec<Arc<Identity>>, mesh: &Arc<Mesh>) -> Option<Box<dyn FnOnce() + Send>> {
        let store = Arc::clone(self.store.as_ref()?);
        let (away, mesh) = (Arc::clone(&self.away), Arc::clone(mesh));
        (Arc::strong_count(&self.away) == 2).then(|| {
            Box::new(move || {
                match store.changed(&identities) {
                    Ok(users) => mesh.announce(&users.into_iter().map(Change::Identity).collect::<Vec<_>>()),
                    Err(error) => log::error!("store: {error}; who has a WebSocket open is asked for again"),
                }
                drop(away);
            }) as Box<dyn FnOnce() + Send>
        })
    }
}

impl Reactor {
    /// Obeys what is known by now, and asks for more.
    pub(super) fn look_at_standings(&mut self) {
        // Those that are closed for what was found before must not be asked about again.
        self.news.tell(&mut self.app);
        self.part_with_strangers();
        let (mut identities, conns) = (Vec::new(), &mut self.conns);
        self.standing.watched.retain(|&key| {
            let identity = conns.get_mut(key).and_then(|conn| conn.session.somebody());
            identity.inspect(|&identity| identities.push(Arc::clone(identity))).is_some()
        });
        if identities.is_empty() {
            return;
        }
        self.timers.set(self.now.monotonic_ns + STANDING_NS, Owner::Standing);
        if let Some(job) = self.standing.look(identities, &self.mesh) {
            self.pool.submit(Lane::Io, job);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use mio::{Poll, Token, Waker};

    use super::*;
    use crate::app::identity::Standing as Rank;
    use crate::app::store::Result;
    use crate::app::ws::{Address, Channel, Link, Message, Terms, Upgrade};
    use crate::session::ws::Ws;

    /// Says that everybody whom it is asked about has changed, and notes how many they were.
    #[derive(Default)]
    struct Strict(Mutex<Vec<usize>>);

    impl Standings for Strict {
        fn changed(&self, identities: &[Arc<Identity>]) -> Result<Vec<Arc<str>>> {
            self.0.lock().expect("no panic").push(identities.len());
            Ok(identities.iter().filter_map(|identity| identity.user().cloned()).collect())
        }
    }

    struct Nothing;

    impl Channel for Nothing {
        fn on_message(&mut self, _message: Message<'_>, _link: &mut Link<'_>) {}
    }

    fn mesh() -> (Poll, Arc<Mesh>) {
        let poll = Poll::new().expect("a poll");
        let waker = Waker::new(poll.registry(), Token(0)).expect("a waker");
        (poll, Arc::new(Mesh::new(vec![waker])))
    }

    fn ann() -> Arc<Identity> {
        Arc::new(Identity { standing: Rank::User("ann".into()), ..Identity::anonymous() })
    }

    fn session(identity: Option<Arc<Identity>>, mesh: &Arc<Mesh>) -> Session {
        let upgrade = Upgrade { channel: Box::new(Nothing), terms: Terms::default(), deflate: None };
        let caller = identity.map(Into::into).unwrap_or_default();
        let at = Address { thread: 0, key: 1 };
        Session::Ws(Box::new(Ws::new(upgrade, caller, None, Arc::clone(mesh) as _, at)))
    }

    #[test]
    fn a_thread_has_one_timer_and_only_where_somebody_is_known() {
        let ((_poll, mesh), mut timers) = (mesh(), Timers::default());
        let mut standing = Standing::new(Some(Arc::new(Strict::default())));
        let invalid = Some(Arc::new(Identity::invalid()));
        for nobody in [session(None, &mesh), session(invalid, &mesh), Session::new()] {
            standing.watch(Key(1), &nobody, &mut timers, 0);
        }
        assert_eq!((timers.next(), standing.watched.len()), (None, 0));
        Standing::new(None).watch(Key(1), &session(Some(ann()), &mesh), &mut timers, 0);
        assert_eq!(timers.next(), None, "without a store nobody can be asked");
        (0..5000).for_each(|key| standing.watch(Key(key), &session(Some(ann()), &mesh), &mut timers, key));
        assert_eq!(timers.pop_due(u64::MAX), Some((STANDING_NS, Owner::Standing)));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn one_look_is_over_before_the_next_begins_and_what_it_finds_is_announced() {
        let ((_poll, mesh), store) = (mesh(), Arc::new(Strict::default()));
        let standing = Standing::new(Some(Arc::clone(&store) as _));
        let first = standing.look(vec![ann(); 3], &mesh).expect("nothing is under way");
        assert!(standing.look(vec![ann()], &mesh).is_none());
        assert!(mesh.take_changes(0).is_empty());
        first();
        assert_eq!(mesh.take_changes(0), vec![Change::Identity("ann".into()); 3]);
        drop(standing.look(vec![ann()], &mesh).expect("the first is over"));
        standing.look(vec![ann()], &mesh).expect("one that was dropped is over, too")();
        assert_eq!(*store.0.lock().expect("no panic"), [3, 1]);
    }
}
