//! All threads of a node: the loops, the pool beside them, and their end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::{ListenSettings, Mesh, Meters, Pool, Reactor, Seat, Settings, Shared, listen, sys};
use crate::app::App;
use crate::limits::THREADS_MAX;

/// How many threads, and where.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Threads of the loop; 0 stands for one per core.
    pub threads: usize,
    /// Each thread of the loop stays on its core.
    pub pin: bool,
    /// Threads for what blocks; 0 stands for twice the cores, at least 4.
    pub pool_threads: usize,
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
    /// Starts a thread of the loop for each socket, with an app of its own.
    pub fn start(
        plan: &Plan,
        sockets: Vec<TcpListener>,
        settings: &Settings,
        mut app: impl FnMut() -> App,
        on_failure: &OnFailure,
    ) -> io::Result<Self> {
        let (mut seats, mut wakers) = (Vec::new(), Vec::new());
        for _ in &sockets {
            let (seat, waker) = Seat::new().map_err(|error| failed("cannot make a poll", &error))?;
            seats.push(seat);
            wakers.push(waker);
        }
        let mesh = Arc::new(Mesh::new(wakers));
        let pool = Pool::start(plan.pool_threads()).map_err(|error| failed("cannot start threads", &error))?;
        let (pool, meters) = (Arc::new(pool), sockets.iter().map(|_| Arc::default()).collect());
        let mut engine = Self { mesh, pool, meters, threads: Vec::new() };
        for (index, (seat, socket)) in seats.into_iter().zip(sockets).enumerate() {
            let shared = Shared { mesh: Arc::clone(&engine.mesh), pool: Arc::clone(&engine.pool) };
            let meters = Arc::clone(&engine.meters[index]);
            let reactor = Reactor::new(index, seat, socket, app(), settings.clone(), shared, meters);
            let (mesh, on_failure) = (Arc::clone(&engine.mesh), Arc::clone(on_failure));
            let give_up = move |failure: &str| {
                on_failure(index, failure);
                // A node that is deaf on one core must not look alive.
                mesh.drain();
            };
            let thread = spawn(index, reactor, plan.pin, give_up);
            engine.threads.push(thread.map_err(|error| failed("cannot start a thread", &error))?);
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

/// One listener for each of `count` threads, all on the address of the first. An error comes with the
/// address that could not be had.
pub fn listen_all(
    first: SocketAddr,
    count: usize,
    how: &ListenSettings,
) -> Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    refuse_a_shared_port(first).map_err(|error| (first, error))?;
    let mut sockets = vec![listen(first, how).map_err(|error| (first, error))?];
    let address = sockets[0].local_addr().map_err(|error| (first, error))?;
    for _ in 1..count {
        sockets.push(listen(address, how).map_err(|error| (address, error))?);
    }
    Ok(sockets)
}

/// SO_REUSEPORT would let a second node of the same user share the port without a word: an ordinary
/// bind, given up at once, finds out.
fn refuse_a_shared_port(address: SocketAddr) -> io::Result<()> {
    if address.port() == 0 { Ok(()) } else { TcpListener::bind(address).map(drop) }
}
