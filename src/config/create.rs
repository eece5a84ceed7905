//! New config files, whole from the first moment on.
//!
//! All 64 bytes go into a temporary file beside it (mode 0600), to the disk, and only then get the
//! name. A crash in between leaves the temporary file, which nobody reads, and no half of a config.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};

use super::error::Error;
use super::file::{checked, error_of};
use super::layout::{CONFIG_BYTES, IMAGE_BYTES};
use super::sys::{self, Descriptor};
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
        put(path, config, true)?;
        Self::open_writable(path)
    }

    /// Makes a file of the bare record of 13 bytes that stands in its place, and opens it for writing. A
    /// record of an unknown version is kept as it is. Of several that import at once, one does; the others
    /// get [`Error::Locked`], [`Error::Replaced`] or [`Error::Exists`], and open what is there.
    pub fn import(path: &CStr) -> Result<Self, Error> {
        let bare = checked(path, libc::O_RDWR, CONFIG_BYTES)?;
        // Who comes second must not put its file over one that is in use already.
        bare.lock().map_err(error_of)?;
        if !bare.status().map_err(error_of)?.has_name {
            return Err(Error::Replaced);
        }
        let mut bytes = [0; CONFIG_BYTES];
        if bare.read(&mut bytes).map_err(error_of)? != CONFIG_BYTES {
            return Err(Error::Short);
        }
        put(path, Config::from_bytes(bytes), false)?;
        Self::open_writable(path)
    }
}

/// Writes a fresh file and gives it its name.
fn put(path: &CStr, config: Config, new_only: bool) -> Result<(), Error> {
    let mut buffer = [0; PATH_BYTES_MAX];
    let file = temporary(path, &mut buffer)?;
    let temporary = path_in(&buffer)?;
    let put = write(&file, &Image::new(config).to_bytes())
        .and_then(|()| sys::rename(temporary, path, new_only).map_err(error_of));
    if put.is_err() {
        sys::unlink(temporary);
        return put;
    }
    sync_directory(&mut buffer)
}

fn write(file: &Descriptor, bytes: &[u8; IMAGE_BYTES]) -> Result<(), Error> {
    let written = file.write(bytes, 0).map_err(error_of)?;
    if written != IMAGE_BYTES {
        // The kernel gives no reason for a part; there is no other on an empty file.
        return Err(Error::DiskFull);
    }
    file.sync().map_err(error_of)
}

/// A new file beside `path`, its name in `buffer`: that of the file, its process and a number.
fn temporary(path: &CStr, buffer: &mut [u8; PATH_BYTES_MAX]) -> Result<Descriptor, Error> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
    for _ in 0..NAMES_MAX {
        let number = u64::from(sys::process()) << 32 | u64::from(NAMES.fetch_add(1, Ordering::Relaxed));
        name(path, number, buffer).ok_or(Error::PathTooLong)?;
        match sys::open(path_in(buffer)?, flags, MODE) {
            Err(libc::EEXIST) => {} // left over from a crash
            opened => return opened.map_err(error_of),
        }
    }
    Err(Error::Exists)
}

fn path_in(buffer: &[u8; PATH_BYTES_MAX]) -> Result<&CStr, Error> {
    CStr::from_bytes_until_nul(buffer).map_err(|_| Error::PathTooLong)
}

/// Writes the temporary name, a dot and sixteen hexadecimal digits after that of the file. `None` if it
/// does not fit with the zero at its end.
fn name(path: &CStr, mut number: u64, buffer: &mut [u8; PATH_BYTES_MAX]) -> Option<()> {
    let path = path.to_bytes();
    let (start, rest) = buffer.split_at_mut_checked(path.len())?;
    start.copy_from_slice(path);
    let [dot, digits @ .., end] = rest.first_chunk_mut::<18>()?;
    (*dot, *end) = (b'.', 0);
    for digit in digits.iter_mut().rev() {
        *digit = match number as u8 & 15 {
            low @ 0..10 => b'0' + low,
            high => b'a' - 10 + high,
        };
        number >>= 4;
    }
    Some(())
}

/// Makes the new name last: the directory is what the path in `buffer` has up to its last slash.
fn sync_directory(buffer: &mut [u8; PATH_BYTES_MAX]) -> Result<(), Error> {
    let slash = buffer.iter().rposition(|&byte| byte == b'/');
    let end = slash.unwrap_or_else(|| {
        buffer[0] = b'.';
        0
    });
    if let Some(after) = buffer.get_mut(end + 1) {
        *after = 0;
    }
    let directory = sys::open(path_in(buffer)?, libc::O_RDONLY | libc::O_DIRECTORY, 0).map_err(error_of)?;
    directory.sync().map_err(error_of)
}
