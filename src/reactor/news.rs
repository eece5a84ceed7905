//! What other threads have changed, and whoever writes the config: told to the app before anything is done that it
//! may bear on.

use std::sync::Arc;

use super::conn::Conn;
use super::live::Watched;
use super::{LiveFile, Mesh};
use crate::app::{App, Change};
use crate::session::Turn;

/// What one thread knows of it.
pub(super) struct News {
    mesh: Arc<Mesh>,
    thread: usize,
    epoch: u64,
    live: Option<Watched>,
    /// Whose standing has changed, for connections that outlast their requests; `None` for anybody's.
    strangers: Vec<Option<Arc<str>>>,
}

impl News {
    /// Tells the app what is in force.
    pub(super) fn new(mesh: &Arc<Mesh>, thread: usize, live: Option<Arc<LiveFile>>, app: &mut App) -> Self {
        let live = live.map(|file| Watched::new(file, app));
        Self { mesh: Arc::clone(mesh), thread, epoch: mesh.epoch(), live, strangers: Vec::new() }
    }

    /// Tells the app what changed since it last looked.
    #[inline(always)]
    pub(super) fn tell(&mut self, app: &mut App) {
        let current = self.mesh.epoch();
        if current != self.epoch {
            self.epoch = current;
            self.tell_all(app);
        }
        if let Some(live) = &mut self.live {
            live.look(app);
        }
    }

    #[cold]
    fn tell_all(&mut self, app: &mut App) {
        for change in self.mesh.take_changes(self.thread) {
            app.on_change(&change);
            match change {
                Change::Everything => self.strangers.push(None),
                Change::Identity(user) => self.strangers.push(Some(user)),
                Change::Caches | Change::Config | Change::Package(_) => {}
            }
        }
        if let Some(live) = &mut self.live {
            live.renew(app);
        }
    }

    /// Tells what changed before the session goes on: nothing it still holds, or is about to read, may be done in
    /// the name of somebody who may not have it done any more.
    #[inline(always)]
    pub(super) fn catch_up(&mut self, conn: &mut Conn, turn: &mut Turn<'_>) {
        self.tell(turn.app);
        if self.has_strangers() {
            self.part_with_stranger(conn, turn);
        }
    }

    #[cold]
    fn part_with_stranger(&self, conn: &mut Conn, turn: &mut Turn<'_>) {
        for user in &self.strangers {
            conn.session.on_identity_change(user.as_deref(), turn);
        }
    }

    /// Whether somebody's standing has changed.
    #[inline]
    pub(super) fn has_strangers(&self) -> bool {
        !self.strangers.is_empty()
    }

    /// Those whose standing has changed, once.
    pub(super) fn take_strangers(&mut self) -> Vec<Option<Arc<str>>> {
        std::mem::take(&mut self.strangers)
    }
}

#[cfg(test)]
mod tests {
    use mio::{Poll, Token, Waker};

    use super::*;
    use crate::app::RouterBuilder;

    #[test]
    fn only_what_bears_on_who_was_let_in_parts_with_anybody() {
        let poll = Poll::new().expect("a poll");
        let mesh = Arc::new(Mesh::new(vec![Waker::new(poll.registry(), Token(0)).expect("a waker")]));
        let mut app = App::new(Arc::new(RouterBuilder::new().build()), Vec::new(), Vec::new());
        let mut news = News::new(&mesh, 0, None, &mut app);
        // A job that panicked must not cost others their connection.
        mesh.announce(&[Change::Caches, Change::Config, Change::Package("left-pad".into())]);
        news.tell(&mut app);
        assert!(!news.has_strangers());
        mesh.announce(&[Change::Identity("ann".into()), Change::Everything]);
        news.tell(&mut app);
        assert_eq!(news.take_strangers(), [Some("ann".into()), None]);
        assert!(!news.has_strangers());
    }
}
