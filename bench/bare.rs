//! What the config is measured against: the same system calls and loads with nothing around them.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::hint::black_box;
use std::ptr;

/// Loads eight bytes so that the compiler leaves none of the loads out.
pub(crate) fn volatile_load(word: &u64) -> u64 {
    // SAFETY: a reference can be read.
    unsafe { ptr::read_volatile(word) }
}

/// Opens a file, maps 64 bytes of it, loads eight, and gives all of it back.
pub(crate) fn open_map_close(path: &CStr) -> u64 {
    // SAFETY: `path` ends with a zero byte; the mapping is a new one, read within its bounds and unmapped
    // by its own address; the descriptor is closed once.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        let start = libc::mmap(ptr::null_mut(), 64, libc::PROT_READ, libc::MAP_SHARED, file, 0);
        assert!(file >= 0 && start != libc::MAP_FAILED, "the file of the bench");
        let word = ptr::read_volatile(black_box(start.cast::<u64>()));
        libc::munmap(start, 64);
        libc::close(file);
        word
    }
}
