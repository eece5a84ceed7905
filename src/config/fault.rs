//! Errors as numbers, as C knows them: one register, where an [`Error`] takes two. What touches the file has these
//! inside, and callers in Rust get an [`Error`] of it.
//!
//! A number stands for the same error for good: new ones get new numbers.

use core::ffi::c_int;
use core::num::NonZero;

use super::{Error, Refusal};

/// An error, below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault(NonZero<c_int>);

/// What a call of the kernel that failed becomes, less its `errno`.
pub(super) const IO: c_int = -1000;

#[cfg_attr(not(any(feature = "cabi", test)), allow(dead_code, reason = "some errors are of C alone"))]
impl Fault {
    pub(super) const MEMORY: Fault = Fault::of(-4);
    pub(super) const BARE: Fault = Fault::of(-10);
    pub(super) const BUSY: Fault = Fault::of(-11);
    pub(super) const CONFLICT: Fault = Fault::of(-12);
    pub(super) const CUT: Fault = Fault::of(-13);
    pub(super) const DAMAGED: Fault = Fault::of(-14);
    pub(super) const DENIED: Fault = Fault::of(-15);
    pub(super) const DIRECTORY: Fault = Fault::of(-16);
    pub(super) const DISK_FULL: Fault = Fault::of(-17);
    pub(super) const EMPTY: Fault = Fault::of(-18);
    pub(super) const EXISTS: Fault = Fault::of(-19);
    pub(super) const FIFO: Fault = Fault::of(-20);
    pub(super) const LOCKED: Fault = Fault::of(-21);
    pub(super) const LONG: Fault = Fault::of(-22);
    pub(super) const MODE: Fault = Fault::of(-23);
    pub(super) const NOT_FOUND: Fault = Fault::of(-24);
    pub(super) const NOT_REGULAR: Fault = Fault::of(-25);
    pub(super) const OWNER: Fault = Fault::of(-26);
    pub(super) const PATH_TOO_LONG: Fault = Fault::of(-27);
    pub(super) const READ_ONLY: Fault = Fault::of(-28);
    pub(super) const REPLACED: Fault = Fault::of(-29);
    pub(super) const SHORT: Fault = Fault::of(-30);
    pub(super) const SHORT_WRITE: Fault = Fault::of(-31);
    pub(super) const SYMLINK: Fault = Fault::of(-32);
    pub(super) const TOO_MANY: Fault = Fault::of(-33);
    pub(super) const OFFSET: Fault = Fault::of(-34);
    pub(super) const SEQUENCE_EXHAUSTED: Fault = Fault::of(-35);
    pub(super) const UNKNOWN_VERSION: Fault = Fault::of(-36);
    pub(super) const VALUE: Fault = Fault::of(-37);
}

impl Fault {
    pub(super) const fn of(number: c_int) -> Fault {
        match NonZero::new(number) {
            Some(number) => Fault(number),
            None => Fault(NonZero::<c_int>::MIN),
        }
    }

    pub(super) const fn number(self) -> c_int {
        self.0.get()
    }

    /// What an `errno` means here.
    #[cold]
    #[inline(never)]
    pub(super) fn of_errno(errno: c_int) -> Fault {
        match errno {
            libc::EACCES | libc::EPERM => Fault::DENIED,
            libc::EAGAIN => Fault::LOCKED,
            libc::EDQUOT | libc::ENOSPC => Fault::DISK_FULL,
            libc::EEXIST => Fault::EXISTS,
            libc::ENOMEM => Fault::MEMORY,
            libc::EISDIR => Fault::DIRECTORY,
            libc::ELOOP => Fault::SYMLINK,
            libc::ENAMETOOLONG => Fault::PATH_TOO_LONG,
            libc::ENOENT | libc::ENOTDIR => Fault::NOT_FOUND,
            libc::ENXIO => Fault::NOT_REGULAR,
            libc::EROFS => Fault::READ_ONLY,
            other => Fault::of(IO.wrapping_sub(other)),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault.number() {
            -4 => Error::Io(libc::ENOMEM),
            -10 => Error::Bare,
            -11 => Error::Busy,
            -12 => Error::Conflict,
            -13 => Error::Cut,
            -14 => Error::Damaged,
            -15 => Error::Denied,
            -16 => Error::Directory,
            -17 => Error::DiskFull,
            -18 => Error::Empty,
            -19 => Error::Exists,
            -20 => Error::Fifo,
            -21 => Error::Locked,
            -22 => Error::Long,
            -23 => Error::Mode,
            -24 => Error::NotFound,
            -25 => Error::NotRegular,
            -26 => Error::Owner,
            -27 => Error::PathTooLong,
            -28 => Error::ReadOnly,
            -29 => Error::Replaced,
            -30 => Error::Short,
            -31 => Error::ShortWrite,
            -32 => Error::Symlink,
            -33 => Error::TooMany,
            -34 => Error::Refused(Refusal::Offset),
            -35 => Error::Refused(Refusal::SequenceExhausted),
            -36 => Error::Refused(Refusal::UnknownVersion),
            -37 => Error::Refused(Refusal::Value),
            other => Error::Io(IO.wrapping_sub(other)),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Offset => Fault::OFFSET,
            Refusal::SequenceExhausted => Fault::SEQUENCE_EXHAUSTED,
            Refusal::UnknownVersion => Fault::UNKNOWN_VERSION,
            Refusal::Value => Fault::VALUE,
        }
    }
}
