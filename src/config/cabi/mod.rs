//! The config for programs in other languages: the functions of `lattice_config.h`, which documents them.
//!
//! Pointers and numbers come in, a number goes out, below zero for an error. Here pointers become references,
//! and nowhere else: NULL is refused, bytes are counted, structs need no alignment. What the header asks of its
//! callers (memory that is there, strings that end, no two arguments in one place) cannot be checked. No
//! function panics, so none unwinds into its caller: `tests/cabi` looks at the machine code for that.
//!
//! A handle is memory of this library, given out by open or create and taken back by close. Nothing else
//! changes owners.
#![allow(unsafe_code)]

mod code;
mod handle;
#[cfg(all(test, feature = "node"))]
mod tests;
mod types;

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use handle::{Change, Handle};
use types::{Cached, Parts, Place, Record, Snapshot};

use super::fault::Fault;
use super::layout::{CONFIG_BYTES, IMAGE_BYTES};
use super::sys::Text;
use super::{Config, ConfigFile, sigbus};

/// Raised when a function changes in a way that a compiled program would notice; new functions do not.
const ABI_VERSION: u32 = 1;

/// Memory of the caller that is to be written, and may be NULL.
type Out<'o, T> = Option<&'o mut MaybeUninit<T>>;
type Answer = Result<c_int, Fault>;
const DONE: c_int = 0;

/// A library that has no panicking path has no use for it, but must name it.
#[cfg(all(feature = "cabi", not(feature = "wire"), panic = "abort"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: needs nothing.
    unsafe { libc::abort() }
}

fn number(answer: impl FnOnce() -> Answer) -> c_int {
    answer().unwrap_or_else(Fault::number)
}

fn given<T>(argument: Option<T>) -> Result<T, Fault> {
    argument.ok_or(Fault::NULL)
}

fn put<T>(out: &mut MaybeUninit<T>, value: impl Into<T>) -> Answer {
    out.write(value.into());
    Ok(DONE)
}

/// # Safety
///
/// `text` is NULL or a string that ends with a zero byte and stays as it is for `'t`.
unsafe fn string<'t>(text: *const c_char) -> Result<Text<'t>, Fault> {
    let text = given(NonNull::new(text.cast_mut()))?;
    // SAFETY: the caller's promise.
    Ok(unsafe { Text::from_start(text.cast()) })
}

/// # Safety
///
/// `bytes` is NULL or `count` bytes may be read there, and nobody writes them for `'b`.
unsafe fn bytes<'b, const BYTES: usize>(bytes: *const u8, count: usize) -> Result<&'b [u8; BYTES], Fault> {
    let bytes = given(NonNull::new(bytes.cast_mut()))?;
    if count != BYTES {
        return Err(Fault::SIZE);
    }
    // SAFETY: not NULL, as many bytes as the caller promises, and bytes have no alignment.
    Ok(unsafe { bytes.cast().as_ref() })
}

/// # Safety
///
/// `bytes` is NULL or `count` bytes may be written there, and nobody else uses them for `'b`.
unsafe fn room<'b, const BYTES: usize>(
    bytes: *mut u8,
    count: usize,
) -> Result<&'b mut MaybeUninit<[u8; BYTES]>, Fault> {
    let bytes = given(NonNull::new(bytes))?;
    if count != BYTES {
        return Err(Fault::SIZE);
    }
    // SAFETY: as above.
    Ok(unsafe { bytes.cast().as_mut() })
}

/// A place for a handle.
struct Room(UnsafeCell<MaybeUninit<Handle>>);

// SAFETY: it is written by who opens a file and before anybody has its address; then it is a `Handle`.
unsafe impl Sync for Room {}

/// By the number of the file.
static HANDLES: [Room; sigbus::MAPPINGS_MAX] =
    [const { Room(UnsafeCell::new(MaybeUninit::uninit())) }; sigbus::MAPPINGS_MAX];

/// Leaves NULL at `place`, until there is a handle.
fn cleared(place: Out<'_, Place>) -> Result<&mut Place, Fault> {
    Ok(given(place)?.write(Place(ptr::null_mut())))
}

/// Makes a handle of a file that was opened, and leaves it at `place`.
#[inline(never)]
fn hand_out(place: &mut Place, opened: Result<ConfigFile, Fault>) -> Answer {
    let file = opened?;
    let room = HANDLES[file.index()].0.get();
    // SAFETY: no handle that is open has the same number, and who closes one does not look back.
    unsafe { room.write(MaybeUninit::new(Handle::of(file))) };
    place.0 = room.cast();
    Ok(DONE)
}

#[inline(never)]
fn change(file: Option<&Handle>, out: Out<'_, Snapshot>, change: &Change<'_>) -> c_int {
    number(|| {
        let (file, out) = (given(file)?, given(out)?);
        put(out, Snapshot::of(file.change(change)?))
    })
}

/// Turns a flag off (0), on (1) or over.
#[inline(never)]
extern "C" fn flag(file: Option<&Handle>, bit: u32, how: u32, out: Out<'_, Snapshot>) -> c_int {
    match Change::flag(bit, how) {
        Some(flag) => change(file, out, &flag),
        None => Fault::ARGUMENT.number(),
    }
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_abi_version() -> u32 {
    ABI_VERSION
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_error_string(error: c_int) -> *const c_char {
    code::sentence(error).as_ptr().cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_open(path: *const c_char, access: u32, file: Out<'_, Place>) -> c_int {
    number(|| {
        let place = cleared(file)?;
        // SAFETY: the header asks for such a string.
        let path = unsafe { string(path) }?;
        if access > 1 {
            return Err(Fault::ARGUMENT);
        }
        hand_out(place, ConfigFile::open_text(path, if access == 0 { libc::O_RDONLY } else { libc::O_RDWR }))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_create(
    path: *const c_char,
    record: *const u8,
    count: usize,
    file: Out<'_, Place>,
) -> c_int {
    number(|| {
        let place = cleared(file)?;
        // SAFETY: the header asks for such a string and for so many bytes.
        let (path, record) = unsafe { (string(path)?, bytes(record, count)?) };
        hand_out(place, handle::create(path, record))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_close(file: Option<NonNull<Handle>>) -> c_int {
    number(|| {
        let file = given(file)?;
        // Taken out first: once the file is closed, its place may be another's.
        // SAFETY: written by `hand_out`; the header says that it is closed once and not used after.
        drop(unsafe { file.read() });
        Ok(DONE)
    })
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_read(file: Option<&Handle>, out: Out<'_, Snapshot>) -> c_int {
    number(|| {
        let (file, out) = (given(file)?, given(out)?);
        put(out, Snapshot::of(file.read()?.snapshot))
    })
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_read_cached(file: Option<&Handle>, cache: Option<&mut Cached>) -> c_int {
    number(|| given(file)?.read_cached(given(cache)?))
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_sequence(file: Option<&Handle>, sequence: Out<'_, [u8; 8]>) -> c_int {
    number(|| {
        let (file, sequence) = (given(file)?, given(sequence)?);
        let [now, ..] = file.read()?.snapshot;
        put(sequence, now.to_ne_bytes())
    })
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_validate_file(file: Option<&Handle>) -> c_int {
    number(|| given(file)?.verify().map(|()| DONE))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_validate(image: *const u8, count: usize, out: Out<'_, Snapshot>) -> c_int {
    number(|| {
        // SAFETY: the header asks for so many bytes.
        let image = match unsafe { bytes::<IMAGE_BYTES>(image, count) } {
            Err(Fault::SIZE) => None,
            image => Some(image?),
        };
        let out = given(out)?;
        put(out, Snapshot::of(handle::validate(image, count)?.snapshot))
    })
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_set_byte(file: Option<&Handle>, offset: u32, value: u32, out: Out<'_, Snapshot>) -> c_int {
    match u8::try_from(value) {
        Ok(value) => change(file, out, &Change::Byte { offset, keep: 0, flip: value }),
        Err(_) => Fault::ARGUMENT.number(),
    }
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_set_flag(file: Option<&Handle>, bit: u32, on: u32, out: Out<'_, Snapshot>) -> c_int {
    if on > 1 { Fault::ARGUMENT.number() } else { flag(file, bit, on, out) }
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_toggle_flag(file: Option<&Handle>, bit: u32, out: Out<'_, Snapshot>) -> c_int {
    flag(file, bit, 2, out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_replace(
    file: Option<&Handle>,
    record: *const u8,
    count: usize,
    expected: u64,
    out: Out<'_, Snapshot>,
) -> c_int {
    number(|| {
        // SAFETY: the header asks for so many bytes.
        let bytes = unsafe { bytes(record, count) }?;
        Ok(change(file, out, &Change::Replace { bytes, expected }))
    })
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_sync(file: Option<&Handle>) -> c_int {
    number(|| given(file)?.sync().map(|()| DONE))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_decode(record: *const u8, count: usize, out: Out<'_, Record>) -> c_int {
    number(|| {
        // SAFETY: the header asks for so many bytes.
        let record: &[u8; CONFIG_BYTES] = unsafe { bytes(record, count) }?;
        put(given(out)?, Config::from_bytes(*record))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_encode(record: Option<&Record>, out: *mut u8, count: usize) -> c_int {
    // SAFETY: the header asks for so many bytes.
    number(|| put(unsafe { room(out, count) }?, given(record)?.to_bytes()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_frame_decode(frame: *const u8, count: usize, out: Out<'_, Parts>) -> c_int {
    number(|| {
        // SAFETY: the header asks for so many bytes.
        let frame = unsafe { bytes(frame, count) }?;
        put(given(out)?, Parts::decode(frame)?)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_frame_encode(frame: Option<&Parts>, out: *mut u8, count: usize) -> c_int {
    number(|| {
        let frame = given(frame)?;
        // SAFETY: the header asks for so many bytes.
        put(unsafe { room(out, count) }?, frame.encode()?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_flag_name(bit: u32) -> *const c_char {
    code::flag_name(bit).map_or(ptr::null(), |name| name.as_ptr().cast())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lattice_config_flag_bit(name: *const c_char) -> c_int {
    // SAFETY: the header asks for such a string.
    number(|| code::flag_bit(unsafe { string(name) }?))
}

#[unsafe(no_mangle)]
extern "C" fn lattice_config_guard_sigbus() -> c_int {
    number(|| sigbus::install_once().map(|()| DONE))
}
