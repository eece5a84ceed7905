//! Errors as numbers, and numbers as sentences.
//!
//! A number stands for the same error for good: new ones get new numbers. The sentences stand one after the
//! other, each with a zero byte at its end: a table of pointers would have to be relocated in each process.

use core::ffi::c_int;

use crate::config::Flags;
use crate::config::fault::{Fault, IO};
use crate::config::frame::FrameError;
use crate::config::sys::Text;

/// Those that are wrong in a call.
impl Fault {
    pub(super) const NULL: Fault = Fault::of(-1);
    pub(super) const ARGUMENT: Fault = Fault::of(-2);
    pub(super) const SIZE: Fault = Fault::of(-3);
    pub(super) const NAME: Fault = Fault::of(-5);
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Checksum => Fault::of(-6),
            FrameError::Kind => Fault::of(-7),
            FrameError::Offset => Fault::of(-8),
            FrameError::Value => Fault::of(-9),
        }
    }
}

/// By number, from zero down; then that of an `errno`, and that of a number that is none. Each says in short what
/// is wrong, what is allowed or what to do; the header says more.
const SENTENCES: [&str; 40] = [
    "no error",
    "a pointer is NULL",
    "an argument is out of range",
    "not the size it must have",
    "out of memory",
    "no such flag",
    "wrong checksum of a frame",
    "no such type of frame",
    "offset of a frame out of range",
    "value of a frame out of range",
    "a bare record of 13 bytes: import it first",
    "changed again and again while it was read",
    "changed by another: read it again",
    "cut while it was open: restore it, open it again",
    "neither slot is whole",
    "not permitted",
    "this is a directory",
    "no room left on the disk",
    "empty",
    "it exists already",
    "this is a named pipe",
    "locked by another writer",
    "longer than 64 bytes",
    "others may write it: chmod go-w",
    "no such file or directory",
    "this is a device or a socket",
    "owned by another user",
    "path too long",
    "may only be read",
    "deleted or replaced: open it again",
    "shorter than 64 bytes",
    "not all was written: the last config stands",
    "this is a symbolic link: name the file",
    "too many config files are open",
    "the config has bytes 0 to 12",
    "no sequence number left",
    "unknown version: may only be read",
    "the terminal mode is 0, 1 or 2",
    "system error: see its errno",
    "no such error",
];
const OF_ERRNO: usize = SENTENCES.len() - 2;

static TEXT: [u8; bytes_of(&SENTENCES)] = joined(&SENTENCES);
static NAMES: [u8; bytes_of(&Flags::NAMES)] = joined(&Flags::NAMES);

const fn bytes_of(texts: &[&str]) -> usize {
    let (mut bytes, mut at) = (0, 0);
    while at < texts.len() {
        bytes += texts[at].len() + 1;
        at += 1;
    }
    bytes
}

const fn joined<const BYTES: usize>(texts: &[&str]) -> [u8; BYTES] {
    let mut joined = [0; BYTES];
    let (mut end, mut at) = (0, 0);
    while at < texts.len() {
        let (text, mut byte) = (texts[at].as_bytes(), 0);
        while byte < text.len() {
            joined[end] = text[byte];
            (end, byte) = (end + 1, byte + 1);
        }
        (end, at) = (end + 1, at + 1);
    }
    joined
}

/// The text of this index and all after it; the last one if there are not so many.
fn from_index(texts: &'static [u8], mut index: usize) -> &'static [u8] {
    let (mut start, mut at) = (0, 0);
    for &byte in texts {
        at += 1;
        if byte == 0 && index > 0 && at < texts.len() {
            (start, index) = (at, index - 1);
        }
    }
    texts.get(start..).unwrap_or_default()
}

/// The sentence of what a function returned, with a zero byte at its end.
pub(super) fn sentence(number: c_int) -> &'static [u8] {
    let index = if number > 0 { 0 } else { number.unsigned_abs() as usize };
    let index = match index {
        _ if number <= IO => OF_ERRNO,
        OF_ERRNO.. => OF_ERRNO + 1,
        known => known,
    };
    from_index(&TEXT, index)
}

/// The name of a flag, with a zero byte at its end.
pub(super) fn flag_name(bit: u32) -> Option<&'static [u8]> {
    let bit = usize::try_from(bit).ok()?;
    (bit < Flags::NAMES.len()).then(|| from_index(&NAMES, bit))
}

/// The bit of the flag with this name.
pub(super) fn flag_bit(name: Text<'_>) -> Result<c_int, Fault> {
    let mut bit = 0;
    while let Some(known) = flag_name(bit) {
        let known = known.iter().copied().take_while(|&byte| byte != 0);
        if known.eq(name.bytes()) {
            return Ok(bit as c_int);
        }
        bit += 1;
    }
    Err(Fault::NAME)
}
