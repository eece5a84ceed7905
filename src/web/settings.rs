//! What can be decided about a server of one's own.

use std::time::Duration;

use crate::limits::{
    BODY_BUFFER_BYTES, BUFFER_BYTES, BUSY_POLL_US_MAX, CONNECTIONS_PER_IP, HEAD_BYTES_MAX, HEADERS_MAX, WS_PING_NS,
};
use crate::reactor::{self, ListenSettings, Plan};
use crate::session;
use crate::session::trust::Trusted;
use crate::wire::http::forwarded::Style;
use crate::wire::http1::Limits;

/// Threads, bounds and patience of an app; the defaults suit most.
///
/// ```
/// use lattice::{App, Settings};
///
/// let settings = Settings { threads: 2, body_bytes: 8 << 20, ..Settings::default() };
/// let app = App::new().settings(settings);
/// # drop(app);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Threads of the event loop; 0 stands for one per core.
    pub threads: usize,
    /// Each thread of the loop stays on its core.
    pub pin: bool,
    /// How long a thread asks for events again and again before it sleeps, at most 10 ms: a busy core for a
    /// shorter way to the next request.
    pub busy_poll: Duration,
    /// Threads for work that blocks; 0 stands for twice the cores, at least 4.
    pub pool_threads: usize,
    /// Most connections of one thread; further ones are answered 503.
    pub connections: usize,
    /// Most connections of one address; 0 for any number.
    pub connections_per_ip: u32,
    /// Memory of all connections together above which no request is begun, in bytes; they are answered 503.
    pub buffer_bytes: u64,
    /// Connections the kernel holds for each thread until they are accepted.
    pub backlog: u32,
    /// Largest body of a request that is read whole, in bytes; more is answered 413.
    pub body_bytes: u64,
    /// Longest head of a request, in bytes, at most 16 KiB; more is answered 431.
    pub head_bytes: usize,
    /// Most fields of a request, at most 100; more is answered 431.
    pub headers: usize,
    /// How long a head may take, from its first byte to its last.
    pub head_timeout: Duration,
    /// Longest pause between two pieces of a body.
    pub body_timeout: Duration,
    /// How long a connection may rest between two requests, or be sent nothing of a stream once the client
    /// has ended its half.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what waits for it.
    pub write_timeout: Duration,
    /// Requests of one connection after which it is closed; 0 for any number.
    pub requests_per_connection: u64,
    /// How long a WebSocket may be silent before it is asked whether anybody is there, and after that.
    pub websocket_ping: Duration,
    /// The proxies in front that are believed in what `forwarded` names.
    pub trusted_proxies: Trusted,
    /// The fields in which those say who asks, and whether by TLS; from anybody else they say nothing.
    pub forwarded: Option<Style>,
    /// How long a shutdown waits for what is under way.
    pub drain_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threads: 0,
            pin: true,
            busy_poll: Duration::ZERO,
            pool_threads: 0,
            connections: 65_536,
            connections_per_ip: CONNECTIONS_PER_IP,
            buffer_bytes: BUFFER_BYTES,
            backlog: 4096,
            body_bytes: BODY_BUFFER_BYTES as u64,
            head_bytes: HEAD_BYTES_MAX,
            headers: HEADERS_MAX,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            requests_per_connection: 0,
            websocket_ping: Duration::from_nanos(WS_PING_NS),
            trusted_proxies: Trusted::default(),
            forwarded: None,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl Settings {
    pub(super) fn plan(&self) -> Plan {
        Plan {
            threads: self.threads,
            pin: self.pin,
            pool_threads: self.pool_threads,
            buffer_bytes: self.buffer_bytes,
            connections_per_ip: self.connections_per_ip,
        }
    }

    pub(super) fn listening(&self) -> ListenSettings {
        ListenSettings { backlog: self.backlog, defer_accept: false, steer: false }
    }

    pub(super) fn session(&self) -> session::Settings {
        let head = Limits { head_bytes: self.head_bytes.min(HEAD_BYTES_MAX), headers: self.headers.min(HEADERS_MAX) };
        session::Settings {
            head,
            body_bytes: self.body_bytes,
            head_ns: nanos(self.head_timeout),
            body_ns: nanos(self.body_timeout),
            idle_ns: nanos(self.idle_timeout),
            write_ns: nanos(self.write_timeout),
            requests: self.requests_per_connection,
            ping_ns: nanos(self.websocket_ping),
            trusted: self.trusted_proxies.clone(),
            forwarded: self.forwarded,
            ..session::Settings::default()
        }
    }

    pub(super) fn reactor(&self) -> reactor::Settings {
        let drain_ns = nanos(self.drain_timeout);
        let busy_poll_ns = nanos(self.busy_poll).min(BUSY_POLL_US_MAX * 1000);
        reactor::Settings {
            http: self.session(),
            connections: self.connections,
            drain_ns,
            busy_poll_ns,
            live: None,
            standings: None,
        }
    }
}

/// Half of what fits, so that no sum with a time of the clock overflows.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX / 2)
}
