//! How long a quick client waits for its echo.

use std::time::{Duration, Instant};

use crate::ECHO;
use crate::peer::Peer;
use crate::support::Node;

const MESSAGES: usize = 1_000;
/// Connections that are used in turn, so that every thread of the node is asked.
const CONNECTIONS: usize = 8;
const PAUSE: Duration = Duration::from_micros(300);
/// What the node promises to whoever is quick.
const P99_MAX: Duration = Duration::from_millis(20);
/// Another process may take this machine's cores for a moment; the node would have to be slow each time.
const ATTEMPTS: usize = 5;

/// Connections of a client that is quick.
pub(crate) struct Quick {
    peers: Vec<Peer>,
    /// The wait that one of a hundred messages exceeds while nobody else is there.
    idle: Duration,
}

impl Quick {
    pub(crate) fn new(node: &Node) -> Quick {
        let peers = (0..CONNECTIONS).map(|_| Peer::open(node.address(), ECHO)).collect();
        let mut quick = Quick { peers, idle: Duration::ZERO };
        quick.idle = quick.p99("alone");
        quick
    }

    /// Ninety-nine of a hundred messages come back in time, or as they do when nobody else is there.
    pub(crate) fn assert_served(&mut self, what: &str) {
        let most = P99_MAX.max(2 * self.idle);
        let is_quick = (0..ATTEMPTS).any(|_| self.p99(what) < most);
        assert!(is_quick, "{what}: the p99 of each attempt is above {most:?}");
    }

    fn p99(&mut self, what: &str) -> Duration {
        let mut waits: Vec<Duration> = (0..MESSAGES)
            .map(|number| {
                std::thread::sleep(PAUSE);
                let begin = Instant::now();
                self.peers[number % CONNECTIONS].echo(b"quick");
                begin.elapsed()
            })
            .collect();
        waits.sort_unstable();
        println!("{what}: p50 {:?}, p99 {:?}", waits[MESSAGES / 2], waits[MESSAGES * 99 / 100]);
        waits[MESSAGES * 99 / 100]
    }
}
