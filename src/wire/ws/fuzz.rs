//! What holds for any bytes of a peer. Panics where it does not.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::handshake::{Offer, accept_input, offer};
use super::{Code, Decoder, Error, Event, Kind, Limits, Opcode, Role, mask, put_close, put_header, put_masked_header};
use crate::buffer::Aligned;
use crate::limits::WS_PROTOCOLS_MAX;
use crate::wire::http::fields::is_token;
use crate::wire::http1::{Limits as HeadLimits, parse_head, slots};

const KEY: [u8; 4] = [0x12, 0x9a, 0x00, 0xff];
/// Small, so that they are met.
const LIMITS: Limits = Limits { message_bytes: 300, fragments: 4 };

/// An event that owns what it says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Close(Option<(Code, String)>),
    Message(Kind, bool, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

/// Which end reads, and whether messages may be compressed.
#[derive(Clone, Copy)]
struct End {
    role: Role,
    deflate: bool,
}

/// The bytes behind the first, which says who reads them and how they are cut, mean the same whole, byte by
/// byte and in pieces, wherever these lie; and what they say means the same when it is written and read again.
pub fn frames(data: &[u8]) {
    let Some((&how, bytes)) = data.split_first() else { return };
    let end = End { role: if how & 1 == 0 { Role::Server } else { Role::Client }, deflate: how & 2 != 0 };
    let offset = usize::from(how >> 2 & 7);
    let size = 1 + usize::from(how >> 5) * 11;
    let (said, error) = read(end, bytes.chunks(1), 0);
    assert_eq!(read(end, core::iter::once(bytes), offset), (said, error));
    let (said, pieces_error) = read(end, bytes.chunks(size), offset);
    assert_eq!(pieces_error, error, "in pieces of {size}");
    assert_eq!(read(end, bytes.chunks(1), 0).0, said, "in pieces of {size}");
    let again: Vec<u8> = said.iter().flat_map(|said| write(end, said)).collect();
    assert_eq!(read(end, again.chunks(size), offset), (said, None));
}

/// Everything that is said, and what is wrong at last.
fn read<'b>(end: End, pieces: impl Iterator<Item = &'b [u8]>, offset: usize) -> (Vec<Said>, Option<Error>) {
    let mut decoder = Decoder::new(end.role, end.deflate);
    let mut said = Vec::new();
    let mut came = 0;
    for piece in pieces {
        let mut memory = Aligned::from(&[0; 8][..offset]);
        memory.extend_from_slice(piece);
        let bytes = &mut memory[offset..];
        came += bytes.len();
        let mut used = 0;
        loop {
            match decoder.next(bytes, &mut used, &LIMITS) {
                Ok(Some(event)) => said.push(owned(event)),
                Ok(None) => break,
                Err(error) => return (said, Some(error)),
            }
        }
        assert_eq!(used, piece.len());
        assert!(decoder.held_bytes() <= 2 * came + 200, "{} bytes held for {came}", decoder.held_bytes());
        assert!(!decoder.is_between() || decoder.held_bytes() == 0);
    }
    (said, None)
}

fn owned(event: Event<'_>) -> Said {
    match event {
        Event::Close(why) => Said::Close(why.map(|(code, reason)| (code, reason.into_owned()))),
        Event::Message(kind, compressed, payload) => {
            assert_eq!(payload.as_ptr().addr() % 8, 0);
            assert!(payload.len() <= LIMITS.message_bytes);
            assert!(compressed || kind == Kind::Binary || core::str::from_utf8(&payload).is_ok());
            Said::Message(kind, compressed, payload[..].to_owned())
        }
        Event::Ping(payload) => Said::Ping(payload.into_owned()),
        Event::Pong(payload) => Said::Pong(payload.into_owned()),
    }
}

/// One frame that says it.
fn write(end: End, said: &Said) -> Vec<u8> {
    match said {
        Said::Close(None) => frame(end, Opcode::Close, false, &[]),
        Said::Close(Some((code, reason))) => {
            let (payload, length) = put_close(*code, reason);
            frame(end, Opcode::Close, false, &payload[..length])
        }
        Said::Message(kind, compressed, payload) => frame(end, Opcode::from(*kind), *compressed, payload),
        Said::Ping(payload) => frame(end, Opcode::Ping, false, payload),
        Said::Pong(payload) => frame(end, Opcode::Pong, false, payload),
    }
}

fn frame(end: End, opcode: Opcode, rsv1: bool, payload: &[u8]) -> Vec<u8> {
    if end.role == Role::Client {
        let (header, length) = put_header(opcode, true, rsv1, payload.len());
        return [&header[..length], payload].concat();
    }
    let (header, length) = put_masked_header(opcode, true, rsv1, payload.len(), KEY);
    let mut frame = [&header[..length], payload].concat();
    mask(&mut frame[length..], KEY);
    frame
}

/// What a head offers holds what it promises, and is offered again by a request that says only that.
pub fn handshake(data: &[u8]) {
    let slots_of_data = slots();
    let Ok(Some((head, _))) = parse_head(data, &slots_of_data, &HeadLimits::default()) else { return };
    let Ok(offered) = offer(&head) else { return };
    let protocols = offered.protocols();
    assert!(protocols.len() <= WS_PROTOCOLS_MAX);
    assert!(protocols.iter().enumerate().all(|(index, name)| !protocols[..index].contains(name)));
    assert!(protocols.iter().all(|name| is_token(name.as_bytes())));
    assert!(accept_input(offered.key).starts_with(offered.key));
    let again = request(&offered);
    let slots_again = slots();
    match parse_head(&again, &slots_again, &HeadLimits::default()) {
        Ok(Some((head, _))) => assert_eq!(offer(&head), Ok(offered)),
        other => panic!("a request of our own is not read: {:?}", other.err()),
    }
}

fn request(offered: &Offer<'_>) -> Vec<u8> {
    let mut request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n".to_vec();
    request.extend_from_slice(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    request.extend_from_slice(offered.key);
    for name in offered.protocols() {
        request.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
        request.extend_from_slice(name.as_bytes());
    }
    request.extend_from_slice(b"\r\n\r\n");
    request
}
