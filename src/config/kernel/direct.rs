//! The kernel itself, on x86-64.

use core::arch::{asm, naked_asm};
use core::ffi::{c_int, c_long};
use core::mem::{MaybeUninit, size_of};
use core::ptr;

/// An argument; or none, which is whatever its register holds.
pub(in crate::config) type Argument = MaybeUninit<usize>;
pub(in crate::config) const NONE: Argument = MaybeUninit::uninit();

#[inline]
pub(in crate::config) const fn of(argument: usize) -> Argument {
    MaybeUninit::new(argument)
}

#[inline]
pub(super) unsafe fn call(a: Argument, b: Argument, c: Argument, number: c_long, d: Argument, e: Argument) -> isize {
    let result;
    // SAFETY: the caller's promise; the kernel changes no register but these.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c,
            in("r10") d, in("r8") e, in("r9") 0usize, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// Who handles a signal, or `SIG_DFL` or `SIG_IGN`: `struct sigaction` of the kernel.
#[repr(C)]
pub(in crate::config) struct Action {
    handler: usize,
    flags: usize,
    restorer: usize,
    mask: u64,
}

const MASK_BYTES: usize = size_of::<u64>();
const SA_RESTORER: usize = 0x0400_0000;

impl Action {
    pub(in crate::config) fn new(handler: usize, flags: c_int) -> Self {
        Self { handler, flags: flags as usize | SA_RESTORER, restorer: restore as *const () as usize, mask: 0 }
    }

    pub(in crate::config) fn handler(&self) -> usize {
        self.handler
    }

    pub(in crate::config) fn flags(&self) -> c_int {
        self.flags as c_int
    }
}

pub(super) unsafe fn exchange(signal: c_int, new: Option<&Action>, before: Option<&mut Action>) -> isize {
    let new = new.map_or(ptr::null(), ptr::from_ref) as usize;
    let before = before.map_or(ptr::null_mut(), ptr::from_mut) as usize;
    // SAFETY: each is NULL or an action, `before` may be written; the rest is the caller's promise.
    unsafe { super::call(of(signal as usize), of(new), of(before), libc::SYS_rt_sigaction, of(MASK_BYTES), NONE) }
}

/// Where a handler returns to. Debuggers know it by these very bytes.
#[unsafe(naked)]
extern "C" fn restore() {
    naked_asm!("mov rax, 15", "syscall")
}

const _: () = assert!(libc::SYS_rt_sigreturn == 15);
