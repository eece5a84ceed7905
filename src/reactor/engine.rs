//! All threads of a node: the loops, the pool beside them, and their end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::{Budget, ListenSettings, Listener, Mesh, Meters, Peers, Pool, Reactor, Seat, Settings, Shared, sys};
use crate::app::App;
use crate::limits::THREADS_MAX;

/// How many threads, where, and what all of them together may hold.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Threads of the loop; 0 stands for one per core.
    pub threads: usize,
    /// Each thread of the loop stays on its core.
    pub pin: bool,
    /// Threads for what blocks; 0 stands for twice the cores, at least 4.
    pub pool_threads: usize,
    /// Memory of all connections above which no request is begun, in bytes.
    pub buffer_bytes: u64,
    /// Most connections of one address; 0 for any number.
    pub connections_per_ip: u32,
}

impl Plan {
    /// Threads of the loop.
    pub fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if self.threads == 0 { cores.min(THREADS_MAX) } else { self.threads }
    }

    /// Threads for what blocks: they wait more than they compute.
    fn pool_threads(&self) -> usize {
        let cores = Plan { threads: 0, ..*self }.threads();
        if self.pool_threads == 0 { (2 * cores).max(4) } else { self.pool_threads }
    }
}

/// Is told when a thread cannot go on: which one, and why. Then all others are asked to end.
pub type OnFailure = Arc<dyn Fn(usize, &str) + Send + Sync>;

/// The threads of a node that runs.
pub struct Engine {
    mesh: Arc<Mesh>,
    pool: Arc<Pool>,
    meters: Vec<Arc<Meters>>,
    threads: Vec<JoinHandle<bool>>,
}

impl Engine {
    /// Starts a thread of the loop for each of the lists of listeners, with an app of its own.
    pub fn start(
        plan: &Plan,
        listeners: Vec<Vec<Listener>>,
        settings: &Settings,
        mut app: impl FnMut() -> App,
        on_failure: &OnFailure,
    ) -> io::Result<Self> {
        let (mut seats, mut wakers) = (Vec::new(), Vec::new());
        for _ in &listeners {
            let (seat, waker) = Seat::new().map_err(|error| failed("cannot make a poll", &error))?;
            seats.push(seat);
            wakers.push(waker);
        }
        let mesh = Arc::new(Mesh::new(wakers));
        let pool = Pool::start(plan.pool_threads()).map_err(|error| failed("cannot start threads", &error))?;
        let (pool, meters) = (Arc::new(pool), listeners.iter().map(|_| Arc::default()).collect());
        let budget = Arc::new(Budget::new(plan.buffer_bytes));
        let peers = Arc::new(Peers::new(plan.connections_per_ip));
        let mut engine = Self { mesh, pool, meters, threads: Vec::new() };
        for (index, (seat, listeners)) in seats.into_iter().zip(listeners).enumerate() {
            let (mesh, pool) = (Arc::clone(&engine.mesh), Arc::clone(&engine.pool));
            let shared = Shared { mesh, pool, budget: Arc::clone(&budget), peers: Arc::clone(&peers) };
            let meters = Arc::clone(&engine.meters[index]);
            let reactor = Reactor::new(index, seat, listeners, app(), settings.clone(), shared, meters);
            let (mesh, on_failure) = (Arc::clone(&engine.mesh), Arc::clone(on_failure));
            let give_up = move |failure: &str| {
                on_failure(index, failure);
                // A node that is deaf on one core must not look alive.
                mesh.drain();
            };
            match spawn(index, reactor, plan.pin, give_up) {
                Ok(thread) => engine.threads.push(thread),
                Err(error) => {
                    // Those that run already must not serve on for a node that did not start.
                    engine.mesh.drain();
                    return Err(failed("cannot start a thread", &error));
                }
            }
        }
        Ok(engine)
    }

    /// The mailboxes; [`Mesh::drain`] ends the node.
    pub fn mesh(&self) -> &Arc<Mesh> {
        &self.mesh
    }

    /// The counters, by thread.
    pub fn meters(&self) -> &[Arc<Meters>] {
        &self.meters
    }

    /// Waits until all threads have ended, then for what the pool still has to do. Whether all ended
    /// as they should.
    pub fn join(self) -> bool {
        let ended: Vec<bool> = self.threads.into_iter().map(|thread| thread.join().unwrap_or(false)).collect();
        self.pool.close();
        ended.into_iter().all(|well| well)
    }
}

fn failed(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn spawn(
    index: usize,
    reactor: Reactor,
    pin: bool,
    give_up: impl FnOnce(&str) + Send + 'static,
) -> io::Result<JoinHandle<bool>> {
    std::thread::Builder::new().name(format!("lattice-{index}")).spawn(move || {
        let cpus = sys::allowed_cpus();
        if pin
            && !cpus.is_empty()
            && let Err(error) = sys::pin_to(cpus[index % cpus.len()])
        {
            log::warn!("thread {index} stays unpinned: {error}");
        }
        let failure = match catch_unwind(AssertUnwindSafe(|| reactor.run())) {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked outside of any connection".to_owned(),
        };
        log::error!("thread {index} cannot go on: {failure}");
        give_up(&failure);
        false
    })
}

/// A listener for each of `count` threads, all at the address of the first, which is returned: port 0 is
/// known only then.
pub fn listen_all(wanted: SocketAddr, count: usize, how: &ListenSettings) -> io::Result<(SocketAddr, Vec<Listener>)> {
    refuse_a_shared_port(wanted)?;
    let (mut address, mut listeners) = (wanted, Vec::new());
    for _ in 0..count {
        let listener = Listener::tcp(address, how)?;
        address = listener.address().unwrap_or(address);
        listeners.push(listener);
    }
    if how.steer {
        steer(&listeners);
    }
    Ok((address, listeners))
}

/// It saves work, no more: what stands against it leaves the choice to the kernel's hash.
fn steer(listeners: &[Listener]) {
    let cores = sys::allowed_cpus();
    let steered = match (listeners.first(), cores.get(..listeners.len())) {
        (Some(first), Some(cores)) => first.steer(cores),
        // Of two threads on one core, one would get everything.
        _ => Err(io::Error::other("there are more threads than cores")),
    };
    if let Err(error) = steered {
        log::warn!("connections are not steered by core: {error}");
    }
}

/// SO_REUSEPORT would let a second node of the same user share the port without a word: an ordinary
/// bind, given up at once, finds out.
fn refuse_a_shared_port(address: SocketAddr) -> io::Result<()> {
    if address.port() == 0 { Ok(()) } else { TcpListener::bind(address).map(drop) }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;
    use crate::reactor::listener::Accepted;

    const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    const STEERED: ListenSettings = ListenSettings { backlog: 128, defer_accept: false, steer: true };

    /// How many connections wait at each.
    fn waiting(listeners: &[Listener]) -> Vec<usize> {
        let count = |listener: &Listener| {
            std::iter::from_fn(|| matches!(listener.accept(), Accepted::Conn(..)).then_some(())).count()
        };
        listeners.iter().map(count).collect()
    }

    /// Connections made on a core; over loopback that is where they arrive.
    fn connect_on(core: usize, address: SocketAddr, count: usize) -> Vec<TcpStream> {
        let client = std::thread::spawn(move || {
            sys::pin_to(core).expect("the core is allowed");
            (0..count).map(|_| TcpStream::connect(address).expect("it listens")).collect()
        });
        client.join().expect("no panic")
    }

    #[test]
    fn a_steered_connection_comes_to_the_thread_of_its_core() {
        let cores = sys::allowed_cpus();
        let (address, listeners) = listen_all(ANYWHERE, cores.len(), &STEERED).expect("a free port");
        for (index, &core) in cores.iter().enumerate() {
            let _clients = connect_on(core, address, 16);
            let mut wanted = vec![0; cores.len()];
            wanted[index] = 16;
            assert_eq!(waiting(&listeners), wanted, "core {core}");
        }
    }

    #[test]
    fn with_more_threads_than_cores_all_of_them_are_served() {
        let cores = sys::allowed_cpus();
        let (address, listeners) = listen_all(ANYWHERE, cores.len() + 1, &STEERED).expect("a free port");
        let _clients = connect_on(cores[0], address, 64 * listeners.len());
        assert!(waiting(&listeners).iter().all(|count| *count > 0), "the hash divides them");
    }
}
