//! How threads tell each other things.
//!
//! A change is put into every thread's inbox, then one epoch is raised (Release), and only then does
//! the writer answer its client. A thread compares the epoch (Acquire) before it works on bytes it
//! received, and empties its inbox first when it moved: so whoever saw an answer sees what it
//! changed, on every thread. Nobody is woken for a change but for one of what somebody may do, whose WebSockets
//! may wait there: else an idle thread reads its inbox when it next has work. Results of jobs, connections dealt
//! to a thread, and what is published to connections of it, do wake it.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mio::Waker;

use super::accept::Dealt;
use super::backlog::Backlog;
use super::slab::Key;
use crate::app::Change;
use crate::app::ws::{Act, Address, Outlet, Publication};
use crate::limits::{CHANGES_QUEUED_MAX, DEALT_QUEUED_MAX};
use crate::session::Done;

/// What other threads left for one thread of the loop.
#[derive(Default)]
struct Inbox {
    changes: VecDeque<Change>,
    left: Left,
    published: Backlog,
    /// Somebody subscribes there: the thread is woken for what is published.
    listens: bool,
    /// The thread is going away and takes no more connections.
    closed: bool,
}

/// What a thread is woken for.
#[derive(Default)]
pub(super) struct Left {
    /// Results of jobs.
    pub(super) done: Vec<(Key, Done)>,
    /// Connections that another thread accepted for it.
    pub(super) dealt: Vec<Dealt>,
}

impl Left {
    fn is_empty(&self) -> bool {
        self.done.is_empty() && self.dealt.is_empty()
    }
}

struct Post {
    inbox: Mutex<Inbox>,
    waker: Waker,
}

/// The mailboxes of all threads of the loop.
pub struct Mesh {
    epoch: AtomicU64,
    draining: AtomicBool,
    posts: Vec<Post>,
    /// Held while something is put into all mailboxes, so that all have it in the same order.
    publishing: Mutex<()>,
}

impl Mesh {
    /// One mailbox for each waker, in the order of the threads.
    pub fn new(wakers: Vec<Waker>) -> Self {
        let posts = wakers.into_iter().map(|waker| Post { inbox: Mutex::default(), waker }).collect();
        Self { epoch: AtomicU64::new(0), draining: AtomicBool::new(false), posts, publishing: Mutex::default() }
    }

    /// Tells every thread; when this returns, no thread answers from before the changes.
    pub fn announce(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        for post in &self.posts {
            lock(&post.inbox).note(changes);
        }
        self.epoch.fetch_add(1, Ordering::Release);
        if changes.iter().any(Change::is_of_standing) {
            self.wake_all();
        }
    }

    /// Rises with every announcement.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Takes the changes left for `thread`.
    pub(super) fn take_changes(&self, thread: usize) -> VecDeque<Change> {
        std::mem::take(&mut lock(&self.posts[thread].inbox).changes)
    }

    /// Gives a result to the thread of its connection, and wakes it.
    pub(super) fn deliver(&self, thread: usize, key: Key, done: Done) {
        let mut inbox = lock(&self.posts[thread].inbox);
        let first = inbox.left.is_empty();
        inbox.left.done.push((key, done));
        drop(inbox);
        if first {
            self.wake(thread);
        }
    }

    /// Gives a connection to a thread, and wakes it. One that is going away, or has not taken those
    /// before, does not take it.
    pub(super) fn deal(&self, thread: usize, conn: Dealt) -> Result<(), Dealt> {
        let mut inbox = lock(&self.posts[thread].inbox);
        if inbox.closed || inbox.left.dealt.len() >= DEALT_QUEUED_MAX {
            return Err(conn);
        }
        let first = inbox.left.is_empty();
        inbox.left.dealt.push(conn);
        drop(inbox);
        if first {
            self.wake(thread);
        }
        Ok(())
    }

    /// Deals `thread` no more connections; those it was dealt and has not taken.
    pub(super) fn end_dealing(&self, thread: usize) -> Vec<Dealt> {
        let mut inbox = lock(&self.posts[thread].inbox);
        inbox.closed = true;
        std::mem::take(&mut inbox.left.dealt)
    }

    /// Takes what is left for `thread`.
    pub(super) fn take(&self, thread: usize) -> Left {
        std::mem::take(&mut lock(&self.posts[thread].inbox).left)
    }

    /// Takes what was published for `thread`, which is woken for more of it only if it `listens`.
    pub(super) fn take_published(&self, thread: usize, listens: bool) -> VecDeque<Publication> {
        let mut inbox = lock(&self.posts[thread].inbox);
        inbox.listens = listens;
        inbox.published.take()
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> usize {
        self.posts.len()
    }

    /// Asks every thread to finish what is under way and end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.wake_all();
    }

    /// Makes every thread turn once.
    pub fn wake_all(&self) {
        (0..self.posts.len()).for_each(|thread| self.wake(thread));
    }

    /// Whether the node is going away.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn wake(&self, thread: usize) {
        // It fails only when the eventfd's counter is full, and then the thread is awake anyway.
        let _ = self.posts[thread].waker.wake();
    }
}

impl Outlet for Mesh {
    fn publish(&self, publication: Publication) {
        let _all = lock(&self.publishing);
        for (thread, post) in self.posts.iter().enumerate() {
            if lock(&post.inbox).publish(publication.clone()) {
                self.wake(thread);
            }
        }
    }

    fn push(&self, to: Address, act: Act) {
        self.deliver(to.thread, Key(to.key), Done::Push(act));
    }
}

impl Inbox {
    /// A thread without work is owed no unbounded list: first it forgets which caches are meant, then who.
    fn note(&mut self, changes: &[Change]) {
        self.changes.extend(changes.iter().cloned());
        if self.changes.len() > CHANGES_QUEUED_MAX {
            self.changes.retain(Change::is_of_standing);
            self.changes.push_front(Change::Caches);
        }
        if self.changes.len() > CHANGES_QUEUED_MAX {
            self.changes.clear();
            self.changes.push_back(Change::Everything);
        }
    }

    /// Whether the thread has to be woken for it.
    fn publish(&mut self, publication: Publication) -> bool {
        if !self.listens {
            self.published.keep(publication);
            return false;
        }
        // A thread that was woken takes all, and says again that it listens.
        self.published.push(publication)
    }
}

/// A poisoned inbox is still a list of messages.
fn lock<T>(inbox: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    inbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::topics::Topics;
    use super::*;
    use crate::app::ws::{Framed, Topic};
    use crate::limits::PUBLISHED_QUEUED_MAX;
    use crate::wire::ws::Kind;
    use mio::{Events, Poll, Token};
    use socket2::{Domain, Socket, Type};
    use std::time::Duration;

    fn mesh(threads: usize) -> (Vec<Poll>, Mesh) {
        let polls: Vec<Poll> = (0..threads).map(|_| Poll::new().expect("a poll")).collect();
        let wakers = polls.iter().map(|poll| Waker::new(poll.registry(), Token(0)).expect("a waker"));
        let mesh = Mesh::new(wakers.collect());
        (polls, mesh)
    }

    fn is_woken(poll: &mut Poll) -> bool {
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::ZERO)).expect("a poll");
        !events.is_empty()
    }

    fn conn() -> Dealt {
        (Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket"), None)
    }

    fn package(number: usize) -> Change {
        Change::Package(format!("p{number}").into())
    }

    fn user(number: usize) -> Change {
        Change::Identity(format!("u{number}").into())
    }

    #[test]
    fn a_change_is_left_for_every_thread_and_wakes_it_only_if_it_is_of_a_standing() {
        let (mut polls, mesh) = mesh(2);
        let before = mesh.epoch();
        mesh.announce(&[]);
        assert_eq!(mesh.epoch(), before, "nothing changed");
        mesh.announce(&[package(1), package(2)]);
        assert_ne!(mesh.epoch(), before);
        for (thread, poll) in polls.iter_mut().enumerate() {
            assert_eq!(mesh.take_changes(thread), [package(1), package(2)]);
            assert!(mesh.take_changes(thread).is_empty(), "they are told once");
            assert!(!is_woken(poll));
        }
        mesh.announce(&[Change::Caches, Change::Config]);
        assert!(!polls.iter_mut().any(is_woken));
        for change in [user(1), Change::Everything] {
            mesh.announce(&[package(1), change]);
            assert!(polls.iter_mut().all(is_woken));
        }
    }

    #[test]
    fn a_thread_without_work_is_owed_no_endless_list() {
        let (_polls, mesh) = mesh(1);
        (0..CHANGES_QUEUED_MAX).for_each(|number| mesh.announce(&[package(number)]));
        assert_eq!(mesh.take_changes(0).len(), CHANGES_QUEUED_MAX);
        mesh.announce(&[user(1)]);
        (0..CHANGES_QUEUED_MAX).for_each(|number| mesh.announce(&[package(number)]));
        mesh.announce(&[user(2), package(0)]);
        assert_eq!(mesh.take_changes(0), [Change::Caches, user(1), user(2), package(0)], "packages part with nobody");
        let many: Vec<Change> = (0..=CHANGES_QUEUED_MAX).map(package).collect();
        mesh.announce(&many);
        assert_eq!(mesh.take_changes(0), [Change::Caches]);
        let many: Vec<Change> = (0..CHANGES_QUEUED_MAX).map(user).collect();
        mesh.announce(&many);
        assert_eq!(mesh.take_changes(0), many);
        mesh.announce(&many);
        mesh.announce(&[user(0)]);
        assert_eq!(mesh.take_changes(0), [Change::Everything]);
    }

    #[test]
    fn a_result_wakes_its_thread_alone_each_time_its_list_was_empty() {
        let (mut polls, mesh) = mesh(2);
        for round in 0..3 {
            mesh.deliver(1, Key(round), Done::Busy);
            mesh.deliver(1, Key(round + 10), Done::Busy);
            assert!(is_woken(&mut polls[1]) && !is_woken(&mut polls[0]), "round {round}");
            let keys: Vec<Key> = mesh.take(1).done.into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys, [Key(round), Key(round + 10)]);
            assert!(!is_woken(&mut polls[1]) && mesh.take(0).is_empty());
        }
        mesh.drain();
        assert!(mesh.is_draining() && polls.iter_mut().all(is_woken));
    }

    fn publication(topic: &str, number: u8, retain: bool) -> Publication {
        let act = Act::Message(Framed::new(Kind::Binary, &[number]));
        Publication { topic: Topic::new(topic), act, retain }
    }

    #[test]
    fn only_a_thread_that_listens_is_woken_for_what_is_published() {
        let (mut polls, mesh) = mesh(2);
        assert!(mesh.take_published(1, true).is_empty());
        for round in 0..3 {
            mesh.publish(publication("t", round, false));
            mesh.publish(publication("t", round + 10, false));
            assert!(is_woken(&mut polls[1]) && !is_woken(&mut polls[0]), "round {round}");
            let expected = [publication("t", round, false), publication("t", round + 10, false)];
            assert_eq!(mesh.take_published(1, true), expected);
            assert!(mesh.take_published(0, false).is_empty(), "nobody was there to have it");
        }
        mesh.take_published(1, false);
        mesh.publish(publication("t", 1, false));
        assert!(!is_woken(&mut polls[1]) && mesh.take_published(1, false).is_empty());
    }

    #[test]
    fn what_is_to_be_retained_waits_for_who_comes_once_for_each_topic() {
        let (mut polls, mesh) = mesh(1);
        for number in 0..100 {
            mesh.publish(publication("a", number, true));
            mesh.publish(publication("b", number, true));
        }
        assert!(!is_woken(&mut polls[0]));
        assert_eq!(mesh.take_published(0, true), [publication("a", 99, true), publication("b", 99, true)]);
    }

    #[test]
    fn whoever_subscribes_is_sent_the_newest_though_much_was_published_since() {
        let (_polls, mesh) = mesh(1);
        mesh.take_published(0, true);
        (1..3).for_each(|number| mesh.publish(publication("a", number, true)));
        (0..2 * PUBLISHED_QUEUED_MAX).for_each(|_| mesh.publish(publication("b", 0, false)));
        let mut topics = Topics::default();
        topics.publish(mesh.take_published(0, true));
        assert_eq!(topics.subscribe(&Topic::new("a"), Key(1)), Some(publication("a", 2, true).act));
    }

    #[test]
    fn a_thread_that_takes_nothing_is_dealt_so_many_and_no_more() {
        let (_polls, mesh) = mesh(1);
        for number in 0..DEALT_QUEUED_MAX {
            assert!(mesh.deal(0, conn()).is_ok(), "number {number}");
        }
        assert!(mesh.deal(0, conn()).is_err());
        mesh.take(0).dealt.truncate(1);
        assert!(mesh.deal(0, conn()).is_ok());
    }

    #[test]
    fn a_thread_that_is_going_away_is_dealt_no_connection() {
        let (mut polls, mesh) = mesh(2);
        for round in 0..2 {
            assert!(mesh.deal(1, conn()).is_ok() && mesh.deal(1, conn()).is_ok());
            assert!(is_woken(&mut polls[1]) && !is_woken(&mut polls[0]), "round {round}");
            assert_eq!(mesh.take(1).dealt.len(), 2);
        }
        assert!(mesh.deal(1, conn()).is_ok());
        assert_eq!(mesh.end_dealing(1).len(), 1);
        assert!(mesh.deal(1, conn()).is_err() && mesh.deal(0, conn()).is_ok());
        assert!(mesh.take(1).is_empty());
    }
}
