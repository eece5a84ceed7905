//! The node: which slices, how many threads, who is introduced to whom, and how it ends.
#![allow(clippy::disallowed_methods)] // L5: the process's own threads and signals.

mod listen;
pub(crate) mod live;
mod requests;
mod systemd;

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use log::LevelFilter;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use crate::app::live::LiveConfig;
use crate::app::store::Users;
use crate::app::ws::Terms;
use crate::app::{App, Router, RouterBuilder, Service};
use crate::config::{Flags, sigbus};
use crate::limits::SECOND_NS;
use crate::reactor::{self, Engine, Meters, OnFailure, OnFlags, Plan, SocketFile};
use crate::service::control::Control;
use crate::service::echo::Echo;
use crate::service::identity::IdentityGuard;
use crate::service::npm::{self, Npm};
use crate::service::ping::Ping;
use crate::session;
use crate::settings::{Http, Listen, Settings, Ws};
use crate::store::Store;
use crate::wire::http1::Limits;
use live::{Live, Watch};
use requests::RequestLog;
use systemd::{Inherited, Manager};

/// The configuration is wrong, as sysexits.h has it.
const EX_CONFIG: u8 = 78;

/// Runs a node until it is told to end. `started` is when the process began.
pub fn run(settings: Settings, started: Instant) -> ExitCode {
    match run_to_end(settings, started) {
        Ok(code) => code,
        Err(failure) if failure.is_config => {
            eprintln!("lattice: the live config cannot be used; nothing was started\n{failure}");
            ExitCode::from(EX_CONFIG)
        }
        Err(failure) => {
            eprintln!("lattice: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run_to_end(settings: Settings, started: Instant) -> Result<ExitCode, Failure> {
    let mut manager = Manager::take()?;
    // Before anything else: a signal that comes during the start must end the node in order too.
    let signals = Signals::new([SIGTERM, SIGINT, SIGUSR1]).map_err(|error| failed("cannot watch signals", error))?;
    let on_failure: OnFailure = Arc::new(|_, _| {
        std::process::exit(70); // EX_SOFTWARE: a node that is deaf on one core must not look alive
    });
    // Whoever cuts the file of the config must not end the node.
    sigbus::install().map_err(|error| failed("cannot handle SIGBUS", error))?;
    let node = start(settings, std::mem::take(&mut manager.sockets), &on_failure, Box::new(set_log_level))?;
    let engine = node.engine();
    let status = announce(engine.meters().len(), &node.settings, started);
    manager.ready(&status, engine.mesh(), engine.meters());
    Ok(node.until_signal(signals, manager))
}

/// What is logged under these flags.
fn set_log_level(flags: Flags) {
    log::set_max_level(match (flags.contains(Flags::LOGGING), flags.contains(Flags::DEBUG)) {
        (false, _) => LevelFilter::Error,
        (true, false) => LevelFilter::Info,
        (true, true) => LevelFilter::Debug,
    });
}

/// A node that runs inside of a program. It ends in order when it is dropped.
///
/// It obeys its live config, except for what is logged: the log is the program's. So is the signal that
/// comes when somebody cuts the file of that config, which ends the program unless it has installed
/// [`sigbus`].
///
/// ```no_run
/// use lattice::node::Node;
/// use lattice::settings::Settings;
///
/// let mut settings = Settings::default();
/// settings.node.data = "registry-data".into();
/// let node = Node::start(settings).map_err(|failure| failure.to_string())?;
/// println!("npm config set registry {}/", node.public_url());
/// node.wait();
/// # Ok::<(), String>(())
/// ```
pub struct Node {
    /// `None` once it was waited for.
    engine: Option<Engine>,
    settings: Settings,
    /// Sockets that others find by a file.
    files: Vec<SocketFile>,
    live: Arc<Live>,
    _watch: Option<Watch>,
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
    /// What a WebSocket may be.
    ws: Terms,
    live: Arc<Live>,
    public_url: String,
    anonymous_reads: bool,
}

/// Why a node did not start: a sentence for the operator.
#[derive(Debug)]
pub struct Failure {
    sentence: String,
    /// The live config is what is wrong.
    is_config: bool,
}

impl Failure {
    fn new(sentence: String) -> Self {
        Self { sentence, is_config: false }
    }
}

impl std::error::Error for Failure {}

impl Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.sentence)
    }
}

/// Starts a node at the sockets that were handed over, or else where the settings say.
fn start(
    mut settings: Settings,
    inherited: Vec<Inherited>,
    on_failure: &OnFailure,
    on_flags: OnFlags,
) -> Result<Node, Failure> {
    let config_path = settings.node.live_config();
    let unusable = |error| Failure { sentence: live::explain(&config_path, error), is_config: true };
    // One that is damaged is told before anything else is begun.
    let found = live::find(&config_path).map_err(unusable)?;
    if let Err(error) = reactor::sys::raise_open_files() {
        log::warn!("the limit of open files stays as it is: {error}");
    }
    let plan = plan(&settings);
    let opened = listen::open(&settings, inherited, plan.threads())?;
    // Port 0 is known only now.
    settings.listening_on(opened.places);
    // The settings were judged with what they name; sockets that were handed over replace that.
    if let Some(what) = settings.lacks_public_url() {
        return Err(Failure::new(format!("{what}: packages name their tarballs by absolute URL")));
    }
    let store = Store::open_exclusive(&settings.node.data)
        .map_err(|error| failed(&format!("cannot open the data directory {}", settings.node.data.display()), error))?;
    let live = Live::new(&config_path, found, &settings.npm.public_url, on_flags).map_err(unusable)?;
    let slices = Slices::new(&settings, &store, Arc::clone(&live))?;
    let (file, standings) = (Some(Arc::clone(live.file())), Some(store.standings()));
    let reactor = reactor::Settings { live: file, standings, ..reactor_settings(&settings) };
    let engine = Engine::start(&plan, opened.listeners, &reactor, || slices.app(), on_failure)
        .map_err(|error| Failure::new(error.to_string()))?;
    let watch = Watch::start(&live, engine.mesh());
    Ok(Node { engine: Some(engine), settings, files: opened.files, live, _watch: watch, _store: store })
}

fn failed(what: &str, error: impl Display) -> Failure {
    Failure::new(format!("{what}: {error}"))
}

fn plan(settings: &Settings) -> Plan {
    Plan {
        threads: settings.node.threads,
        pin: settings.node.pin,
        pool_threads: settings.node.pool_threads,
        buffer_bytes: settings.node.buffer_bytes,
        connections_per_ip: settings.node.connections_per_ip,
    }
}

impl Slices {
    fn new(settings: &Settings, store: &Store, live: Arc<Live>) -> Result<Self, Failure> {
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
            ws: settings.ws.terms(&settings.npm.public_url),
            live,
            public_url: settings.npm.public_url.clone(),
            anonymous_reads: settings.anonymous_reads,
        })
    }

    /// The slices of one thread, in the order of [`router`].
    fn app(&self) -> App {
        let config: Arc<dyn LiveConfig> = Arc::clone(&self.live) as _;
        let control = Control::new(config, &self.public_url, self.anonymous_reads, &self.ws);
        let mut services: Vec<Box<dyn Service>> =
            vec![Box::new(Ping::new()), Box::new(Npm::new(Arc::clone(&self.npm))), Box::new(control)];
        if self.echo {
            services.push(Box::new(Echo::new(self.ws.clone())));
        }
        let guard = IdentityGuard::new(Arc::clone(&self.users), self.identity_key).trusting(&self.ws.origins);
        let mut seed = [0; 8];
        // Without randomness the ids of two threads may be the same, which is no reason not to serve.
        let _ = getrandom::fill(&mut seed);
        let edge = crate::settings::edge::edge(&self.http, u64::from_le_bytes(seed));
        App::new(Arc::clone(&self.router), vec![Box::new(guard)], services)
            .with_edge(edge)
            .reworded(Arc::new(crate::settings::refusal::words))
            .debugged_by(Box::new(RequestLog), requests::stopwatch())
    }
}

/// All routes, at the root and under the path of the public URL.
pub(crate) fn router(npm: &npm::settings::Settings, echo: bool) -> Router {
    let mut router = RouterBuilder::new();
    let mount = mount_path(&npm.public_url);
    let prefixes = if mount.is_empty() { vec![""] } else { vec!["", mount] };
    router.mount(&prefixes, &Ping::routes()).essential().mount(&prefixes, &Npm::routes(npm));
    router.mount(&prefixes, &Control::routes());
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
        http: session_settings(&settings.http, &settings.ws),
        connections: settings.node.connections,
        drain_ns: settings.node.drain_s * SECOND_NS,
        busy_poll_ns: settings.node.busy_poll_us * 1000,
        live: None,
        standings: None,
    }
}

fn session_settings(http: &Http, ws: &Ws) -> session::Settings {
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
        ping_ns: ws.ping_s * SECOND_NS,
        trusted: http.trusted_proxies.clone(),
        proxy_protocol: http.proxy_protocol,
        forwarded: http.forwarded,
    }
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
    /// Starts a node in the background. Signals, and sockets handed over to the process, stay the
    /// program's.
    ///
    /// # Errors
    /// When an address, the data directory or threads cannot be had.
    pub fn start(settings: Settings) -> Result<Self, Failure> {
        // It is logged, all threads end, and `wait` tells.
        let on_failure: OnFailure = Arc::new(|_, _| {});
        start(settings, Vec::new(), &on_failure, Box::new(|_| {}))
    }

    /// The first TCP address it listens at; `None` if it has only Unix sockets.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.settings.node.listen.iter().find_map(Listen::address)
    }

    /// What clients call it.
    pub fn public_url(&self) -> &str {
        &self.settings.npm.public_url
    }

    /// Accepts no more and finishes what is under way; returns at once.
    pub fn shutdown(&self) {
        self.engine().mesh().drain();
    }

    /// Waits until it has ended, which [`Self::shutdown`] begins; whether all of it ended well.
    pub fn wait(mut self) -> bool {
        self.end()
    }

    fn end(&mut self) -> bool {
        self.engine.take().is_none_or(Engine::join)
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("taken only by who consumes the node")
    }

    /// Waits for signals until one ends the node, then for what is under way.
    fn until_signal(mut self, mut signals: Signals, manager: Manager) -> ExitCode {
        let (meters, live) = (self.engine().meters().to_vec(), Arc::clone(&self.live));
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => print_meters(&meters, live.flags()),
                _ => break,
            }
        }
        manager.stopping();
        // Another node may begin there while this one ends.
        self.files.clear();
        self.shutdown();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                match signal {
                    SIGUSR1 => print_meters(&meters, live.flags()),
                    _ => std::process::exit(0),
                }
            }
        });
        if self.wait() { ExitCode::SUCCESS } else { ExitCode::from(70) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.engine.is_some() {
            self.files.clear();
            self.shutdown();
            self.end();
        }
    }
}

/// One line for each thread, on standard error. Reads counters only: no loop is woken.
fn print_meters(meters: &[Arc<Meters>], flags: Flags) {
    let mut err = io::stderr().lock();
    if !flags.contains(Flags::METRICS) {
        let _ = writeln!(err, "meters are off: `lattice config flag METRICS on`");
        return;
    }
    for (thread, meters) in meters.iter().enumerate() {
        // A closed standard error is no reason to stop.
        let _ = writeln!(err, "meters thread={thread} {meters}");
    }
}
