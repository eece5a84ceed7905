//! Who asks: the `Authorization` field in, an [`Identity`] out. A request for a WebSocket may show a token in
//! another way instead, because browsers leave it none (`websocket.rs`).
//!
//! Without credentials nothing is done and the asker stays anonymous. What credentials turned out to
//! be is kept for a few seconds by each thread, by a keyed hash of the field: the cache holds no
//! token and no password. It forgets a user as soon as something about that user changes, so a token
//! that was revoked is worth nothing on any thread once whoever revoked it was told so.
//!
//! Refusing is not done here: whether an unknown asker may go on is for each slice to say. Only when
//! the store fails is the request answered here.

mod cache;
mod credentials;
mod websocket;

use std::sync::Arc;

use aws_lc_rs::digest;

use crate::app::store::{Result, Users};
use crate::app::ws::Origins;
use crate::app::{Change, Guard, Identity, Lane, Outcome, Reply, Request, Value, Verdict};

use cache::Cache;
use credentials::{Credentials, parse, parse_token};

/// A keyed hash of an `Authorization` field, or of what stands for one.
pub(crate) type Fingerprint = [u8; 32];

/// Finds out who asks.
pub struct IdentityGuard {
    users: Arc<dyn Users>,
    key: [u8; 32],
    cache: Cache,
    invalid: Arc<Identity>,
    /// The pages whose cookies count.
    origins: Arc<Origins>,
}

/// What the job of a lookup brings.
struct Found {
    fingerprint: Fingerprint,
    /// Changes heard of when the job was begun.
    begun: u64,
    identity: Result<Option<Identity>>,
}

impl IdentityGuard {
    /// For one thread. `key` is random and the same for nobody outside this process.
    pub fn new(users: Arc<dyn Users>, key: [u8; 32]) -> Self {
        let invalid = Arc::new(Identity::invalid());
        Self { users, key, cache: Cache::new(), invalid, origins: Arc::default() }
    }

    /// The same where these pages may open a WebSocket with the token of a cookie.
    pub fn trusting(self, origins: &Arc<Origins>) -> Self {
        Self { origins: Arc::clone(origins), ..self }
    }

    fn fingerprint(&self, field: &[&[u8]]) -> Fingerprint {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.key);
        field.iter().for_each(|part| context.update(part));
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(context.finish().as_ref());
        fingerprint
    }

    /// Who shows these credentials, as they would stand in the field.
    fn identify(&self, field: &[&[u8]], parse: impl FnOnce() -> Option<Credentials>, request: &Request<'_>) -> Verdict {
        let fingerprint = self.fingerprint(field);
        if let Some(identity) = self.cache.find(&fingerprint, request.now.monotonic_ns) {
            return Verdict::Known(identity);
        }
        match parse() {
            Some(credentials) => self.look_up(credentials, fingerprint),
            None => Verdict::Known(Arc::clone(&self.invalid)),
        }
    }

    fn look_up(&self, credentials: Credentials, fingerprint: Fingerprint) -> Verdict {
        let lane = match credentials {
            Credentials::Token(_) => Lane::Io,
            // A password's hash takes long on purpose.
            Credentials::Password { .. } => Lane::Slow,
        };
        let (users, begun) = (Arc::clone(&self.users), self.cache.heard());
        let job = move || {
            let identity = match &credentials {
                Credentials::Token(token) => users.identify_token(token),
                Credentials::Password { user, password } => users.identify_password(user, password),
            };
            Outcome::value(Found { fingerprint, begun, identity })
        };
        Verdict::Wait(lane, Box::new(job))
    }
}

impl Guard for IdentityGuard {
    fn check(&mut self, request: &Request<'_>, _reply: &mut Reply<'_>) -> Verdict {
        if let Some(field) = request.header("Authorization") {
            return self.identify(&[field], || parse(field), request);
        }
        match websocket::token(request.head, &self.origins) {
            Ok(None) => Verdict::Pass,
            Ok(Some(token)) => self.identify(&[b"Bearer ", token], || parse_token(token), request),
            Err(websocket::Ambiguous) => Verdict::Known(Arc::clone(&self.invalid)),
        }
    }

    fn resume(&mut self, request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Verdict {
        let found = value.downcast::<Found>().expect("the jobs of this guard bring nothing else");
        let identity = match found.identity {
            Ok(Some(identity)) => Arc::new(identity),
            Ok(None) => Arc::clone(&self.invalid),
            Err(error) => {
                log::error!("store: {error}");
                reply.error(500, "the registry's store failed", Some("the operator's log says why"));
                return Verdict::Refused;
            }
        };
        self.cache.keep(found.fingerprint, &identity, found.begun, request.now.monotonic_ns);
        Verdict::Known(identity)
    }

    fn on_change(&mut self, change: &Change) {
        self.cache.on_change(change);
    }
}

#[cfg(test)]
mod tests;
