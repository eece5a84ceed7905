//! Text: every class of UTF-8 and of what only looks like it, refused at the first byte that shows it.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::support::{KEY, Said, feed, feed_placed, frame};
use crate::wire::ws::{Error, Kind, Limits};

const LIMITS: Limits = Limits { message_bytes: 1000, fragments: 8 };

/// What there is, at the edges of its ranges.
const SOUND: &[&[u8]] = &[
    b"",
    b"plain",
    "κόσμε".as_bytes(),
    b"\0",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xef\xbf\xbf",
    b"\xef\xbf\xbe",
    b"\xef\xbf\xbd",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xf0\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xf0\x9f\xbf\xbe",
    "Hello-µ@ßöäüàá-UTF-8!! 漢字 🦀".as_bytes(),
];

/// What there is not, and at which byte it shows; the number of bytes if only the end shows it.
const UNSOUND: &[(&[u8], usize)] = &[
    // Beyond the last character, and forms of five and six bytes.
    (b"\xf4\x90\x80\x80", 1),
    (b"\xf7\xbf\xbf\xbf", 0),
    (b"\xf8\x88\x80\x80\x80", 0),
    (b"\xfb\xbf\xbf\xbf\xbf", 0),
    (b"\xfc\x84\x80\x80\x80\x80", 0),
    (b"\xfd\xbf\xbf\xbf\xbf\xbf", 0),
    // Continuations of nothing.
    (b"\x80", 0),
    (b"\xbf", 0),
    (b"ok \x80\xbf\x80", 3),
    (b"\xce\xba\x80", 2),
    // Beginnings that stand alone.
    (b"\xc2 ", 1),
    (b"\xdf ", 1),
    (b"\xe0 ", 1),
    (b"\xef ", 1),
    (b"\xf0 ", 1),
    (b"\xf4 ", 1),
    (b"\xc2\xc2", 1),
    // The last continuation is missing: before more text, and at the end.
    (b"\xc2A", 1),
    (b"\xe1\x80A", 2),
    (b"\xf1\x80\x80A", 3),
    (b"\xc2", 1),
    (b"\xe1\x80", 2),
    (b"\xf1\x80\x80", 3),
    (b"ok \xf0\x9f\xa6", 6),
    (b"\xe1\x80\xf1\x80\x80\xc2", 2),
    // Bytes that stand nowhere.
    (b"\xfe", 0),
    (b"\xff", 0),
    (b"\xfe\xfe\xff\xff", 0),
    // More bytes than the character needs.
    (b"\xc0\xaf", 0),
    (b"\xc1\xbf", 0),
    (b"\xe0\x80\xaf", 1),
    (b"\xe0\x9f\xbf", 1),
    (b"\xf0\x80\x80\xaf", 1),
    (b"\xf0\x8f\xbf\xbf", 1),
    (b"\xf8\x80\x80\x80\xaf", 0),
    (b"\xfc\x80\x80\x80\x80\xaf", 0),
    (b"\xc0\x80", 0),
    (b"\xe0\x80\x80", 1),
    (b"\xf0\x80\x80\x80", 1),
    // Halves of surrogate pairs, alone and together.
    (b"\xed\xa0\x80", 1),
    (b"\xed\xad\xbf", 1),
    (b"\xed\xae\x80", 1),
    (b"\xed\xb0\x80", 1),
    (b"\xed\xbf\xbf", 1),
    (b"\xed\xa0\x80\xed\xb0\x80", 1),
    (b"\xed\xaf\xbf\xed\xbf\xbf", 1),
    ("κόσμε\u{fffd}".as_bytes().split_at(11).0, 11),
];

/// Where the payload of a short frame begins.
const HEADER: usize = 6;

#[test]
fn text_that_is_sound_comes_through_however_it_is_cut() {
    for payload in SOUND {
        let expected = Said::Message(Kind::Text, false, payload.to_vec());
        assert_eq!(feed(&frame(0x81, payload), false, &LIMITS), (vec![expected.clone()], None));
        for cut in 0..=payload.len() {
            let fragments = [frame(0x01, &payload[..cut]), frame(0x89, b""), frame(0x80, &payload[cut..])].concat();
            assert_eq!(feed(&fragments, false, &LIMITS), (vec![Said::Ping(vec![]), expected.clone()], None));
        }
    }
}

#[test]
fn text_that_is_not_sound_is_refused_at_the_byte_that_shows_it() {
    for &(payload, at) in UNSOUND {
        let place = (HEADER + at + 1).min(HEADER + payload.len());
        let expected = (vec![], Some((Error::Utf8, place)));
        assert_eq!(feed_placed(&frame(0x81, payload), false, &LIMITS), expected, "{payload:x?}");
    }
}

#[test]
fn text_that_is_not_sound_is_refused_wherever_it_is_cut_into_fragments() {
    for &(payload, at) in UNSOUND {
        for cut in 0..=payload.len() {
            let fragments = [frame(0x01, &payload[..cut]), frame(0x80, &payload[cut..])].concat();
            // Up to the byte, with the second header if it stands behind it; an end shows with the last byte.
            let place = if at < cut { HEADER + at + 1 } else { (2 * HEADER + at + 1).min(fragments.len()) };
            let expected = (vec![], Some((Error::Utf8, place)));
            assert_eq!(feed_placed(&fragments, false, &LIMITS), expected, "{payload:x?} cut at {cut}");
        }
    }
}

#[test]
fn every_byte_that_cannot_begin_a_character_is_refused() {
    for byte in (0x80..0xc2).chain(0xf5..=0xff) {
        let expected = (vec![], Some((Error::Utf8, HEADER + 1)));
        assert_eq!(feed_placed(&frame(0x81, &[byte, b' ']), false, &LIMITS), expected, "{byte:#x}");
    }
}

#[test]
fn a_frame_is_refused_before_it_is_whole() {
    let mut bytes = frame(0x81, "ok \u{fffd}".as_bytes());
    bytes[1] = 0x80 | 125;
    bytes.extend([0xff ^ KEY[2]]);
    assert_eq!(feed_placed(&bytes, false, &LIMITS), (vec![], Some((Error::Utf8, bytes.len()))));
}

#[test]
fn what_is_compressed_or_binary_is_no_text_yet() {
    let (said, error) = feed(&[frame(0xc1, b"\xff\xc0"), frame(0x82, b"\xff")].concat(), true, &LIMITS);
    let compressed = Said::Message(Kind::Text, true, b"\xff\xc0".to_vec());
    assert_eq!((said, error), (vec![compressed, Said::Message(Kind::Binary, false, b"\xff".to_vec())], None));
    let fragments = [frame(0x41, b"\xff"), frame(0x80, b"\xc0")].concat();
    assert_eq!(feed(&fragments, true, &LIMITS).1, None);
}

/// The ranges that the next bytes must be in, by the grammar of RFC 3629 §4.
fn ranges(first: u8) -> Option<&'static [(u8, u8)]> {
    const TAIL: (u8, u8) = (0x80, 0xbf);
    Some(match first {
        0..=0x7f => &[],
        0xc2..=0xdf => &[TAIL],
        0xe0 => &[(0xa0, 0xbf), TAIL],
        0xed => &[(0x80, 0x9f), TAIL],
        0xe1..=0xef => &[TAIL, TAIL],
        0xf0 => &[(0x90, 0xbf), TAIL, TAIL],
        0xf1..=0xf3 => &[TAIL, TAIL, TAIL],
        0xf4 => &[(0x80, 0x8f), TAIL, TAIL],
        _ => return None,
    })
}

/// At which byte it shows that this is no text: the number of bytes if only the end does, `None` if it is text.
fn shows_at(payload: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(&first) = payload.get(at) {
        let Some(ranges) = ranges(first) else { return Some(at) };
        at += 1;
        for &(low, high) in ranges {
            match payload.get(at) {
                Some(byte) if (low..=high).contains(byte) => at += 1,
                _ => return Some(at),
            }
        }
    }
    None
}

#[test]
fn the_table_agrees_with_the_grammar() {
    assert!(SOUND.iter().all(|payload| shows_at(payload).is_none()));
    assert!(UNSOUND.iter().all(|&(payload, at)| shows_at(payload) == Some(at)));
}

proptest! {
    #[test]
    fn any_bytes_are_text_as_far_as_the_grammar_says(
        lead in "[a-zé漢🦀]{0,40}",
        tail in prop::collection::vec(prop_oneof![any::<u8>(), 0x80u8..0xc0, Just(0xf4), Just(0xed), Just(0xe0)], 0..6),
    ) {
        let mut payload = [lead.as_bytes(), &tail].concat();
        payload.truncate(125);
        let (said, failed) = feed_placed(&frame(0x81, &payload), false, &LIMITS);
        match shows_at(&payload) {
            None => prop_assert_eq!((said, failed), (vec![Said::Message(Kind::Text, false, payload)], None)),
            Some(at) => {
                let place = (HEADER + at + 1).min(HEADER + payload.len());
                prop_assert_eq!((said, failed), (Vec::new(), Some((Error::Utf8, place))));
            }
        }
    }
}
