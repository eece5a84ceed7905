//! What is in the library: its size, its symbols, and no path that panics.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::library::library;
use crate::succeed;

/// Bytes of the shared library on x86-64: the functions and what they say take 7.0 KB, their names and the frame of
/// an ELF file 2.4 KB.
const BYTES_MAX: u64 = 9_640;

/// The functions of the C library that it calls where it does not call the kernel itself. Any other is a new
/// dependency.
const IMPORTS: [&str; 8] =
    ["__errno_location", "bcmp", "memcmp", "memcpy", "memmove", "memset", "sigaction", "syscall"];

/// Whether it calls the kernel itself.
const IS_DIRECT: bool = cfg!(target_arch = "x86_64");

fn tool(name: &str, arguments: &[&str], file: &Path) -> String {
    let mut command = Command::new(name);
    command.args(arguments).arg(file);
    succeed(command)
}

/// The names that `nm` prints first on each line, without versions.
fn names(arguments: &[&str], file: &Path) -> BTreeSet<String> {
    let symbols = tool("nm", arguments, file);
    let name = |line: &str| line.split([' ', '@']).next().unwrap().to_owned();
    symbols.lines().filter(|line| !line.is_empty() && !line.ends_with(':')).map(name).collect()
}

fn shared() -> std::path::PathBuf {
    library().join("liblattice_config.so")
}

fn unstripped() -> std::path::PathBuf {
    library().join("unstripped/liblattice_config.so")
}

/// The functions that the header declares.
pub(crate) fn declared() -> BTreeSet<String> {
    let header = include_str!("../../src/config/cabi/lattice_config.h");
    // A comment has no declaration that begins a line.
    let lines = header.lines().filter(|line| line.starts_with(|letter: char| letter.is_ascii_lowercase()));
    let name = |line: &str| line.split('(').next()?.rsplit([' ', '*']).next().map(str::to_owned);
    lines.filter(|line| line.contains('(')).filter_map(name).collect()
}

#[test]
fn it_is_small() {
    let bytes = std::fs::metadata(shared()).unwrap().len();
    println!("{bytes} bytes, text {}", tool("size", &["-A"], &shared()));
    assert!(bytes <= BYTES_MAX || !IS_DIRECT, "{bytes} bytes");
}

#[test]
fn it_has_the_functions_of_the_header_and_no_other_name() {
    let declared = declared();
    assert!(declared.len() > 20, "{declared:?}");
    assert_eq!(names(&["-D", "--defined-only", "--format=posix"], &shared()), declared);
    let archive = library().join("liblattice_config.a");
    assert_eq!(names(&["-g", "--defined-only", "--format=posix"], &archive), declared);
}

#[test]
fn it_needs_no_other_library() {
    let known: BTreeSet<String> = if IS_DIRECT { BTreeSet::new() } else { IMPORTS.map(str::to_owned).into() };
    for (arguments, file) in [("-D", shared()), ("-g", library().join("liblattice_config.a"))] {
        let imports = names(&[arguments, "--undefined-only", "--format=posix"], &file);
        assert!(imports.is_subset(&known), "{:?}", imports.difference(&known));
    }
    let dynamic = tool("readelf", &["--dynamic", "--wide"], &shared());
    let needed: Vec<&str> = dynamic.lines().filter(|line| line.contains("(NEEDED)")).collect();
    assert!(needed.is_empty() || !IS_DIRECT && needed.len() == 1 && needed[0].contains("[libc.so.6]"), "{needed:?}");
    assert!(dynamic.contains("[liblattice_config.so.1]") && dynamic.contains("NODELETE"), "{dynamic}");
    assert!(!dynamic.contains("TEXTREL"), "{dynamic}");
}

#[test]
fn it_has_no_path_that_panics() {
    for file in [unstripped(), library().join("unstripped/lattice_config.o")] {
        let symbols = tool("nm", &[], &file);
        assert!(symbols.contains("lattice_config_open"), "the symbols are there: {symbols}");
        for word in ["panic", "unwind", "eh_personality", "abort", "core3fmt", "Unwind"] {
            let found: Vec<&str> = symbols.lines().filter(|line| line.contains(word)).collect();
            assert!(found.is_empty(), "{word} in {}: {found:?}", file.display());
        }
    }
    let code = tool("objdump", &["--disassemble", "--no-show-raw-insn"], &unstripped());
    let traps: Vec<&str> = code.lines().filter(|line| line.contains("\tud2") || line.contains("\tbrk")).collect();
    assert!(traps.is_empty(), "{traps:?}");
}

#[test]
fn its_stack_is_not_executable() {
    let headers = tool("readelf", &["--program-headers", "--wide"], &shared());
    let stack = headers.lines().find(|line| line.contains("GNU_STACK")).expect("it says so");
    assert!(stack.contains(" RW ") && !headers.contains("RWE"), "{headers}");
}
