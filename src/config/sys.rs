//! The system calls of a config file, and the mapping of its 64 bytes. Linux.
//!
//! Each function is one call of the [`kernel`](super::kernel); what it was given proves it safe.
//!
//! The bytes are only ever touched as relaxed atomic words: other processes write them at any time. A
//! relaxed load of eight bytes is also what Rust allows on pages that may not be written.
#![allow(unsafe_code)]

use core::ffi::{CStr, c_int};
use core::iter;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering, fence};

use super::fault::Fault;
use super::kernel::{NONE, call, checked, of};
use super::layout::{IMAGE_BYTES, SLOTS};
use super::line::Line;
use super::sigbus::Guard;
use super::slot::Words;

/// The 64 bytes as they are in memory: two slots, little-endian.
pub(super) type Shared = [[AtomicU64; 4]; SLOTS];

/// Relative paths begin at the current directory.
const HERE: usize = libc::AT_FDCWD as usize;

/// An open file, closed when dropped.
pub(super) struct Descriptor(c_int);

impl Drop for Descriptor {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: the descriptor is open and nobody else's.
        unsafe { call(of(self.number()), NONE, NONE, libc::SYS_close, NONE, NONE) };
    }
}

/// What the kernel says of an open file.
pub(super) struct Status(libc::stat);

impl Status {
    /// `S_IFREG` and so on.
    pub(super) fn kind(&self) -> libc::mode_t {
        self.0.st_mode & libc::S_IFMT
    }

    /// The permissions.
    pub(super) fn mode(&self) -> libc::mode_t {
        self.0.st_mode & !libc::S_IFMT
    }

    pub(super) fn owner(&self) -> libc::uid_t {
        self.0.st_uid
    }

    pub(super) fn bytes(&self) -> i64 {
        self.0.st_size
    }

    /// Whether a directory still knows it.
    pub(super) fn has_name(&self) -> bool {
        self.0.st_nlink > 0
    }
}

/// Bytes that end with a zero, as the kernel takes paths. Unlike a `CStr` it does not know how many.
#[derive(Clone, Copy)]
pub(super) struct Text<'t>(NonNull<u8>, PhantomData<&'t [u8]>);

impl<'t> Text<'t> {
    /// The text that begins there.
    ///
    /// # Safety
    ///
    /// From there on there are bytes that may be read, nobody writes them for `'t`, and one of them is zero.
    #[cfg(any(feature = "cabi", test))]
    pub(super) unsafe fn from_start(start: NonNull<u8>) -> Self {
        Self(start, PhantomData)
    }

    /// Ends these bytes with a zero at this index, if there is one.
    pub(super) fn ended(bytes: &'t mut [u8], end: usize) -> Option<Self> {
        *bytes.get_mut(end)? = 0;
        Some(Self(NonNull::from(bytes).cast(), PhantomData))
    }

    /// The bytes before the zero.
    pub(super) fn bytes(self) -> impl Iterator<Item = u8> {
        let mut at = self.0;
        iter::from_fn(move || {
            // SAFETY: no zero was before.
            let byte = unsafe { at.read() };
            if byte == 0 {
                return None;
            }
            // SAFETY: behind another byte there is one.
            at = unsafe { at.add(1) };
            Some(byte)
        })
    }

    fn address(self) -> usize {
        self.0.as_ptr() as usize
    }
}

impl<'t> From<&'t CStr> for Text<'t> {
    fn from(text: &'t CStr) -> Self {
        Self(NonNull::from(text.to_bytes_with_nul()).cast(), PhantomData)
    }
}

/// Opens a file; no child process gets it, no terminal becomes ours, and nothing is waited for.
pub(super) fn open(path: Text<'_>, flags: c_int, mode: libc::mode_t) -> Result<Descriptor, Fault> {
    let flags = flags | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
    // SAFETY: `path` ends with a zero byte.
    let opened =
        unsafe { call(of(HERE), of(path.address()), of(flags as usize), libc::SYS_openat, of(mode as usize), NONE) };
    checked(opened).map(|opened| Descriptor(opened as c_int))
}

/// Gives a file another name; with `new_only`, not one that is there already.
pub(super) fn rename(from: Text<'_>, to: Text<'_>, new_only: bool) -> Result<(), Fault> {
    let flags = if new_only { libc::RENAME_NOREPLACE } else { 0 };
    let (from, to) = (from.address(), to.address());
    // SAFETY: both paths end with a zero byte.
    checked(unsafe { call(of(HERE), of(from), of(HERE), libc::SYS_renameat2, of(to), of(flags as usize)) }).map(drop)
}

/// Takes a name away.
pub(super) fn unlink(path: Text<'_>) {
    // SAFETY: `path` ends with a zero byte.
    unsafe { call(of(HERE), of(path.address()), of(0), libc::SYS_unlinkat, NONE, NONE) };
}

/// The user whose rights count.
pub(super) fn user() -> libc::uid_t {
    // SAFETY: needs nothing and cannot fail.
    unsafe { call(NONE, NONE, NONE, libc::SYS_geteuid, NONE, NONE) as libc::uid_t }
}

/// The number of this process.
pub(super) fn process() -> u32 {
    // SAFETY: needs nothing and cannot fail.
    unsafe { call(NONE, NONE, NONE, libc::SYS_getpid, NONE, NONE) as u32 }
}

/// Sends this process a signal. A handler may do so.
pub(super) fn signal_self(signal: c_int) {
    // SAFETY: what the signal does, others could make it do as well.
    unsafe { call(of(process() as usize), of(signal as usize), NONE, libc::SYS_kill, NONE, NONE) };
}

/// Rests for so many microseconds, less than a second.
#[inline(never)]
pub(super) fn rest(micros: u32) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: libc::c_long::from(micros as i32) * 1000 };
    // SAFETY: `time` is valid, and nothing is to be written.
    unsafe { call(of(&raw const time as usize), of(0), NONE, libc::SYS_nanosleep, NONE, NONE) };
}

/// Milliseconds of a clock that never goes back.
#[inline(never)]
pub(super) fn now_ms() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` may be written.
    unsafe {
        call(of(libc::CLOCK_MONOTONIC as usize), of(&raw mut time as usize), NONE, libc::SYS_clock_gettime, NONE, NONE)
    };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

impl Descriptor {
    fn number(&self) -> usize {
        self.0 as usize
    }

    pub(super) fn status(&self) -> Result<Status, Fault> {
        // SAFETY: zeros are a `stat`.
        let mut status: libc::stat = unsafe { MaybeUninit::zeroed().assume_init() };
        let at = &raw mut status as usize;
        // SAFETY: `status` may be written; the descriptor is open.
        checked(unsafe { call(of(self.number()), of(at), NONE, libc::SYS_fstat, NONE, NONE) })?;
        Ok(Status(status))
    }

    /// Reads from the start, as many bytes as there are.
    pub(super) fn read(&self, bytes: &mut [u8]) -> Result<usize, Fault> {
        // SAFETY: `bytes` is valid for writes of its length.
        checked(unsafe {
            call(of(self.number()), of(bytes.as_mut_ptr() as usize), of(bytes.len()), libc::SYS_pread64, of(0), NONE)
        })
    }

    /// Writes at `offset` in one call; how many bytes went.
    #[inline]
    pub(super) fn write(&self, bytes: &[u8], offset: u32) -> Result<usize, Fault> {
        let (start, offset) = (bytes.as_ptr() as usize, offset as usize);
        // SAFETY: `bytes` is valid for reads of its length.
        checked(unsafe { call(of(self.number()), of(start), of(bytes.len()), libc::SYS_pwrite64, of(offset), NONE) })
    }

    /// Waits until all of it is on the disk, name and all if it is a directory.
    pub(super) fn sync(&self) -> Result<(), Fault> {
        // SAFETY: the descriptor is open.
        checked(unsafe { call(of(self.number()), NONE, NONE, libc::SYS_fsync, NONE, NONE) }).map(drop)
    }

    /// Waits until its bytes are on the disk.
    pub(super) fn sync_bytes(&self) -> Result<(), Fault> {
        // SAFETY: the descriptor is open.
        checked(unsafe { call(of(self.number()), NONE, NONE, libc::SYS_fdatasync, NONE, NONE) }).map(drop)
    }

    /// Gives the file the times of now, which watchers of its attributes are told.
    pub(super) fn touch(&self) -> Result<(), Fault> {
        let none = || of(0);
        // SAFETY: without times, the kernel takes those of now; the descriptor is open.
        checked(unsafe { call(of(self.number()), none(), none(), libc::SYS_utimensat, none(), NONE) }).map(drop)
    }

    /// Takes the lock of the file, or says at once that it cannot ([`Fault::LOCKED`]). It is the open file's: it
    /// excludes other threads too, and ends with the process.
    pub(super) fn lock(&self) -> Result<(), Fault> {
        self.set_lock(libc::F_WRLCK)
    }

    pub(super) fn unlock(&self) {
        // What cannot be unlocked is not locked.
        let _ = self.set_lock(libc::F_UNLCK);
    }

    fn set_lock(&self, kind: c_int) -> Result<(), Fault> {
        // SAFETY: zeros are a `flock`: the whole file.
        let mut lock: libc::flock = unsafe { MaybeUninit::zeroed().assume_init() };
        lock.l_type = kind as libc::c_short;
        lock.l_whence = libc::SEEK_SET as libc::c_short;
        let (what, lock) = (libc::F_OFD_SETLK as usize, &raw mut lock as usize);
        // SAFETY: `lock` is valid during the call; the descriptor is open.
        checked(unsafe { call(of(self.number()), of(what), of(lock), libc::SYS_fcntl, NONE, NONE) }).map(drop)
    }
}

/// Maps 64 bytes; where they are.
///
/// # Safety
///
/// Nobody uses the memory that these arguments give up.
pub(super) unsafe fn map(start: usize, access: c_int, flags: c_int, file: c_int) -> Result<usize, Fault> {
    // SAFETY: the caller's promise.
    checked(unsafe {
        call(of(start), of(IMAGE_BYTES), of(access as usize), libc::SYS_mmap, of(flags as usize), of(file as usize))
    })
}

/// # Safety
///
/// A mapping of 64 bytes begins there, and nobody uses it any more.
unsafe fn unmap(start: usize) {
    // SAFETY: the caller's promise.
    unsafe { call(of(start), of(IMAGE_BYTES), NONE, libc::SYS_munmap, NONE, NONE) };
}

/// The 64 bytes of a file in memory.
pub(super) struct Mapping {
    slots: NonNull<Shared>,
    guard: Guard,
}

// SAFETY: the words are atomic, and the mapping belongs to no thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a file that has 64 bytes.
    pub(super) fn new(file: &Descriptor, writable: bool) -> Result<Self, Fault> {
        let access = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        // SAFETY: a new mapping at an address the kernel chooses; the descriptor is open.
        let start = unsafe { map(0, access, libc::MAP_SHARED, file.0) }?;
        let Some(slots) = NonNull::new(start as *mut _) else { return Err(Fault::of_errno(libc::EINVAL)) };
        let Some(guard) = Guard::new(start, writable) else {
            // SAFETY: mapped above, and nobody knows of it.
            unsafe { unmap(start) };
            return Err(Fault::TOO_MANY);
        };
        Ok(Self { slots, guard })
    }

    /// Its number among those of the process, below [`MAPPINGS_MAX`](super::sigbus::MAPPINGS_MAX).
    #[cfg(any(feature = "cabi", test))]
    pub(super) fn index(&self) -> usize {
        self.guard.index()
    }

    /// Whether the file became so short that its memory was taken away.
    pub(super) fn is_cut(&self) -> bool {
        self.guard.is_cut()
    }

    #[inline]
    pub(super) fn slots(&self) -> &Shared {
        // SAFETY: mapped and aligned to a page until `self` is dropped; atomic words may change under us.
        // If the file is cut, they are still there with the handler of `sigbus`, or the process ends.
        unsafe { self.slots.as_ref() }
    }

    /// Stores a slot after all that was stored before. The mapping is writable.
    #[inline]
    pub(super) fn store(&self, index: usize, words: Words) {
        let [first, second] = self.slots();
        let slot = if index == 0 { first } else { second };
        fence(Ordering::Release);
        for (at, word) in slot.iter().zip(words) {
            at.store(word.to_le(), Ordering::Relaxed);
        }
    }
}

impl Line for Shared {
    #[inline]
    fn sequences(&self) -> [u64; 2] {
        let [[_, _, first, _], [_, _, second, _]] = self;
        [load(first), load(second)]
    }

    #[inline]
    fn slot(&self, index: usize) -> Words {
        let [first, second] = self;
        let [a, b, c, d] = if index == 0 { first } else { second };
        [load(a), load(b), load(c), load(d)]
    }

    /// Whoever has the file knows.
    fn is_cut(&self) -> bool {
        false
    }
}

#[inline]
fn load(word: &AtomicU64) -> u64 {
    u64::from_le(word.load(Ordering::Relaxed))
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // Before the memory is gone, as its address may be another mapping's right after.
        self.guard.release();
        // SAFETY: mapped in `new`, and `self` ends here.
        unsafe { unmap(self.slots.as_ptr() as usize) };
    }
}
