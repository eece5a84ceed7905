//! How threads tell each other things.
//!
//! A change is put into every thread's inbox, then one epoch is raised (Release), and only then does
//! the writer answer its client. A thread compares the epoch (Acquire) before it works on bytes it
//! received, and empties its inbox first when it moved: so whoever saw an answer sees what it
//! changed, on every thread. Nobody is woken for a change: an idle thread reads its inbox when it
//! next has work. Results of jobs do wake their thread.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mio::Waker;

use super::slab::Key;
use crate::app::Change;
use crate::limits::CHANGES_QUEUED_MAX;
use crate::session::Done;

/// What other threads left for one thread of the loop.
#[derive(Default)]
struct Inbox {
    changes: VecDeque<Change>,
    done: Vec<(Key, Done)>,
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
}

impl Mesh {
    /// One mailbox for each waker, in the order of the threads.
    pub fn new(wakers: Vec<Waker>) -> Self {
        let posts = wakers.into_iter().map(|waker| Post { inbox: Mutex::default(), waker }).collect();
        Self { epoch: AtomicU64::new(0), draining: AtomicBool::new(false), posts }
    }

    /// Tells every thread; when this returns, no thread answers from before the changes.
    pub fn announce(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        for post in &self.posts {
            let mut inbox = lock(&post.inbox);
            if inbox.changes.len() + changes.len() > CHANGES_QUEUED_MAX {
                // A thread without work may not be owed an unbounded list.
                inbox.changes.clear();
                inbox.changes.push_back(Change::Everything);
            } else {
                inbox.changes.extend(changes.iter().cloned());
            }
        }
        self.epoch.fetch_add(1, Ordering::Release);
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
        let first = {
            let mut inbox = lock(&self.posts[thread].inbox);
            inbox.done.push((key, done));
            inbox.done.len() == 1
        };
        if first {
            self.wake(thread);
        }
    }

    /// Takes the results left for `thread`.
    pub(super) fn take_done(&self, thread: usize) -> Vec<(Key, Done)> {
        std::mem::take(&mut lock(&self.posts[thread].inbox).done)
    }

    /// Asks every thread to finish what is under way and end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
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

/// A poisoned inbox is still a list of messages.
fn lock(inbox: &Mutex<Inbox>) -> std::sync::MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll, Token};
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

    fn package(number: usize) -> Change {
        Change::Package(format!("p{number}").into())
    }

    #[test]
    fn a_change_is_left_for_every_thread_and_wakes_none() {
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
    }

    #[test]
    fn a_thread_without_work_is_owed_no_endless_list() {
        let (_polls, mesh) = mesh(1);
        (0..CHANGES_QUEUED_MAX).for_each(|number| mesh.announce(&[package(number)]));
        assert_eq!(mesh.take_changes(0).len(), CHANGES_QUEUED_MAX);
        (0..=CHANGES_QUEUED_MAX).for_each(|number| mesh.announce(&[package(number)]));
        mesh.announce(&[package(0)]);
        assert_eq!(mesh.take_changes(0), [Change::Everything, package(0)]);
        let many: Vec<Change> = (0..=CHANGES_QUEUED_MAX).map(package).collect();
        mesh.announce(&many);
        assert_eq!(mesh.take_changes(0), [Change::Everything]);
    }

    #[test]
    fn a_result_wakes_its_thread_alone_each_time_its_list_was_empty() {
        let (mut polls, mesh) = mesh(2);
        for round in 0..3 {
            mesh.deliver(1, Key(round), Done::Busy);
            mesh.deliver(1, Key(round + 10), Done::Busy);
            assert!(is_woken(&mut polls[1]) && !is_woken(&mut polls[0]), "round {round}");
            let keys: Vec<Key> = mesh.take_done(1).into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys, [Key(round), Key(round + 10)]);
            assert!(!is_woken(&mut polls[1]) && mesh.take_done(0).is_empty());
        }
        mesh.drain();
        assert!(mesh.is_draining() && polls.iter_mut().all(is_woken));
    }
}
