//! Single frames: lengths, masks, reserved bits, opcodes.

use alloc::vec;
use alloc::vec::Vec;

use super::support::{KEY, Said, binary, feed, feed_with, frame, plain_frame, server, text};
use crate::buffer::Aligned;
use crate::wire::ws::{Decoder, Error, Event, Kind, Limits, Opcode, Payload, Role, put_masked_header};

const LIMITS: Limits = Limits { message_bytes: 1 << 20, fragments: 8 };

#[test]
fn the_examples_of_the_rfc_mean_what_it_says() {
    let single = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(feed(&single, false, &LIMITS), (vec![text("Hello")], None));
    let ping = [0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(feed(&ping, false, &LIMITS), (vec![Said::Ping(b"Hello".to_vec())], None));
    let fragments = [&[0x01, 0x03][..], b"Hel", &[0x80, 0x02], b"lo"].concat();
    let client = Decoder::new(Role::Client, false);
    assert_eq!(feed_with(client, &[&fragments], 0, &LIMITS), (vec![text("Hello")], None));
}

#[test]
fn payloads_of_every_length_form_come_whole_at_every_offset() {
    for len in [0, 1, 7, 8, 124, 125, 126, 127, 128, 255, 256, 65_535, 65_536, 65_537] {
        let payload: Vec<u8> = (0..len).map(|index| (index % 253) as u8).collect();
        for offset in 0..8 {
            for ahead in [0, 1, 2, 3] {
                let frames = [frame(0x89, &payload[..payload.len().min(ahead)]), frame(0x82, &payload)].concat();
                let (said, error) = feed_with(server(false), &[&frames], offset, &LIMITS);
                assert_eq!((&said[1..], error), (&[binary(&payload)][..], None), "{len} bytes at {offset}");
            }
            let plain = plain_frame(0x82, &payload);
            let client = Decoder::new(Role::Client, false);
            assert_eq!(feed_with(client, &[&plain], offset, &LIMITS), (vec![binary(&payload)], None));
        }
    }
}

/// Where the payload of the next message lies in the bytes, if it does.
fn place_of(decoder: &mut Decoder, bytes: &mut [u8], used: &mut usize) -> Option<usize> {
    let start = bytes.as_ptr().addr();
    match decoder.next(bytes, used, &LIMITS) {
        Ok(Some(Event::Message(_, _, Payload::Here(payload)))) => Some(payload.as_ptr().addr() - start),
        Ok(Some(Event::Message(_, _, Payload::Whole(_)))) => None,
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn a_message_that_came_whole_stays_where_it_lies() {
    for len in [0, 3, 16, 125, 126, 500, 70_000] {
        let frames: Vec<u8> = (0..8).flat_map(|_| [frame(0x82, &vec![1; len]), frame(0x81, b"x")].concat()).collect();
        let mut bytes = Aligned::from(&frames[..]);
        let (mut decoder, mut used) = (server(false), 0);
        while used < bytes.len() {
            let before = used;
            let place = place_of(&mut decoder, &mut bytes, &mut used).expect("in place");
            assert!(place.is_multiple_of(8) && place + 8 > before && place < used + 1, "{place} in {before}..{used}");
        }
    }
}

#[test]
fn a_payload_stays_where_it_lies_if_its_header_came_before() {
    let (header, length) = put_masked_header(Opcode::Binary, true, false, 300, KEY);
    for cut in 1..=length {
        let mut decoder = server(false);
        assert_eq!(decoder.next(&mut header[..cut].to_vec(), &mut 0, &LIMITS), Ok(None));
        let mut rest = Aligned::from(&[&header[cut..length], &[0; 300]].concat()[..]);
        assert_eq!(place_of(&mut decoder, &mut rest, &mut 0), Some((length - cut) / 8 * 8), "cut at {cut}");
    }
}

#[test]
fn a_payload_with_no_room_below_it_moves_to_memory_of_its_own() {
    let mut memory = Aligned::from(&[&[0; 8][..1], &frame(0x82, b"payload")].concat()[..]);
    // The payload begins at 7, and bytes that are not handed in begin at 0.
    assert_eq!(place_of(&mut server(false), &mut memory[1..], &mut 0), None);
    let mut memory = Aligned::from(&[&[0; 8][..2], &frame(0x82, b"payload")].concat()[..]);
    assert_eq!(place_of(&mut server(false), &mut memory[2..], &mut 0), Some(6));
}

#[test]
fn every_first_byte_is_taken_or_refused_by_the_rules() {
    for first in 0..=255u8 {
        for deflate in [false, true] {
            let (opcode, reserved) = (first & 0x0f, first & 0x70);
            let (_, error) = feed(&frame(first, b""), deflate, &LIMITS);
            let expected = match opcode {
                3..=7 | 11..=15 => Some(Error::Opcode),
                1 | 2 if reserved == 0x40 && deflate => None,
                _ if reserved != 0 => Some(Error::ReservedBit),
                0 => Some(Error::Continuation),
                8..=10 if first & 0x80 == 0 => Some(Error::ControlFragment),
                _ => None,
            };
            assert_eq!(error, expected, "first byte {first:#04x}, deflate {deflate}");
        }
    }
}

#[test]
fn only_the_first_frame_of_a_message_says_that_it_is_compressed() {
    let message = [frame(0x42, b"a"), frame(0x80, b"b")].concat();
    assert_eq!(feed(&message, true, &LIMITS), (vec![Said::Message(Kind::Binary, true, b"ab".to_vec())], None));
    let again = [frame(0x42, b"a"), frame(0xc0, b"b")].concat();
    assert_eq!(feed(&again, true, &LIMITS), (vec![], Some(Error::ReservedBit)));
}

#[test]
fn a_mask_is_what_clients_send_and_servers_do_not() {
    assert_eq!(feed(&plain_frame(0x82, b"ab"), false, &LIMITS), (vec![], Some(Error::Unmasked)));
    let client = Decoder::new(Role::Client, false);
    let (_, failed) = feed_with(client, &[&frame(0x82, b"ab")], 0, &LIMITS);
    assert_eq!(failed.map(|(error, _)| error), Some(Error::Masked));
}

#[test]
fn a_length_stands_in_its_shortest_form() {
    let header = |length: &[u8]| [&[0x82], length, &[0; 4]].concat();
    for (length, expected) in [
        (&[0xfe, 0, 0][..], Error::LengthForm),
        (&[0xfe, 0, 125], Error::LengthForm),
        (&[0xff, 0, 0, 0, 0, 0, 0, 0, 0], Error::LengthForm),
        (&[0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], Error::LengthForm),
        (&[0xff, 0x80, 0, 0, 0, 0, 1, 0, 0], Error::LengthRange),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Error::LengthRange),
        (&[0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Error::MessageTooLarge),
    ] {
        assert_eq!(feed(&header(length), false, &LIMITS), (vec![], Some(expected)), "{length:x?}");
    }
}
