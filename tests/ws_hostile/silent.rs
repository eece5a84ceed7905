//! Peers that say nothing any more: half-open connections, stopped processes.

use std::time::Duration;

use crate::peer::{Frame, Peer, frame};
use crate::quick::Quick;
use crate::{ECHO, LONG, node};

#[test]
fn who_does_not_answer_two_pings_is_given_up_and_who_answers_stays() {
    let node = node("[ws]\nping_s = 1\n");
    let mut silent: Vec<Peer> = (0..50).map(|_| Peer::open(node.address(), ECHO)).collect();
    // These are in the middle of a message: pings are of no use there, and the message has its time.
    let mut busy = Peer::open(node.address(), ECHO);
    busy.send(&frame(0x01, b"part"));
    let mut alive = Peer::open(node.address(), ECHO);
    for _ in 0..4 {
        assert_eq!(alive.next(), Some(Frame(0x89, Vec::new())));
        alive.send(&frame(0x8a, b""));
    }
    for peer in &mut silent {
        assert_eq!(peer.next(), Some(Frame(0x89, Vec::new())), "it is asked");
        assert_eq!(peer.next(), None, "and given up");
    }
    alive.echo(b"still here");
    busy.send(&frame(0x80, b""));
    assert_eq!(busy.next(), Some(Frame(0x81, b"part".to_vec())));
    assert!(node.meters().sum("expired") >= 104, "each ping and each end is a deadline");
    node.wait_for_meters("they are gone", LONG, |meters| meters.open() <= 2);
}

#[test]
fn the_interval_is_kept() {
    let node = node("[ws]\nping_s = 2\n");
    let took = Peer::open(node.address(), ECHO).time_until_end();
    assert!((Duration::from_millis(3_500)..Duration::from_secs(12)).contains(&took), "{took:?}");
}

#[test]
fn a_message_has_its_time_and_a_close_frame_too() {
    let node = node("[http]\nbody_timeout_s = 1\n");
    let mut slow = Peer::open(node.address(), ECHO);
    slow.send(&frame(0x01, b"part"));
    assert_eq!(slow.code(), Some(1008));
    // One byte a second is slower than any link.
    let mut slower = Peer::open(node.address(), ECHO);
    for byte in frame(0x81, &[b'x'; 100]).iter().take(4) {
        slower.send(&[*byte]);
        std::thread::sleep(Duration::from_millis(700));
    }
    assert_eq!(slower.code(), Some(1008));
    let mut quick = Quick::new(&node);
    let mut crowd: Vec<Peer> = (0..500).map(|_| Peer::open(node.address(), ECHO)).collect();
    crowd.iter_mut().for_each(|peer| peer.send(&frame(0x01, b"part")));
    quick.assert_served("while 500 messages take too long");
    assert!(crowd.iter_mut().all(|peer| peer.code() == Some(1008)));
}
