//! Negotiation against the text of RFC 9110 §12.5, row by row.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::accept::Coding::{self, Brotli, Gzip, Zstd};
use super::super::accept::{MediaType, Weight, coding, media, media_weights};
use super::super::fuzz;
use crate::limits::PREFERENCES_MAX;
use proptest::prelude::*;

fn choose(value: &str, available: &[Coding]) -> Option<Option<Coding>> {
    coding([value.as_bytes()].into_iter(), available)
}

#[test]
fn with_gzip_alone_a_coding_that_was_ruled_out_is_never_used() {
    for (accept, expected) in [
        ("gzip,deflate,br", Some(Some(Gzip))),
        ("gzip", Some(Some(Gzip))),
        ("X-GZIP", Some(Some(Gzip))),
        ("br", Some(None)),
        ("*", Some(Some(Gzip))),
        ("gzip;q=0", Some(None)),
        ("gzip;q=0, *", Some(None)),
        ("gzip;q=0.000", Some(None)),
        ("gzip;q=0.5, identity", Some(None)),
        ("gzip;q=0.5, identity;q=0.4", Some(Some(Gzip))),
        ("gzip;q=0.5, *;q=1", Some(Some(Gzip))),
        ("identity;q=0", Some(Some(Gzip))),
        ("identity;q=0, gzip", Some(Some(Gzip))),
        ("identity;q=0, gzip;q=0", None),
        ("*;q=0", None),
        ("*;q=0, identity", Some(None)),
        ("*;q=0, gzip", Some(Some(Gzip))),
        ("gzip;q=x", Some(Some(Gzip))),
        ("", Some(None)),
        (";;;,,,q=", Some(None)),
    ] {
        assert_eq!(choose(accept, &[Gzip]), expected, "{accept}");
    }
    assert_eq!(coding([].into_iter(), &[Gzip]), Some(None));
}

#[test]
fn of_several_codings_the_heaviest_and_of_equals_the_servers_first() {
    for (accept, expected) in [
        ("gzip, deflate, br, zstd", Some(Some(Brotli))),
        ("gzip, deflate, zstd", Some(Some(Zstd))),
        ("gzip;q=1.0, br;q=0.9", Some(Some(Gzip))),
        ("gzip;q=0.5, *;q=0.8", Some(Some(Brotli))),
        ("br;q=0, *", Some(Some(Zstd))),
        ("compress, gzip", Some(Some(Gzip))),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", Some(Some(Gzip))),
        ("identity, *;q=0.1", Some(None)),
        ("identity;q=0, br;q=0", Some(Some(Zstd))),
        ("gzip ; Q=0.2 , zstd\t;\tq=0.3", Some(Some(Zstd))),
        ("gzip;q=0.2, gzip;q=1, br;q=0.5", Some(Some(Brotli))),
    ] {
        assert_eq!(choose(accept, &Coding::ALL), expected, "{accept}");
    }
    assert_eq!(choose("gzip, br", &[Gzip, Brotli]), Some(Some(Gzip)));
    assert_eq!(choose("gzip, br", &[]), Some(None));
    assert_eq!(choose("identity;q=0", &[]), None);
    let lines = [&b"br;q=0.1"[..], b"gzip"];
    assert_eq!(coding(lines.into_iter(), &Coding::ALL), Some(Some(Gzip)), "one list in two fields");
}

#[test]
fn the_table_of_the_rfc() {
    let accept = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5";
    for (essence, parameters, thousandths) in [
        ("text/plain", &[("format", "flowed")][..], 1000),
        ("text/plain", &[], 700),
        ("text/html", &[], 300),
        ("image/jpeg", &[], 500),
        ("text/plain", &[("format", "fixed")], 400),
        ("text/html", &[("level", "3")], 300),
    ] {
        let offer = MediaType { essence, parameters };
        assert_eq!(media_weights([accept.as_bytes()].into_iter(), &[offer])[0].value, thousandths, "{offer:?}");
    }
}

fn weight(accept: &str, essence: &str) -> (u8, u16) {
    let [weight] = media_weights([accept.as_bytes()].into_iter(), &[MediaType::new(essence)]);
    (weight.rank, weight.value)
}

#[test]
fn a_type_is_named_as_exactly_as_the_range_says() {
    for (accept, rank, value) in [
        ("application/json", Weight::EXACT, 1000),
        ("APPLICATION/Json ; q=0.5", Weight::EXACT, 500),
        ("application/*;q=0.2", Weight::TYPE, 200),
        ("*/*;q=0.1", Weight::ANY, 100),
        ("*", Weight::ANY, 1000),
        ("*/*, application/json;q=0", Weight::EXACT, 0),
        ("application/json;charset=utf-8", Weight::EXACT, 1000),
        ("application/json;charset=utf-8;q=0.3", Weight::EXACT, 300),
        ("application/json;v=1", 0, 0),
        ("application/json;v=\"a,b;q=0\", */*;q=0.4", Weight::ANY, 400),
        ("app/*", 0, 0),
        ("application*/json", 0, 0),
        ("*/json", 0, 0),
        ("text/html", 0, 0),
        ("application/json;q=0.5;level=1", Weight::EXACT, 500),
        ("application/json;q=0.5, application/json;q=0.9", Weight::EXACT, 500),
        (";;;,,,q=", 0, 0),
        ("", 0, 0),
    ] {
        assert_eq!(weight(accept, "application/json"), (rank, value), "{accept}");
    }
    let offer = MediaType { essence: "a/b", parameters: &[("v", "1"), ("w", "x")] };
    let rank = |accept: &str| media_weights([accept.as_bytes()].into_iter(), &[offer])[0].rank;
    assert_eq!((rank("a/b;v=1"), rank("a/b;V=\"1\";w=x"), rank("a/b;w=y")), (4, 5, 0));
}

#[test]
fn the_type_that_is_sent() {
    let offered = ["application/json", "text/html", "text/plain"].map(MediaType::new);
    for (accept, expected) in [
        ("text/html", Some(1)),
        ("text/html, application/json", Some(0)),
        ("text/html, application/json;q=0.9", Some(1)),
        ("text/*", Some(1)),
        ("*/*", Some(0)),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(1)),
        ("image/png", None),
        ("*/*;q=0", None),
        ("text/html;q=0, text/*", Some(2)),
        ("", Some(0)),
        (" , ", Some(0)),
    ] {
        assert_eq!(media([accept.as_bytes()].into_iter(), &offered), expected, "{accept}");
    }
    assert_eq!(media([].into_iter(), &offered), Some(0));
    assert_eq!(media([].into_iter(), &[]), None);
}

#[test]
fn preferences_are_read_up_to_their_bound() {
    for (before, read) in [(PREFERENCES_MAX - 2, true), (PREFERENCES_MAX - 1, true), (PREFERENCES_MAX, false)] {
        let list: String = "x,".repeat(before) + "gzip";
        assert_eq!(choose(&list, &[Gzip]), Some(read.then_some(Gzip)), "{before}");
        let lines: Vec<&[u8]> = list.split(',').map(str::as_bytes).collect();
        assert_eq!(coding(lines.into_iter(), &[Gzip]), Some(read.then_some(Gzip)), "{before} fields");
    }
}

proptest! {
    #[test]
    fn the_property_of_the_fuzz_target_holds(
        list in "((gzip|br|zstd|identity|\\*|x-gzip|text/html|\\*/\\*)[ ]?(;[ ]?[qQ]=[01]?\\.?[0-9]{0,4})?[ ]?[,\n]?){0,8}",
    ) {
        fuzz::accept(list.as_bytes());
    }

    #[test]
    fn it_holds_for_anything(bytes: Vec<u8>) {
        fuzz::accept(&bytes);
    }
}
