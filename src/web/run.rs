//! An app that runs: its threads, its hooks, its end.
#![allow(clippy::disallowed_methods, reason = "composition: the process's own threads, signals and clock")]

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::app::Built;
use super::table::Table;
use super::ws::Topics;
use crate::app::Stopwatch;
use crate::app::ws::Outlet;
use crate::reactor::{Engine, Listener, Mesh, OnFailure, listen_all, sys};

/// What a program wants to be told, and done beside.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) start: Vec<Box<dyn FnOnce(SocketAddr) + Send>>,
    pub(super) drain: Vec<Box<dyn FnOnce() + Send>>,
    pub(super) stop: Vec<Box<dyn FnOnce() + Send>>,
    pub(super) tasks: Vec<Task>,
}

/// What is done again and again, and the pause between.
type Task = (Duration, Box<dyn FnMut() + Send>);

/// A server in the background: what [`App::start`](super::App::start) gives. It ends in order when it
/// is dropped.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use lattice::{App, Settings};
///
/// let settings = Settings { threads: 1, pin: false, ..Settings::default() };
/// let running = App::new().settings(settings).get("/", || "hello").start("127.0.0.1:0")?;
/// let mut stream = TcpStream::connect(running.local_addr())?;
/// stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
/// let mut answer = String::new();
/// stream.read_to_string(&mut answer)?;
/// assert!(answer.ends_with("\r\n\r\nhello"));
/// running.shutdown();
/// running.wait()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Running {
    address: SocketAddr,
    table: Arc<Table>,
    topics: Topics,
    handle: Handle,
    /// `None` once it was waited for.
    engine: Option<Engine>,
    tasks: Vec<JoinHandle<()>>,
    on_stop: Vec<Box<dyn FnOnce() + Send>>,
}

/// Ends a server from elsewhere. Cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Ending>);

struct Ending {
    mesh: Arc<Mesh>,
    on_drain: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    over: Mutex<bool>,
    told: Condvar,
}

impl Handle {
    /// Accepts no more and finishes what is under way; returns at once. Further calls do nothing.
    pub fn shutdown(&self) {
        let hooks = std::mem::take(&mut *self.0.on_drain.lock().unwrap_or_else(PoisonError::into_inner));
        for hook in hooks {
            // One that panics, which has been printed, must not keep the server from ending.
            let _ = catch_unwind(AssertUnwindSafe(hook));
        }
        self.0.mesh.drain();
        *self.0.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.told.notify_all();
    }

    /// Waits for so long; whether the end began meanwhile.
    fn is_over_after(&self, pause: Duration) -> bool {
        let over = self.0.over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.told.wait_timeout_while(over, pause, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Running {
    pub(super) fn start(mut built: Built, address: impl ToSocketAddrs) -> io::Result<Self> {
        if let Err(error) = sys::raise_open_files() {
            log::warn!("the limit of open files stays as it is: {error}");
        }
        let plan = built.settings.plan();
        let (address, listeners) = listen(address, plan.threads(), &built)?;
        let listeners = listeners.into_iter().map(|listener| vec![listener]).collect();
        let reactor = built.settings.reactor();
        // It is logged, all threads end, and `wait` tells.
        let on_failure: OnFailure = Arc::new(|_, _| {});
        let engine = Engine::start(&plan, listeners, &reactor, || built.app(stopwatch()), &on_failure)?;
        let hooks = std::mem::take(&mut built.hooks);
        let handle = Handle(Arc::new(Ending {
            mesh: Arc::clone(engine.mesh()),
            on_drain: Mutex::new(hooks.drain),
            over: Mutex::new(false),
            told: Condvar::new(),
        }));
        let (table, topics, on_stop) = (built.table, built.topics, hooks.stop);
        topics.begin(Arc::clone(engine.mesh()) as Arc<dyn Outlet>);
        let mut running = Self { address, table, topics, handle, engine: Some(engine), tasks: Vec::new(), on_stop };
        hooks.start.into_iter().for_each(|hook| hook(address));
        for task in hooks.tasks {
            running.tasks.push(repeat(task, running.handle.clone())?);
        }
        Ok(running)
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// How many requests failed: handlers that panicked or returned an error of their own. Panics of
    /// WebSockets' channels and of their jobs count too.
    pub fn failures(&self) -> u64 {
        self.table.failures.load(Ordering::Relaxed)
    }

    /// Ends it from elsewhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Accepts no more and finishes what is under way; returns at once.
    pub fn shutdown(&self) {
        self.handle.shutdown();
    }

    /// Waits until it has ended, which [`Self::shutdown`] or a [`Handle`] begins.
    ///
    /// # Errors
    /// When a thread of the loop could not go on.
    pub fn wait(mut self) -> io::Result<()> {
        self.end()
    }

    /// Runs until a signal says otherwise.
    pub(super) fn run(built: Built, address: impl ToSocketAddrs) -> io::Result<()> {
        // First of all: a signal that comes during the start must end the server in order too.
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let running = Self::start(built, address)?;
        let (watched, handle) = (signals.handle(), running.handle.clone());
        let watcher = std::thread::Builder::new().name("lattice-signals".into()).spawn(move || {
            let mut forever = signals.forever();
            if forever.next().is_some() {
                handle.shutdown();
            }
            if forever.next().is_some() {
                std::process::exit(0);
            }
        })?;
        let ended = running.wait();
        watched.close();
        // It has nothing to report.
        let _ = watcher.join();
        ended
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(engine) = self.engine.take() else { return Ok(()) };
        let well = engine.join();
        self.topics.end();
        self.handle.shutdown();
        for task in self.tasks.drain(..) {
            // The panics of a task have been printed; the server has outlived it.
            let _ = task.join();
        }
        self.on_stop.drain(..).for_each(|hook| hook());
        if well { Ok(()) } else { Err(io::Error::other("a thread of the loop could not go on; the log says why")) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.engine.is_some() {
            self.shutdown();
            // Nobody is left to be told.
            let _ = self.end();
        }
    }
}

/// One listener for each thread, at the first of the addresses that can be had.
fn listen(address: impl ToSocketAddrs, threads: usize, built: &Built) -> io::Result<(SocketAddr, Vec<Listener>)> {
    let how = built.settings.listening();
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name stands for no address");
    for address in address.to_socket_addrs()? {
        match listen_all(address, threads, &how) {
            Ok(listening) => return Ok(listening),
            Err(error) => last = io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")),
        }
    }
    Err(last)
}

fn stopwatch() -> Stopwatch {
    let began = Instant::now();
    Arc::new(move || began.elapsed().as_nanos() as u64)
}

fn repeat((pause, mut task): Task, handle: Handle) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("lattice-every".into()).spawn(move || {
        while !handle.is_over_after(pause) {
            task();
        }
    })
}
