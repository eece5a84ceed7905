//! Frames that are wrong, over a socket: each ends its connection with the code that says why.

use std::net::TcpStream;

use crate::node;
use crate::peer::{Peer, frame, request};
use crate::support::while_others_are_served;

const ECHO: &str = "/-/echo";

/// A header of a binary message that says it has so many bytes.
fn claim(length: u64) -> Vec<u8> {
    [&[0x82, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()
}

fn cases() -> Vec<(&'static str, Vec<u8>, u16)> {
    let fragments = |pieces: &[&[u8]]| -> Vec<u8> {
        let last = pieces.len() - 1;
        let first = |index: usize| u8::from(index == 0) | if index == last { 0x80 } else { 0 };
        pieces.iter().enumerate().flat_map(|(index, piece)| frame(first(index), piece)).collect()
    };
    let mut long = vec![b'a'; 50_000];
    long[40_000] = 0xff;
    vec![
        ("unmasked", b"\x82\x02hi".to_vec(), 1002),
        ("RSV1", frame(0xc2, b"x"), 1002),
        ("RSV2", frame(0xa2, b"x"), 1002),
        ("RSV3", frame(0x92, b"x"), 1002),
        ("a reserved opcode", frame(0x83, b"x"), 1002),
        ("a reserved control opcode", frame(0x8f, b"x"), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a ping of 126 bytes", frame(0x89, &[0; 126]), 1002),
        ("a length not in its shortest form", [&[0x82, 0xfe, 0, 125, 0, 0, 0, 0][..], &[0; 125]].concat(), 1002),
        ("2^63 bytes", claim(1 << 63), 1002),
        ("2^63 - 1 bytes", claim((1 << 63) - 1), 1009),
        ("64 KiB more than may be", claim((1 << 20) + (1 << 16)), 1009),
        ("one byte more than may be", claim((1 << 20) + 1), 1009),
        ("one frame more than may be", [frame(0x02, b"x"), frame(0x00, b"x").repeat(1024)].concat(), 1008),
        ("a message inside of another", [frame(0x01, b"x"), frame(0x81, b"y")].concat(), 1002),
        ("text cut inside of a character", frame(0x81, b"caf\xc3"), 1007),
        ("wrong across fragments", fragments(&[b"caf\xc3", b"e"]), 1007),
        ("wrong in the middle of one frame", frame(0x81, &long)[..45_000].to_vec(), 1007),
        ("a surrogate", frame(0x81, b"\xed\xa0\x80"), 1007),
        ("an overlong form", frame(0x81, b"\xc0\xaf"), 1007),
        ("beyond U+10FFFF", frame(0x81, b"\xf4\x90"), 1007),
        ("half a close code", frame(0x88, b"x"), 1002),
        ("a close code that is not sent", frame(0x88, &1006u16.to_be_bytes()), 1002),
        ("a reason that is no text", frame(0x88, b"\x03\xe8\xff"), 1007),
    ]
}

#[test]
fn every_wrong_frame_has_its_code_however_it_arrives() {
    let node = node("");
    while_others_are_served(&node, || {
        for (what, bytes, code) in cases() {
            for before in [&b""[..], &frame(0x82, b"fine")] {
                let mut peer = Peer::open(node.address(), ECHO);
                peer.send(&[before, &bytes].concat());
                assert_eq!(peer.code(), Some(code), "{what}");
            }
            let mut peer = Peer::open(node.address(), ECHO);
            bytes.chunks(bytes.len().div_ceil(20)).for_each(|piece| peer.send(piece));
            assert_eq!(peer.code(), Some(code), "{what}, in pieces");
        }
    });
    let meters = node.meters();
    assert_eq!((meters.sum("panics"), meters.sum("quarantined")), (0, 0));
}

/// The head of the answer to these bytes.
fn answer(node: &crate::support::Node, bytes: &[u8]) -> u16 {
    let mut raw = node.connect();
    raw.send(bytes);
    raw.response("GET").status
}

#[test]
fn handshakes_have_the_bounds_of_all_requests() {
    let node = node("[http]\nhead_timeout_s = 1\n");
    assert_eq!(answer(&node, request(ECHO, &format!("X: {}\r\n", "x".repeat(20_000))).as_bytes()), 431);
    assert_eq!(answer(&node, request(ECHO, "Origin: https://evil.example\r\n").as_bytes()), 403);
    assert_eq!(answer(&node, (request(ECHO, "Content-Length: 1\r\n") + "x").as_bytes()), 400);
    let many = format!("Sec-WebSocket-Protocol: {}\r\n", (0..17).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    assert_eq!(answer(&node, request(ECHO, &many).as_bytes()), 400);
    // A head that never ends.
    let mut slow = node.connect();
    slow.send(&request(ECHO, "").as_bytes()[..100]);
    assert_eq!(slow.response("GET").status, 408);
}

#[test]
fn what_is_sent_with_the_handshake_is_not_lost() {
    let node = node("");
    let stream = TcpStream::connect(node.address()).expect("it listens");
    let mut peer = Peer::begin(stream, ECHO, "");
    peer.echo(b"after");
    // The same in one packet: the head of the answer is followed by the echo.
    let mut raw = node.connect();
    raw.send(&[request(ECHO, "").as_bytes(), &frame(0x82, b"at once"), &frame(0x88, b"")].concat());
    assert_eq!(raw.response("GET").status, 101);
    raw.finish();
    assert_eq!(raw.until_close(), [&b"\x82\x07at once"[..], b"\x88\x00"].concat());
}
