//! What a service manager such as systemd gives and wants: sockets that listen already, and word of
//! how the node is.
//!
//! Sockets come as descriptors from 3 on, told by LISTEN_FDS and LISTEN_PID (sd_listen_fds(3)). Word
//! goes as datagrams to NOTIFY_SOCKET (sd_notify(3)). Variables that mean this process are taken out of
//! the environment, so that no child believes to be meant. Without them, nothing happens here.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use super::{Failure, failed};
use crate::limits::LISTENERS_MAX;
use crate::reactor::{Mesh, Meters, sys};

/// The shortest interval of a watchdog that is kept to.
const WATCHDOG_LEAST: Duration = Duration::from_millis(20);

/// A socket that was handed over.
pub(super) struct Inherited {
    pub(super) descriptor: OwnedFd,
    /// What the manager calls it.
    pub(super) name: String,
}

/// Everything the manager said.
#[derive(Default)]
pub(super) struct Manager {
    pub(super) sockets: Vec<Inherited>,
    notify: Option<Notify>,
    watchdog: Option<Duration>,
}

/// Where word goes.
#[derive(Clone)]
pub(super) struct Notify {
    socket: Arc<UnixDatagram>,
    address: SocketAddr,
}

impl Manager {
    /// Takes what the environment says. The process has one thread when this is called.
    pub(super) fn take() -> Result<Self, Failure> {
        let [count, pid, names] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"].map(take_variable);
        let sockets = if is_meant(pid.as_deref()) { inherit(count, names)? } else { Vec::new() };
        let [address, interval, pid] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"].map(take_variable);
        let notify = address.and_then(|address| {
            let opened = Notify::open(&address);
            opened.inspect_err(|error| log::warn!("the service manager cannot be told anything: {error}")).ok()
        });
        let interval = interval.filter(|_| pid.is_none() || is_meant(pid.as_deref()));
        let watchdog = interval.and_then(|text| text.to_str()?.parse().ok()).filter(|micros| *micros > 0);
        Ok(Self { sockets, notify, watchdog: watchdog.map(Duration::from_micros) })
    }

    /// The node serves; begins to feed the watchdog, if there is one.
    pub(super) fn ready(&self, status: &str, mesh: &Arc<Mesh>, meters: &[Arc<Meters>]) {
        let Some(notify) = &self.notify else { return };
        notify.tell(&format!("READY=1\nSTATUS={status}"));
        // A manager that asks for less is fed as often as is sensible.
        if let Some(interval) = self.watchdog.map(|interval| interval.max(WATCHDOG_LEAST)) {
            let dog = Watchdog { notify: notify.clone(), mesh: Arc::clone(mesh), meters: meters.to_vec() };
            let thread = std::thread::Builder::new().name("lattice-watchdog".into());
            if let Err(error) = thread.spawn(move || dog.run(interval / 2)) {
                log::error!("the watchdog is not fed: {error}");
            }
        }
    }

    /// The node is going away.
    pub(super) fn stopping(&self) {
        if let Some(notify) = &self.notify {
            notify.tell("STOPPING=1\nSTATUS=answering what is in flight");
        }
    }
}

impl Notify {
    fn open(address: &OsStr) -> io::Result<Self> {
        let address = match address.as_bytes() {
            #[cfg(target_os = "linux")]
            [b'@', name @ ..] => {
                use std::os::linux::net::SocketAddrExt;
                SocketAddr::from_abstract_name(name)?
            }
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "NOTIFY_SOCKET is neither a path nor abstract",
                ));
            }
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that does not listen must not hold up the node.
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Arc::new(socket), address })
    }

    fn tell(&self, message: &str) {
        if let Err(error) = self.socket.send_to_addr(message.as_bytes(), &self.address) {
            log::warn!("the service manager did not take {message:?}: {error}");
        }
    }
}

/// Tells the manager that all is well as long as every thread of the loop turns.
///
/// An idle thread sleeps: it is woken once each time, to see that it would. One that has not turned
/// since stops the word, and the manager does what it was set up to do.
struct Watchdog {
    notify: Notify,
    mesh: Arc<Mesh>,
    meters: Vec<Arc<Meters>>,
}

impl Watchdog {
    fn run(self, pause: Duration) {
        loop {
            let before: Vec<u64> = self.meters.iter().map(|meters| meters.wakes.read()).collect();
            self.mesh.wake_all();
            std::thread::sleep(pause);
            // One that is late has until the end of the interval: it is looked after more often.
            while !self.have_turned(&before) {
                std::thread::sleep(pause / 8);
            }
            self.notify.tell("WATCHDOG=1");
        }
    }

    /// Threads of a draining node end one by one; how long that may take has its own bound.
    fn have_turned(&self, before: &[u64]) -> bool {
        let mut each = self.meters.iter().zip(before);
        self.mesh.is_draining() || each.all(|(meters, before)| meters.wakes.read() != *before)
    }
}

fn take_variable(name: &'static str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    sys::remove_variable(name);
    Some(value)
}

fn is_meant(pid: Option<&OsStr>) -> bool {
    pid.and_then(OsStr::to_str).is_some_and(|pid| pid.parse() == Ok(std::process::id()))
}

fn inherit(count: Option<OsString>, names: Option<OsString>) -> Result<Vec<Inherited>, Failure> {
    let count = count.and_then(|text| text.to_str()?.parse::<usize>().ok());
    let Some(count) = count.filter(|count| *count <= LISTENERS_MAX) else {
        return Err(Failure::new(format!("LISTEN_FDS must be a number of sockets, at most {LISTENERS_MAX}")));
    };
    let descriptors =
        sys::take_descriptors(3, count).map_err(|error| failed("cannot take what was handed over", error))?;
    let names = names.map(|names| names.to_string_lossy().into_owned()).unwrap_or_default();
    let mut names = names.split(':');
    let named = |(index, descriptor)| {
        let name = names.next().filter(|name| !name.is_empty()).map_or_else(|| number(&(index + 3)), str::to_owned);
        Inherited { descriptor, name }
    };
    Ok(descriptors.into_iter().enumerate().map(named).collect())
}

fn number(number: &impl Display) -> String {
    format!("number {number}")
}
