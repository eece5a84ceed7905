//! The file of the live config: found or made when the node starts, looked after while it runs.
//!
//! The threads of the loop see what is written into the file by themselves. What they cannot see is that
//! another file has taken its place, or that it was cut: a thread that sleeps until the kernel reports
//! something of the kind has the file opened again. Jobs that read or write the config look, too.

use std::ffi::{CString, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::app::Change;
use crate::app::live::{self, LiveConfig, USUAL};
use crate::config::{Config, ConfigFile, Error, Flags, Slot};
use crate::reactor::{LiveFile, Mesh, OnFlags};

/// Bytes for events; one with its file name is shorter.
const EVENTS_BYTES: usize = 4096;

/// The config of a node.
pub(super) struct Live {
    path: PathBuf,
    name: CString,
    file: Arc<LiveFile>,
    known: Mutex<Known>,
    /// Where to announce that another file is in use.
    mesh: Threads,
}

/// Whom to tell, once there are threads.
type Threads = Arc<OnceLock<Arc<Mesh>>>;

/// What was known of the file when it was last looked after.
struct Known {
    /// Its device and number.
    identity: Option<(u64, u64)>,
    slot: Option<Slot>,
}

/// The path as the system takes it.
pub(crate) fn c_path(path: &Path) -> Result<CString, Error> {
    // No file has a zero byte in its name.
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::NotFound)
}

/// What is wrong with a file, and what to do about it.
pub(crate) fn explain(path: &Path, error: Error) -> String {
    let shown = path.display();
    let advice = match error {
        Error::Bare => format!("`lattice config import --file {shown} {shown}` makes a file of it"),
        Error::Cut | Error::Damaged | Error::Empty | Error::Long | Error::Short => format!(
            "`lattice config import --file {shown} BACKUP` puts 13 or 64 bytes in its place, `lattice config verify \
             --file {shown}` tells what is left of it; without the file, a node begins with a new config"
        ),
        Error::NotFound if !directory_of(path).is_dir() => {
            "its directory does not exist either: correct the path, or make the directory".to_owned()
        }
        Error::NotFound => "a node makes it when it starts, `lattice config import` makes it of another".to_owned(),
        Error::Denied | Error::Owner => "it must belong to the user who runs the node, or to root".to_owned(),
        Error::DiskFull => "free space on that disk, then try again".to_owned(),
        Error::Locked => "try again; a writer that never ends may have to be ended".to_owned(),
        Error::Io(code) => std::io::Error::from_raw_os_error(code).to_string(),
        _ => String::new(),
    };
    let advice = if advice.is_empty() { advice } else { format!("\n    {advice}") };
    format!("{shown}: {error}{advice}")
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file, if there is one; an error if a node cannot use it.
pub(super) fn find(path: &Path) -> Result<Option<ConfigFile>, Error> {
    match open(&c_path(path)?) {
        Err(Error::NotFound) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Opens a file that holds a config. What this user may not write can be read at least.
fn open(name: &CString) -> Result<ConfigFile, Error> {
    let file = match ConfigFile::open_writable(name) {
        Err(Error::ReadOnly) => ConfigFile::open(name)?,
        opened => opened?,
    };
    file.snapshot().map(|_| file)
}

impl Live {
    /// Begins with the file that was found, or makes one.
    pub(super) fn new(
        path: &Path,
        found: Option<ConfigFile>,
        public_url: &str,
        on_flags: OnFlags,
    ) -> Result<Arc<Self>, Error> {
        let name = c_path(path)?;
        let file = match found.map_or_else(|| ConfigFile::create(&name, live::first(public_url)), Ok) {
            Err(Error::Exists) => open(&name)?,
            opened => opened?,
        };
        let known = Mutex::new(Known { identity: identity(path), slot: file.snapshot().ok() });
        let path = path.to_path_buf();
        let mesh = Threads::default();
        let (shown, threads) = (path.clone(), Arc::clone(&mesh));
        let on_trouble = Box::new(move |error| {
            let line = explain(&shown, error).replace("\n    ", "; ");
            log::error!("live config: {line}; what was in force stays in force");
            announce(&threads);
        });
        let file = Arc::new(LiveFile::new(file, on_flags, on_trouble));
        Ok(Arc::new(Self { path, name, file, known, mesh }))
    }

    /// What the threads of the loop look at.
    pub(super) fn file(&self) -> &Arc<LiveFile> {
        &self.file
    }

    /// The flags in force, as far as the file can be read.
    pub(super) fn flags(&self) -> Flags {
        self.file.current().snapshot().map_or(USUAL, |slot| slot.config.flags())
    }

    /// Makes sure that the file in use is the one of this name, and sound.
    fn look_after(&self) -> Result<(), Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = identity(&self.path);
        if identity.is_some() && identity == known.identity && self.is_sound(&mut known.slot) {
            return Ok(());
        }
        let file = open(&self.name).inspect_err(|error| self.file.note(*error))?;
        *known = Known { identity, slot: file.snapshot().ok() };
        self.file.replace(file);
        log::info!("live config: {} was opened again", self.path.display());
        announce(&self.mesh);
        Ok(())
    }

    /// Whether the threads see for themselves what is in the file. Not where a copy was put over it: it may
    /// have the very sequences that they saw before.
    fn is_sound(&self, known: &mut Option<Slot>) -> bool {
        let file = self.file.current();
        let Ok(slot) = file.verify().and_then(|()| file.snapshot()) else { return false };
        let is_copy = known.is_some_and(|known| slot.sequence <= known.sequence && slot != known);
        if is_copy || self.file.is_in_trouble() {
            return false;
        }
        *known = Some(slot);
        self.file.saw(slot.config.flags());
        true
    }
}

/// Has every thread look at the file anew before its next request.
fn announce(threads: &Threads) {
    if let Some(mesh) = threads.get() {
        mesh.announce(&[Change::Config]);
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    path.symlink_metadata().ok().map(|status| (status.dev(), status.ino()))
}

impl LiveConfig for Live {
    fn read(&self) -> Result<Slot, Error> {
        self.look_after()?;
        self.file.current().snapshot()
    }

    fn replace(&self, config: Config, expected: u64, durable: bool) -> Result<Slot, Error> {
        self.look_after()?;
        // Opened anew: the lock of an open file excludes other threads only if they have their own.
        let mut file = ConfigFile::open_writable(&self.name)?;
        let slot = file.replace(config, expected)?;
        if durable {
            file.sync()?;
        }
        Ok(slot)
    }
}

/// Waits for what happens to the file, on a thread that ends with this.
pub(super) struct Watch {
    inotify: Arc<OwnedFd>,
    watch: i32,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look after the config; threads that run learn of it through `mesh`.
    pub(super) fn start(live: &Arc<Live>, mesh: &Arc<Mesh>) -> Option<Self> {
        // Only one node has this config.
        let _ = live.mesh.set(Arc::clone(mesh));
        let started = Self::begin(live);
        if let Err(error) = &started {
            let unseen = "another file in its place is noticed only by whoever asks for the config";
            log::warn!("live config: {} is not watched: {error}; {unseen}", live.path.display());
        }
        started.ok()
    }

    fn begin(live: &Arc<Live>) -> std::io::Result<Self> {
        let file_name = live.path.file_name().unwrap_or_default().to_owned();
        let inotify = Arc::new(inotify::init(CreateFlags::CLOEXEC)?);
        let events = WatchFlags::CLOSE_WRITE | WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        let watch = inotify::add_watch(&inotify, directory_of(&live.path), events)?;
        let (live, events) = (Arc::clone(live), Arc::clone(&inotify));
        let thread = std::thread::Builder::new().name("lattice-config".into()).spawn(move || {
            // What happened before somebody watched. What is wrong is logged.
            let _ = live.look_after();
            follow(&events, &file_name, &live);
        })?;
        Ok(Self { inotify, watch, thread: Some(thread) })
    }
}

fn follow(events: &OwnedFd, file_name: &OsStr, live: &Live) {
    let mut buffer = [MaybeUninit::uninit(); EVENTS_BYTES];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    loop {
        let (happened, is_named) = match reader.next() {
            Ok(event) => {
                let is_named = event.file_name().is_some_and(|name| name.to_bytes() == file_name.as_bytes());
                (event.events(), is_named)
            }
            Err(Errno::INTR) => continue,
            Err(error) => return log::warn!("live config: {} is watched no more: {error}", live.path.display()),
        };
        if is_named || happened.contains(ReadFlags::QUEUE_OVERFLOW) {
            let _ = live.look_after();
        }
        // The watch was taken away, by us or with its directory.
        if happened.contains(ReadFlags::IGNORED) {
            return;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It fails only where the watch is gone already, and then the thread is, too.
        let _ = inotify::remove_watch(&self.inotify, self.watch);
        if let Some(thread) = self.thread.take() {
            // It panics nowhere, and if it did, that was printed.
            let _ = thread.join();
        }
    }
}
