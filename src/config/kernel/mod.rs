//! Calls of the kernel, and who handles a signal.
//!
//! On x86-64 they go straight there: the functions for other languages then need no other library, whichever that
//! would be, and each that they do not import is 65 bytes less. Elsewhere they go through the C library.
#![allow(unsafe_code)]

use core::ffi::{c_int, c_long};

use super::fault::Fault;

#[cfg(target_arch = "x86_64")]
mod direct;
#[cfg(not(target_arch = "x86_64"))]
mod through_libc;

#[cfg(target_arch = "x86_64")]
use direct as way;
#[cfg(not(target_arch = "x86_64"))]
use through_libc as way;

pub(super) use way::{Action, Argument, NONE, of};

/// Calls the kernel: what it returned, or an `errno` below zero. What a signal interrupted is repeated.
///
/// # Safety
///
/// The kernel may do what this number and these arguments ask for, and looks at none that is `NONE`.
#[cfg_attr(feature = "node", inline)]
#[cfg_attr(not(feature = "node"), inline(never))]
pub(super) unsafe fn call(a: Argument, b: Argument, c: Argument, number: c_long, d: Argument, e: Argument) -> isize {
    loop {
        // SAFETY: the caller's promise.
        let result = unsafe { way::call(a, b, c, number, d, e) };
        if result != -(libc::EINTR as isize) {
            return result;
        }
    }
}

/// What a call returned, or what its `errno` means.
#[inline]
pub(super) fn checked(result: isize) -> Result<usize, Fault> {
    usize::try_from(result).map_err(|_| Fault::of_errno(-result as c_int))
}

/// Lets another one handle the signal, or with `None` nobody else; leaves at `before` who did so.
///
/// # Safety
///
/// The handler does nothing that a signal handler may not.
pub(super) unsafe fn exchange(signal: c_int, new: Option<&Action>, before: Option<&mut Action>) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    checked(unsafe { way::exchange(signal, new, before) }).map(drop)
}
