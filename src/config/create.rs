//! New config files, whole from the first moment on.
//!
//! All 64 bytes go into a temporary file beside it (mode 0600), to the disk, and only then get the
//! name. A crash in between leaves the temporary file, which nobody reads, and no half of a config.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};

use zerocopy::IntoBytes;

use super::error::Error;
use super::fault::Fault;
use super::file::checked;
use super::layout::{CONFIG_BYTES, IMAGE_BYTES};
use super::sys::{self, Descriptor, Text};
use super::{Config, ConfigFile, Image};

const MODE: libc::mode_t = 0o600;
/// Bytes of a path, the zero at its end included.
const PATH_BYTES_MAX: usize = libc::PATH_MAX as usize;
/// How many names are tried for the temporary file.
const NAMES_MAX: usize = 64;

/// So that threads do not take the same name.
static NAMES: AtomicU32 = AtomicU32::new(0);

impl ConfigFile {
    /// Makes a file that is not there yet, and opens it for writing.
    pub fn create(path: &CStr, config: Config) -> Result<Self, Error> {
        Ok(Self::create_text(path.into(), &config)?)
    }

    pub(super) fn create_text(path: Text<'_>, config: &Config) -> Result<Self, Fault> {
        put(path, config, true)?;
        Self::open_text(path, libc::O_RDWR)
    }

    /// Makes a file of the bare record of 13 bytes that stands in its place, and opens it for writing. A
    /// record of an unknown version is kept as it is. Of several that import at once, one does; the others
    /// get [`Error::Locked`], [`Error::Replaced`] or [`Error::Exists`], and open what is there.
    pub fn import(path: &CStr) -> Result<Self, Error> {
        let bare = checked(path.into(), libc::O_RDWR, CONFIG_BYTES)?;
        // Who comes second must not put its file over one that is in use already.
        bare.lock()?;
        if !bare.status()?.has_name() {
            return Err(Error::Replaced);
        }
        let mut bytes = [0; CONFIG_BYTES];
        if bare.read(&mut bytes)? != CONFIG_BYTES {
            return Err(Error::Short);
        }
        put(path.into(), &Config::from_bytes(bytes), false)?;
        Self::open_writable(path)
    }
}

/// Writes a fresh file and gives it its name.
fn put(path: Text<'_>, config: &Config, new_only: bool) -> Result<(), Fault> {
    let mut buffer = [0; PATH_BYTES_MAX];
    let (file, end) = temporary(path, &mut buffer)?;
    let temporary = Text::ended(&mut buffer, end).ok_or(Fault::PATH_TOO_LONG)?;
    let put = write(&file, config).and_then(|()| sys::rename(temporary, path, new_only));
    if put.is_err() {
        sys::unlink(temporary);
        return put;
    }
    let directory = directory(&mut buffer).ok_or(Fault::PATH_TOO_LONG)?;
    sys::open(directory, libc::O_RDONLY | libc::O_DIRECTORY, 0)?.sync()
}

fn write(file: &Descriptor, config: &Config) -> Result<(), Fault> {
    let image = Image::new(*config);
    // The kernel gives no reason for a part; there is no other on an empty file.
    if file.write(image.as_bytes(), 0)? == IMAGE_BYTES { file.sync() } else { Err(Fault::DISK_FULL) }
}

/// A new file beside `path`, and where its name in `buffer` ends.
fn temporary(path: Text<'_>, buffer: &mut [u8; PATH_BYTES_MAX]) -> Result<(Descriptor, usize), Fault> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
    for _ in 0..NAMES_MAX {
        let number = u64::from(sys::process()) << 32 | u64::from(NAMES.fetch_add(1, Ordering::Relaxed));
        let end = name(path, number, buffer).ok_or(Fault::PATH_TOO_LONG)?;
        let name = Text::ended(buffer, end).ok_or(Fault::PATH_TOO_LONG)?;
        match sys::open(name, flags, MODE) {
            Err(Fault::EXISTS) => {} // left over from a crash
            opened => return Ok((opened?, end)),
        }
    }
    Err(Fault::EXISTS)
}

/// Writes the name of the file, a dot and sixteen hexadecimal digits; where it ends. `None` if it does not fit.
fn name(path: Text<'_>, mut number: u64, buffer: &mut [u8; PATH_BYTES_MAX]) -> Option<usize> {
    let mut count = 0;
    for byte in path.bytes() {
        *buffer.get_mut(count)? = byte;
        count += 1;
    }
    let [dot, digits @ ..] = buffer.get_mut(count..)?.first_chunk_mut::<17>()?;
    *dot = b'.';
    for digit in digits.iter_mut().rev() {
        *digit = match number as u8 & 15 {
            low @ 0..10 => b'0' + low,
            high => b'a' - 10 + high,
        };
        number >>= 4;
    }
    Some(count + 17)
}

/// The directory: what the path in `buffer` has up to its last slash.
fn directory(buffer: &mut [u8; PATH_BYTES_MAX]) -> Option<Text<'_>> {
    let slash = buffer.iter().rposition(|&byte| byte == b'/');
    let end = slash.unwrap_or_else(|| {
        buffer[0] = b'.';
        0
    });
    Text::ended(buffer, end + 1)
}
