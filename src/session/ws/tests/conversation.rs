//! A conversation means the same however its bytes arrive.

use super::support::{binary, closing, frame, text};
use super::*;

/// Messages whole and in fragments with a ping between them, jobs, a long message, a close.
fn conversation() -> Vec<u8> {
    [
        text("hello"),
        frame(0x01, "h\u{e4}".as_bytes()),
        frame(0x89, b"alive?"),
        frame(0x80, b"lf"),
        text("job"),
        binary(&[7; 300]),
        frame(0x8a, b"unasked"),
        frame(0x02, b""),
        frame(0x80, b""),
        text("sub a"),
        text("job"),
        text("after"),
        closing(4000, "enough"),
    ]
    .concat()
}

type Outcome = (Vec<Sent>, Vec<String>, Phase, u64);

fn play(pieces: &[&[u8]]) -> Outcome {
    let mut bench = Bench::new();
    let mut sent = Vec::new();
    for piece in pieces {
        bench.feed(piece);
        sent.extend(bench.settle());
    }
    let told = bench.told();
    (sent, told, bench.phase(), bench.ws.messages())
}

#[test]
fn a_conversation_means_the_same_wherever_it_is_cut() {
    let all = conversation();
    let expected = play(&[&all]);
    let sent = [
        Sent::text("hello"),
        Sent::pong(b"alive?"),
        Sent::text("h\u{e4}lf"),
        Sent::text("done 7"),
        Sent::binary(&[7; 300]),
        Sent::binary(b""),
        Sent::text("done 7"),
        Sent::text("after"),
        Sent(0x88, 4000u16.to_be_bytes().to_vec()),
    ];
    let told = [
        "text hello",
        "text h\u{e4}lf",
        "text job",
        "done",
        "300 bytes",
        "0 bytes",
        "text sub a",
        "text job",
        "done",
        "text after",
        "closed 4000 clean",
    ];
    assert_eq!(expected, (sent.to_vec(), told.map(str::to_owned).to_vec(), Phase::Linger, 8));
    for cut in 0..=all.len() {
        assert_eq!(play(&[&all[..cut], &all[cut..]]), expected, "cut at {cut}");
    }
    assert_eq!(play(&all.chunks(1).collect::<Vec<_>>()), expected, "byte by byte");
}

#[test]
fn what_came_behind_the_handshake_is_part_of_it() {
    let all = conversation();
    let mut expected = play(&[&all]);
    expected.1.insert(0, "open".to_owned());
    for cut in [0, 1, 7, 20, all.len()] {
        let mut bench = Bench::unopened(Terms::default(), Caller::default());
        bench.open(&all[..cut]);
        let mut sent = bench.settle();
        if cut < all.len() {
            sent.extend(bench.feed(&all[cut..]).settle());
        }
        let told = bench.told();
        assert_eq!((sent, told, bench.phase(), bench.ws.messages()), expected, "cut at {cut}");
    }
}

#[test]
fn one_turn_takes_so_many_frames_and_the_next_goes_on() {
    use crate::limits::WS_EVENTS_PER_TURN_MAX;
    for (count, left) in
        [(WS_EVENTS_PER_TURN_MAX - 1, false), (WS_EVENTS_PER_TURN_MAX, false), (WS_EVENTS_PER_TURN_MAX + 1, true)]
    {
        let mut bench = Bench::new();
        bench.feed(&text("x").repeat(count));
        assert_eq!((bench.ws.is_ready(bench.out.len()), bench.ws.is_idle()), (left, !left), "{count} frames");
        assert_eq!(bench.settle().len(), count);
        assert_eq!((bench.ws.messages(), bench.phase()), (count as u64, Phase::Open));
    }
}

#[test]
fn nothing_after_a_close_frame_means_anything() {
    let mut bench = Bench::new();
    bench.feed(&[closing(1000, ""), text("late"), b"\xff\xff nonsense".to_vec()].concat());
    assert_eq!(support::only_code(&bench.sent()), 1000);
    bench.feed(&text("later"));
    assert_eq!(bench.told(), ["closed 1000 clean"]);
    assert_eq!((bench.sent(), bench.phase()), (Vec::new(), Phase::Linger));
}
