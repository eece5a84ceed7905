//! The node: which slices, how many threads, who is introduced to whom, and how it ends.
#![allow(clippy::disallowed_methods)] // L5: the process's own threads and signals.

mod listen;
mod systemd;

use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use crate::app::store::Users;
use crate::app::{App, Router, RouterBuilder, Service};
use crate::limits::{SECOND_NS, THREADS_MAX};
use crate::reactor::{self, Budget, Mesh, Meters, Peers, Pool, Reactor, Seat, Shared, SocketFile};
use crate::service::echo::Echo;
use crate::service::identity::IdentityGuard;
use crate::service::npm::{self, Npm};
use crate::service::ping::Ping;
use crate::session;
use crate::settings::{Http, Listen, Settings};
use crate::store::Store;
use crate::wire::http1::Limits;
use systemd::Manager;

/// Runs a node until it is told to end. `started` is when the process began.
pub fn run(settings: Settings, started: Instant) -> ExitCode {
    match start(settings, started) {
        Ok(node) => node.wait(),
        Err(error) => {
            eprintln!("lattice: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A node that runs.
struct Node {
    signals: Signals,
    mesh: Arc<Mesh>,
    pool: Arc<Pool>,
    meters: Vec<Arc<Meters>>,
    threads: Vec<JoinHandle<()>>,
    manager: Manager,
    /// Sockets that others find by a file.
    files: Vec<SocketFile>,
    /// Dropped last: it holds the lock of the data directory.
    _store: Store,
}

/// What every thread's slices are made from.
struct Slices {
    router: Arc<Router>,
    npm: Arc<npm::Shared>,
    users: Arc<dyn Users>,
    identity_key: [u8; 32],
    http: Http,
    echo: bool,
}

/// Why a node did not start: a sentence for the operator.
struct Failure(String);

impl Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn start(mut settings: Settings, started: Instant) -> Result<Node, Failure> {
    let mut manager = Manager::take()?;
    // Before anything else: a signal that comes during the start must end the node in order too.
    let signals = Signals::new([SIGTERM, SIGINT, SIGUSR1]).map_err(|error| failed("cannot watch signals", error))?;
    if let Err(error) = reactor::sys::raise_open_files() {
        log::warn!("the limit of open files stays as it is: {error}");
    }
    let count = thread_count(settings.node.threads);
    let opened = listen::open(&settings, std::mem::take(&mut manager.sockets), count)?;
    // Port 0 is known only now.
    settings.listening_on(opened.places);
    // The settings were judged with what they name; sockets that were handed over replace that.
    if let Some(what) = settings.lacks_public_url() {
        return Err(Failure(format!("{what}: packages name their tarballs by absolute URL")));
    }
    let store = Store::open_exclusive(&settings.node.data)
        .map_err(|error| failed(&format!("cannot open the data directory {}", settings.node.data.display()), error))?;
    let slices = Slices::new(&settings, &store)?;
    let (seats, wakers) = seats(count)?;
    let mesh = Arc::new(Mesh::new(wakers));
    let pool =
        Pool::start(pool_threads(settings.node.pool_threads)).map_err(|error| failed("cannot start threads", error))?;
    let pool = Arc::new(pool);
    let meters: Vec<Arc<Meters>> = (0..count).map(|_| Arc::new(Meters::default())).collect();
    let budget = Arc::new(Budget::new(settings.node.buffer_bytes));
    let peers = Arc::new(Peers::new(settings.node.connections_per_ip));
    let mut threads = Vec::new();
    for (index, (seat, listeners)) in seats.into_iter().zip(opened.listeners).enumerate() {
        let shared = Shared {
            mesh: Arc::clone(&mesh),
            pool: Arc::clone(&pool),
            budget: Arc::clone(&budget),
            peers: Arc::clone(&peers),
        };
        let app = slices.app();
        let reactor =
            Reactor::new(index, seat, listeners, app, reactor_settings(&settings), shared, Arc::clone(&meters[index]));
        let cpu = settings.node.pin.then_some(index);
        threads.push(spawn(index, reactor, cpu).map_err(|error| failed("cannot start a thread", error))?);
    }
    let status = announce(count, &settings, started);
    manager.ready(&status, &mesh, &meters);
    Ok(Node { signals, mesh, pool, meters, threads, manager, files: opened.files, _store: store })
}

fn failed(what: &str, error: impl Display) -> Failure {
    Failure(format!("{what}: {error}"))
}

/// One per core unless told otherwise.
fn thread_count(wanted: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if wanted == 0 { cores.min(THREADS_MAX) } else { wanted }
}

/// Twice the cores: these threads wait more than they compute.
fn pool_threads(wanted: usize) -> usize {
    if wanted == 0 { (2 * thread_count(0)).max(4) } else { wanted }
}

fn seats(count: usize) -> Result<(Vec<Seat>, Vec<mio::Waker>), Failure> {
    let mut made = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (seat, waker) = Seat::new().map_err(|error| failed("cannot make a poll", error))?;
        made.0.push(seat);
        made.1.push(waker);
    }
    Ok(made)
}

impl Slices {
    fn new(settings: &Settings, store: &Store) -> Result<Self, Failure> {
        let npm = npm::Shared::new(settings.npm.clone(), store.packages(), store.blobs(), store.users());
        let mut identity_key = [0; 32];
        getrandom::fill(&mut identity_key).map_err(|error| failed("the system has no randomness", error))?;
        let router = router(&settings.npm, settings.node.echo);
        Ok(Self {
            router: Arc::new(router),
            npm,
            users: store.users(),
            identity_key,
            http: settings.http.clone(),
            echo: settings.node.echo,
        })
    }

    /// The slices of one thread, in the order of [`router`].
    fn app(&self) -> App {
        let mut services: Vec<Box<dyn Service>> =
            vec![Box::new(Ping::new()), Box::new(Npm::new(Arc::clone(&self.npm)))];
        if self.echo {
            services.push(Box::new(Echo));
        }
        let guard = IdentityGuard::new(Arc::clone(&self.users), self.identity_key);
        let mut seed = [0; 8];
        // Without randomness the ids of two threads may be the same, which is no reason not to serve.
        let _ = getrandom::fill(&mut seed);
        let edge = crate::settings::edge::edge(&self.http, u64::from_le_bytes(seed));
        App::new(Arc::clone(&self.router), vec![Box::new(guard)], services).with_edge(edge)
    }
}

/// All routes, at the root and under the path of the public URL.
pub(crate) fn router(npm: &npm::settings::Settings, echo: bool) -> Router {
    let mut router = RouterBuilder::new();
    let mount = mount_path(&npm.public_url);
    let prefixes = if mount.is_empty() { vec![""] } else { vec!["", mount] };
    router.mount(&prefixes, &Ping::routes()).essential().mount(&prefixes, &Npm::routes(npm));
    if echo {
        router.mount(&[""], &Echo::routes());
    }
    router.build()
}

/// `/npm` of `https://host/npm`; empty for `https://host`.
fn mount_path(public_url: &str) -> &str {
    let rest = public_url.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or("", |slash| rest[slash..].trim_end_matches('/'))
}

fn reactor_settings(settings: &Settings) -> reactor::Settings {
    reactor::Settings {
        http: session_settings(&settings.http),
        connections: settings.node.connections,
        drain_ns: settings.node.drain_s * SECOND_NS,
    }
}

fn session_settings(http: &Http) -> session::Settings {
    session::Settings {
        head: Limits { head_bytes: http.head_bytes, headers: http.headers },
        body_bytes: http.body_bytes as u64,
        head_ns: http.head_timeout_s * SECOND_NS,
        body_ns: http.body_timeout_s * SECOND_NS,
        idle_ns: http.idle_timeout_s * SECOND_NS,
        write_ns: http.write_timeout_s * SECOND_NS,
        body_rate: http.body_rate,
        write_rate: http.write_rate,
        requests: http.requests_per_connection,
        trusted: http.trusted_proxies.clone(),
        proxy_protocol: http.proxy_protocol,
        forwarded: http.forwarded,
    }
}

fn spawn(index: usize, reactor: Reactor, cpu: Option<usize>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("lattice-{index}")).spawn(move || {
        let cpus = reactor::sys::allowed_cpus();
        if let (Some(slot), false) = (cpu, cpus.is_empty())
            && let Err(error) = reactor::sys::pin_to(cpus[slot % cpus.len()])
        {
            log::warn!("thread {index} stays unpinned: {error}");
        }
        let failure = match catch_unwind(AssertUnwindSafe(|| reactor.run())) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked outside of any connection".to_owned(),
        };
        log::error!("thread {index} cannot go on: {failure}");
        std::process::exit(70); // EX_SOFTWARE: a node that is deaf on one core must not look alive
    })
}

/// Tells on standard output, and to the caller, where the node listens.
fn announce(threads: usize, settings: &Settings, started: Instant) -> String {
    let micros = started.elapsed().as_micros();
    let s = if threads == 1 { "" } else { "s" };
    let place = |place: &Listen| match place {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(_) => place.to_string(),
    };
    let places: Vec<String> = settings.node.listen.iter().map(place).collect();
    let status = format!("listens on {} with {threads} thread{s}", places.join(" and "));
    let mut out = io::stdout().lock();
    // A closed standard output is no reason not to serve.
    let _ = writeln!(
        out,
        "lattice {} {status}, data in {}, ready in {micros} µs",
        env!("CARGO_PKG_VERSION"),
        settings.node.data.display(),
    );
    let _ = out.flush();
    status
}

impl Node {
    /// Waits for signals until one ends the node, then for what is under way.
    fn wait(mut self) -> ExitCode {
        for signal in self.signals.forever() {
            match signal {
                SIGUSR1 => print_meters(&self.meters),
                _ => break,
            }
        }
        self.manager.stopping();
        // Another node may begin there while this one ends.
        self.files.clear();
        self.mesh.drain();
        let mut signals = self.signals;
        let meters = self.meters.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                match signal {
                    SIGUSR1 => print_meters(&meters),
                    _ => std::process::exit(0),
                }
            }
        });
        for thread in self.threads {
            if thread.join().is_err() {
                return ExitCode::from(70);
            }
        }
        self.pool.close();
        ExitCode::SUCCESS
    }
}

/// One line for each thread, on standard error. Reads counters only: no loop is woken.
fn print_meters(meters: &[Arc<Meters>]) {
    let mut err = io::stderr().lock();
    for (thread, meters) in meters.iter().enumerate() {
        // A closed standard error is no reason to stop.
        let _ = writeln!(err, "meters thread={thread} {meters}");
    }
}
