//! Calls of the kernel, and who handles a signal.
//!
//! In the C library on x86-64 they go straight there: it needs no other library, whichever that would be, and
//! each function that it does not call is 65 bytes less. Elsewhere they go through the C library.
//!
//! Calls that a signal interrupted are repeated.
#![allow(unsafe_code)]

use core::ffi::{c_int, c_long};
use core::mem::MaybeUninit;

use super::fault::Fault;

/// Who handles a signal, or `SIG_DFL` or `SIG_IGN`, and the flags for that.
#[derive(Clone, Copy)]
pub(super) struct Action {
    pub(super) handler: usize,
    pub(super) flags: c_int,
}

/// An argument of a call; or of none, which does not look at it.
pub(super) type Argument = MaybeUninit<usize>;
pub(super) const NONE: Argument = MaybeUninit::uninit();

/// An argument that counts.
#[inline]
pub(super) const fn of(argument: usize) -> Argument {
    MaybeUninit::new(argument)
}

/// Calls the kernel: what it returned, or an `errno` below zero. Repeats what a signal interrupted.
///
/// # Safety
///
/// The kernel may do what this number and these arguments ask for, and looks at no other.
#[cfg_attr(feature = "node", inline)]
#[cfg_attr(not(feature = "node"), inline(never))]
pub(super) unsafe fn call(a: Argument, b: Argument, c: Argument, number: c_long, d: Argument, e: Argument) -> isize {
    loop {
        // SAFETY: the caller's promise.
        let result = unsafe { call_once(a, b, c, number, d, e) };
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

#[cfg(all(feature = "cabi", not(feature = "node"), target_arch = "x86_64"))]
use direct::{call_once, exchange};
#[cfg(not(all(feature = "cabi", not(feature = "node"), target_arch = "x86_64")))]
use through_libc::{call_once, exchange};

/// Who handles the signal.
pub(super) fn action(signal: c_int) -> Result<Action, Fault> {
    // SAFETY: asks only.
    unsafe { exchange(signal, None) }
}

/// Lets another one handle the signal.
///
/// # Safety
///
/// The handler does nothing that a signal handler may not.
pub(super) unsafe fn set_action(signal: c_int, action: Action) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    unsafe { exchange(signal, Some(action)) }.map(drop)
}

#[cfg(all(feature = "cabi", not(feature = "node"), target_arch = "x86_64"))]
mod direct {
    use core::arch::{asm, naked_asm};
    use core::ffi::{c_int, c_long};
    use core::ptr;

    use super::{Action, Argument, Fault, NONE, call, checked, of};

    #[inline]
    pub(super) unsafe fn call_once(
        a: Argument,
        b: Argument,
        c: Argument,
        number: c_long,
        d: Argument,
        e: Argument,
    ) -> isize {
        let result;
        // SAFETY: the caller's promise; the kernel changes no register but these.
        unsafe {
            asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c,
                in("r10") d, in("r8") e, in("r9") 0usize, lateout("rcx") _, lateout("r11") _, options(nostack));
        }
        result
    }

    /// `struct sigaction` of the kernel.
    #[repr(C)]
    struct Stored {
        handler: usize,
        flags: usize,
        restorer: usize,
        mask: u64,
    }

    const SA_RESTORER: usize = 0x0400_0000;

    pub(super) unsafe fn exchange(signal: c_int, action: Option<Action>) -> Result<Action, Fault> {
        let mut before = Stored { handler: 0, flags: 0, restorer: 0, mask: 0 };
        let new = action.map(|action| Stored {
            handler: action.handler,
            flags: action.flags as usize | SA_RESTORER,
            restorer: restore as *const () as usize,
            mask: 0,
        });
        let new = new.as_ref().map_or(ptr::null(), ptr::from_ref) as usize;
        let (before_at, mask_bytes) = (&raw mut before as usize, size_of::<u64>());
        // SAFETY: `new` is NULL or an action, `before` may be written; the rest is the caller's promise.
        checked(unsafe {
            call(of(signal as usize), of(new), of(before_at), libc::SYS_rt_sigaction, of(mask_bytes), NONE)
        })?;
        Ok(Action { handler: before.handler, flags: before.flags as c_int })
    }

    /// Where a handler returns to. Debuggers know it by these very bytes.
    #[unsafe(naked)]
    extern "C" fn restore() {
        naked_asm!("mov rax, 15", "syscall")
    }

    const _: () = assert!(libc::SYS_rt_sigreturn == 15);
}

#[cfg(not(all(feature = "cabi", not(feature = "node"), target_arch = "x86_64")))]
mod through_libc {
    use core::ffi::{c_int, c_long};
    use core::mem::MaybeUninit;
    use core::ptr;

    use super::{Action, Argument, Fault};

    #[inline]
    pub(super) unsafe fn call_once(
        a: Argument,
        b: Argument,
        c: Argument,
        number: c_long,
        d: Argument,
        e: Argument,
    ) -> isize {
        // SAFETY: the caller's promise.
        let result = unsafe { libc::syscall(number, a, b, c, d, e, 0usize) } as isize;
        if result == -1 { -(errno() as isize) } else { result }
    }

    pub(super) unsafe fn exchange(signal: c_int, action: Option<Action>) -> Result<Action, Fault> {
        // SAFETY: zeros are a `sigaction`.
        let (mut before, mut new): (libc::sigaction, libc::sigaction) =
            unsafe { (MaybeUninit::zeroed().assume_init(), MaybeUninit::zeroed().assume_init()) };
        if let Some(action) = action {
            (new.sa_sigaction, new.sa_flags) = (action.handler, action.flags);
        }
        let new = action.map_or(ptr::null(), |_| ptr::from_ref(&new));
        // SAFETY: `new` is NULL or an action, `before` may be written; the rest is the caller's promise.
        match unsafe { libc::sigaction(signal, new, &mut before) } {
            0 => Ok(Action { handler: before.sa_sigaction, flags: before.sa_flags }),
            _ => Err(Fault::of_errno(errno())),
        }
    }

    fn errno() -> c_int {
        // SAFETY: the C library's `errno` of this thread can always be read.
        unsafe { *libc::__errno_location() }
    }
}
