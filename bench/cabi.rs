//! The C library of the config, loaded as programs in other languages load it: how long it takes to open a file that
//! is there, beside the bare system calls, interleaved in one run. Nothing here asserts a time.
//!
//! ```text
//! scripts/cabi
//! cargo bench --bench cabi         # TMPDIR chooses the file system
//! ```
//!
//! All else about the config is in `lattice bench --category config`.
#![allow(clippy::disallowed_methods, reason = "a bench stands outside the node: it has clock and files")]
#![allow(unsafe_code)]

mod machine;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::ptr;
use std::time::Instant;

use lattice::config::{Config, ConfigFile};
use lattice::measure::{Bare, Summary};
use lattice::reactor::sys::map_once;

/// Many short ones: whatever else the machine does then falls on few of them.
const ROUNDS: usize = 101;
const TIMES: u32 = 1 << 8;

fn main() -> ExitCode {
    // `cargo test --benches` calls every bench to see that it runs.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let Some(library) = Library::load() else {
        eprintln!("there is no library: `scripts/cabi` builds it");
        return if is_test { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    let room = tempfile::tempdir().expect("a temporary directory");
    let path = CString::new(room.path().join("config.bin").as_os_str().as_bytes()).expect("no zero byte");
    drop(ConfigFile::create(&path, Config::new()).expect("a new file"));
    let (mut samples, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..if is_test { 1 } else { ROUNDS } {
        samples.push(nanoseconds(|| library.open_read_close(&path)));
        bare.push(nanoseconds(|| map_once(&path).expect("the file of the bench")));
    }
    print_table(&samples, bare);
    ExitCode::SUCCESS
}

/// What the operation takes. The file has the same sequence all the time, and never none.
fn nanoseconds(mut operation: impl FnMut() -> u64) -> f64 {
    let started = Instant::now();
    let sum = (0..TIMES).fold(0, |sum: u64, _| sum.wrapping_add(operation()));
    let taken = started.elapsed().as_nanos() as f64 / f64::from(TIMES);
    assert_ne!(sum, 0, "the work was done");
    taken
}

fn print_table(samples: &[f64], bare: Vec<f64>) {
    let (Some(work), Some(bare)) = (Summary::of(samples), Bare::of("open, mmap, a load, munmap, close", bare, samples))
    else {
        return;
    };
    println!("# The start of the C library, {} interleaved rounds\n", work.count);
    println!("machine: {}", machine::name());
    println!("commit: {}\n", machine::commit());
    println!("| operation | ns, median | min–max |");
    println!("|---|---|---|");
    for (name, summary) in [("open, check, map, read, close", &work), (bare.about, &bare.summary)] {
        println!("| {name} | {:.0} | {:.0}–{:.0} |", summary.p50, summary.min, summary.max);
    }
    let ratio = &bare.ratio;
    println!("\nmedian of the ratios: {:.2} × bare ({:.2}–{:.2}); target 1.20", ratio.p50, ratio.min, ratio.max);
}

type Open = unsafe extern "C" fn(*const c_char, u32, *mut *mut c_void) -> c_int;
type Read = unsafe extern "C" fn(*const c_void, *mut u64) -> c_int;
type Close = unsafe extern "C" fn(*mut c_void) -> c_int;

struct Library {
    open: Open,
    sequence: Read,
    close: Close,
}

impl Library {
    /// What `scripts/cabi` built last, if it did.
    fn load() -> Option<Self> {
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
    fn open_read_close(&self, path: &CStr) -> u64 {
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
