//! What a thread of the loop counts about itself.
//!
//! Each thread writes its own; anybody reads. A count is one relaxed load and one relaxed store.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! meters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counters of one thread, on cache lines of their own.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub struct Meters { $($(#[$doc])* pub $name: Count,)* }

        impl fmt::Display for Meters {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut gap = "";
                $(
                    write!(formatter, "{gap}{}={}", stringify!($name), self.$name.read())?;
                    gap = " ";
                )*
                let _ = gap;
                Ok(())
            }
        }
    };
}

meters! {
    /// Times the kernel woke the loop, or the loop did not wait.
    wakes,
    /// Times the kernel was asked without waiting before a sleep (`busy_poll_us`).
    spins,
    /// Readiness events.
    events,
    /// Events for connections that are gone.
    stale,
    /// Connections accepted.
    accepted,
    /// Connections closed.
    closed,
    /// Connections refused for lack of descriptors or places.
    refused,
    /// Connections refused because their address has as many as it may.
    crowded,
    /// Connections that were refused a request, or the rest of one, for want of memory.
    shed,
    /// Connections cut off because they took too little of what was sent.
    deaf,
    /// Connections of trusted proxies closed for want of a header of the PROXY protocol.
    prefaces_refused,
    /// Times accepting was paused.
    pauses,
    /// Requests begun.
    requests,
    /// Connections that became WebSockets.
    upgraded,
    /// Messages that came by WebSocket.
    messages,
    /// Messages that were published, counted for each who subscribes.
    pushed,
    /// Jobs handed to the pool.
    jobs,
    /// Connections cut off because their events led nowhere.
    quarantined,
    /// Deadlines that passed.
    expired,
    /// Panics caught.
    panics,
}

/// One counter, with one writer.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds one.
    pub fn one(&self) {
        self.add(1);
    }

    /// Adds `count`. There is one writer, so this needs no locked instruction.
    pub fn add(&self, count: u64) {
        self.0.store(self.0.load(Relaxed) + count, Relaxed);
    }

    /// The value.
    pub fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
