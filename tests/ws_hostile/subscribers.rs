//! Messages for many: who takes none costs what its queue holds, and the others miss nothing.

use std::time::{Duration, Instant};

use lattice::app::ws::Overflow;
use lattice::session::Settings;

use crate::LONG;
use crate::peer::{Peer, frame};
use crate::room::Node;

const QUEUE: usize = 256 * 1024;
const DEAF: usize = 40;
const MESSAGE: usize = 10_000;
const MESSAGES: u32 = 1_000;

/// Memory of this process, in KiB: the node is in it.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}

fn numbered(number: u32) -> Vec<u8> {
    let mut payload = vec![0; MESSAGE];
    payload[..4].copy_from_slice(&number.to_le_bytes());
    payload
}

fn number(peer: &mut Peer) -> u32 {
    let frame = peer.next().expect("it is not closed");
    assert_eq!((frame.0, frame.1.len()), (0x82, MESSAGE));
    u32::from_le_bytes(frame.1[..4].try_into().expect("four"))
}

/// Nobody is given up here for taking nothing.
fn patient() -> Settings {
    Settings { write_ns: 600_000_000_000, write_rate: 0, ..Settings::default() }
}

#[test]
fn subscribers_that_read_nothing_are_bounded_and_the_others_miss_nothing() {
    for overflow in [Overflow::Close, Overflow::DropOldest] {
        let node = Node::start(QUEUE, overflow, patient());
        let mut reader = Peer::open(node.address, "/room");
        let mut deaf: Vec<Peer> = (0..DEAF).map(|_| Peer::open_narrow(node.address, "/room")).collect();
        // Whoever has the first message subscribes.
        node.publish(&numbered(0));
        assert_eq!(number(&mut reader), 0);
        deaf.iter_mut().for_each(|peer| assert_eq!(number(peer), 0));
        let base = memory_kib();
        for next in 1..=MESSAGES {
            node.publish(&numbered(next));
            assert_eq!(number(&mut reader), next);
        }
        let grown = memory_kib().saturating_sub(base);
        println!(
            "{overflow:?}: {grown} KiB more for {DEAF} that read nothing of {} MiB",
            (MESSAGES as usize * MESSAGE) >> 20
        );
        // What was begun, and the messages that wait, which all share.
        assert!(grown < 24 * 1024, "{grown} KiB more");
        for peer in deaf.iter_mut().take(4) {
            socket2::SockRef::from(&peer.stream).set_recv_buffer_size(1 << 20).expect("a socket takes this option");
            match overflow {
                Overflow::Close => assert_eq!(peer.code(), Some(1013)),
                Overflow::DropOldest => {
                    let mut last = 0;
                    while last < MESSAGES {
                        let next = number(peer);
                        assert!(next > last, "{next} behind {last}");
                        last = next;
                    }
                }
            }
        }
    }
}

#[test]
fn who_publishes_faster_than_all_can_be_told_fills_no_memory() {
    let node = Node::start(QUEUE, Overflow::DropOldest, patient());
    let mut listeners: Vec<Peer> = (0..20).map(|_| Peer::open_narrow(node.address, "/room")).collect();
    let mut loud = Peer::open(node.address, "/loud");
    loud.send(&frame(0x81, b"first"));
    listeners.iter_mut().for_each(|peer| assert_eq!(peer.next().expect("it is open").1, b"first"));
    // Many small ones, then large ones, which twenty are to be sent; nobody reads meanwhile.
    for (bytes, count) in [(5, 100_000), (200_000, 300)] {
        let base = memory_kib();
        let before = node.messages();
        let one = frame(0x82, &vec![7; bytes]);
        let burst = one.repeat((1 << 20) / one.len());
        let bursts = count * one.len() / burst.len();
        (0..bursts).for_each(|_| loud.send(&burst));
        wait("all have come", || node.messages() - before >= (bursts * burst.len() / one.len()) as u64);
        let grown = memory_kib().saturating_sub(base);
        println!("{grown} KiB more for {count} messages of {bytes} bytes");
        assert!(grown < 96 * 1024, "{grown} KiB more");
    }
    drop((listeners, loud));
    wait("all are gone", || node.open() == 0);
    // The node is as it was.
    let mut late = Peer::open(node.address, "/room");
    late.send(&frame(0x81, b"late"));
    assert_eq!(late.next().expect("it is open").1, b"late");
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "not so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_pool_without_a_place_does_not_bring_a_conversation_to_a_stop() {
    let node = Node::start(QUEUE, Overflow::Close, Settings::default());
    let peers = 300;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut own: Vec<Peer> = (0..peers / 3).map(|_| Peer::open(node.address, "/jobs")).collect();
                let all: Vec<u8> = (0..20u8).flat_map(|number| frame(0x82, &[number])).collect();
                own.iter_mut().for_each(|peer| peer.send(&all));
                for peer in &mut own {
                    // Each message has its answer, in order, whether there was a place for it or not.
                    for number in 0..20u8 {
                        let frame = peer.next().expect("it is open");
                        assert!(frame.1 == [number] || frame.1 == b"busy", "{frame:?} for {number}");
                    }
                }
            });
        }
    });
}
