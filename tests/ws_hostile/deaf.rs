//! Peers that send and read nothing, and peers that send what never becomes a message.

use std::io::Write;

use crate::peer::{Peer, frame};
use crate::quick::Quick;
use crate::support::Node;
use crate::{ECHO, LONG, assert_grown, node};

const CROWD: usize = 50;
/// What a peer may make the node hold: its way out, one read, what the kernel would not take of either.
const EACH_KIB: u64 = 600;

/// A peer that is stuffed: how much of what it sends the node has taken.
struct Stuffed {
    peer: Peer,
    sent: u64,
    at: usize,
}

impl Stuffed {
    /// Sends as much as is taken now; whether that was anything.
    fn stuff(&mut self, bytes: &[u8]) -> bool {
        let before = self.sent;
        // One that was given up takes nothing either.
        while let Ok(count) = self.peer.stream.write(&bytes[self.at..]) {
            self.sent += count as u64;
            self.at = (self.at + count) % bytes.len();
            assert!(self.sent < 32 << 20, "{} bytes were taken of one that reads nothing", self.sent);
        }
        self.sent > before
    }
}

/// A crowd that stuffs the node with this, until it takes no more of anybody and has nothing left to do.
fn crowd(node: &Node, bytes: &[u8]) -> Vec<Stuffed> {
    let open = |_| {
        let peer = Peer::open_narrow(node.address(), ECHO);
        peer.stream.set_nonblocking(true).expect("a socket");
        Stuffed { peer, sent: 0, at: 0 }
    };
    let mut crowd: Vec<Stuffed> = (0..CROWD).map(open).collect();
    // Each has its turn before it is judged whether any has got further.
    node.wait_until_asleep_and(|| crowd.iter_mut().filter_map(|peer| peer.stuff(bytes).then_some(())).count() == 0);
    crowd
}

#[test]
fn who_sends_and_never_reads_is_held_up_and_then_parted_with() {
    for (what, bytes) in [("messages", frame(0x82, &[1; 16_000])), ("pings", frame(0x89, &[1; 125]))] {
        let node = node("[http]\nwrite_timeout_s = 6\nwrite_rate = 0\n");
        let mut quick = Quick::new(&node);
        let base = node.proc_status("VmHWM");
        let crowd = crowd(&node, &bytes);
        quick.assert_served(&format!("among {CROWD} that send {what} and read nothing"));
        assert_grown(&node, base, CROWD as u64 * EACH_KIB);
        drop(quick);
        let meters = node.wait_for_meters("they are given up", LONG, |meters| meters.open() == 0);
        drop(crowd);
        assert_eq!((meters.sum("deaf"), meters.sum("panics")), (CROWD as u64, 0));
    }
}

#[test]
fn fragments_without_end_and_lengths_without_bytes_hold_nothing() {
    let node = node("");
    let mut quick = Quick::new(&node);
    let base = node.proc_status("VmHWM");
    for _ in 0..20 {
        let mut peer = Peer::open(node.address(), ECHO);
        peer.send(&[frame(0x02, b"x"), frame(0x00, b"x").repeat(2_000)].concat());
        assert_eq!(peer.code(), Some(1008));
    }
    // Each says that a message of the largest size follows, and sends its first bytes.
    let long = frame(0x82, &vec![0; 1 << 20]);
    let mut claims: Vec<Peer> = (0..500).map(|_| Peer::open(node.address(), ECHO)).collect();
    claims.iter_mut().for_each(|peer| peer.send(&long[..1000]));
    quick.assert_served("among 500 that owe a message");
    assert_grown(&node, base, 500 * 8 + 4096);
}

#[test]
fn a_crowd_that_owes_its_messages_is_ended_when_memory_is_short() {
    let node = node("[node]\nbuffer_bytes = \"16 MiB\"\n[http]\nbody_rate = 0\nbody_timeout_s = 600\n");
    let mut quick = Quick::new(&node);
    let base = node.proc_status("VmHWM");
    let long = frame(0x82, &vec![0; 1 << 20]);
    let mut crowd: Vec<Peer> = (0..100).map(|_| Peer::open(node.address(), ECHO)).collect();
    crowd.iter_mut().for_each(|peer| peer.send(&long[..long.len() - 1]));
    node.wait_for_meters("most are ended", LONG, |meters| meters.sum("shed") > 50);
    quick.assert_served("while memory is short");
    // Vectors grow by doubling; what is freed may stay with the allocator.
    assert_grown(&node, base, 100 * 1024);
    let codes: Vec<Option<u16>> = crowd
        .iter_mut()
        .map(|peer| {
            peer.send(&long[long.len() - 1..]);
            peer.send(&frame(0x88, b"\x03\xe8"));
            peer.code()
        })
        .collect();
    let count = |code| codes.iter().filter(|&&other| other == Some(code)).count();
    assert!(count(1000) > 0 && count(1013) > 50, "{codes:?}");
    assert_eq!(count(1000) + count(1013), 100, "{codes:?}");
}

/// A message of `bytes` zeroes, compressed, in one frame.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    let mut payload = Vec::with_capacity(bytes / 500 + 1000);
    deflate.compress_vec(&vec![0; bytes], &mut payload, flate2::FlushCompress::Sync).expect("there is room");
    payload.truncate(payload.len() - 4);
    frame(0xc2, &payload)
}

#[test]
fn bombs_are_1009_and_unfold_to_no_more_than_a_message() {
    let node = node("[ws]\ncompression = \"on\"\n");
    let mut quick = Quick::new(&node);
    let base = node.proc_status("VmHWM");
    let bomb = bomb(256 << 20);
    assert!(bomb.len() < 1 << 20, "it is short enough: {}", bomb.len());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let stream = std::net::TcpStream::connect(node.address()).expect("it listens");
                    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
                    let mut peer = Peer::begin(stream, ECHO, offer);
                    peer.send(&bomb);
                    assert_eq!(peer.code(), Some(1009));
                }
            });
        }
        quick.assert_served("among bombs");
    });
    assert_grown(&node, base, 32 * 1024);
    assert_eq!(node.meters().sum("panics"), 0);
}
