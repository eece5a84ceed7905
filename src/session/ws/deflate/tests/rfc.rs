//! The examples of RFC 7692 §7.2.3.

use super::{Receiver, Sender};
use crate::wire::ws::Error;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn a_message_of_one_block() {
    assert_eq!(Receiver::new(false).binary(&HELLO), Ok(&b"Hello"[..]));
    let sent = Sender::new(true, 15).send(b"Hello").expect("with history to come, it is sent however large");
    assert_eq!(sent, HELLO);
}

#[test]
fn messages_that_share_a_window() {
    let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let mut receiver = Receiver::new(true);
    for payload in [&HELLO[..], &second, &second] {
        assert_eq!(receiver.binary(payload), Ok(&b"Hello"[..]));
    }
    let mut sender = Sender::new(true, 9);
    assert_eq!(sender.send(b"Hello").unwrap(), HELLO);
    let ours = sender.send(b"Hello").expect("history is kept");
    assert!(ours.len() < second.len(), "a reference to all of it: {ours:x?}");
    assert_eq!(receiver.binary(&ours), Ok(&b"Hello"[..]));
    assert_eq!(Receiver::new(true).binary(&ours), Err(Error::Compressed));
}

#[test]
fn messages_that_may_not_share_one() {
    let mut receiver = Receiver::new(false);
    assert_eq!(receiver.binary(&HELLO), Ok(&b"Hello"[..]));
    assert_eq!(receiver.binary(&[0xf2, 0x00, 0x11, 0x00, 0x00]), Err(Error::Compressed));
    assert_eq!(receiver.binary(&HELLO), Ok(&b"Hello"[..]));
}

#[test]
fn a_block_without_compression() {
    let payload = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    assert_eq!(Receiver::new(true).binary(&payload), Ok(&b"Hello"[..]));
}

#[test]
fn a_final_block() {
    let payload = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    for takeover in [true, false] {
        let mut receiver = Receiver::new(takeover);
        // With the octet behind it that the RFC asks for, and without it, as some send it.
        for payload in [&payload[..], &payload[..7], &payload, &HELLO, &payload] {
            assert_eq!(receiver.binary(payload), Ok(&b"Hello"[..]));
        }
    }
}

#[test]
fn two_blocks_in_one_message() {
    let payload = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(Receiver::new(true).binary(&payload), Ok(&b"Hello"[..]));
}

#[test]
fn an_empty_message() {
    let mut receiver = Receiver::new(true);
    for payload in [&HELLO[..], &[0x00], &[], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
        let expected = if payload.len() < 2 { &b""[..] } else { b"Hello" };
        assert_eq!(receiver.binary(payload), Ok(expected));
    }
    assert_eq!(Sender::new(true, 15).send(b""), None);
}
