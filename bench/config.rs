//! The 13-byte config: each operation beside what it cannot be faster than, interleaved in one run.
//!
//! ```text
//! scripts/cabi                     # for the row of the C library
//! cargo bench --bench config       # TMPDIR chooses the file system
//! ```
//!
//! In-process figures need no quiet machine to be compared with their floor, only to be believed as
//! such. "Publish" and "update" hold the lock already and do not wait for the disk; what taking and
//! giving back the lock costs is a row of its own. Nothing here asserts a time.
#![allow(clippy::disallowed_methods, reason = "a bench stands outside the node: it has clock and files")]

mod bare;
mod cabi;
mod machine;

use std::ffi::CString;
use std::fs::File;
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use lattice::config::frame::Frame;
use lattice::config::{Cache, Config, ConfigFile, Flags, Image, SLOT_BYTES, Slot};
use lattice::measure::Summary;

/// Many short ones: whatever else the machine does then falls on few of them.
const ROUNDS: usize = 101;

/// A row: what it is, how often it is done in a round, what it is to stay below.
struct Row {
    name: &'static str,
    times: u64,
    target: &'static str,
    operation: Box<dyn FnMut(u64) -> u64>,
    checksum: u64,
    samples: Vec<f64>,
}

fn main() {
    // `cargo test --benches` calls every bench to see that it runs.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let room = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| CString::new(room.path().join(name).as_os_str().as_bytes()).expect("no zero byte");
    let mut rows = rows(&path);
    rows.extend(rows_of_the_c_library(&path));
    for _ in 0..if is_test { 1 } else { ROUNDS } {
        for row in &mut rows {
            let times = if is_test { 2 } else { row.times };
            let started = Instant::now();
            row.checksum = row.checksum.rotate_left(1) ^ (row.operation)(times);
            row.samples.push(started.elapsed().as_nanos() as f64 / times as f64);
        }
    }
    if !is_test {
        print_table(&rows);
    }
}

fn print_table(rows: &[Row]) {
    println!("# The config, {ROUNDS} interleaved rounds\n");
    println!("machine: {}", machine::name());
    println!("commit: {}\n", machine::commit());
    println!("| operation | ns, median | min–max | ÷ row above | target | checksum |");
    println!("|---|---|---|---|---|---|");
    let mut above = f64::NAN;
    for row in rows {
        let Some(summary) = Summary::of(&row.samples) else { continue };
        println!(
            "| {} | {:.2} | {:.2}–{:.2} | {:.2} | {} | {:016x} |",
            row.name,
            summary.p50,
            summary.min,
            summary.max,
            summary.p50 / above,
            row.target,
            row.checksum
        );
        above = summary.p50;
    }
}

fn config(number: u64) -> Config {
    Config::new().with_registry_hash(number as u32).with_flags(Flags::METRICS).with_size(24, 80)
}

fn row(name: &'static str, times: u64, target: &'static str, operation: Box<dyn FnMut(u64) -> u64>) -> Row {
    Row { name, times, target, operation, checksum: 0, samples: Vec::new() }
}

fn rows(path: &dyn Fn(&str) -> CString) -> Vec<Row> {
    vec![
        row("a volatile load", 1 << 20, "", volatile_load()),
        row("cached read", 1 << 20, "load + 0.5", cached_read(&path("read"))),
        row("validated snapshot", 1 << 16, "20", snapshot(&path("snapshot"))),
        row("a record validated in memory", 1 << 16, "", validate()),
        row("a frame validated", 1 << 16, "8", frame_decode()),
        row("a frame encoded", 1 << 16, "", frame_encode()),
        row("publish, lock held", 1 << 16, "45", publish(&path("publish"))),
        row("pwrite of 32 bytes", 1 << 12, "", bare_pwrite(&path("pwrite"))),
        row("update, lock held", 1 << 12, "1.10 × pwrite", update(&path("update"))),
        row("update, lock taken and given back", 1 << 10, "", locked_update(&path("locked"))),
        row("open, mmap, load, munmap, close", 1 << 8, "", open_map_close(path("bare"))),
        row("open, check, map, read, close", 1 << 8, "", open(path("open"))),
    ]
}

/// None, if it is not built.
fn rows_of_the_c_library(path: &dyn Fn(&str) -> CString) -> Vec<Row> {
    let Some(library) = cabi::Library::load() else { return Vec::new() };
    let file = path("cabi");
    drop(created(&file));
    vec![
        row("open, mmap, load, munmap, close", 1 << 8, "", open_map_close(path("bare again"))),
        row(
            "open, check, map, read, close in C",
            1 << 8,
            "1.20 × row above",
            Box::new(sum(move |_| library.open_read_close(&file))),
        ),
    ]
}

fn created(path: &CString) -> ConfigFile {
    ConfigFile::create(path, config(1)).expect("a new file")
}

/// A function of the operation's number, added up.
fn sum(mut operation: impl FnMut(u64) -> u64) -> impl FnMut(u64) -> u64 {
    move |times| (0..times).fold(0, |sum, time| sum.wrapping_add(operation(time)))
}

fn volatile_load() -> Box<dyn FnMut(u64) -> u64> {
    let word = Box::new(7);
    Box::new(sum(move |_| bare::volatile_load(&word)))
}

fn cached_read(path: &CString) -> Box<dyn FnMut(u64) -> u64> {
    let file = created(path);
    let mut cache = Cache::new(&file).expect("a config");
    Box::new(sum(move |_| cache.read(&file).map_or(0, |slot| slot.sequence)))
}

fn snapshot(path: &CString) -> Box<dyn FnMut(u64) -> u64> {
    let file = created(path);
    Box::new(sum(move |_| black_box(file.snapshot()).map_or(0, |slot| slot.sequence)))
}

fn validate() -> Box<dyn FnMut(u64) -> u64> {
    let bytes = Slot { config: config(1), sequence: 7 }.encode();
    Box::new(sum(move |_| Slot::decode(black_box(bytes)).map_or(0, |slot| slot.sequence)))
}

fn frame_decode() -> Box<dyn FnMut(u64) -> u64> {
    let bytes = Frame::Feature { bit: 6, on: true }.encode();
    Box::new(sum(move |_| u64::from(black_box(Frame::decode(black_box(&bytes))).is_ok())))
}

fn frame_encode() -> Box<dyn FnMut(u64) -> u64> {
    Box::new(sum(|time| {
        let [.., checksum] = black_box(Frame::Heartbeat { offset: 0, value: time }).encode();
        checksum.into()
    }))
}

fn publish(path: &CString) -> Box<dyn FnMut(u64) -> u64> {
    let mut file = created(path);
    Box::new(move |times| {
        let mut locked = file.lock(0).expect("nobody else's");
        let mut publisher = locked.publisher().expect("a mapping");
        sum(|time| publisher.publish(black_box(config(time))).map_or(0, |slot| slot.sequence))(times)
    })
}

/// Writes two slots of a file in turn, as updates do.
fn bare_pwrite(path: &CString) -> Box<dyn FnMut(u64) -> u64> {
    drop(created(path));
    let file = File::options().write(true).open(path.to_str().expect("a temporary path")).expect("the file");
    let [first, second] = [2, 3].map(|sequence| Slot { config: config(1), sequence }.encode());
    Box::new(sum(move |time| {
        let (bytes, offset) = if time % 2 == 0 { (&first, 0) } else { (&second, SLOT_BYTES as u64) };
        file.write_at(black_box(bytes), offset).map_or(0, |written| written as u64)
    }))
}

fn update(path: &CString) -> Box<dyn FnMut(u64) -> u64> {
    let mut file = created(path);
    Box::new(move |times| {
        let mut locked = file.lock(0).expect("nobody else's");
        sum(|time| locked.change(|_| Ok(black_box(config(time)))).map_or(0, |slot| slot.sequence))(times)
    })
}

fn locked_update(path: &CString) -> Box<dyn FnMut(u64) -> u64> {
    let mut file = created(path);
    Box::new(sum(move |_| file.toggle(Flags::DEBUG).map_or(0, |slot| slot.sequence)))
}

fn open_map_close(path: CString) -> Box<dyn FnMut(u64) -> u64> {
    std::fs::write(path.to_str().expect("a temporary path"), Image::new(config(1)).to_bytes()).expect("a file");
    Box::new(sum(move |_| bare::open_map_close(&path)))
}

fn open(path: CString) -> Box<dyn FnMut(u64) -> u64> {
    drop(created(&path));
    Box::new(sum(move |_| ConfigFile::open(&path).and_then(|file| file.snapshot()).map_or(0, |slot| slot.sequence)))
}
