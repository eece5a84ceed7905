//! Frames as a client writes them, and what a decoder makes of bytes that come in pieces.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::buffer::Aligned;
use crate::wire::ws::{Decoder, Error, Event, Kind, Limits, Opcode, Role, mask, put_header, put_masked_header};

pub(super) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// An event that owns what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Close(Option<(u16, String)>),
    Message(Kind, bool, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

impl From<Event<'_>> for Said {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Close(why) => Said::Close(why.map(|(code, reason)| (code.number(), reason.into_owned()))),
            Event::Message(kind, compressed, payload) => {
                assert_eq!(payload.as_ptr().addr() % 8, 0, "payloads begin at a multiple of 8");
                Said::Message(kind, compressed, payload.to_owned())
            }
            Event::Ping(payload) => Said::Ping(payload.into_owned()),
            Event::Pong(payload) => Said::Pong(payload.into_owned()),
        }
    }
}

/// Everything said, and the error with how many bytes had come when it showed.
pub(super) type Outcome = (Vec<Said>, Option<(Error, usize)>);

/// What a fresh decoder makes of pieces that lie at `offset` from a multiple of 8.
pub(super) fn feed_with(mut decoder: Decoder, pieces: &[&[u8]], offset: usize, limits: &Limits) -> Outcome {
    let mut said = Vec::new();
    let mut came = 0;
    for piece in pieces {
        let mut memory = Aligned::from(&[&[0xaa; 8][..offset], piece].concat()[..]);
        let bytes = &mut memory[offset..];
        let mut used = 0;
        came += bytes.len();
        loop {
            match decoder.next(bytes, &mut used, limits) {
                Ok(Some(event)) => said.push(event.into()),
                Ok(None) => break,
                Err(error) => return (said, Some((error, came))),
            }
        }
        assert_eq!(used, bytes.len(), "everything is taken in");
    }
    (said, None)
}

pub(super) fn server(deflate: bool) -> Decoder {
    Decoder::new(Role::Server, deflate)
}

/// What a server makes of `bytes`, which must be the same however they are cut and wherever they lie.
pub(super) fn feed(bytes: &[u8], deflate: bool, limits: &Limits) -> (Vec<Said>, Option<Error>) {
    let (said, failed) = feed_placed(bytes, deflate, limits);
    (said, failed.map(|(error, _)| error))
}

/// The same, with how many bytes it takes for the error to show.
pub(super) fn feed_placed(bytes: &[u8], deflate: bool, limits: &Limits) -> Outcome {
    let singly: Vec<&[u8]> = bytes.chunks(1).collect();
    let (said, failed) = feed_with(server(deflate), &singly, 0, limits);
    let end = failed.map_or(bytes.len(), |(_, place)| place);
    for cut in 0..=bytes.len() {
        let outcome = feed_with(server(deflate), &[&bytes[..cut], &bytes[cut..]], cut % 8, limits);
        // It shows with the piece that holds the byte, and what was said before it is the same.
        let piece_end = if end <= cut { cut } else { bytes.len() };
        let expected = (said.clone(), failed.map(|(error, _)| (error, piece_end)));
        assert_eq!(outcome, expected, "cut at {cut}");
    }
    (said, failed)
}

/// A client's frame; `first` is its first byte.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let opcode = Opcode::Binary;
    let (header, length) = put_masked_header(opcode, true, false, payload.len(), KEY);
    let mut masked = payload.to_vec();
    mask(&mut masked, KEY);
    let mut frame = [&header[..length], &masked].concat();
    frame[0] = first;
    frame
}

/// A server's frame; `first` is its first byte.
pub(super) fn plain_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let (header, length) = put_header(Opcode::Binary, true, false, payload.len());
    let mut frame = [&header[..length], payload].concat();
    frame[0] = first;
    frame
}

pub(super) fn binary(payload: &[u8]) -> Said {
    Said::Message(Kind::Binary, false, payload.to_vec())
}

pub(super) fn text(payload: &str) -> Said {
    Said::Message(Kind::Text, false, payload.as_bytes().to_vec())
}
