//! A file that becomes shorter while it is mapped, and the signal that follows.
//!
//! Whoever reads a mapping past the end of its file gets `SIGBUS`, which ends the process. No check
//! beforehand helps, for the file may be cut right after it. So a program that must not end installs a
//! handler once: [`install`]. When the signal comes for the page of a config, the handler puts a page
//! of zeros there and the read goes on: it finds no whole slot and reports [`Error::Cut`], now and ever
//! after, until the file is opened again. Any other `SIGBUS` goes to whoever had the signal before.
//!
//! A library must not take a signal from its program: without [`install`] nothing is handled, and
//! whoever cuts a config file ends its readers. A file that is cut within its first 64 bytes but not to
//! zero gives no signal: the kernel fills the page up with zeros. The other cause is a disk that is full or
//! broken, under a file whose bytes were never written or are not in memory; it is handled alike.
#![allow(unsafe_code)]

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

use super::Error;
use super::fault::Fault;
use super::kernel::{self, Action};
use super::layout::IMAGE_BYTES;
use super::sys;

/// How many config files a process can have open, writable mappings counted too.
pub const MAPPINGS_MAX: usize = 256;

/// The page of a mapping and, in the bits that an address of a page leaves, what is known of it.
static MAPPINGS: [AtomicUsize; MAPPINGS_MAX] = [const { AtomicUsize::new(0) }; MAPPINGS_MAX];
const CUT: usize = 1;
const WRITABLE: usize = 2;
const FLAGS: usize = CUT | WRITABLE;

/// Whose signal it was.
static INSTALLED: AtomicBool = AtomicBool::new(false);
static BEFORE: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);
static BEFORE_FLAGS: AtomicI32 = AtomicI32::new(0);

/// A mapping's entry among those the handler knows.
pub(super) struct Guard(&'static AtomicUsize);

impl Guard {
    /// Enters a mapping that begins at `page`; `None` if there are too many.
    pub(super) fn new(page: usize, writable: bool) -> Option<Self> {
        let entry = page | if writable { WRITABLE } else { 0 };
        let free = |at: &&AtomicUsize| at.compare_exchange(0, entry, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        MAPPINGS.iter().find(free).map(Self)
    }

    /// Its number, below [`MAPPINGS_MAX`]. No two mappings that are there have the same.
    #[cfg(any(feature = "cabi", test))]
    pub(super) fn index(&self) -> usize {
        let bytes = (core::ptr::from_ref(self.0) as usize).wrapping_sub(MAPPINGS.as_ptr() as usize);
        bytes / size_of::<AtomicUsize>() % MAPPINGS_MAX
    }

    /// Whether the handler had to put zeros there.
    #[inline]
    pub(super) fn is_cut(&self) -> bool {
        self.0.load(Ordering::Relaxed) & CUT != 0
    }

    /// Strikes the mapping out.
    pub(super) fn release(&self) {
        self.0.store(0, Ordering::Release);
    }
}

/// Installs the handler for this process. Once is enough; further calls do nothing.
pub fn install() -> Result<(), Error> {
    Ok(install_once()?)
}

pub(super) fn install_once() -> Result<(), Fault> {
    if INSTALLED.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let done = handle();
    if done.is_err() {
        INSTALLED.store(false, Ordering::Release);
    }
    done
}

fn handle() -> Result<(), Fault> {
    let mut before = Action::new(libc::SIG_DFL, 0);
    // SAFETY: asks only.
    unsafe { kernel::exchange(libc::SIGBUS, None, Some(&mut before)) }?;
    BEFORE.store(before.handler(), Ordering::Release);
    BEFORE_FLAGS.store(before.flags(), Ordering::Release);
    let flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    let ours = Action::new(on_sigbus as *const () as usize, flags);
    // SAFETY: the handler does nothing that a signal handler may not.
    unsafe { kernel::exchange(libc::SIGBUS, Some(&ours), None) }
}

extern "C" fn on_sigbus(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives a valid `info` to a handler with `SA_SIGINFO`.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    // A fault has a code of its own; the same signal can also be sent by anybody.
    let is_ours = code == libc::BUS_ADRERR && MAPPINGS.iter().any(|entry| is_replaced(entry, address));
    if !is_ours {
        pass_on(signal, info, context, code);
    }
}

/// Whether the address is in this mapping, which now is a page of zeros.
fn is_replaced(entry: &AtomicUsize, address: usize) -> bool {
    let known = entry.load(Ordering::Acquire);
    let page = known & !FLAGS;
    if page == 0 || address.wrapping_sub(page) >= IMAGE_BYTES {
        return false;
    }
    let write = if known & WRITABLE == 0 { 0 } else { libc::PROT_WRITE };
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    entry.fetch_or(CUT, Ordering::Relaxed);
    // SAFETY: the page is a mapping's of ours, which is in use right now and so is not unmapped.
    unsafe { sys::map(page, libc::PROT_READ | write, flags, -1) }.is_ok()
}

/// Does what would have been done without us.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void, code: c_int) {
    let before = BEFORE.load(Ordering::Acquire);
    let was_sent = code <= 0;
    if before == libc::SIG_IGN && was_sent {
        return;
    }
    if before == libc::SIG_DFL || before == libc::SIG_IGN {
        // Comes again when this handler returns, and then does what it does by itself.
        // SAFETY: nothing of ours handles it.
        let _ = unsafe { kernel::exchange(signal, Some(&Action::new(libc::SIG_DFL, 0)), None) };
        sys::signal_self(signal);
    } else if BEFORE_FLAGS.load(Ordering::Acquire) & libc::SA_SIGINFO != 0 {
        // SAFETY: installed as a handler of this form.
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = unsafe { core::mem::transmute(before) };
        handler(signal, info, context);
    } else {
        // SAFETY: installed as a handler of this form.
        let handler: extern "C" fn(c_int) = unsafe { core::mem::transmute(before) };
        handler(signal);
    }
}
