//! The file of the live config: found or made when the node starts, looked after while it runs.
//!
//! The threads of the loop see what is written into the file by themselves. What they cannot see is that
//! another file has taken its place, or that it was cut: a thread that sleeps until the kernel reports
//! something of the kind has the file opened again. Jobs that read or write the config look, too.
//!
//! Whoever listens for each state of the config is told by all of them ([`LiveFile::tell`]): that thread when
//! the kernel reports a write, whichever process made it; a job that has changed the config, before its
//! answer; a thread of the loop that sees another state in the mapping. The last is how a store into the
//! mapping by another process becomes known, of which the kernel knows nothing: with the next request or
//! message that any thread receives, or at once if the writer calls
//! [`Publisher::wake_watchers`](crate::config::Publisher::wake_watchers).

use std::ffi::CString;
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
use crate::app::ws::Outlet;
use crate::config::{Config, ConfigFile, Error, Flags, Slot};
use crate::reactor::{LiveFile, Mesh, OnFlags};
use crate::service::control::publications;

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
        // Who has read a state and waits for it to be told must not wait for the kernel.
        self.file.tell();
        self.file.current().snapshot()
    }

    fn replace(&self, config: Config, expected: u64, durable: bool) -> Result<Slot, Error> {
        self.look_after()?;
        // Opened anew: the lock of an open file excludes other threads only if they have their own.
        let mut file = ConfigFile::open_writable(&self.name)?;
        let slot = file.replace(config, expected)?;
        self.file.tell();
        if durable {
            file.sync()?;
        }
        Ok(slot)
    }
}

/// Waits for what happens to the file, on a thread that ends with this.
pub(super) struct Watch {
    inotify: Arc<OwnedFd>,
    /// Of the directory. It ends the thread when it is taken away.
    directory: i32,
    thread: Option<JoinHandle<()>>,
}

/// What is reported of the directory: that the file is another one, or was written by somebody else.
const OF_DIRECTORY: WatchFlags =
    WatchFlags::CLOSE_WRITE.union(WatchFlags::DELETE).union(WatchFlags::MOVED_FROM).union(WatchFlags::MOVED_TO);
/// What is reported of the file itself: each write. Not of the directory, where the database has its files.
const OF_FILE: WatchFlags = WatchFlags::MODIFY.union(WatchFlags::ATTRIB).union(WatchFlags::DONT_FOLLOW);

impl Watch {
    /// Begins to look after the config, and to tell of it; threads that run learn of it through `mesh`.
    pub(super) fn start(live: &Arc<Live>, mesh: &Arc<Mesh>) -> Option<Self> {
        // Only one node has this config.
        let _ = live.mesh.set(Arc::clone(mesh));
        let outlet = Arc::clone(mesh);
        live.file.tell_to(Box::new(move |slot| {
            publications(slot).into_iter().for_each(|publication| outlet.publish(publication));
        }));
        let started = Self::begin(live);
        if let Err(error) = &started {
            let unseen = "what others do to it is noticed only by whoever asks for something";
            log::warn!("live config: {} is not watched: {error}; {unseen}", live.path.display());
        }
        started.ok()
    }

    fn begin(live: &Arc<Live>) -> std::io::Result<Self> {
        let inotify = Arc::new(inotify::init(CreateFlags::CLOEXEC)?);
        let directory = inotify::add_watch(&inotify, directory_of(&live.path), OF_DIRECTORY)?;
        let mut follower = Follower { inotify: Arc::clone(&inotify), directory, file: None, live: Arc::clone(live) };
        let thread = std::thread::Builder::new().name("lattice-config".into()).spawn(move || {
            // What happened before somebody watched.
            follower.look_anew();
            follower.follow();
        })?;
        Ok(Self { inotify, directory, thread: Some(thread) })
    }
}

/// The thread of a [`Watch`].
struct Follower {
    inotify: Arc<OwnedFd>,
    directory: i32,
    /// The watch of the file that had the name last, while there is one.
    file: Option<i32>,
    live: Arc<Live>,
}

impl Follower {
    fn follow(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); EVENTS_BYTES];
        let inotify = Arc::clone(&self.inotify);
        let mut reader = inotify::Reader::new(&*inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if event.wd() == self.directory && event.events().contains(ReadFlags::IGNORED) => return,
                Ok(event) => self.on_event(&event),
                Err(Errno::INTR) => {}
                Err(error) => {
                    return log::warn!("live config: {} is watched no more: {error}", self.live.path.display());
                }
            }
        }
    }

    fn on_event(&mut self, event: &inotify::Event<'_>) {
        let lost = ReadFlags::QUEUE_OVERFLOW | ReadFlags::IGNORED;
        let name = self.live.path.file_name().unwrap_or_default().as_bytes();
        if event.file_name().is_some_and(|named| named.to_bytes() == name) || event.events().intersects(lost) {
            self.look_anew();
        } else if Some(event.wd()) == self.file {
            self.look();
        }
    }

    /// Watches whatever file has the name by now; then looks, so that nothing happens in between.
    fn look_anew(&mut self) {
        // Without a file there is nothing to watch until the directory is told of one.
        let file = inotify::add_watch(&self.inotify, &self.live.path, OF_FILE).ok();
        if let Some(before) = std::mem::replace(&mut self.file, file)
            && Some(before) != file
        {
            // It fails where the file is gone, and the watch with it.
            let _ = inotify::remove_watch(&self.inotify, before);
        }
        self.look();
    }

    fn look(&self) {
        // What is wrong is logged.
        let _ = self.live.look_after();
        self.live.file.tell();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It fails only where the watch is gone already, and then the thread is, too.
        let _ = inotify::remove_watch(&self.inotify, self.directory);
        if let Some(thread) = self.thread.take() {
            // It panics nowhere, and if it did, that was printed.
            let _ = thread.join();
        }
    }
}
