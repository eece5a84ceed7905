//! Publications on their way to the subscribers of this thread, and those who may not have them any more.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Reactor;
use super::conn::Conn;
use super::drive::Cause;
use super::slab::Key;
use crate::app::Identity;
use crate::app::ws::Act;
use crate::limits::PUSHES_PER_TURN_MAX;

impl Reactor {
    /// Takes in what other threads have published.
    pub(super) fn take_published(&mut self) {
        let listens = self.topics.has_subscribers();
        self.topics.publish(self.mesh.take_published(self.thread, listens));
    }

    /// Sends what was published to the next so many who subscribe.
    pub(super) fn push_published(&mut self) {
        // Who may not have it any more must not.
        self.news.tell(&mut self.app);
        self.part_with_strangers();
        let mut left = PUSHES_PER_TURN_MAX;
        while left > 0 {
            let Some((keys, act)) = self.topics.next(left) else { return };
            self.meters.pushed.add(keys.len() as u64);
            left = left.saturating_sub(keys.len().max(1));
            self.push_all(&keys, &act);
        }
    }

    fn push_all(&mut self, keys: &[Key], act: &Act) {
        let mut next = 0;
        while next < keys.len() {
            let pushed = catch_unwind(AssertUnwindSafe(|| {
                while let Some(&key) = keys.get(next) {
                    next += 1;
                    let fate = self.push(key, act);
                    self.settle(key, fate);
                }
            }));
            if pushed.is_err() {
                self.on_panic(keys[next - 1]);
            }
        }
    }

    /// Ends what was begun under another standing. Each connection is looked at once, however many users are meant.
    pub(super) fn part_with_strangers(&mut self) {
        if !self.news.has_strangers() {
            return;
        }
        let strangers = self.news.take_strangers();
        let is_anybody = strangers.contains(&None);
        let users: HashSet<Arc<str>> = strangers.into_iter().flatten().collect();
        let is_meant =
            |identity: &Arc<Identity>| is_anybody || identity.user().is_some_and(|user| users.contains(user));
        for key in self.conns.keys() {
            if self.conns.get_mut(key).and_then(|conn| conn.session.somebody()).is_some_and(is_meant) {
                self.drive_for(key, Cause::Stranger);
            }
        }
    }

    /// A WebSocket is gone: nobody publishes to it, and its channel knows and is dropped, which may run what a
    /// program wrote.
    #[cold]
    pub(super) fn part_with(&mut self, mut conn: Conn) {
        let conns = &mut self.conns;
        for topic in conn.session.topics() {
            self.topics.count_gap(topic, |other| conns.get_mut(other).is_some());
        }
        let told = catch_unwind(AssertUnwindSafe(|| conn.session.on_gone()));
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(conn)));
        [told, dropped].iter().filter(|outcome| outcome.is_err()).for_each(|_| self.meters.panics.one());
    }
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::super::{Budget, Mesh, Peers, Pool, Seat, Settings, Shared};
    use super::*;
    use crate::app::identity::Standing;
    use crate::app::ws::{Address, Channel, Link, Message, Terms, Upgrade};
    use crate::app::{App, Change, RouterBuilder};
    use crate::session::ws::Ws;
    use crate::session::{self, Phase, Session};

    struct Nothing;

    impl Channel for Nothing {
        fn on_message(&mut self, _message: Message<'_>, _link: &mut Link<'_>) {}
    }

    /// A thread's loop that does not run.
    fn reactor() -> Reactor {
        let (seat, waker) = Seat::new().expect("a poll");
        let app = App::new(Arc::new(RouterBuilder::new().build()), Vec::new(), Vec::new());
        let settings = Settings {
            http: session::Settings::default(),
            connections: 100,
            drain_ns: 0,
            busy_poll_ns: 0,
            live: None,
            standings: None,
        };
        let shared = Shared {
            mesh: Arc::new(Mesh::new(vec![waker])),
            pool: Arc::new(Pool::start(1).expect("threads")),
            budget: Arc::new(Budget::new(1 << 30)),
            peers: Arc::new(Peers::new(0)),
        };
        Reactor::new(0, seat, Vec::new(), app, settings, shared, Arc::default())
    }

    /// Somebody's WebSocket, or nobody's, as after a turn that led nowhere.
    fn open(reactor: &mut Reactor, user: Option<&str>) -> (Key, Socket) {
        let standing = user.map_or(Standing::Anonymous, |name| Standing::User(name.into()));
        let caller = Arc::new(Identity { standing, ..Identity::anonymous() }).into();
        let upgrade = Upgrade { channel: Box::new(Nothing), terms: Terms::default(), deflate: None };
        let ws = Ws::new(upgrade, caller, None, Arc::clone(&reactor.mesh) as _, Address { thread: 0, key: 0 });
        let (stream, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("sockets");
        let mut conn = Conn::new(stream, None, &reactor.settings.http, 0);
        (conn.session, conn.barren) = (Session::Ws(Box::new(ws)), 1);
        (reactor.conns.insert_with(|_| conn), far)
    }

    /// Whether each of them was driven, and what it is doing.
    fn driven(reactor: &mut Reactor, keys: &[(Key, Socket)]) -> Vec<(bool, Phase)> {
        let conn =
            |key: &(Key, Socket)| reactor.conns.get_mut(key.0).map(|conn| (conn.barren == 0, conn.session.phase()));
        keys.iter().map(conn).map(|conn| conn.expect("it is there")).collect()
    }

    #[test]
    fn only_those_are_driven_whose_standing_has_changed() {
        let mut reactor = reactor();
        let keys = [Some("ann"), Some("bob"), None, Some("eve")].map(|user| open(&mut reactor, user));
        reactor.mesh.announce(&["ann", "eve", "ann", "zoe"].map(|name| Change::Identity(name.into())));
        reactor.news.tell(&mut reactor.app);
        reactor.part_with_strangers();
        let (meant, others) = ((true, Phase::Closing), (false, Phase::Open));
        assert_eq!(driven(&mut reactor, &keys), [meant, others, others, meant]);
        reactor.mesh.announce(&[Change::Identity("zoe".into()), Change::Everything]);
        reactor.news.tell(&mut reactor.app);
        reactor.part_with_strangers();
        assert_eq!(driven(&mut reactor, &keys), [meant, meant, others, meant]);
    }
}
