//! Publications on their way to the subscribers of this thread, and those who may not have them any more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Reactor;
use super::conn::Conn;
use super::drive::Cause;
use super::slab::Key;
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

    /// Ends what was begun under another standing.
    pub(super) fn part_with_strangers(&mut self) {
        for user in self.news.take_strangers() {
            for key in self.conns.keys() {
                if self.conns.get_mut(key).is_some_and(|conn| conn.session.is_ws()) {
                    self.drive_for(key, Cause::Stranger(user.clone()));
                }
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
