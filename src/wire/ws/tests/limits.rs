//! How large a message may be, and what an incomplete one costs.

use alloc::vec;
use alloc::vec::Vec;

use super::support::{KEY, binary, feed, feed_placed, feed_with, frame, server};
use crate::limits::{WS_MESSAGE_BYTES, WS_MESSAGE_BYTES_MAX};
use crate::wire::ws::{Error, Event, Limits, Opcode, put_masked_header};

fn limits(message_bytes: usize, fragments: u32) -> Limits {
    Limits { message_bytes, fragments }
}

#[test]
fn a_message_is_as_large_as_it_may_be_in_one_frame() {
    for len in [0, 1, 100, 125, 126, 300, 65_535, 65_536] {
        let payload = vec![9; len];
        let whole = frame(0x82, &payload);
        let (said, error) = feed_with(server(false), &[&whole], 0, &limits(len, 1));
        assert_eq!((said, error), (vec![binary(&payload)], None), "{len} of {len}");
        let larger = frame(0x82, &vec![9; len + 1]);
        // Its header is refused, without the mask and before any of the payload.
        let header = larger.len() - (len + 1) - KEY.len();
        let (said, failed) = feed_with(server(false), &[&larger[..header]], 0, &limits(len, 1));
        assert_eq!((said, failed), (vec![], Some((Error::MessageTooLarge, header))), "{} of {len}", len + 1);
        let (said, failed) = feed_with(server(false), &[&larger], 0, &limits(len, 1));
        assert_eq!((said, failed), (vec![], Some((Error::MessageTooLarge, larger.len()))));
    }
}

#[test]
fn all_fragments_together_are_as_large_as_a_message_may_be() {
    let of = |last: usize| [frame(0x02, &[1; 60]), frame(0x00, &[1; 39]), frame(0x80, &vec![1; last])].concat();
    assert_eq!(feed(&of(0), false, &limits(100, 8)), (vec![binary(&[1; 99])], None));
    assert_eq!(feed(&of(1), false, &limits(100, 8)), (vec![binary(&[1; 100])], None));
    assert_eq!(feed(&of(2), false, &limits(100, 8)), (vec![], Some(Error::MessageTooLarge)));
    assert_eq!(feed(&of(200), false, &limits(100, 8)), (vec![], Some(Error::MessageTooLarge)));
}

#[test]
fn a_length_declared_does_not_overflow_what_came() {
    let mut bytes = frame(0x02, &[1; 60]);
    bytes.extend([0x80, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let expected = (vec![], Some((Error::MessageTooLarge, bytes.len())));
    assert_eq!(feed_placed(&bytes, false, &limits(usize::MAX, 8)).1.map(|(error, _)| error), None);
    assert_eq!(feed_placed(&bytes, false, &limits(WS_MESSAGE_BYTES_MAX, 8)), expected);
}

#[test]
fn control_frames_do_not_count_as_message() {
    let frames = [frame(0x89, &[1; 50]), frame(0x02, &[1; 5]), frame(0x89, &[1; 50]), frame(0x80, &[1; 5])].concat();
    let (said, error) = feed(&frames, false, &limits(10, 2));
    assert_eq!((said.len(), error), (3, None));
}

#[test]
fn a_message_has_as_many_frames_as_it_may_have_and_empty_ones_count() {
    let of = |count: usize, payload: &[u8]| {
        let middle = frame(0x00, payload).repeat(count - 2);
        [frame(0x02, payload), middle, frame(0x80, payload)].concat()
    };
    for payload in [&b"x"[..], b""] {
        for count in [2, 3] {
            assert_eq!(feed(&of(count, payload), false, &limits(100, 3)), (vec![binary(&payload.repeat(count))], None));
        }
        let (said, failed) = feed_placed(&of(4, payload), false, &limits(100, 3));
        let place = 3 * frame(0, payload).len() + 1;
        assert_eq!((said, failed), (vec![], Some((Error::TooManyFragments, place))));
    }
}

#[test]
fn the_count_of_frames_begins_again_with_each_message() {
    let message = [frame(0x02, b"a"), frame(0x00, b"b"), frame(0x80, b"c")].concat();
    let (said, error) = feed(&message.repeat(5), false, &limits(3, 3));
    assert_eq!((said, error), (vec![binary(b"abc"); 5], None));
}

#[test]
fn one_frame_is_always_allowed() {
    assert_eq!(feed(&frame(0x82, b"a"), false, &limits(1, 0)), (vec![binary(b"a")], None));
}

#[test]
fn memory_follows_what_came_not_what_is_declared() {
    let (header, length) = put_masked_header(Opcode::Binary, true, false, WS_MESSAGE_BYTES, KEY);
    let mut decoder = server(false);
    assert_eq!((decoder.held_bytes(), decoder.is_between()), (0, true));
    let mut feed = |bytes: &mut [u8]| {
        let limits = limits(WS_MESSAGE_BYTES, 1);
        let mut used = 0;
        let event = decoder.next(bytes, &mut used, &limits).expect("nothing is wrong").is_some();
        assert_eq!(used, bytes.len());
        (event, decoder.held_bytes(), decoder.is_between())
    };
    let (event, held, between) = feed(&mut header[..length].to_vec());
    assert!(!event && !between && held < 200, "{held} bytes for a header");
    let mut came = 0;
    while came < WS_MESSAGE_BYTES - 1 {
        let piece = (WS_MESSAGE_BYTES - 1 - came).min(1000);
        came += piece;
        let (event, held, between) = feed(&mut vec![1; piece]);
        assert!(!event && !between && held < 2 * came + 200, "{held} bytes for {came}");
    }
    assert_eq!(feed(&mut [1]), (true, 0, true), "what is whole is handed over");
}

#[test]
fn what_is_incomplete_is_known() {
    let bytes = [frame(0x02, b"a"), frame(0x89, b"pp"), frame(0x80, b"")].concat();
    let mut decoder = server(false);
    let mut between = Vec::new();
    for byte in bytes {
        let mut used = 0;
        let mut piece = [byte];
        let event = decoder.next(&mut piece, &mut used, &limits(10, 2)).expect("nothing is wrong");
        let is_ping = matches!(event, Some(Event::Ping(_)));
        between.push((decoder.is_between(), is_ping));
    }
    let last = between.pop();
    assert_eq!(last, Some((true, false)));
    assert!(between.iter().all(|(between, _)| !between));
    assert_eq!(between.iter().filter(|(_, ping)| *ping).count(), 1);
}
