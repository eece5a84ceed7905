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
    use socket2::{Domain, Socket, Type};

    use super::super::drive::{Cause, think};
    use super::*;
    use crate::app::identity::Standing;
    use crate::app::ws::{Act, Address, Channel, Framed, Link, Message, Terms, Upgrade};
    use crate::app::{Identity, Moment, RouterBuilder};
    use crate::buffer::{RecvBuf, SendBuf};
    use crate::limits::WS_EVENTS_PER_TURN_MAX;
    use crate::session::ws::Ws;
    use crate::session::{Memory, Phase, Pressure, Session, Settings};

    /// One that is alone.
    fn thread() -> (Poll, Arc<Mesh>, App, News) {
        let poll = Poll::new().expect("a poll");
        let mesh = Arc::new(Mesh::new(vec![Waker::new(poll.registry(), Token(0)).expect("a waker")]));
        let mut app = App::new(Arc::new(RouterBuilder::new().build()), Vec::new(), Vec::new());
        let news = News::new(&mesh, 0, None, &mut app);
        (poll, mesh, app, news)
    }

    #[test]
    fn only_what_bears_on_who_was_let_in_parts_with_anybody() {
        let (_poll, mesh, mut app, mut news) = thread();
        // A job that panicked must not cost others their connection.
        mesh.announce(&[Change::Caches, Change::Config, Change::Package("left-pad".into())]);
        news.tell(&mut app);
        assert!(!news.has_strangers());
        mesh.announce(&[Change::Identity("ann".into()), Change::Everything]);
        news.tell(&mut app);
        assert_eq!(news.take_strangers(), [Some("ann".into()), None]);
        assert!(!news.has_strangers());
    }

    struct Nothing;

    impl Channel for Nothing {
        fn on_message(&mut self, _message: Message<'_>, _link: &mut Link<'_>) {}
    }

    #[test]
    fn what_is_published_to_somebody_takes_up_nothing_that_he_may_not_have_done_any_more() {
        let (_poll, mesh, mut app, mut news) = thread();
        let (settings, memory, mut out) = (Settings::default(), Memory::new(), SendBuf::new());
        let mut turn = Turn {
            app: &mut app,
            settings: &settings,
            out: &mut out,
            date: b"",
            now: Moment { monotonic_ns: 0, unix_ms: 0 },
            peer: None,
            draining: false,
            pressure: Pressure::None,
            memory: &memory,
        };
        let ann = Arc::new(Identity { standing: Standing::User("ann".into()), ..Identity::anonymous() });
        let upgrade = Upgrade { channel: Box::new(Nothing), terms: Terms::default(), deflate: None };
        let mut ws = Ws::new(upgrade, ann.into(), None, Arc::clone(&mesh) as _, Address { thread: 0, key: 1 });
        // More empty messages than a turn takes.
        let messages = WS_EVENTS_PER_TURN_MAX as u64;
        ws.on_open(&mut [0x82, 0x80, 0, 0, 0, 0].repeat(WS_EVENTS_PER_TURN_MAX + 1), &mut turn);
        let mut conn = Conn::new(Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket"), None, &settings, 0);
        conn.session = Session::Ws(Box::new(ws));
        assert!(conn.session.is_ready(0) && conn.session.served() == messages);
        mesh.announce(&[Change::Identity("ann".into())]);
        let published = Cause::Published(Act::Message(Framed::text("for all")));
        think(&mut conn, published, &mut RecvBuf::new(), &mut turn, &mut news);
        assert_eq!((conn.session.served(), conn.session.phase()), (messages, Phase::Closing));
        assert!(news.has_strangers(), "his other connections are still to be closed");
    }
}
