//! What others compressed: `vectors.txt`, written by `vectors.py` with Python's zlib.

use super::Receiver;
use super::naive::{Seen, unfold};
use crate::wire::ws::{Error, Kind};

const VECTORS: &str = include_str!("vectors.txt");

struct Connection {
    bits: u8,
    takeover: bool,
    /// Each message and its payload.
    messages: Vec<(Vec<u8>, Vec<u8>)>,
}

/// As in `vectors.py`.
fn message(number: usize) -> Vec<u8> {
    let part = |k| format!("{{\"id\":{},\"at\":{},\"ok\":\"\u{e4}\"}}", number * 7919 % 1009, number + k * 31 % 97);
    (0..number * number % 41).map(part).collect::<String>().into_bytes()
}

fn connections() -> Vec<Connection> {
    let read = |paragraph: &str| {
        let mut lines = paragraph.lines();
        let (bits, takeover) = lines.next().unwrap().split_once(' ').unwrap();
        let messages = lines.map(|line| {
            let (number, hex) = line.split_once(' ').unwrap();
            let octet = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            (message(number.parse().unwrap()), (0..hex.len()).step_by(2).map(octet).collect())
        });
        Connection { bits: bits.parse().unwrap(), takeover: takeover == "takeover", messages: messages.collect() }
    };
    VECTORS.trim_end().split("\n\n").map(read).collect()
}

#[test]
fn every_window_of_another_compressor_is_understood() {
    let connections = connections();
    assert_eq!(connections.len(), 14);
    for Connection { bits, takeover, messages } in connections {
        let mut receiver = Receiver::new(takeover);
        for (message, payload) in &messages {
            assert_eq!(receiver.take(Kind::Text, payload, message.len()), Ok(&message[..]), "{bits} {takeover}");
        }
    }
}

#[test]
fn a_payload_that_was_cut_anywhere_is_refused() {
    for Connection { bits, messages, .. } in connections().iter().filter(|connection| !connection.takeover) {
        for (message, payload) in messages {
            assert_eq!(unfold(payload, b"", 1 << bits), Seen::Whole(message.clone()), "both agree on the whole");
            for cut in 1..payload.len() {
                let seen = unfold(&payload[..cut], b"", 1 << bits);
                let taken = Receiver::new(false).binary(&payload[..cut]).map(<[u8]>::to_vec);
                match seen {
                    Seen::Whole(message) => assert_eq!(taken, Ok(message), "{bits}, cut at {cut}"),
                    Seen::Broken => assert_eq!(taken, Err(Error::Compressed), "{bits}, cut at {cut}"),
                    // The tail makes a final block of what is left: it ends within the tail, or never.
                    Seen::Final => assert_eq!(taken, Err(Error::Compressed), "{bits}, cut at {cut}"),
                }
            }
        }
    }
}

#[test]
fn a_payload_with_a_wrong_bit_is_refused_or_means_what_it_says() {
    let (mut refused, mut understood) = (0, 0);
    for Connection { messages, .. } in connections().iter().filter(|connection| !connection.takeover) {
        let (_, payload) = &messages[0];
        for bit in 0..payload.len() * 8 {
            let mut wrong = payload.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            match (Receiver::new(false).binary(&wrong), unfold(&wrong, b"", 1 << 15)) {
                (_, Seen::Final) => (),
                // Codes that are not complete, which the plain reader does not mind.
                (Err(error), _) => {
                    assert_eq!(error, Error::Compressed);
                    refused += 1;
                }
                (Ok(message), seen) => {
                    assert_eq!(seen, Seen::Whole(message.to_vec()), "bit {bit}");
                    understood += 1;
                }
            }
        }
    }
    assert!(refused > 100 && understood > 100, "{refused} and {understood}");
}
