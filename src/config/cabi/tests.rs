//! The header against the code: `tests/cabi/layout.c` has every number of both, and a C compiler looks at it.

use core::ffi::CStr;
use core::mem::{offset_of, size_of};

use super::code::{flag_bit, flag_name, sentence};
use super::types::{Cached, Parts, Record, Snapshot};
use super::*;
use crate::config::frame::{FRAME_BYTES, Frame, FrameError};
use crate::config::writer::LOCK_WAIT_MS;
use crate::config::{Error, Flags, Refusal, VERSION, layout};

const HEADER: &str = include_str!("lattice_config.h");
const LAYOUT: &str = include_str!("../../../tests/cabi/layout.c");

const OF_ARGUMENTS: [(&str, Fault); 5] = [
    ("NULL", Fault::NULL),
    ("ARGUMENT", Fault::ARGUMENT),
    ("SIZE", Fault::SIZE),
    ("MEMORY", Fault::MEMORY),
    ("NAME", Fault::NAME),
];

const OF_FRAMES: [(&str, FrameError); 4] = [
    ("FRAME_CHECKSUM", FrameError::Checksum),
    ("FRAME_KIND", FrameError::Kind),
    ("FRAME_OFFSET", FrameError::Offset),
    ("FRAME_VALUE", FrameError::Value),
];

const OF_FILES: [(&str, Error); 29] = [
    ("BARE", Error::Bare),
    ("BUSY", Error::Busy),
    ("CONFLICT", Error::Conflict),
    ("CUT", Error::Cut),
    ("DAMAGED", Error::Damaged),
    ("DENIED", Error::Denied),
    ("DIRECTORY", Error::Directory),
    ("DISK_FULL", Error::DiskFull),
    ("EMPTY", Error::Empty),
    ("EXISTS", Error::Exists),
    ("FIFO", Error::Fifo),
    ("LOCKED", Error::Locked),
    ("LONG", Error::Long),
    ("MODE", Error::Mode),
    ("NOT_FOUND", Error::NotFound),
    ("NOT_REGULAR", Error::NotRegular),
    ("OWNER", Error::Owner),
    ("PATH_TOO_LONG", Error::PathTooLong),
    ("READ_ONLY", Error::ReadOnly),
    ("REPLACED", Error::Replaced),
    ("SHORT", Error::Short),
    ("SHORT_WRITE", Error::ShortWrite),
    ("SYMLINK", Error::Symlink),
    ("TOO_MANY", Error::TooMany),
    ("OFFSET", Error::Refused(Refusal::Offset)),
    ("SEQUENCE_EXHAUSTED", Error::Refused(Refusal::SequenceExhausted)),
    ("UNKNOWN_VERSION", Error::Refused(Refusal::UnknownVersion)),
    ("VALUE", Error::Refused(Refusal::Value)),
    ("IO", Error::Io(0)),
];

/// What becomes this error.
fn fault_of(error: Error) -> Fault {
    let mut faults = (-37..=-10).chain([-1000]).map(Fault::of);
    faults.find(|&fault| Error::from(fault) == error).expect("a number")
}

/// The numbers of all errors, with their names.
fn errors() -> Vec<(&'static str, Fault)> {
    let frames = OF_FRAMES.map(|(name, error)| (name, Fault::from(error)));
    let files = OF_FILES.map(|(name, error)| (name, fault_of(error)));
    OF_ARGUMENTS.into_iter().chain(frames).chain(files).collect()
}

fn kinds() -> [(&'static str, Frame); 5] {
    [
        ("BYTE", Frame::Byte { offset: 0, value: 0 }),
        ("FEATURE", Frame::Feature { bit: 0, on: false }),
        ("HEARTBEAT", Frame::Heartbeat { offset: 0, value: 0 }),
        ("ERROR", Frame::Error { payload_bytes: 0, code: 0 }),
        ("BROADCAST", Frame::Broadcast { payload_bytes: 0, value: 0 }),
    ]
}

/// Every constant of the header, and its value in the code.
fn constants() -> Vec<(String, i64)> {
    let plain = [
        ("ABI_VERSION", ABI_VERSION as usize),
        ("VERSION", VERSION.into()),
        ("BYTES", CONFIG_BYTES),
        ("IMAGE_BYTES", IMAGE_BYTES),
        ("FRAME_BYTES", FRAME_BYTES),
        ("LOCK_WAIT_MS", LOCK_WAIT_MS as usize),
        ("FILES_MAX", sigbus::MAPPINGS_MAX),
        ("READ", 0),
        ("READ_WRITE", 1),
        ("AT_VERSION", layout::VERSION_AT),
        ("AT_REGISTRY_HASH", layout::REGISTRY_HASH.start),
        ("AT_FEATURE_FLAGS", layout::FEATURE_FLAGS.start),
        ("AT_TERMINAL_MODE", layout::TERMINAL_MODE),
        ("AT_ROWS", layout::ROWS),
        ("AT_COLS", layout::COLS),
        ("AT_RESERVED", layout::RESERVED),
        ("OK", DONE as usize),
    ];
    let plain = plain.map(|(name, value)| (name.to_owned(), value as i64));
    let flags = Flags::NAMES.iter().zip(0..).map(|(name, bit)| (format!("FLAG_{name}"), bit));
    let kinds = kinds().map(|(name, frame)| (format!("FRAME_{name}"), frame.to_parts().0.into()));
    let errors = errors().into_iter().map(|(name, code)| (format!("E_{name}"), code.number().into()));
    let all = plain.into_iter().chain(flags).chain(kinds).chain(errors);
    all.map(|(name, value)| (format!("LATTICE_CONFIG_{name}"), value)).collect()
}

macro_rules! fields {
    ($c:literal, $rust:ty: $($field:ident)*) => {
        [
            vec![(concat!("sizeof(", $c, ")").to_owned(), size_of::<$rust>())],
            vec![$((concat!("offsetof(", $c, ", ", stringify!($field), ")").to_owned(), offset_of!($rust, $field))),*],
        ].concat()
    };
}

/// What a C program asserts of the header.
fn assertions() -> Vec<String> {
    let structs = [
        fields!("lattice_config_snapshot", Snapshot: sequence bytes padding),
        fields!("lattice_config_cache", Cached: snapshot seen),
        fields!("lattice_config_record", Record:
            registry_hash feature_flags version terminal_mode rows cols reserved padding),
        fields!("lattice_config_frame", Parts: value offset kind padding),
    ];
    let structs = structs.concat().into_iter().map(|(what, value)| (what, value as i64));
    let all = constants().into_iter().chain(structs);
    all.map(|(what, value)| format!("_Static_assert({what} == {value}, \"\");")).collect()
}

#[test]
fn the_c_program_asserts_what_the_code_says() {
    let found: Vec<&str> = LAYOUT.lines().filter(|line| line.starts_with("_Static_assert")).collect();
    assert_eq!(found, assertions(), "\n{}\n", assertions().join("\n"));
}

#[test]
fn the_header_has_no_other_constants() {
    let (mut found, mut expected): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for line in HEADER.lines() {
        let name = line.strip_prefix("#define ").unwrap_or(line.trim_start());
        let end = name.find(|letter: char| !letter.is_ascii_uppercase() && !letter.is_ascii_digit() && letter != '_');
        let (name, rest) = name.split_at(end.unwrap_or(name.len()));
        let is_value = rest.trim_start_matches([' ', '=', '-']).starts_with(|letter: char| letter.is_ascii_digit());
        if name.starts_with("LATTICE_CONFIG_") && is_value {
            found.push(name);
        }
    }
    expected.extend(constants().into_iter().map(|(name, _)| name));
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

fn text(text: &'static [u8]) -> &'static str {
    CStr::from_bytes_until_nul(text).expect("a zero byte").to_str().expect("ASCII")
}

#[test]
fn each_error_has_a_number_and_its_sentence() {
    let mut sentences: Vec<&str> = errors().into_iter().map(|(_, code)| text(sentence(code.number()))).collect();
    let numbers: Vec<c_int> = errors().into_iter().map(|(_, code)| code.number()).collect();
    assert_eq!(numbers, (-37..=-1).rev().chain([-1000]).collect::<Vec<c_int>>());
    assert!(sentences.iter().all(|sentence| sentence.len() > 4 && !sentence.ends_with('.')), "{sentences:?}");
    sentences.sort_unstable();
    sentences.dedup();
    assert_eq!(sentences.len(), numbers.len(), "no two are the same");
}

#[test]
fn an_errno_is_the_same_error_to_c_and_to_rust() {
    for (errno, fault, error) in [
        (libc::EACCES, Fault::DENIED, Error::Denied),
        (libc::ENOSPC, Fault::DISK_FULL, Error::DiskFull),
        (libc::ENOMEM, Fault::MEMORY, Error::Io(libc::ENOMEM)),
        (libc::EIO, Fault::of(-1000 - libc::EIO), Error::Io(libc::EIO)),
        (4095, Fault::of(-5095), Error::Io(4095)),
    ] {
        assert_eq!((Fault::of_errno(errno), Error::from(fault)), (fault, error), "{errno}");
    }
    for refusal in [Refusal::Offset, Refusal::SequenceExhausted, Refusal::UnknownVersion, Refusal::Value] {
        assert_eq!(Error::from(Fault::from(refusal)), Error::Refused(refusal));
    }
}

#[test]
fn any_number_has_a_sentence() {
    for (number, expected) in [
        (0, "no error"),
        (1, "no error"),
        (c_int::MAX, "no error"),
        (-38, "no such error"),
        (-39, "no such error"),
        (-40, "no such error"),
        (-999, "no such error"),
        (-1000, "system error: see its errno"),
        (-1000 - libc::EIO, "system error: see its errno"),
        (c_int::MIN, "system error: see its errno"),
    ] {
        assert_eq!(text(sentence(number)), expected, "{number}");
    }
}

fn bit_of(name: &str) -> Result<c_int, Fault> {
    flag_bit(std::ffi::CString::new(name).expect("no zero byte").as_c_str().into())
}

#[test]
fn flags_are_found_by_bit_and_by_name() {
    for (name, bit) in Flags::NAMES.iter().zip(0u32..) {
        assert_eq!(flag_name(bit).map(text), Some(*name));
        assert_eq!(bit_of(name), Ok(bit as c_int));
        assert_eq!(bit_of(&format!("{name}S")), Err(Fault::NAME));
        assert_eq!(bit_of(&name[1..]), Err(Fault::NAME));
        assert_eq!(bit_of(&name[..name.len() - 1]), Err(Fault::NAME));
    }
    for bit in [8, 31, 32, u32::MAX] {
        assert_eq!(flag_name(bit), None);
    }
    for name in ["", "debug", "DEBUG PROXY_MODE"] {
        assert_eq!(bit_of(name), Err(Fault::NAME));
    }
}

#[test]
fn fields_are_the_bytes() {
    let bytes: [u8; CONFIG_BYTES] = [9, 0x78, 0x56, 0x34, 0x12, 0xa5, 0, 0, 0xc0, 7, 24, 80, 0xee];
    let record = Record::from(Config::from_bytes(bytes));
    assert_eq!((record.registry_hash.get(), record.feature_flags.get()), (0x1234_5678, 0xc000_00a5));
    assert_eq!((record.version, record.terminal_mode, record.rows), (9, 7, 24));
    assert_eq!((record.cols, record.reserved, record.padding), (80, 0xee, [0; 3]));
    assert_eq!(record.to_bytes(), bytes);
}
