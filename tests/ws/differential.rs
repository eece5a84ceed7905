//! The codec beside tungstenite's: the same bytes are the same messages, or wrong for both.
//!
//! Where ours refuses, what tungstenite understood before must be the same; it may notice later, for it looks at
//! text when a fragment is whole, and takes lengths that are not the shortest.

use std::io::{self, Cursor, Read, Write};

use lattice::buffer::Aligned;
use lattice::wire::ws::{Decoder, Event, Kind, Limits, Role};
use proptest::prelude::*;
use tungstenite::protocol::Role as TheirRole;
use tungstenite::{Message, WebSocket};

/// What was said, as both say it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Binary(Vec<u8>),
    Close(Option<(u16, String)>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Text(Vec<u8>),
}

/// A socket that has these bytes, then nothing, and takes everything.
struct Wire(Cursor<Vec<u8>>);

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What ours makes of it, and whether it refused.
fn ours(bytes: &[u8]) -> (Vec<Said>, bool) {
    let limits = Limits { message_bytes: 1 << 20, fragments: 1 << 20 };
    let (mut decoder, mut used, mut said) = (Decoder::new(Role::Server, false), 0, Vec::new());
    let mut bytes = Aligned::from(bytes);
    loop {
        match decoder.next(&mut bytes, &mut used, &limits) {
            Ok(Some(Event::Close(close))) => {
                said.push(Said::Close(close.map(|(code, reason)| (code.number(), reason.into_owned()))));
                return (said, false);
            }
            Ok(Some(Event::Message(Kind::Binary, _, payload))) => said.push(Said::Binary(payload.to_vec())),
            Ok(Some(Event::Message(Kind::Text, _, payload))) => said.push(Said::Text(payload.to_vec())),
            Ok(Some(Event::Ping(payload))) => said.push(Said::Ping(payload.into_owned())),
            Ok(Some(Event::Pong(payload))) => said.push(Said::Pong(payload.into_owned())),
            Ok(None) => return (said, false),
            Err(_) => return (said, true),
        }
    }
}

/// What tungstenite makes of it, and whether it refused.
fn theirs(bytes: &[u8]) -> (Vec<Said>, bool) {
    let wire = Wire(Cursor::new(bytes.to_vec()));
    let (mut socket, mut said) = (WebSocket::from_raw_socket(wire, TheirRole::Server, None), Vec::new());
    loop {
        match socket.read() {
            Ok(Message::Close(close)) => {
                said.push(Said::Close(close.map(|close| (close.code.into(), close.reason.to_string()))));
                return (said, false);
            }
            Ok(Message::Binary(payload)) => said.push(Said::Binary(payload.to_vec())),
            Ok(Message::Text(text)) => said.push(Said::Text(text.as_bytes().to_vec())),
            Ok(Message::Ping(payload)) => said.push(Said::Ping(payload.to_vec())),
            Ok(Message::Pong(payload)) => said.push(Said::Pong(payload.to_vec())),
            Ok(Message::Frame(_)) => panic!("nobody asked for frames"),
            Err(error) => {
                let end = tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
                return (said, !matches!(error, tungstenite::Error::Protocol(error) if error == end));
            }
        }
    }
}

/// A frame as a client might send it, or nearly.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        4 => prop_oneof![Just(0u8), Just(1), Just(2)],
        2 => prop_oneof![Just(8u8), Just(9), Just(10)],
        1 => 0u8..16,
    ];
    let text = "[a-zäß€😀]{0,20}".prop_map(String::into_bytes);
    let payload = prop_oneof![
        4 => text,
        2 => prop::collection::vec(any::<u8>(), 0..130),
        1 => prop::collection::vec(any::<u8>(), 125..300),
        1 => (1000u16..5000, "[a-z]{0,9}").prop_map(|(code, why)| [&code.to_be_bytes()[..], why.as_bytes()].concat()),
    ];
    let reserved = prop_oneof![20 => Just(0u8), 1 => 1u8..8];
    (prop::bool::weighted(0.6), reserved, opcode, prop::bool::weighted(0.97), any::<[u8; 4]>(), payload).prop_map(
        |(fin, reserved, opcode, masked, key, mut payload)| {
            let mut bytes = vec![u8::from(fin) << 7 | reserved << 4 | opcode];
            let mask_bit = u8::from(masked) << 7;
            match payload.len() {
                short @ 0..126 => bytes.push(mask_bit | short as u8),
                long => {
                    bytes.push(mask_bit | 126);
                    bytes.extend_from_slice(&(long as u16).to_be_bytes());
                }
            }
            if masked {
                bytes.extend_from_slice(&key);
                lattice::wire::ws::mask(&mut payload, key);
            }
            [bytes, payload].concat()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_bytes_are_the_same_messages(frames in prop::collection::vec(frame(), 1..8), cut in 0usize..40) {
        let mut bytes = frames.concat();
        // Now and then the last frame is not whole.
        bytes.truncate(bytes.len() - cut.saturating_sub(20).min(bytes.len()));
        let ((ours, refused), (theirs, they_refused)) = (ours(&bytes), theirs(&bytes));
        if refused {
            prop_assert!(theirs.starts_with(&ours), "{ours:?} is not what {theirs:?} begins with");
        } else {
            prop_assert_eq!(ours, theirs);
            prop_assert!(!they_refused, "they refused what we took");
        }
    }
}
