//! Passwords as argon2id hashes: slow on purpose, and never more than two at once.

use std::sync::{Condvar, Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::digest::{SHA256, digest};

use crate::app::store::{Result, StoreError};
use crate::store::error::broken;

/// OWASP's first recommendation for argon2id (m = 19 MiB, t = 2, p = 1).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Computations at once in this process: each takes a core and 19 MiB.
const SLOTS: usize = 2;

/// A hash of nothing anybody knows, with the same costs: verified for a name that does not exist.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGF0dGljZS1ub2JvZHktMQ$hJk3n0c1Wm6YQzvU4pT8rB2eX5sL7dA9fG1iK0oN2qE";

static FREE: Mutex<usize> = Mutex::new(SLOTS);
static FREED: Condvar = Condvar::new();

/// The right to compute.
struct Slot;

impl Slot {
    fn take() -> Self {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = FREED.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *FREE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        FREED.notify_one();
    }
}

/// A new hash of a password, as a PHC string with a random salt.
pub(crate) fn hash(password: &str) -> Result<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| broken("no randomness"))?;
    let _slot = Slot::take();
    let hash: PasswordHash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(unhashable)?;
    Ok(hash.to_string())
}

/// Does the password belong to the hash? Without a hash it does not, after the same work.
pub(crate) fn verify(password: &str, hash: Option<&str>) -> Result<bool> {
    let known = hash.is_some();
    let hash = PasswordHash::new(hash.unwrap_or(DUMMY)).map_err(|error| broken(format!("a stored hash: {error}")))?;
    let _slot = Slot::take();
    let fits = argon2()?.verify_password(password.as_bytes(), &hash).is_ok();
    Ok(fits && known)
}

/// A number that tells this hash from any other, of the same password too.
pub(crate) fn mark(hash: &str) -> u64 {
    let digest = digest(&SHA256, hash.as_bytes());
    digest.as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(unhashable)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn unhashable(error: impl std::fmt::Display) -> StoreError {
    broken(format!("hashing a password: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse", Some(&stored)).unwrap());
        assert!(!verify("correct horsf", Some(&stored)).unwrap());
        assert!(!verify("", Some(&stored)).unwrap());
        let again = hash("correct horse").unwrap();
        assert_ne!(stored, again, "each has its own salt");
        assert_eq!(mark(&stored), mark(&stored));
        assert_ne!(mark(&stored), mark(&again));
    }

    #[test]
    fn nobody_has_the_same_costs_as_somebody_and_no_password() {
        let dummy = PasswordHash::new(DUMMY).unwrap();
        let stored = hash("x").unwrap();
        let stored = PasswordHash::new(&stored).unwrap();
        assert_eq!(dummy.algorithm, stored.algorithm);
        assert_eq!(dummy.params, stored.params);
        assert_eq!(dummy.salt.map(|salt| salt.len()), stored.salt.map(|salt| salt.len()));
        assert_eq!(dummy.hash.map(|hash| hash.len()), stored.hash.map(|hash| hash.len()));
        assert!(!verify("x", None).unwrap());
    }

    #[test]
    fn a_damaged_hash_is_an_error_and_not_a_way_in() {
        assert!(verify("x", Some("")).is_err());
        assert!(verify("x", Some("plain")).is_err());
    }

    #[test]
    fn slots_come_back() {
        std::thread::scope(|scope| {
            for _ in 0..SLOTS * 3 {
                scope.spawn(|| drop(Slot::take()));
            }
        });
        drop(Slot::take());
    }
}
