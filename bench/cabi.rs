//! The C library of the config, loaded as programs in other languages load it.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute;
use std::ptr;

type Open = unsafe extern "C" fn(*const c_char, u32, *mut *mut c_void) -> c_int;
type Read = unsafe extern "C" fn(*const c_void, *mut u64) -> c_int;
type Close = unsafe extern "C" fn(*mut c_void) -> c_int;

pub(crate) struct Library {
    open: Open,
    sequence: Read,
    close: Close,
}

impl Library {
    /// What `scripts/cabi` built last, if it did.
    pub(crate) fn load() -> Option<Self> {
        let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
        let path = CString::new(format!("{target}/cabi/liblattice_config.so")).ok()?;
        // SAFETY: `path` ends with a zero byte; the library runs nothing when it is loaded.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let find = |name: &CStr| {
            // SAFETY: the library is loaded and stays so; `name` ends with a zero byte.
            let found = unsafe { libc::dlsym(library, name.as_ptr()) };
            (!found.is_null()).then_some(found)
        };
        let (open, sequence, close) =
            (find(c"lattice_config_open")?, find(c"lattice_config_sequence")?, find(c"lattice_config_close")?);
        // SAFETY: these are functions, and the header declares them so.
        unsafe {
            Some(Self {
                open: transmute::<*mut c_void, Open>(open),
                sequence: transmute::<*mut c_void, Read>(sequence),
                close: transmute::<*mut c_void, Close>(close),
            })
        }
    }

    /// Opens a file, reads its sequence, closes it.
    pub(crate) fn open_read_close(&self, path: &CStr) -> u64 {
        let (mut file, mut sequence) = (ptr::null_mut(), 0);
        // SAFETY: `path` ends with a zero byte, and both outputs may be written; the handle is closed once.
        let results = unsafe {
            let opened = (self.open)(path.as_ptr(), 0, &mut file);
            [opened, (self.sequence)(file, &mut sequence), (self.close)(file)]
        };
        assert_eq!(results, [0; 3], "the file of the bench");
        sequence
    }
}
