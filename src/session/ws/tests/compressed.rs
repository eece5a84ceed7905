//! Compressed messages, both ways, with a peer that uses another library's interface.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::support::{binary, closing, frame, only_code, text};
use super::*;
use crate::wire::ws::extension::{Policy, choose};

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// A client that compresses, and unfolds what it is sent.
struct Peer {
    out: Compress,
    back: Decompress,
    takeover: bool,
}

impl Peer {
    fn new(takeover: bool) -> Self {
        Self { out: Compress::new(Compression::best(), false), back: Decompress::new(false), takeover }
    }

    /// The payload of a compressed message.
    fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        if message.is_empty() {
            return vec![0]; // RFC 7692 §7.2.3.6
        }
        if !self.takeover {
            self.out.reset();
        }
        let mut payload = Vec::with_capacity(message.len() + 1000);
        self.out.compress_vec(message, &mut payload, FlushCompress::Sync).expect("there is room");
        assert_eq!(payload.split_off(payload.len() - 4), TAIL);
        payload
    }

    /// A message in one frame.
    fn say(&mut self, first: u8, message: &[u8]) -> Vec<u8> {
        let payload = self.deflate(message);
        frame(first | 0x40, &payload)
    }

    /// What a message of the server says, and whether it was compressed.
    fn read(&mut self, sent: &Sent) -> (u8, Vec<u8>, bool) {
        if sent.0 & 0x40 == 0 {
            return (sent.0, sent.1.clone(), false);
        }
        if !self.takeover {
            self.back.reset(false);
        }
        let mut message = Vec::with_capacity(2_000_000);
        let payload = [&sent.1[..], &TAIL].concat();
        self.back.decompress_vec(&payload, &mut message, FlushDecompress::Sync).expect("it unfolds");
        (sent.0 & !0x40, message, true)
    }
}

fn agreed(takeover: bool) -> Option<Agreed> {
    let policy = Policy { server_takeover: takeover, client_takeover: takeover, ..Policy::default() };
    choose([&b"permessage-deflate; client_max_window_bits"[..]].into_iter(), Some(&policy)).expect("it is sound")
}

fn bench(takeover: bool) -> Bench {
    let mut bench = Bench::agreed(Terms::default(), Caller::default(), agreed(takeover));
    bench.open(b"");
    bench.told();
    bench
}

fn words(count: usize) -> String {
    (0..count).map(|number| format!("word {} ", number % 97)).collect()
}

#[test]
fn a_compressed_conversation_means_the_same_wherever_it_is_cut() {
    for takeover in [true, false] {
        let mut peer = Peer::new(takeover);
        let long = words(300);
        let mut all = [peer.say(0x81, long.as_bytes()), text("plain"), peer.say(0x82, long.as_bytes())].concat();
        let payload = peer.deflate(b"in fragments");
        all.extend([frame(0x41, &payload[..3]), frame(0x89, b"p"), frame(0x80, &payload[3..])].concat());
        all.extend(peer.say(0x81, b""));
        all.extend(closing(1000, ""));
        let play = |pieces: &[&[u8]]| {
            let mut bench = bench(takeover);
            let mut sent = Vec::new();
            for piece in pieces {
                bench.feed(piece);
                sent.extend(bench.settle());
            }
            let mut reader = Peer::new(takeover);
            let read: Vec<_> = sent.iter().map(|sent| reader.read(sent)).collect();
            (read, bench.told(), bench.phase())
        };
        let expected = play(&[&all]);
        let said = [
            (0x81, long.clone().into_bytes(), true),
            (0x81, b"plain".to_vec(), false),
            (0x82, long.clone().into_bytes(), true),
            (0x8a, b"p".to_vec(), false),
            (0x81, b"in fragments".to_vec(), false),
            (0x81, b"".to_vec(), false),
            (0x88, vec![3, 232], false),
        ];
        assert_eq!(expected.0, said);
        assert_eq!(expected.1.len(), 6);
        for cut in 0..=all.len() {
            assert_eq!(play(&[&all[..cut], &all[cut..]]), expected, "cut at {cut}");
        }
    }
}

#[test]
fn a_bomb_is_1009_and_holds_no_more_than_a_message_may() {
    let bomb = Peer::new(true).say(0x82, &vec![0; 200 << 20][..]);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let mut bench = bench(true);
    let mut most = 0;
    for piece in bomb.chunks(65_536) {
        bench.feed(piece);
        most = most.max(bench.ws.held_bytes());
    }
    assert_eq!(only_code(&bench.sent()), 1009);
    assert!(most < 2 << 20, "{most}");
    assert_eq!(bench.told(), ["closed 1009 unclean"]);
}

#[test]
fn a_message_may_unfold_to_so_many_bytes_and_no_more() {
    for (bytes, code) in [(99_999, None), (100_000, None), (100_001, Some(1009))] {
        let mut terms = Terms::default();
        terms.limits.message_bytes = 100_000;
        let mut bench = Bench::agreed(terms, Caller::default(), agreed(true));
        bench.open(b"").feed(&Peer::new(true).say(0x82, &vec![7; bytes]));
        assert_eq!(bench.sent()[0].code(), code, "{bytes} bytes");
    }
}

#[test]
fn what_does_not_unfold_or_is_no_text_is_1007() {
    let garbage = frame(0xc1, b"\xff\xff\xff\xff");
    let cut = {
        let payload = Peer::new(true).deflate(words(50).as_bytes());
        frame(0xc1, &payload[..payload.len() / 2])
    };
    let wrong = Peer::new(true).say(0x81, b"caf\xff");
    let half = Peer::new(true).say(0x81, b"caf\xc3");
    for bytes in [garbage, cut, wrong, half] {
        let mut bench = bench(true);
        assert_eq!(only_code(&bench.feed(&[&bytes[..], &text("more")].concat()).sent()), 1007);
        assert_eq!(bench.told(), ["closed 1007 unclean"]);
    }
    // In a continuation the bit means nothing, and without the agreement nowhere.
    let mut first = bench(true);
    assert_eq!(only_code(&first.feed(&[frame(0x01, b"x"), frame(0xc0, b"y")].concat()).sent()), 1002);
    assert_eq!(only_code(&Bench::new().feed(&Peer::new(true).say(0x81, b"x")).sent()), 1002);
}

#[test]
fn what_is_short_or_for_many_leaves_as_it_is() {
    let mut bench = bench(true);
    bench.feed(&text("short")).push(words(100).as_bytes()).feed(&text(&words(100)));
    let firsts: Vec<u8> = bench.sent().iter().map(|sent| sent.0).collect();
    assert_eq!(firsts, [0x81, 0x82, 0xc1]);
}

#[test]
fn contexts_are_held_only_where_messages_refer_to_others_and_never_after_the_end() {
    let long = words(1000);
    for takeover in [true, false] {
        let mut bench = bench(takeover);
        let mut peer = Peer::new(takeover);
        let base = bench.ws.held_bytes();
        for _ in 0..20 {
            bench.feed(&peer.say(0x81, long.as_bytes())).settle();
        }
        let held = bench.ws.held_bytes() - base;
        assert!(if takeover { (50_000..400_000).contains(&held) } else { held == 0 }, "{held}");
        bench.feed(&closing(1000, "")).sent();
        assert!(bench.ws.held_bytes() <= base, "a connection that is over holds none");
    }
}

#[test]
fn after_our_close_nothing_is_unfolded() {
    let mut bench = bench(true);
    let mut peer = Peer::new(true);
    bench.feed(&text("close 1000 bye"));
    let held = bench.ws.held_bytes();
    bench.feed(&peer.say(0x81, words(1000).as_bytes()));
    assert_eq!((bench.phase(), bench.ws.held_bytes()), (Phase::Closing, held));
    bench.feed(&closing(1000, ""));
    assert_eq!(bench.phase(), Phase::Linger);
}

#[test]
fn what_hardly_compresses_comes_back_whatever_its_length() {
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(70_000)
    .collect();
    // Among them those that fill what zlib-rs keeps, once and several times.
    let lengths = (7_400..8_200).chain((15_000..16_500).step_by(7)).chain((60_000..70_000).step_by(501));
    for length in lengths {
        let (mut bench, mut reader) = (bench(true), Peer::new(true));
        let sent = bench.feed(&binary(&noise[..length])).settle();
        assert_eq!(reader.read(&sent[0]).1, noise[..length], "{length} bytes");
    }
}
