//! The system calls of a config file, and the mapping of its 64 bytes. Linux.
//!
//! Each function is one call; what it was given proves it safe. Errors are `errno` as it is.
//!
//! The bytes are only ever touched as relaxed atomic words: other processes write them at any time. A
//! relaxed load of eight bytes is also what Rust allows on pages that may not be written.
#![allow(unsafe_code)]

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU64, Ordering, fence};

use super::layout::IMAGE_BYTES;
use super::sigbus::Guard;
use super::slot::Words;

const WORDS: usize = IMAGE_BYTES / 8;

/// An `errno`.
pub(super) type Errno = c_int;

/// An open file, closed when dropped.
pub(super) struct Descriptor(c_int);

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the descriptor is open and nobody else's.
        unsafe { libc::close(self.0) };
    }
}

/// What the kernel says of an open file.
pub(super) struct Status {
    /// `S_IFREG` and so on.
    pub(super) kind: libc::mode_t,
    /// The permissions.
    pub(super) mode: libc::mode_t,
    pub(super) owner: libc::uid_t,
    pub(super) bytes: i64,
    /// Whether a directory still knows it.
    pub(super) has_name: bool,
}

fn errno() -> Errno {
    // SAFETY: the C library's `errno` of this thread can always be read.
    unsafe { *libc::__errno_location() }
}

/// What a call returned, or its `errno`; asks again when a signal came between.
fn repeat(mut call: impl FnMut() -> isize) -> Result<usize, Errno> {
    loop {
        if let Ok(result) = usize::try_from(call()) {
            return Ok(result);
        }
        let error = errno();
        if error != libc::EINTR {
            return Err(error);
        }
    }
}

/// Opens a file; no child process gets it, no terminal becomes ours, and nothing is waited for.
pub(super) fn open(path: &CStr, flags: c_int, mode: libc::mode_t) -> Result<Descriptor, Errno> {
    let flags = flags | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
    // SAFETY: `path` ends with a zero byte.
    let opened = repeat(|| unsafe { libc::open(path.as_ptr(), flags, mode) } as isize)?;
    Ok(Descriptor(opened as c_int))
}

/// Gives a file another name; with `new_only`, not one that is there already.
pub(super) fn rename(from: &CStr, to: &CStr, new_only: bool) -> Result<(), Errno> {
    let flags = if new_only { libc::RENAME_NOREPLACE } else { 0 };
    let here = libc::AT_FDCWD;
    // SAFETY: both paths end with a zero byte.
    repeat(|| unsafe { libc::syscall(libc::SYS_renameat2, here, from.as_ptr(), here, to.as_ptr(), flags) as isize })
        .map(drop)
}

/// Takes a name away.
pub(super) fn unlink(path: &CStr) {
    // SAFETY: `path` ends with a zero byte.
    unsafe { libc::unlink(path.as_ptr()) };
}

/// The user whose rights count.
pub(super) fn user() -> libc::uid_t {
    // SAFETY: needs nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// The number of this process.
pub(super) fn process() -> u32 {
    // SAFETY: needs nothing and cannot fail.
    unsafe { libc::getpid() as u32 }
}

/// Rests for so many microseconds, less than a second.
pub(super) fn rest(micros: u32) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: libc::c_long::from(micros as i32) * 1000 };
    // SAFETY: `time` is valid, and nothing is to be written.
    unsafe { libc::nanosleep(&time, ptr::null_mut()) };
}

/// Milliseconds of a clock that never goes back.
pub(super) fn now_ms() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` may be written.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

impl Descriptor {
    pub(super) fn status(&self) -> Result<Status, Errno> {
        let mut status = MaybeUninit::<libc::stat>::zeroed();
        // SAFETY: `status` may be written; the descriptor is open.
        repeat(|| unsafe { libc::fstat(self.0, status.as_mut_ptr()) } as isize)?;
        // SAFETY: all bytes are initialized, and any bytes are a `stat`.
        let status = unsafe { status.assume_init() };
        Ok(Status {
            kind: status.st_mode & libc::S_IFMT,
            mode: status.st_mode & !libc::S_IFMT,
            owner: status.st_uid,
            bytes: status.st_size,
            has_name: status.st_nlink > 0,
        })
    }

    /// Reads from the start, as many bytes as there are.
    pub(super) fn read(&self, bytes: &mut [u8]) -> Result<usize, Errno> {
        // SAFETY: `bytes` is valid for writes of its length.
        repeat(|| unsafe { libc::pread(self.0, bytes.as_mut_ptr().cast(), bytes.len(), 0) })
    }

    /// Writes at `offset` in one call; how many bytes went.
    #[inline]
    pub(super) fn write(&self, bytes: &[u8], offset: u32) -> Result<usize, Errno> {
        // SAFETY: `bytes` is valid for reads of its length.
        repeat(|| unsafe { libc::pwrite(self.0, bytes.as_ptr().cast(), bytes.len(), offset.into()) })
    }

    /// Waits until all of it is on the disk, name and all if it is a directory.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        // SAFETY: the descriptor is open.
        repeat(|| unsafe { libc::fsync(self.0) } as isize).map(drop)
    }

    /// Waits until its bytes are on the disk.
    pub(super) fn sync_bytes(&self) -> Result<(), Errno> {
        // SAFETY: the descriptor is open.
        repeat(|| unsafe { libc::fdatasync(self.0) } as isize).map(drop)
    }

    /// Gives the file the times of now, which watchers of its attributes are told.
    pub(super) fn touch(&self) -> Result<(), Errno> {
        // SAFETY: without times, the kernel takes those of now; the descriptor is open.
        repeat(|| unsafe { libc::futimens(self.0, ptr::null()) } as isize).map(drop)
    }

    /// Takes the lock of the file, or says at once that it cannot (`EAGAIN`). It is the open file's: it
    /// excludes other threads too, and ends with the process.
    pub(super) fn lock(&self) -> Result<(), Errno> {
        self.set_lock(libc::F_WRLCK)
    }

    pub(super) fn unlock(&self) {
        // What cannot be unlocked is not locked.
        let _ = self.set_lock(libc::F_UNLCK);
    }

    fn set_lock(&self, kind: c_int) -> Result<(), Errno> {
        // SAFETY: zeros are a `flock`: the whole file.
        let mut lock: libc::flock = unsafe { MaybeUninit::zeroed().assume_init() };
        lock.l_type = kind as libc::c_short;
        lock.l_whence = libc::SEEK_SET as libc::c_short;
        // SAFETY: `lock` is valid during the call; the descriptor is open.
        repeat(|| unsafe { libc::fcntl(self.0, libc::F_OFD_SETLK, &lock) } as isize).map(drop)
    }
}

/// The 64 bytes of a file in memory.
pub(super) struct Mapping {
    words: NonNull<[AtomicU64; WORDS]>,
    guard: Guard,
}

// SAFETY: the words are atomic, and the mapping belongs to no thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a file that has 64 bytes. `Ok(None)` if no more mappings can be guarded.
    pub(super) fn new(file: &Descriptor, writable: bool) -> Result<Option<Self>, Errno> {
        let access = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        let anywhere = ptr::null_mut();
        // SAFETY: a new mapping at an address the kernel chooses; the descriptor is open.
        let start = unsafe { libc::mmap(anywhere, IMAGE_BYTES, access, libc::MAP_SHARED, file.0, 0) };
        if start == libc::MAP_FAILED {
            return Err(errno());
        }
        let Some(words) = NonNull::new(start.cast()) else { return Err(libc::EINVAL) };
        let Some(guard) = Guard::new(start as usize, writable) else {
            // SAFETY: mapped above, and nobody knows of it.
            unsafe { libc::munmap(start, IMAGE_BYTES) };
            return Ok(None);
        };
        Ok(Some(Self { words, guard }))
    }

    /// Whether the file became so short that its memory was taken away.
    pub(super) fn is_cut(&self) -> bool {
        self.guard.is_cut()
    }

    #[inline]
    fn words(&self) -> &[AtomicU64; WORDS] {
        // SAFETY: mapped and aligned to a page until `self` is dropped; atomic words may change under us.
        // If the file is cut, they are still there with the handler of `sigbus`, or the process ends.
        unsafe { self.words.as_ref() }
    }

    #[inline]
    pub(super) fn sequences(&self) -> [u64; 2] {
        let [_, _, first, _, _, _, second, _] = self.words();
        [load(first), load(second)]
    }

    #[inline]
    pub(super) fn slot(&self, index: usize) -> Words {
        let [a, b, c, d, e, f, g, h] = self.words();
        let slot = if index == 0 { [a, b, c, d] } else { [e, f, g, h] };
        slot.map(load)
    }

    /// Stores a slot after all that was stored before. The mapping is writable.
    #[inline]
    pub(super) fn store(&self, index: usize, words: Words) {
        let [a, b, c, d, e, f, g, h] = self.words();
        let [first, middle, sequence, checksum] = words.map(u64::to_le);
        let slot = if index == 0 { [a, b, c, d] } else { [e, f, g, h] };
        fence(Ordering::Release);
        slot[0].store(first, Ordering::Relaxed);
        slot[1].store(middle, Ordering::Relaxed);
        slot[2].store(sequence, Ordering::Relaxed);
        slot[3].store(checksum, Ordering::Relaxed);
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
        unsafe { libc::munmap(self.words.as_ptr().cast(), IMAGE_BYTES) };
    }
}
