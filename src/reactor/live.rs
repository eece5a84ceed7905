//! The live config, as the loops see it: a mapped file that all threads share, and what each thread has
//! made of it.
//!
//! A thread compares the two sequences of the file with those it saw last, after each receive and before it
//! looks at the bytes: so the next request of every thread follows a change, whichever process made it, and
//! no timer is involved. Only when they differ it looks closer and tells its slices.
//!
//! What is in the file is also told on, for those who want each state rather than to ask ([`LiveFile::tell`]).
//! Whoever changes it, is told of a change by the kernel, or sees one here calls that; the first of them tells.
//!
//! A file that became useless under a running node (cut, or damaged) is told of once; what any thread saw
//! last is in force for all until there is a file again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::app::App;
use crate::config::line::Line;
use crate::config::{Cache, ConfigFile, Error, Flags, Slot};

/// Two sequences that never stand in a file.
const NEVER: [u64; 2] = [(1 << 63) | 1; 2];

/// Is told the flags in force, from any thread, when they change; the same ones may come again.
pub type OnFlags = Box<dyn Fn(Flags) + Send + Sync>;

/// Is told each state of the config, one after the other, from any thread; must not block.
pub type OnSlot = Box<dyn Fn(&Slot) + Send + Sync>;

/// The file that is in use. One for the node.
pub struct LiveFile {
    current: Mutex<Arc<ConfigFile>>,
    on_flags: OnFlags,
    on_trouble: Box<dyn Fn(Error) + Send + Sync>,
    /// What was told last, and holds.
    trouble: Mutex<Option<Error>>,
    /// What somebody saw last: in force for all while the file is of no use.
    last: Mutex<Option<Flags>>,
    on_slot: OnceLock<OnSlot>,
    /// The state that was told last. Locked while one is told, so that all are told in their order.
    told: Mutex<Option<Slot>>,
}

impl LiveFile {
    /// Begins with this file.
    pub fn new(file: ConfigFile, on_flags: OnFlags, on_trouble: Box<dyn Fn(Error) + Send + Sync>) -> Self {
        Self {
            current: Mutex::new(Arc::new(file)),
            on_flags,
            on_trouble,
            trouble: Mutex::default(),
            last: Mutex::default(),
            on_slot: OnceLock::new(),
            told: Mutex::default(),
        }
    }

    /// Tells each state from now on, the current one at once. Only who comes first is told.
    pub fn tell_to(&self, on_slot: OnSlot) {
        let _ = self.on_slot.set(on_slot);
        self.tell();
    }

    /// Tells the state of the file in use, unless it was told last. States that nobody called this for are
    /// left out. Takes as long as a read of the mapping.
    pub fn tell(&self) {
        let Some(on_slot) = self.on_slot.get() else { return };
        let mut told = lock(&self.told);
        // Looked at under the lock: what is told later is never older.
        let Ok(slot) = self.current().snapshot() else { return };
        if told.replace(slot) != Some(slot) {
            on_slot(&slot);
        }
    }

    /// The file in use.
    pub fn current(&self) -> Arc<ConfigFile> {
        Arc::clone(&lock(&self.current))
    }

    /// Uses another file from now on. Threads notice with the next change that is announced to them.
    pub fn replace(&self, file: ConfigFile) {
        *lock(&self.current) = Arc::new(file);
        *lock(&self.trouble) = None;
    }

    /// Notes what is in force.
    pub fn saw(&self, flags: Flags) {
        *lock(&self.last) = Some(flags);
    }

    /// Whether something is wrong that was told.
    pub fn is_in_trouble(&self) -> bool {
        lock(&self.trouble).is_some()
    }

    /// Tells what is wrong with the file in use, once.
    pub fn note(&self, error: Error) {
        if lock(&self.trouble).replace(error) != Some(error) {
            (self.on_trouble)(error);
        }
    }
}

impl fmt::Debug for LiveFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LiveFile").finish_non_exhaustive()
    }
}

/// Nothing in here panics half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The config as one thread has seen it.
pub(super) struct Watched {
    shared: Arc<LiveFile>,
    file: Arc<ConfigFile>,
    /// The sequences of which everything is known, or [`NEVER`].
    seen: [u64; 2],
    cache: Option<Cache>,
    /// What was seen last.
    slot: Option<Slot>,
    /// The flags that the slices were told last.
    told: Option<Flags>,
}

impl Watched {
    /// Tells the slices what is in force.
    pub(super) fn new(shared: Arc<LiveFile>, app: &mut App) -> Self {
        let file = shared.current();
        let mut watched = Self { shared, file, seen: NEVER, cache: None, slot: None, told: None };
        watched.refresh(app);
        watched
    }

    /// Tells the slices what changed, if something did.
    #[inline(always)]
    pub(super) fn look(&mut self, app: &mut App) {
        let ([first, second], [seen_first, seen_second]) = (self.file.sequences(), self.seen);
        if (first ^ seen_first) | (second ^ seen_second) != 0 {
            self.refresh(app);
        }
    }

    /// Another file may be in use by now, or this one may be of no use any more.
    pub(super) fn renew(&mut self, app: &mut App) {
        let current = self.shared.current();
        if !Arc::ptr_eq(&self.file, &current) {
            (self.file, self.cache, self.seen) = (current, None, NEVER);
        } else if self.shared.is_in_trouble() {
            self.fall_back(app);
        }
    }

    /// Obeys what somebody saw last, while there was something to see.
    fn fall_back(&mut self, app: &mut App) {
        let last = *lock(&self.shared.last);
        last.into_iter().for_each(|flags| self.tell(flags, app));
    }

    #[cold]
    #[inline(never)]
    fn refresh(&mut self, app: &mut App) {
        let before = self.file.sequences();
        self.file.order_loads();
        match self.read() {
            Ok(slot) => {
                // The next update goes above both, so it changes one of them; but where the other slot was
                // just being written, it may have changed already: then this is no state to compare with.
                let is_settled = before.into_iter().max() == Some(slot.sequence);
                self.seen = if is_settled { before } else { NEVER };
                self.shared.saw(slot.config.flags());
                self.tell(slot.config.flags(), app);
                if self.slot.replace(slot) != Some(slot) {
                    self.shared.tell();
                }
            }
            Err(Error::Busy) => self.seen = NEVER,
            Err(error) => {
                self.seen = before;
                // Of one that is in use no more, nobody needs to know.
                if Arc::ptr_eq(&self.file, &self.shared.current()) {
                    self.shared.note(error);
                }
                self.fall_back(app);
            }
        }
    }

    fn tell(&mut self, flags: Flags, app: &mut App) {
        if self.told.replace(flags) != Some(flags) {
            (self.shared.on_flags)(flags);
            app.on_flags(flags);
        }
    }

    fn read(&mut self) -> Result<Slot, Error> {
        match &mut self.cache {
            Some(cache) => cache.read(&*self.file).copied(),
            None => {
                let cache = Cache::new(&*self.file)?;
                let slot = *cache.last();
                self.cache = Some(cache);
                Ok(slot)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::FileExt;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::app::{Flow, Reply, Request, RouterBuilder, Service};
    use crate::config::Config;

    /// Notes the flags it is told.
    struct Noting(Arc<Mutex<Vec<Flags>>>);

    impl Service for Noting {
        fn call(&mut self, _request: &Request<'_>, _reply: &mut Reply<'_>) -> Flow {
            Flow::Done
        }

        fn on_flags(&mut self, flags: Flags) {
            lock(&self.0).push(flags);
        }
    }

    /// A thread, a file, and what the thread was told.
    struct Room {
        _directory: tempfile::TempDir,
        path: PathBuf,
        writer: ConfigFile,
        shared: Arc<LiveFile>,
        app: App,
        told: Arc<Mutex<Vec<Flags>>>,
        troubles: Arc<Mutex<Vec<Error>>>,
        calls: Arc<AtomicU32>,
    }

    impl Room {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("config.bin");
            let name = CString::new(path.as_os_str().as_bytes()).unwrap();
            let writer = ConfigFile::create(&name, Config::new()).unwrap();
            let (told, troubles, calls) = (Arc::default(), Arc::default(), Arc::<AtomicU32>::default());
            let counted = Arc::clone(&calls);
            let on_flags: OnFlags = Box::new(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
            });
            let noted: Arc<Mutex<Vec<Error>>> = Arc::clone(&troubles);
            let on_trouble = Box::new(move |error| lock(&noted).push(error));
            let shared = Arc::new(LiveFile::new(ConfigFile::open(&name).unwrap(), on_flags, on_trouble));
            let mut router = RouterBuilder::new();
            router.mount(&[""], &[]);
            let app = App::new(Arc::new(router.build()), Vec::new(), vec![Box::new(Noting(Arc::clone(&told)))]);
            Self { _directory: directory, path, writer, shared, app, told, troubles, calls }
        }

        fn watched(&mut self) -> Watched {
            Watched::new(Arc::clone(&self.shared), &mut self.app)
        }

        fn told(&self) -> Vec<Flags> {
            std::mem::take(&mut *lock(&self.told))
        }
    }

    #[test]
    fn each_update_is_told_by_the_next_look_and_nothing_else_is() {
        let mut room = Room::new();
        let mut watched = room.watched();
        assert_eq!(room.told(), [Flags(0)], "at the start");
        for bits in 1..100 {
            let config = Config::new().with_flags(Flags(bits));
            room.writer.lock(0).unwrap().change(|_| Ok(config)).unwrap();
            watched.look(&mut room.app);
            assert_eq!(room.told(), [Flags(bits)]);
            let calls = room.calls.load(Ordering::Relaxed);
            for _ in 0..10 {
                watched.look(&mut room.app);
            }
            assert_eq!((room.told(), room.calls.load(Ordering::Relaxed)), (vec![], calls), "nothing has changed");
        }
    }

    #[test]
    fn an_update_over_a_torn_one_is_told() {
        let mut room = Room::new();
        let mut watched = room.watched();
        let file = std::fs::OpenOptions::new().write(true).open(&room.path).unwrap();
        // The other slot has the sequence of an update that never became whole.
        file.write_all_at(&2_u64.to_le_bytes(), 32 + 16).unwrap();
        for _ in 0..3 {
            watched.look(&mut room.app);
        }
        assert_eq!(room.told(), [Flags(0)], "what was whole stands");
        let other = room.writer.set_features(Flags::DEBUG, true).unwrap();
        watched.look(&mut room.app);
        assert_eq!((room.told(), other.config.flags()), (vec![Flags::DEBUG], Flags::DEBUG));
    }

    #[test]
    fn an_update_that_was_seen_half_written_is_told_when_it_is_whole() {
        let mut room = Room::new();
        let mut watched = room.watched();
        room.told();
        let file = std::fs::OpenOptions::new().write(true).open(&room.path).unwrap();
        let slot = Slot { config: Config::new().with_flags(Flags::DEBUG), sequence: 2 }.encode();
        // All but the checksum: both sequences stand there as they will when it is whole.
        file.write_all_at(&slot[..24], 32).unwrap();
        for _ in 0..3 {
            watched.look(&mut room.app);
            assert_eq!(room.told(), []);
        }
        file.write_all_at(&slot[24..], 32 + 24).unwrap();
        watched.look(&mut room.app);
        assert_eq!(room.told(), [Flags::DEBUG]);
        let seen = watched.seen;
        watched.look(&mut room.app);
        assert_eq!((seen, watched.seen), ([1, 2], [1, 2]), "from here on two words are compared");
    }

    #[test]
    fn each_state_is_told_on_once_and_in_its_order() {
        let mut room = Room::new();
        let told: Arc<Mutex<Vec<u64>>> = Arc::default();
        let take = || std::mem::take(&mut *lock(&told));
        let mut threads = [room.watched(), room.watched()];
        room.writer.set_features(Flags::DEBUG, true).unwrap();
        threads[0].look(&mut room.app);
        let noted = Arc::clone(&told);
        room.shared.tell_to(Box::new(move |slot| lock(&noted).push(slot.sequence)));
        assert_eq!(take(), [2], "at the start, whoever has seen it before");
        threads.iter_mut().for_each(|watched| watched.look(&mut room.app));
        room.shared.tell();
        assert!(take().is_empty(), "it was told");
        for sequence in 3..30 {
            room.writer.set_byte(10, sequence as u8).unwrap();
            threads.iter_mut().for_each(|watched| watched.look(&mut room.app));
            assert_eq!(take(), [sequence], "also where no flag has changed");
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..2000).for_each(|_| room.shared.tell()));
            }
            for value in 0..500 {
                room.writer.set_byte(11, value as u8).unwrap();
            }
        });
        room.shared.tell();
        let states = take();
        assert!(states.is_sorted_by(|a, b| a < b) && states.last() == Some(&529), "{states:?}");
    }

    #[test]
    fn what_one_thread_saw_is_in_force_for_all_once_nothing_can_be_seen() {
        let mut room = Room::new();
        let mut threads = [room.watched(), room.watched()];
        room.writer.set_features(Flags::PRIVATE_REGISTRY, true).unwrap();
        threads[0].look(&mut room.app);
        room.told();
        // The slot that is left is the one that the other thread has seen.
        std::fs::OpenOptions::new().write(true).open(&room.path).unwrap().set_len(32).unwrap();
        threads[0].look(&mut room.app);
        assert_eq!((room.told(), lock(&room.troubles).as_slice()), (vec![], &[Error::Cut][..]));
        threads[1].renew(&mut room.app);
        threads[1].look(&mut room.app);
        assert_eq!(room.told(), [Flags::PRIVATE_REGISTRY]);
    }

    #[test]
    fn what_is_wrong_is_told_once_and_another_file_mends_it() {
        let mut room = Room::new();
        let mut threads = [room.watched(), room.watched()];
        room.told();
        let file = std::fs::OpenOptions::new().write(true).open(&room.path).unwrap();
        file.write_all_at(&[0x5a; 64], 0).unwrap();
        for watched in &mut threads {
            for _ in 0..10 {
                watched.look(&mut room.app);
            }
        }
        assert_eq!((room.told(), lock(&room.troubles).as_slice()), (vec![], &[Error::Damaged][..]));
        assert!(room.shared.is_in_trouble());
        let path = room.path.with_extension("other");
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        room.shared.replace(ConfigFile::create(&name, Config::new().with_flags(Flags::METRICS)).unwrap());
        assert!(!room.shared.is_in_trouble());
        for watched in &mut threads {
            watched.look(&mut room.app);
            assert_eq!(room.told(), [], "not before it was announced");
            watched.renew(&mut room.app);
            watched.look(&mut room.app);
            assert_eq!(room.told(), [Flags::METRICS]);
            watched.renew(&mut room.app);
            watched.look(&mut room.app);
            assert_eq!(room.told(), []);
        }
    }
}
