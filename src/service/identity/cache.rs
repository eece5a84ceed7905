//! What credentials turned out to be, for a few seconds.
//!
//! Valid and invalid ones are kept apart, so that nobody can drive out a user's by guessing.
//! Invariant: nothing is kept that a job found before a change this thread has heard of.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::app::{Change, Identity};
use crate::limits::SECOND_NS;

use super::Fingerprint;

/// Valid credentials kept.
pub(crate) const VALID_MAX: usize = 4096;
/// Invalid credentials kept.
pub(crate) const INVALID_MAX: usize = 256;
/// How long valid credentials are believed. Changes are announced; this is for what is changed
/// behind the node's back.
pub(crate) const VALID_NS: u64 = 10 * SECOND_NS;
/// How long invalid ones are not asked about again.
pub(crate) const INVALID_NS: u64 = 2 * SECOND_NS;

/// The cache of one thread.
pub(crate) struct Cache {
    valid: Kept,
    invalid: Kept,
    heard: u64,
}

/// Identities until they expire, the oldest first: all of one kind live equally long.
#[derive(Default)]
struct Kept {
    identities: HashMap<Fingerprint, (Arc<Identity>, u64)>,
    order: VecDeque<Fingerprint>,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self { valid: Kept::default(), invalid: Kept::default(), heard: 0 }
    }

    /// Changes heard of so far; to be handed to [`Self::keep`].
    pub(crate) fn heard(&self) -> u64 {
        self.heard
    }

    /// What these credentials are.
    pub(crate) fn find(&self, fingerprint: &Fingerprint, now_ns: u64) -> Option<Arc<Identity>> {
        self.valid.find(fingerprint, now_ns).or_else(|| self.invalid.find(fingerprint, now_ns))
    }

    /// Keeps what a job found that was begun when `begun` changes had been heard of.
    pub(crate) fn keep(&mut self, fingerprint: Fingerprint, identity: &Arc<Identity>, begun: u64, now_ns: u64) {
        if begun != self.heard {
            return;
        }
        match identity.user() {
            Some(_) => self.valid.keep(fingerprint, identity, now_ns + VALID_NS, VALID_MAX),
            None => self.invalid.keep(fingerprint, identity, now_ns + INVALID_NS, INVALID_MAX),
        }
    }

    /// Forgets a user; and what was worth nothing, for it may be worth something now.
    pub(crate) fn on_change(&mut self, change: &Change) {
        match change {
            Change::Identity(user) => self.valid.forget(user),
            Change::Caches | Change::Everything => self.valid = Kept::default(),
            Change::Config | Change::Package(_) => return,
        }
        self.invalid = Kept::default();
        self.heard += 1;
    }
}

impl Kept {
    fn find(&self, fingerprint: &Fingerprint, now_ns: u64) -> Option<Arc<Identity>> {
        let (identity, expires_ns) = self.identities.get(fingerprint)?;
        (now_ns < *expires_ns).then(|| Arc::clone(identity))
    }

    fn keep(&mut self, fingerprint: Fingerprint, identity: &Arc<Identity>, expires_ns: u64, count_max: usize) {
        if self.identities.insert(fingerprint, (Arc::clone(identity), expires_ns)).is_some() {
            self.order.retain(|known| *known != fingerprint);
        }
        self.order.push_back(fingerprint);
        while self.order.len() > count_max {
            if let Some(oldest) = self.order.pop_front() {
                self.identities.remove(&oldest);
            }
        }
    }

    fn forget(&mut self, user: &str) {
        self.identities.retain(|_, (identity, _)| identity.user().is_some_and(|known| **known != *user));
        let identities = &self.identities;
        self.order.retain(|fingerprint| identities.contains_key(fingerprint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::identity::{Shown, Standing};

    fn user(name: &str) -> Arc<Identity> {
        let standing = Standing::User(name.into());
        Arc::new(Identity { standing, read_only: false, admin: false, shown: Shown::Nothing })
    }

    fn print(number: usize) -> Fingerprint {
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&number.to_le_bytes());
        fingerprint
    }

    #[test]
    fn what_is_kept_expires() {
        let mut cache = Cache::new();
        cache.keep(print(1), &user("ann"), 0, 5);
        cache.keep(print(2), &Arc::new(Identity::invalid()), 0, 5);
        assert!(cache.find(&print(1), 5 + VALID_NS - 1).is_some());
        assert!(cache.find(&print(1), 5 + VALID_NS).is_none());
        assert!(cache.find(&print(2), 5 + INVALID_NS - 1).is_some());
        assert!(cache.find(&print(2), 5 + INVALID_NS).is_none());
    }

    #[test]
    fn guesses_are_bounded_and_drive_nobody_out() {
        let mut cache = Cache::new();
        cache.keep(print(0), &user("ann"), 0, 0);
        for guess in 1..=INVALID_MAX + 10 {
            cache.keep(print(guess), &Arc::new(Identity::invalid()), 0, 0);
        }
        assert_eq!((cache.invalid.identities.len(), cache.invalid.order.len()), (INVALID_MAX, INVALID_MAX));
        assert!(cache.find(&print(0), 1).is_some());
        assert!(cache.find(&print(10), 1).is_none() && cache.find(&print(11), 1).is_some());
        for number in 0..VALID_MAX + 1 {
            cache.keep(print(number), &user("bob"), 0, 0);
            cache.keep(print(number), &user("bob"), 0, 0);
        }
        assert_eq!((cache.valid.identities.len(), cache.valid.order.len()), (VALID_MAX, VALID_MAX));
    }

    #[test]
    fn a_change_is_forgotten_and_outruns_jobs() {
        for (change, ann, bob) in [
            (Change::Identity("ann".into()), false, true),
            (Change::Caches, false, false),
            (Change::Everything, false, false),
            (Change::Package("ann".into()), true, true),
        ] {
            let mut cache = Cache::new();
            let begun = cache.heard();
            cache.keep(print(1), &user("ann"), begun, 0);
            cache.keep(print(2), &user("bob"), begun, 0);
            cache.keep(print(3), &Arc::new(Identity::invalid()), begun, 0);
            cache.on_change(&change);
            let found = [1, 2, 3].map(|number| cache.find(&print(number), 1).is_some());
            assert_eq!(found, [ann, bob, ann], "{change:?}");
            cache.keep(print(4), &user("ann"), begun, 0);
            assert_eq!(cache.find(&print(4), 1).is_some(), ann, "{change:?} came while the job ran");
        }
    }
}
