//! Ping, pong and close.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::support::{KEY, Said, binary, feed, feed_with, frame, server, text};
use crate::wire::ws::{CONTROL_BYTES_MAX, Code, Error, Limits, Opcode, put_close, put_masked_header};

const LIMITS: Limits = Limits { message_bytes: 1000, fragments: 8 };

/// A close frame with this payload.
fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason].concat())
}

fn closed(code: u16, reason: &str) -> Said {
    Said::Close(Some((code, reason.into())))
}

#[test]
fn pings_and_pongs_say_what_they_carry() {
    for len in [0, 1, 6, 124, CONTROL_BYTES_MAX] {
        let payload: Vec<u8> = (0..len).map(|index| 255 - index as u8).collect();
        assert_eq!(feed(&frame(0x89, &payload), false, &LIMITS), (vec![Said::Ping(payload.clone())], None));
        assert_eq!(feed(&frame(0x8a, &payload), false, &LIMITS), (vec![Said::Pong(payload)], None));
    }
}

#[test]
fn ten_pings_at_once_are_ten_pings() {
    let pings: Vec<Vec<u8>> = (0..10u8).map(|number| frame(0x89, &[number; 9])).collect();
    let expected: Vec<Said> = (0..10u8).map(|number| Said::Ping(vec![number; 9])).collect();
    assert_eq!(feed(&pings.concat(), false, &LIMITS), (expected, None));
}

#[test]
fn a_control_frame_is_short_and_whole() {
    for first in [0x88, 0x89, 0x8a] {
        for len in [CONTROL_BYTES_MAX + 1, 127, 65_536] {
            let (header, length) = put_masked_header(Opcode::Ping, true, false, len, KEY);
            let mut bytes = header[..length].to_vec();
            bytes[0] = first;
            let (said, failed) = feed_with(server(false), &[&bytes[..2]], 0, &LIMITS);
            assert_eq!((said, failed), (vec![], Some((Error::ControlLength, 2))), "{len} bytes after {first:#x}");
        }
        let (said, failed) = feed_with(server(false), &[&[first & 0x7f]], 0, &LIMITS);
        assert_eq!((said, failed), (vec![], Some((Error::ControlFragment, 1))));
    }
}

#[test]
fn a_control_frame_stands_between_fragments_and_not_inside_of_a_frame() {
    let frames = [
        frame(0x01, b"Hel"),
        frame(0x89, b"are you there?"),
        frame(0x00, b""),
        frame(0x8a, b""),
        frame(0x80, b"lo"),
        frame(0x82, b"next"),
    ];
    let expected = vec![Said::Ping(b"are you there?".to_vec()), Said::Pong(vec![]), text("Hello"), binary(b"next")];
    assert_eq!(feed(&frames.concat(), false, &LIMITS), (expected, None));
}

#[test]
fn a_close_between_fragments_ends_the_message_too() {
    let frames = [frame(0x01, b"Hel"), close(1001, b"bye"), frame(0x80, b"lo")].concat();
    assert_eq!(feed(&frames, false, &LIMITS), (vec![closed(1001, "bye")], None));
}

#[test]
fn nothing_is_read_after_a_close_or_an_error() {
    let after = [frame(0x88, b""), frame(0x82, b"x"), vec![0xff; 20]].concat();
    assert_eq!(feed(&after, false, &LIMITS), (vec![Said::Close(None)], None));
    let mut decoder = server(false);
    let mut bytes = [frame(0x01, &[b'a'; 100]), vec![0xff], frame(0x82, b"x")].concat();
    let mut used = 0;
    assert_eq!(decoder.next(&mut bytes, &mut used, &LIMITS), Err(Error::Opcode));
    assert_eq!((decoder.held_bytes(), decoder.is_between()), (0, true));
    assert_eq!(decoder.next(&mut bytes, &mut used, &LIMITS), Ok(None));
    assert_eq!(used, bytes.len());
}

#[test]
fn a_close_has_no_payload_or_a_code_and_a_reason() {
    assert_eq!(feed(&frame(0x88, b""), false, &LIMITS), (vec![Said::Close(None)], None));
    assert_eq!(feed(&frame(0x88, b"\x03"), false, &LIMITS), (vec![], Some(Error::CloseLength)));
    assert_eq!(feed(&close(1000, b""), false, &LIMITS), (vec![closed(1000, "")], None));
    let longest = "r".repeat(CONTROL_BYTES_MAX - 2);
    assert_eq!(feed(&close(1000, longest.as_bytes()), false, &LIMITS), (vec![closed(1000, &longest)], None));
}

#[test]
fn a_close_code_is_one_that_may_be_sent() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        assert_eq!(feed(&close(code, "why ✓".as_bytes()), false, &LIMITS), (vec![closed(code, "why ✓")], None));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_eq!(feed(&close(code, b""), false, &LIMITS), (vec![], Some(Error::CloseCode)), "{code}");
    }
}

#[test]
fn a_reason_is_utf8() {
    for reason in [&b"\xff"[..], b"ok\xce", b"\xed\xa0\x80", b"\xc0\xaf", b"a\xf4\x90\x80\x80"] {
        assert_eq!(feed(&close(1000, reason), false, &LIMITS), (vec![], Some(Error::Utf8)), "{reason:x?}");
    }
}

#[test]
fn a_reason_that_is_too_long_to_send_ends_at_a_character() {
    for (reason, kept) in [
        ("é".repeat(70), "é".repeat(61)),
        ("r".repeat(124), "r".repeat(123)),
        ("r".repeat(123), "r".repeat(123)),
        (String::new(), String::new()),
    ] {
        let (payload, length) = put_close(Code::GOING_AWAY, &reason);
        assert_eq!(feed(&frame(0x88, &payload[..length]), false, &LIMITS), (vec![closed(1001, &kept)], None));
    }
}

#[test]
#[should_panic(expected = "may not be sent")]
fn a_code_that_may_not_be_sent_is_not() {
    put_close(Code::new(1006), "");
}
