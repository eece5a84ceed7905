//! Preconditions against the text of RFC 9110 §13, row by row.

use alloc::vec::Vec;

use super::super::conditional::{Conditions, Decision, Modified, Validators};
use super::super::etag::EntityTag;
use super::super::fields::Field;
use super::super::fuzz;
use crate::wire::http1::Method;
use Decision::{Failed, NotModified, Proceed};
use proptest::prelude::*;

const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

fn current(etag: &'static str) -> Validators<'static> {
    let modified = Some(Modified { unix_s: 784_111_777, is_strong: true });
    Validators { etag: EntityTag::parse(etag.as_bytes()), modified }
}

fn fields<'a>(lines: &[(&'a str, &'a str)]) -> Vec<Field<'a>> {
    lines.iter().map(|&(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

fn decide(method: Method, lines: &[(&str, &str)], current: Option<Validators<'_>>) -> Decision {
    Conditions::of(&*fields(lines)).decide(method, current.as_ref())
}

#[test]
fn one_condition_for_a_read_and_for_a_write() {
    for (name, value, read, write) in [
        ("If-Match", r#""a""#, Proceed, Proceed),
        ("If-Match", r#""x", "a""#, Proceed, Proceed),
        ("If-Match", "*", Proceed, Proceed),
        ("If-Match", r#""b""#, Failed, Failed),
        ("If-Match", r#"W/"a""#, Failed, Failed),
        ("If-Match", "a", Failed, Failed),
        ("If-Match", "", Failed, Failed),
        ("If-None-Match", r#""a""#, NotModified, Failed),
        ("If-None-Match", r#"W/"a""#, NotModified, Failed),
        ("If-None-Match", "*", NotModified, Failed),
        ("If-None-Match", r#""b""#, Proceed, Proceed),
        ("If-None-Match", "a", Proceed, Proceed),
        ("If-Modified-Since", BEFORE, Proceed, Proceed),
        ("If-Modified-Since", AT, NotModified, Proceed),
        ("If-Modified-Since", AFTER, NotModified, Proceed),
        ("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT", NotModified, Proceed),
        ("If-Modified-Since", "yesterday", Proceed, Proceed),
        ("If-Unmodified-Since", BEFORE, Failed, Failed),
        ("If-Unmodified-Since", AT, Proceed, Proceed),
        ("If-Unmodified-Since", AFTER, Proceed, Proceed),
        ("If-Unmodified-Since", "yesterday", Proceed, Proceed),
        ("If-Range", r#""b""#, Proceed, Proceed),
        ("If-Nothing", r#""a""#, Proceed, Proceed),
    ] {
        for method in [Method::Get, Method::Head] {
            assert_eq!(decide(method, &[(name, value)], Some(current(r#""a""#))), read, "{method:?} {name}: {value}");
        }
        for method in [Method::Put, Method::Delete, Method::Post, Method::Patch] {
            assert_eq!(decide(method, &[(name, value)], Some(current(r#""a""#))), write, "{method:?} {name}: {value}");
        }
        assert_eq!(decide(Method::Options, &[(name, value)], Some(current(r#""a""#))), Proceed);
    }
}

#[test]
fn the_order_is_that_of_the_rfc() {
    for (lines, expected) in [
        // If-Match is the last word about staleness: the date is not looked at.
        (&[("If-Match", r#""a""#), ("If-Unmodified-Since", BEFORE)][..], Proceed),
        (&[("If-Match", r#""b""#), ("If-Unmodified-Since", AFTER)], Failed),
        // What fails first is what is told.
        (&[("If-None-Match", r#""a""#), ("If-Match", r#""b""#)], Failed),
        (&[("If-Modified-Since", AT), ("If-Unmodified-Since", BEFORE)], Failed),
        (&[("If-Match", r#""a""#), ("If-None-Match", r#""a""#)], NotModified),
        (&[("If-Unmodified-Since", AT), ("If-Modified-Since", AT)], NotModified),
        // Tags beat dates.
        (&[("If-None-Match", r#""b""#), ("If-Modified-Since", AFTER)], Proceed),
        (&[("If-None-Match", r#""a""#), ("If-Modified-Since", BEFORE)], NotModified),
        (&[("If-None-Match", "nonsense"), ("If-Modified-Since", AFTER)], Proceed),
        (&[], Proceed),
    ] {
        assert_eq!(decide(Method::Get, lines, Some(current(r#""a""#))), expected, "{lines:?}");
    }
}

#[test]
fn what_is_not_there_can_only_be_made() {
    for (name, value, expected) in [
        ("If-Match", "*", Failed),
        ("If-Match", r#""a""#, Failed),
        ("If-None-Match", "*", Proceed),
        ("If-None-Match", r#""a""#, Proceed),
        ("If-Unmodified-Since", BEFORE, Proceed),
        ("If-Modified-Since", AFTER, Proceed),
    ] {
        for method in [Method::Get, Method::Put] {
            assert_eq!(decide(method, &[(name, value)], None), expected, "{method:?} {name}: {value}");
        }
    }
}

#[test]
fn a_validator_that_is_missing_decides_nothing() {
    let dated = Validators { etag: None, ..current("") };
    let tagged = Validators { modified: None, ..current(r#""a""#) };
    assert_eq!(decide(Method::Get, &[("If-None-Match", r#""a""#)], Some(dated)), Proceed);
    assert_eq!(decide(Method::Put, &[("If-Match", r#""a""#)], Some(dated)), Failed);
    assert_eq!(decide(Method::Put, &[("If-Match", "*")], Some(dated)), Proceed);
    assert_eq!(decide(Method::Get, &[("If-Modified-Since", AFTER)], Some(tagged)), Proceed);
    assert_eq!(decide(Method::Put, &[("If-Unmodified-Since", BEFORE)], Some(tagged)), Proceed);
}

#[test]
fn lists_may_come_in_several_fields_and_dates_may_not() {
    let of_a = |lines: &[(&str, &str)]| decide(Method::Get, lines, Some(current(r#""a""#)));
    assert_eq!(of_a(&[("If-None-Match", r#""x""#), ("if-none-match", r#""a""#)]), NotModified);
    assert_eq!(of_a(&[("If-Match", r#""x""#), ("IF-MATCH", r#""a""#)]), Proceed);
    assert_eq!(of_a(&[("If-Modified-Since", AFTER), ("If-Modified-Since", AFTER)]), Proceed);
    assert_eq!(of_a(&[("If-Unmodified-Since", BEFORE), ("If-Unmodified-Since", BEFORE)]), Proceed);
}

#[test]
fn a_range_applies_to_exactly_the_representation_that_was_named() {
    let applies =
        |lines: &[(&str, &str)], current: Validators<'_>| Conditions::of(&*fields(lines)).range_applies(&current);
    assert!(applies(&[], current(r#""a""#)));
    assert!(applies(&[("Range", "bytes=0-")], Validators::default()));
    for (value, expected) in [
        (r#""a""#, true),
        (r#""b""#, false),
        (r#"W/"a""#, false),
        (r#""a", "b""#, false),
        ("*", false),
        ("", false),
        ("a", false),
        (BEFORE, false),
        (AT, true),
        ("Sun Nov  6 08:49:37 1994", true),
        (AFTER, false),
    ] {
        assert_eq!(applies(&[("If-Range", value)], current(r#""a""#)), expected, "{value}");
    }
    assert!(!applies(&[("If-Range", r#"W/"a""#)], current(r#"W/"a""#)), "a weak tag names no bytes");
    assert!(!applies(&[("If-Range", r#""a""#), ("If-Range", r#""a""#)], current(r#""a""#)));
    let fresh = Modified { unix_s: 784_111_777, is_strong: false };
    assert!(!applies(&[("If-Range", AT)], Validators { etag: None, modified: Some(fresh) }));
    assert!(!applies(&[("If-Range", AT)], Validators::default()));
}

proptest! {
    #[test]
    fn the_property_of_the_fuzz_target_holds(lines in prop::collection::vec("[0-4][ -~]{0,40}", 0..6)) {
        fuzz::conditional(lines.join("\n").as_bytes());
    }
}
