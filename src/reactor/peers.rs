//! How many connections each address has, over all threads.
//!
//! An IPv6 address counts with all of its /64: whoever has one has them all. Connections of this
//! machine are not counted, nor are those of proxies that are believed, which stand for many clients.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts of the table, each with a lock of its own.
const SHARDS: usize = 64;

/// What is counted together: an IPv4 address, or a /64 of IPv6. The two do not meet, as no /64 that
/// is in use begins with 32 zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Origin(NonZeroU64);

impl Origin {
    fn of(peer: IpAddr) -> Option<Self> {
        let bits = match peer.to_canonical() {
            address if address.is_loopback() => return None,
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        };
        NonZeroU64::new(bits).map(Self)
    }
}

/// An address has as many connections as it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crowded;

/// The connections of each address.
#[derive(Debug)]
pub struct Peers {
    most: u32,
    shards: Vec<Mutex<HashMap<Origin, u32>>>,
}

impl Peers {
    /// With at most `most` connections for each; 0 for any number.
    pub fn new(most: u32) -> Self {
        Self { most, shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Counts a connection; what to give back when it is closed.
    pub(super) fn enter(&self, peer: Option<IpAddr>) -> Result<Option<Origin>, Crowded> {
        let Some(origin) = peer.filter(|_| self.most > 0).and_then(Origin::of) else { return Ok(None) };
        let mut shard = self.shard(origin);
        let count = shard.entry(origin).or_default();
        if *count >= self.most {
            return Err(Crowded);
        }
        *count += 1;
        Ok(Some(origin))
    }

    /// A connection that was counted is closed.
    pub(super) fn leave(&self, origin: Origin) {
        let mut shard = self.shard(origin);
        if let Some(count) = shard.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                shard.remove(&origin);
            }
        }
    }

    fn shard(&self, origin: Origin) -> MutexGuard<'_, HashMap<Origin, u32>> {
        // Neighbours are not to meet in one part: the high half of a product mixes all bits.
        let mixed = origin.0.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        self.shards[mixed as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn an_address_has_so_many_and_no_more_until_one_leaves() {
        let peers = Peers::new(2);
        let (a, b) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let held = peers.enter(a).expect("the first").expect("it counts");
        assert!(peers.enter(a).is_ok());
        assert_eq!(peers.enter(a), Err(Crowded));
        assert_eq!(peers.enter(ip("::ffff:192.0.2.1")), Err(Crowded), "the same by another name");
        assert!(peers.enter(b).is_ok(), "another");
        peers.leave(held);
        assert!(peers.enter(a).is_ok());
        assert_eq!(peers.enter(a), Err(Crowded));
    }

    #[test]
    fn a_network_of_ipv6_is_one() {
        let peers = Peers::new(1);
        assert!(peers.enter(ip("2001:db8:0:1::1")).is_ok());
        assert_eq!(peers.enter(ip("2001:db8:0:1:ffff::2")), Err(Crowded));
        assert!(peers.enter(ip("2001:db8:0:2::1")).is_ok());
    }

    #[test]
    fn this_machine_is_not_counted_nor_is_anybody_without_a_bound() {
        let (bounded, unbounded) = (Peers::new(1), Peers::new(0));
        for _ in 0..3 {
            for local in [ip("127.0.0.1"), ip("127.9.9.9"), ip("::1"), ip("::ffff:127.0.0.1"), None] {
                assert_eq!(bounded.enter(local), Ok(None));
            }
            assert_eq!(unbounded.enter(ip("192.0.2.1")), Ok(None));
        }
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let peers = Peers::new(4);
        let all: Vec<Origin> =
            (0..1000u32).filter_map(|n| peers.enter(Some(IpAddr::V4((n + 1).into()))).expect("room")).collect();
        let used = |peers: &Peers| peers.shards.iter().filter(|shard| !shard.lock().expect("whole").is_empty()).count();
        assert!(all.len() == 1000 && used(&peers) > SHARDS / 2, "neighbours are spread");
        all.into_iter().for_each(|origin| peers.leave(origin));
        assert_eq!(used(&peers), 0);
    }
}
