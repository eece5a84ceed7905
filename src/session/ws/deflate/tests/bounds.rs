//! What is refused, and that it costs no more than it may.

use super::{Receiver, Sender};
use crate::limits::{WS_DEFLATE_STEP_BYTES, WS_FINAL_BLOCKS_MAX, WS_MESSAGE_BYTES};
use crate::wire::ws::{Code, Error, Kind};

#[test]
fn a_message_may_be_as_long_as_allowed_and_no_longer() {
    for len in [1, 2, 100, WS_DEFLATE_STEP_BYTES - 1, WS_DEFLATE_STEP_BYTES, WS_DEFLATE_STEP_BYTES + 1, 100_000] {
        let message = vec![b'a'; len];
        let payload = Sender::new(true, 15).send(&message).expect("compressed");
        for (bytes_max, expected) in [
            (len - 1, Err(Error::MessageTooLarge)),
            (len, Ok(&message[..])),
            (len + 1, Ok(&message[..])),
            (usize::MAX, Ok(&message[..])),
        ] {
            let mut receiver = Receiver::new(false);
            assert_eq!(receiver.take(Kind::Text, &payload, bytes_max), expected, "{len} of {bytes_max}");
            assert!(receiver.out.capacity_bytes() < len.max(4) * 2 + 8, "{len} of {bytes_max}");
        }
    }
}

#[test]
fn a_bomb_is_stopped_where_it_passes_what_is_allowed() {
    // A MiB of zeros that is flushed, over and over: 1 GiB.
    let mebibyte = vec![0; 1 << 20];
    let block = [&Sender::new(true, 15).send(&mebibyte).expect("compressed")[..], &[0, 0, 0xff, 0xff]].concat();
    let bomb = block.repeat(1024);
    for bytes_max in [0, 1, 1000, WS_MESSAGE_BYTES, 3_000_001] {
        let mut receiver = Receiver::new(true);
        assert_eq!(receiver.take(Kind::Binary, &bomb, bytes_max), Err(Error::MessageTooLarge));
        let room = receiver.out.capacity_bytes();
        assert!(room < bytes_max + 8, "{bytes_max}: {room}");
    }
    assert_eq!(Error::MessageTooLarge.code(), Code::TOO_LARGE);
}

#[test]
fn a_bomb_in_the_tail_of_a_short_payload_is_none() {
    // A stored block that says it is long: what was announced is never believed.
    let mut receiver = Receiver::new(false);
    assert_eq!(receiver.binary(&[0x00, 0xff, 0xff, 0x00, 0x00, b'a']), Err(Error::Compressed));
    assert!(receiver.out.capacity_bytes() < 32);
}

#[test]
fn what_is_no_deflate_is_refused() {
    for payload in [
        &[0x06, 0x00][..],                              // a block of no kind
        &[0x00, 0x05, 0x00, 0x00, 0x00, b'a'],          // a stored length that does not fit its complement
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07],          // the last octet is missing
        &[0xf2, 0x48, 0xcd, 0xc9],                      // half a block
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 1], // an octet that begins a block too many
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 6], // garbage behind a final block
        &[0xf3, 0x48, 0xcd, 0xc9],                      // half a final block
        &[0xf2, 0x00, 0x11, 0x00, 0x00],                // a reference to what never was
        &[0x00, 0x00, 0x00, 0xff, 0xff],                // the tail was not taken off
        b"Hello",
    ] {
        for takeover in [true, false] {
            assert_eq!(Receiver::new(takeover).binary(payload), Err(Error::Compressed), "{payload:x?}");
        }
    }
    assert_eq!(Error::Compressed.code(), Code::INVALID_PAYLOAD);
}

#[test]
fn final_blocks_are_counted() {
    let block = [0x4b, 0x04, 0x00]; // "a"
    for (count, is_taken) in
        [(WS_FINAL_BLOCKS_MAX - 1, true), (WS_FINAL_BLOCKS_MAX, true), (WS_FINAL_BLOCKS_MAX + 1, false)]
    {
        let payload = [&block.repeat(count)[..], &[0]].concat();
        let expected = if is_taken { Ok(vec![b'a'; count]) } else { Err(Error::Compressed) };
        assert_eq!(Receiver::new(true).binary(&payload).map(<[u8]>::to_vec), expected, "{count}");
    }
}

#[test]
fn text_is_utf8_wherever_its_characters_are_cut() {
    let compressed = |message: &[u8]| Sender::new(true, 15).send(message).expect("compressed");
    // Characters lie across the end of each step at every place they can.
    for shift in 0..4 {
        let text = "a".repeat(shift) + &"\u{1f600}".repeat(WS_DEFLATE_STEP_BYTES);
        let mut receiver = Receiver::new(false);
        assert_eq!(receiver.take(Kind::Text, &compressed(text.as_bytes()), 1 << 20), Ok(text.as_bytes()));
    }
    for bad in [&b"\xff"[..], b"ab\xc3", b"\xc3\xa4\xe2\x82", b"\xed\xa0\x80", b"\xc0\xaf", b"a\x80"] {
        let mut receiver = Receiver::new(false);
        assert_eq!(receiver.take(Kind::Text, &compressed(bad), 100), Err(Error::Utf8), "{bad:x?}");
        assert_eq!(receiver.take(Kind::Binary, &compressed(bad), 100), Ok(bad));
        let mut with_final = compressed(bad);
        with_final[0] |= 1;
        assert_eq!(receiver.take(Kind::Text, &with_final, 100), Err(Error::Utf8), "{bad:x?}");
    }
}

#[test]
fn text_is_refused_at_the_first_wrong_byte() {
    let text = [&b"\xff"[..], &vec![b'a'; 1 << 20]].concat();
    let payload = Sender::new(true, 15).send(&text).expect("compressed");
    let mut receiver = Receiver::new(false);
    assert_eq!(receiver.take(Kind::Text, &payload, 1 << 21), Err(Error::Utf8));
    assert_eq!(receiver.out.len(), WS_DEFLATE_STEP_BYTES);
}
