//! Connections that come and go in every way leave nothing behind.

use std::net::Shutdown;
use std::time::Duration;

use crate::peer::{Peer, frame};
use crate::support::Node;
use crate::{ECHO, LONG, node};

/// Opens connections and ends each in another way.
fn churn(node: &Node, count: usize) {
    let long = frame(0x82, &[7; 60_000]);
    for number in 0..count {
        let mut peer = Peer::open(node.address(), ECHO);
        let is_reset = number % 2 == 0;
        match number / 2 % 8 {
            0 => {}
            1 => peer.send(&frame(0x81, b"hello")[..4]),
            2 => peer.send(&[frame(0x01, b"half"), frame(0x89, b"ping")].concat()),
            3 => peer.send(&long),
            4 => peer.send(&long[..50_000]),
            5 => peer.send(&frame(0x88, b"\x03\xe8")),
            6 => peer.send(&frame(0x83, b"wrong")),
            _ => peer.echo(b"served"),
        }
        if is_reset {
            socket2::SockRef::from(&peer.stream).set_linger(Some(Duration::ZERO)).expect("a socket");
        } else if number % 3 == 0 {
            peer.stream.shutdown(Shutdown::Write).ok();
        }
    }
}

#[test]
fn five_thousand_that_just_go_leave_no_descriptor_and_no_memory() {
    let node = node("");
    churn(&node, 500);
    node.wait_for_meters("all are gone", LONG, |meters| meters.open() == 0);
    let (files, base) = (node.open_files(), node.proc_status("VmRSS"));
    churn(&node, 5_000);
    let meters = node.wait_for_meters("all are gone", LONG, |meters| meters.open() == 0);
    node.wait_for_open_files(files, LONG);
    let grown = node.proc_status("VmRSS").saturating_sub(base);
    println!("{grown} KiB more after 5,000 connections");
    assert!(grown < 8 * 1024, "{grown} KiB more");
    assert_eq!((meters.sum("panics"), meters.sum("upgraded")), (0, 5_500));
    assert_eq!(meters.sum("quarantined"), 0);
}
