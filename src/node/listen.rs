//! Opens what the node listens at and divides it among the threads.
//!
//! A TCP address is opened once for each thread. A Unix socket, or one that was handed over, exists
//! once: one thread has it, another the next one.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use super::systemd::Inherited;
use super::{Failure, failed};
use crate::limits::LISTENERS_MAX;
use crate::reactor::{ListenSettings, Listener, SocketFile, listen_all};
use crate::settings::{Listen, Settings};

/// What the node listens at.
pub(super) struct Opened {
    /// The listeners of each thread.
    pub(super) listeners: Vec<Vec<Listener>>,
    /// Where they are.
    pub(super) places: Vec<Listen>,
    /// The files among them; whoever drops this removes them.
    pub(super) files: Vec<SocketFile>,
}

/// Takes what was handed over, or else opens what the settings name.
pub(super) fn open(settings: &Settings, inherited: Vec<Inherited>, threads: usize) -> Result<Opened, Failure> {
    let node = &settings.node;
    // A thread that moves from core to core has none to be steered to.
    let steer = node.steer && node.pin;
    let how = ListenSettings { backlog: node.backlog, defer_accept: node.defer_accept, steer };
    let listeners = (0..threads).map(|_| Vec::new()).collect();
    let mut opened = Opened { listeners, places: Vec::new(), files: Vec::new() };
    if !inherited.is_empty() {
        opened.take_over(inherited, &how)?;
        return Ok(opened);
    }
    for place in &settings.node.listen {
        match place {
            Listen::Tcp(address) => opened.open_tcp(*address, &how)?,
            Listen::Unix(path) => opened.open_unix(path, settings.node.socket_mode, settings.node.backlog)?,
        }
    }
    Ok(opened)
}

impl Opened {
    fn take_over(&mut self, inherited: Vec<Inherited>, how: &ListenSettings) -> Result<(), Failure> {
        if inherited.len() > LISTENERS_MAX {
            return Err(Failure(format!("{} sockets were handed over, {LISTENERS_MAX} are taken", inherited.len())));
        }
        for Inherited { descriptor, name } in inherited {
            let listener = Listener::inherited(descriptor, how)
                .map_err(|error| failed(&format!("cannot listen at the socket {name} that was handed over"), error))?;
            let path = listener.path().unwrap_or_else(|| name.into());
            self.places.push(listener.address().map_or(Listen::Unix(path), Listen::Tcp));
            self.add_shared(listener);
        }
        Ok(())
    }

    /// All threads on the address of the first: port 0 is known only then.
    fn open_tcp(&mut self, wanted: SocketAddr, how: &ListenSettings) -> Result<(), Failure> {
        let (address, listeners) =
            listen_all(wanted, self.listeners.len(), how).map_err(|error| cannot_listen(&wanted, error))?;
        self.listeners.iter_mut().zip(listeners).for_each(|(of_thread, listener)| of_thread.push(listener));
        self.places.push(Listen::Tcp(address));
        Ok(())
    }

    fn open_unix(&mut self, path: &Path, mode: u32, backlog: u32) -> Result<(), Failure> {
        let place = Listen::Unix(path.to_owned());
        let (listener, file) = Listener::unix(path, mode, backlog).map_err(|error| cannot_listen(&place, error))?;
        self.files.push(file);
        self.add_shared(listener);
        self.places.push(place);
        Ok(())
    }

    /// Gives it to the thread that has the fewest.
    fn add_shared(&mut self, listener: Listener) {
        if let Some(fewest) = self.listeners.iter_mut().min_by_key(|of_thread| of_thread.len()) {
            fewest.push(listener);
        }
    }
}

fn cannot_listen(place: &dyn std::fmt::Display, error: io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => ": another process listens there; choose another place with --listen",
        io::ErrorKind::AddrNotAvailable => ": no interface of this machine has that address",
        io::ErrorKind::AlreadyExists => ": choose another path with --listen, or remove it",
        io::ErrorKind::NotFound => ": the directory of the socket must exist",
        io::ErrorKind::PermissionDenied => {
            ": ports below 1024 need a privilege, a socket needs a directory that this user may write to; choose \
             another place with --listen"
        }
        _ => "",
    };
    Failure(format!("cannot listen on {place}: {error}{hint}"))
}
