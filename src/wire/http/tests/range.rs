//! Ranges against the text of RFC 9110 §14, row by row.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::super::fuzz;
use super::super::multipart::{BOUNDARY_BYTES_MAX, Multipart, content_type, is_boundary};
use super::super::range::Selection::{self, One, Several, Unsatisfiable, Whole};
use super::super::range::{content_range, select, unsatisfied_range};
use crate::limits::{RANGE_GAP_BYTES_MAX, RANGES_MAX};
use proptest::prelude::*;

fn of(value: &str, length: u64) -> Selection {
    select(Some(value.as_bytes()), length)
}

#[test]
fn one_range_of_a_hundred_bytes() {
    for (value, expected) in [
        ("bytes=0-0", One(0..1)),
        ("bytes=0-99", One(0..100)),
        ("bytes=0-1000", One(0..100)),
        ("bytes=0-99999999999999999999999999", One(0..100)),
        ("bytes=99-", One(99..100)),
        ("bytes=0-", One(0..100)),
        ("bytes=100-", Unsatisfiable),
        ("bytes=100-200", Unsatisfiable),
        ("bytes=99999999999999999999999999-", Unsatisfiable),
        ("bytes=-1", One(99..100)),
        ("bytes=-100", One(0..100)),
        ("bytes=-1000", One(0..100)),
        ("bytes=-0", Unsatisfiable),
        ("BYTES=0-0", One(0..1)),
        ("bytes= 0-0 ", One(0..1)),
        ("bytes=,0-0,,", One(0..1)),
    ] {
        assert_eq!(of(value, 100), expected, "{value}");
    }
}

#[test]
fn what_is_malformed_or_unknown_is_ignored() {
    for value in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=0-1x",
        "bytes=1",
        "bytes=--1",
        "bytes=0 - 1",
        "bytes=0-1;2-3",
        "bytes=0x0-0x1",
        "bytes=+0-1",
        "bytes =0-1",
        "bytes:0-1",
        "lines=0-1",
        "bytes=0-1,nonsense",
        "bytes=0-1, 5-4",
        "none",
    ] {
        assert_eq!(of(value, 100), Whole, "{value}");
    }
    assert_eq!(select(None, 100), Whole);
}

#[test]
fn the_examples_of_the_rfc_for_ten_thousand_bytes() {
    for (value, expected) in [
        ("bytes=0-499", One(0..500)),
        ("bytes=500-999", One(500..1000)),
        ("bytes=-500", One(9500..10_000)),
        ("bytes=9500-", One(9500..10_000)),
        ("bytes=0-0,-1", Several(vec![0..1, 9999..10_000])),
        ("bytes= 0-999, 4500-5499, -1000", Several(vec![0..1000, 4500..5500, 9000..10_000])),
        // Other valid (but not canonical) specifications of the second 500 bytes.
        ("bytes=500-600,601-999", One(500..1000)),
        ("bytes=500-700,601-999", One(500..1000)),
    ] {
        assert_eq!(of(value, 10_000), expected, "{value}");
    }
}

#[test]
fn nothing_has_no_parts() {
    assert_eq!(of("bytes=0-0", 0), Unsatisfiable);
    assert_eq!(of("bytes=0-", 0), Unsatisfiable);
    assert_eq!(of("bytes=-1", 0), Whole, "the last byte of nothing is nothing, and nothing is all there is");
    assert_eq!(of("bytes=-0", 0), Unsatisfiable);
}

#[test]
fn of_several_ranges_those_that_there_are_are_sent_in_their_order() {
    for (value, expected) in [
        ("bytes=5000-5000,0-0", Several(vec![5000..5001, 0..1])),
        ("bytes=0-0,20000-", One(0..1)),
        ("bytes=20000-,30000-", Unsatisfiable),
        ("bytes=20000-,0-0,9000-9000", Several(vec![0..1, 9000..9001])),
        ("bytes=9000-9000,0-5,3-8", Several(vec![9000..9001, 0..9])),
        ("bytes=3-8,9000-9000,0-5", Several(vec![0..9, 9000..9001])),
        ("bytes=0-,0-,0-,0-", One(0..10_000)),
    ] {
        assert_eq!(of(value, 10_000), expected, "{value}");
    }
}

#[test]
fn ranges_that_nearly_touch_are_one() {
    for (gap, expected) in [
        (RANGE_GAP_BYTES_MAX - 1, One(0..10 + RANGE_GAP_BYTES_MAX)),
        (RANGE_GAP_BYTES_MAX, One(0..11 + RANGE_GAP_BYTES_MAX)),
        (RANGE_GAP_BYTES_MAX + 1, Several(vec![0..10, 11 + RANGE_GAP_BYTES_MAX..12 + RANGE_GAP_BYTES_MAX])),
    ] {
        let second = 10 + gap;
        assert_eq!(of(&alloc::format!("bytes=0-9,{second}-{second}"), 10_000), expected, "{gap}");
    }
}

#[test]
fn ranges_are_read_up_to_their_bound() {
    for (count, honoured) in [(RANGES_MAX - 1, true), (RANGES_MAX, true), (RANGES_MAX + 1, false)] {
        let specs: Vec<String> = (0..count).map(|index| alloc::format!("{0}-{0}", index * 1000)).collect();
        let selection = of(&alloc::format!("bytes={}", specs.join(",")), 1_000_000);
        match selection {
            Several(parts) => assert!(honoured && parts.len() == count, "{count}"),
            other => assert!(!honoured && other == Whole, "{count}: {other:?}"),
        }
    }
}

#[test]
fn what_is_told_about_a_range() {
    assert_eq!(content_range(&(0..500), 1234), b"bytes 0-499/1234");
    assert_eq!(content_range(&(0..u64::MAX), u64::MAX), b"bytes 0-18446744073709551614/18446744073709551615");
    assert_eq!(unsatisfied_range(1234), b"bytes */1234");
}

fn written(parts: &[Range<u64>], data: &[u8]) -> Vec<u8> {
    let multipart = Multipart::new(parts, data.len() as u64, b"application/pdf", "THIS_STRING_SEPARATES");
    let mut body = Vec::new();
    for (head, part) in multipart.parts() {
        body.extend_from_slice(head);
        body.extend_from_slice(&data[part.start as usize..part.end as usize]);
    }
    body.extend_from_slice(multipart.closing());
    assert_eq!(multipart.content_length(), body.len() as u64);
    body
}

#[test]
fn a_multipart_body_is_that_of_the_rfc() {
    let expected = "--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\nContent-Range: bytes 1-2/6\r\n\r\nbc\
                    \r\n--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\nContent-Range: bytes 5-5/6\r\n\r\nf\
                    \r\n--THIS_STRING_SEPARATES--\r\n";
    assert_eq!(String::from_utf8(written(&[1..3, 5..6], b"abcdef")).unwrap(), expected);
    assert_eq!(content_type("a:b"), b"multipart/byteranges; boundary=\"a:b\"");
}

#[test]
fn a_boundary_is_what_rfc_2046_allows() {
    let is_allowed = |boundary: &str| is_boundary(boundary.as_bytes());
    for (boundary, good) in [
        ("a", true),
        ("0'()+_,-./:=?", true),
        (&*"b".repeat(BOUNDARY_BYTES_MAX), true),
        (&"b".repeat(BOUNDARY_BYTES_MAX + 1), false),
        ("", false),
        ("a b", false),
        ("a\r\n", false),
        ("a\"", false),
    ] {
        assert_eq!(is_allowed(boundary), good, "{boundary:?}");
    }
}

#[test]
#[should_panic(expected = "a boundary that RFC 2046 allows")]
fn no_other_boundary_is_ever_written() {
    let _ = Multipart::new(&[0..1, 2..3], 3, b"a/b", "a\r\n");
}

proptest! {
    #[test]
    fn the_property_of_the_fuzz_target_holds(length: u32, set in "bytes=[0-9]{0,4}(-[0-9]{0,5},?[0-9]{0,4}){0,6}") {
        fuzz::range(&[&length.to_le_bytes()[..], set.as_bytes()].concat());
        fuzz::range(&[&(length % 3000).to_le_bytes()[..], set.as_bytes()].concat());
    }
}
