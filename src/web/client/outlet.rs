//! What is published to the WebSockets of a test client, and waits until each looks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::ws::{Act, Address, Ask, Outlet, Publication, Topic};

/// The way to the connections of one client, from any thread.
#[derive(Default)]
pub(super) struct TestOutlet(Mutex<Post>);

#[derive(Default)]
struct Post {
    keys: u64,
    subscribers: HashMap<Topic, Vec<u64>>,
    retained: HashMap<Topic, Act>,
    /// What waits, by connection.
    mail: HashMap<u64, VecDeque<Act>>,
}

impl TestOutlet {
    /// What the next connection is called; from now on it has mail.
    pub(super) fn fresh_key(&self) -> u64 {
        let mut post = self.post();
        post.keys += 1;
        let key = post.keys;
        post.mail.insert(key, VecDeque::new());
        key
    }

    /// Does what a channel asked for.
    pub(super) fn grant(&self, ask: Ask, key: u64) {
        match ask {
            Ask::Publish(publication) => self.publish(publication),
            Ask::Subscribe(topic) => {
                let mut post = self.post();
                if let Some(act) = post.retained.get(&topic).cloned() {
                    post.put(key, act);
                }
                post.subscribers.entry(topic).or_default().push(key);
            }
            Ask::Unsubscribe(topic) => {
                if let Some(subscribers) = self.post().subscribers.get_mut(&topic) {
                    subscribers.retain(|subscriber| *subscriber != key);
                }
            }
        }
    }

    /// What came first of what waits for a connection.
    pub(super) fn take(&self, key: u64) -> Option<Act> {
        self.post().mail.get_mut(&key)?.pop_front()
    }

    /// A connection is gone.
    pub(super) fn forget(&self, key: u64) {
        let mut post = self.post();
        post.mail.remove(&key);
        post.subscribers.values_mut().for_each(|subscribers| subscribers.retain(|subscriber| *subscriber != key));
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post {
    fn put(&mut self, key: u64, act: Act) {
        if let Some(mail) = self.mail.get_mut(&key) {
            mail.push_back(act);
        }
    }
}

impl Outlet for TestOutlet {
    fn publish(&self, Publication { topic, act, retain }: Publication) {
        let mut post = self.post();
        for key in post.subscribers.get(&topic).cloned().unwrap_or_default() {
            post.put(key, act.clone());
        }
        if retain {
            post.retained.insert(topic, act);
        }
    }

    fn push(&self, to: Address, act: Act) {
        self.post().put(to.key, act);
    }
}
