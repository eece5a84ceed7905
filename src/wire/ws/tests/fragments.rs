//! Messages in more than one frame.

use alloc::vec;
use alloc::vec::Vec;

use super::support::{Said, binary, feed, feed_placed, frame, text};
use crate::wire::ws::{Error, Limits};

const LIMITS: Limits = Limits { message_bytes: 1000, fragments: 8 };

#[test]
fn fragments_are_one_message_in_their_order() {
    let frames = [frame(0x02, b"one "), frame(0x00, b"two "), frame(0x00, b""), frame(0x80, b"three")].concat();
    assert_eq!(feed(&frames, false, &LIMITS), (vec![binary(b"one two three")], None));
    let empty = [frame(0x01, b""), frame(0x00, b""), frame(0x80, b"")].concat();
    assert_eq!(feed(&empty, false, &LIMITS), (vec![text("")], None));
}

#[test]
fn messages_follow_each_other_whatever_they_came_in() {
    let frames = [
        frame(0x81, b"a"),
        frame(0x01, b"b"),
        frame(0x80, b"c"),
        frame(0x82, &[7; 200]),
        frame(0x02, &[8; 150]),
        frame(0x80, &[]),
        frame(0x81, b""),
    ];
    let said = vec![text("a"), text("bc"), binary(&[7; 200]), binary(&[8; 150]), text("")];
    assert_eq!(feed(&frames.concat(), false, &LIMITS), (said, None));
}

#[test]
fn a_continuation_continues_something() {
    for first in [0x00, 0x80] {
        assert_eq!(feed_placed(&frame(first, b"x"), false, &LIMITS), (vec![], Some((Error::Continuation, 1))));
        let ended = [frame(0x01, b"a"), frame(0x80, b"b"), frame(first, b"c")].concat();
        assert_eq!(feed(&ended, false, &LIMITS), (vec![text("ab")], Some(Error::Continuation)));
    }
}

#[test]
fn a_message_begins_only_after_the_one_before_it_ended() {
    for first in [0x01, 0x02, 0x81, 0x82] {
        let frames = [frame(0x01, b"a"), frame(0x89, b"p"), frame(first, b"b")].concat();
        let place = frames.len() - frame(first, b"b").len() + 1;
        let expected = (vec![Said::Ping(b"p".to_vec())], Some((Error::Interleaved, place)));
        assert_eq!(feed_placed(&frames, false, &LIMITS), expected);
    }
}

#[test]
fn a_message_of_many_small_frames_is_put_together() {
    let payload: Vec<u8> = (0..=255).collect();
    let limits = Limits { message_bytes: 256, fragments: 256 };
    let last = payload.len() - 1;
    let first = |index: usize| if index == 0 { 0x02 } else { 0 } | if index == last { 0x80 } else { 0 };
    let frames: Vec<Vec<u8>> = payload.iter().enumerate().map(|(index, byte)| frame(first(index), &[*byte])).collect();
    assert_eq!(feed(&frames.concat(), false, &limits), (vec![binary(&payload)], None));
}
