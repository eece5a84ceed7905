//! The kernel as the C library hands it on.

use core::ffi::{c_int, c_long};
use core::mem::MaybeUninit;
use core::ptr;

/// An argument, or none.
pub(in crate::config) type Argument = usize;
pub(in crate::config) const NONE: Argument = 0;

#[inline]
pub(in crate::config) const fn of(argument: usize) -> Argument {
    argument
}

#[inline]
pub(super) unsafe fn call(a: Argument, b: Argument, c: Argument, number: c_long, d: Argument, e: Argument) -> isize {
    // SAFETY: the caller's promise.
    result_of(unsafe { libc::syscall(number, a, b, c, d, e, 0usize) } as isize)
}

fn result_of(result: isize) -> isize {
    // SAFETY: the C library's `errno` of this thread can always be read.
    if result == -1 { -(unsafe { *libc::__errno_location() } as isize) } else { result }
}

/// Who handles a signal, or `SIG_DFL` or `SIG_IGN`.
pub(in crate::config) struct Action(libc::sigaction);

impl Action {
    pub(in crate::config) fn new(handler: usize, flags: c_int) -> Self {
        // SAFETY: zeros are a `sigaction`.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        (action.sa_sigaction, action.sa_flags) = (handler, flags);
        Self(action)
    }

    pub(in crate::config) fn handler(&self) -> usize {
        self.0.sa_sigaction
    }

    pub(in crate::config) fn flags(&self) -> c_int {
        self.0.sa_flags
    }
}

pub(super) unsafe fn exchange(signal: c_int, new: Option<&Action>, before: Option<&mut Action>) -> isize {
    let new = new.map_or(ptr::null(), |new| ptr::from_ref(&new.0));
    let before = before.map_or(ptr::null_mut(), |before| ptr::from_mut(&mut before.0));
    // SAFETY: each is NULL or an action, `before` may be written; the rest is the caller's promise.
    result_of(unsafe { libc::sigaction(signal, new, before) } as isize)
}
