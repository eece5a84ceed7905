//! Peers that send more than is done for them, or take less than they are sent.

use super::support::{binary, frame, only_code, text};
use super::*;
use crate::limits::{SEND_HIGH_WATER_BYTES, WS_CALL_BYTES, WS_OUT_BYTES, WS_QUEUE_BYTES, WS_READ_ON_BYTES};

/// What each message that waits counts with beside its bytes.
const EACH: usize = 32;

#[test]
fn nothing_is_read_while_a_job_is_away_and_what_came_waits() {
    let mut bench = Bench::new();
    bench.feed(&[text("job"), text("a"), text("b"), frame(0x89, b"p")].concat());
    assert_eq!((bench.phase(), bench.told()), (Phase::Working, vec!["text job".to_owned()]));
    assert!(!bench.ws.wants_read(0) && !bench.ws.is_ready(0) && !bench.ws.is_idle());
    let sent = bench.work().sent();
    assert_eq!(sent, [Sent::text("done 7"), Sent::text("a"), Sent::text("b"), Sent::pong(b"p")]);
    assert!(bench.ws.wants_read(0) && bench.ws.is_idle());
}

#[test]
fn nothing_is_read_while_too_much_has_not_left() {
    for (queued, reads) in [(SEND_HIGH_WATER_BYTES - 1, true), (SEND_HIGH_WATER_BYTES, false)] {
        let mut bench = Bench::new();
        // The header of so long a message has 10 bytes.
        bench.feed(&[binary(&vec![1; queued - 10]), text("next")].concat());
        let first = if reads { 2 } else { 1 };
        assert_eq!(bench.told().len(), first, "{queued} bytes");
        assert!(!bench.ws.is_ready(queued as u64));
        assert_eq!(bench.sent().len(), first);
        assert_eq!(bench.settle().len(), 2 - first, "the rest was kept");
        assert_eq!(bench.told().len(), 2 - first);
        assert!(bench.ws.wants_read(0));
    }
}

#[test]
fn what_is_queued_leaves_before_more_is_read() {
    let bench = Bench::new();
    for (queued, reads) in [(WS_READ_ON_BYTES - 1, true), (WS_READ_ON_BYTES, false), (WS_READ_ON_BYTES + 1, false)] {
        assert_eq!(bench.ws.wants_read(queued as u64), reads, "{queued} bytes");
    }
}

#[test]
fn a_message_larger_than_the_queue_still_comes_back() {
    let terms = queue(1000, Overflow::Close);
    let mut bench = Bench::with(terms);
    let long = vec![5; 700_000];
    assert_eq!(bench.feed(&binary(&long)).settle(), [Sent::binary(&long)]);
    assert_eq!(bench.phase(), Phase::Open);
}

/// A bench whose send buffer is as full as it may be before messages of others wait.
fn full(queue_bytes: usize, overflow: Overflow) -> Bench {
    let mut bench = Bench::with(queue(queue_bytes, overflow));
    bench.push(&vec![0; WS_OUT_BYTES - 4]);
    bench.told();
    assert_eq!(bench.out.len(), WS_OUT_BYTES as u64);
    bench
}

/// A message whose frame has so many bytes.
fn framed(bytes: usize, number: u8) -> Vec<u8> {
    assert!((128..0x10000).contains(&bytes));
    vec![number; bytes - 4]
}

#[test]
fn the_queue_holds_what_it_may_and_not_a_byte_more() {
    for (queued, closes) in [(999, false), (1000, false), (1001, true)] {
        let mut bench = full(1000 + 2 * EACH, Overflow::Close);
        bench.push(&framed(500, 1)).push(&framed(queued - 500, 2));
        assert_eq!(bench.phase() == Phase::Closing, closes, "{queued} bytes");
        let sent = bench.settle();
        match closes {
            // What waited is dropped: the peer is told in time.
            true => assert_eq!((sent.len(), sent[1].code()), (2, Some(1013))),
            false => assert_eq!(sent.iter().map(|sent| sent.1[0]).collect::<Vec<_>>(), [0, 1, 2]),
        }
    }
}

#[test]
fn one_message_may_wait_whatever_its_size() {
    for overflow in [Overflow::Close, Overflow::DropOldest] {
        let mut bench = full(1000, overflow);
        bench.push(&framed(50_000, 1));
        assert_eq!(bench.phase(), Phase::Working);
        bench.push(&framed(200, 2));
        let sent = bench.settle();
        match overflow {
            Overflow::Close => assert_eq!(only_code(&sent[1..]), 1013),
            Overflow::DropOldest => assert_eq!(sent[1].1[0], 2),
        }
    }
}

#[test]
fn the_oldest_that_has_not_begun_to_leave_makes_room() {
    for (third, kept) in [(200, vec![0, 1, 2, 3]), (201, vec![0, 2, 3]), (900, vec![0, 3]), (1001, vec![0, 3])] {
        let mut bench = full(1000 + 3 * EACH, Overflow::DropOldest);
        bench.push(&framed(400, 1)).push(&framed(400, 2)).push(&framed(third, 3));
        assert_eq!(bench.phase(), Phase::Working);
        assert_eq!(bench.ws.outgoing.dropped(), 4 - kept.len() as u64);
        let sent = bench.settle();
        assert_eq!(sent.iter().map(|sent| sent.1[0]).collect::<Vec<_>>(), kept, "third of {third} bytes");
        assert_eq!(bench.phase(), Phase::Open);
    }
}

#[test]
fn what_one_call_sends_is_not_too_much_before_it_was_offered() {
    for command in ["send 5 512000", "framed 5 512000"] {
        for overflow in [Overflow::Close, Overflow::DropOldest] {
            let mut bench = Bench::with(queue(WS_QUEUE_BYTES, overflow));
            bench.feed(&[text(command), text("next")].concat());
            // Somebody else's messages wait behind it, as many as ever may.
            bench.push(&vec![1; WS_QUEUE_BYTES / 2]).push(&vec![1; WS_QUEUE_BYTES / 2 - 1000]);
            let sent: Vec<usize> = bench.settle().iter().map(|sent| sent.1.len()).collect();
            let behind = [WS_QUEUE_BYTES / 2, WS_QUEUE_BYTES / 2 - 1000, 4];
            assert_eq!(sent, [&[512_000; 5][..], &behind].concat(), "{command}");
            assert_eq!((bench.phase(), bench.ws.outgoing.dropped()), (Phase::Open, 0));
        }
    }
}

#[test]
fn one_call_sends_no_more_than_it_may() {
    // Frames of 64 KiB; one more than goes into the send buffer may wait.
    let most = WS_CALL_BYTES / 65_536;
    for (count, closes) in [(most, false), (most + 1, false), (most + 2, true)] {
        for command in ["send", "framed"] {
            let mut bench = Bench::with(queue(1000, Overflow::Close));
            bench.feed(&text(&format!("{command} {count} {}", 65_536 - 4)));
            let whole = (count.min(most) * 65_536) as u64;
            let close = if closes { 2..128 } else { 0..1 };
            assert!(close.contains(&(bench.out.len() - whole)), "{} bytes", bench.out.len());
            assert_eq!(bench.phase() == Phase::Closing, closes, "{command} {count}");
        }
    }
}

#[test]
fn who_has_not_taken_what_he_was_sent_is_judged_by_the_next_call() {
    for (before, closes) in [(SEND_HIGH_WATER_BYTES - 1, false), (SEND_HIGH_WATER_BYTES, true)] {
        let mut bench = Bench::with(queue(WS_QUEUE_BYTES, Overflow::Close));
        bench.feed(&[text("when-done send 5 512000"), text("job")].concat());
        bench.push(&vec![0; before - 10]);
        assert_eq!(bench.out.len(), before as u64);
        bench.work();
        assert_eq!(bench.phase() == Phase::Closing, closes, "{before} bytes were not taken");
        assert_eq!(bench.settle().len(), if closes { 2 } else { 1 + 6 });
    }
}

#[test]
fn what_a_topic_retains_is_judged_as_the_channels_own() {
    let mut bench = Bench::with(queue(WS_QUEUE_BYTES, Overflow::Close));
    let act = Act::Message(Framed::new(Kind::Binary, &[1; 512_000]));
    (0..5).for_each(|_| bench.turn(|ws, turn| ws.on_retained(&act, turn)));
    assert_eq!(bench.settle().len(), 5);
    bench.turn(|ws, turn| ws.on_retained(&Act::Close(crate::wire::ws::Code::new(4001), "out".into()), turn));
    assert_eq!(only_code(&bench.sent()), 4001);
}

#[test]
fn a_peer_that_takes_nothing_holds_a_call_and_its_queue_and_no_more() {
    let mut bench = Bench::with(queue(100_000, Overflow::Close));
    bench.feed(&[text("when-done send 3000 5000"), text("job")].concat());
    bench.work();
    assert_eq!(bench.phase(), Phase::Closing);
    let most = (WS_CALL_BYTES + 5004 + 100) as u64;
    assert!((WS_CALL_BYTES as u64..most).contains(&bench.out.len()), "{}", bench.out.len());
}

#[test]
fn a_subscriber_that_takes_nothing_holds_no_more_than_its_queue() {
    for overflow in [Overflow::Close, Overflow::DropOldest] {
        let mut bench = Bench::with(queue(200_000, overflow));
        let mut most = 0;
        for _ in 0..10_000 {
            bench.push(&[1; 1000]);
            most = most.max(bench.ws.held_bytes() as u64 + bench.out.len());
        }
        assert!(most < 200_000 + WS_OUT_BYTES as u64 + 40_000, "{most} bytes");
        assert_eq!(bench.phase() == Phase::Closing, overflow == Overflow::Close);
    }
}

#[test]
fn many_short_messages_hold_no_more_than_the_queue() {
    let mut bench = full(100_000, Overflow::DropOldest);
    let base = bench.ws.held_bytes();
    for _ in 0..100_000 {
        bench.push(b"");
    }
    let held = bench.ws.held_bytes() - base;
    assert!((30_000..=100_000).contains(&held), "{held} bytes");
    let kept = bench.settle().len() - 1;
    assert_eq!(kept, 100_000 / (EACH + 2));
}

#[test]
fn who_only_pings_is_read_no_further_than_the_pongs_it_takes() {
    let mut bench = Bench::new();
    let pings = frame(0x89, &[b'p'; 125]).repeat(1000);
    let mut fed = 0;
    while bench.ws.wants_read(bench.out.len()) {
        bench.feed(&pings).go_on();
        fed += 1;
        assert!(fed < 10, "it is read for ever");
    }
    assert!(bench.out.len() < (SEND_HIGH_WATER_BYTES + 127) as u64);
    let pongs = bench.settle();
    assert_eq!(pongs.len(), fed * 1000);
    assert!(pongs.iter().all(|pong| *pong == Sent::pong(&[b'p'; 125])));
}

#[test]
fn without_memory_a_message_that_grows_is_ended_and_others_go_on() {
    let mut bench = Bench::new();
    bench.pressure = Pressure::Hard;
    assert_eq!(bench.feed(&text("whole")).sent(), [Sent::text("whole")]);
    assert!(!bench.ws.was_shed());
    bench.told();
    bench.feed(&[text("last"), frame(0x01, b"part")].concat());
    let sent = bench.sent();
    assert_eq!(sent[0], Sent::text("last"));
    assert_eq!(only_code(&sent[1..]), 1013);
    assert!(bench.ws.was_shed());
    assert_eq!((bench.phase(), bench.told()), (Phase::Linger, vec!["text last".into(), "closed 1013 unclean".into()]));
}

#[test]
fn a_message_may_have_its_bytes_and_fragments_and_no_more() {
    let terms = || {
        let mut terms = Terms::default();
        (terms.limits.message_bytes, terms.limits.fragments) = (1000, 4);
        terms
    };
    for (bytes, code) in [(999, None), (1000, None), (1001, Some(1009))] {
        let halves = [frame(0x02, &vec![1; bytes / 2]), frame(0x80, &vec![1; bytes - bytes / 2])].concat();
        for all in [binary(&vec![1; bytes]), halves] {
            let sent = Bench::with(terms()).feed(&all).sent();
            assert_eq!(sent[0].code(), code, "{bytes} bytes");
        }
    }
    for (fragments, code) in [(3, None), (4, None), (5, Some(1008))] {
        let all = [frame(0x02, b"x"), frame(0x00, b"x").repeat(fragments - 2), frame(0x80, b"x")].concat();
        assert_eq!(Bench::with(terms()).feed(&all).sent()[0].code(), code, "{fragments} fragments");
    }
}

#[test]
fn a_length_alone_allocates_nothing() {
    let mut bench = Bench::new();
    let idle = bench.ws.held_bytes();
    // Header of a message as long as one may be, and a few bytes of it.
    let long = binary(&vec![0; 1024 * 1024]);
    bench.feed(&long[..100]);
    assert!(bench.ws.held_bytes() < idle + 1000, "{}", bench.ws.held_bytes() - idle);
    for length in [1u64 << 63, (1 << 63) - 1, u64::MAX, 1024 * 1024 + 1] {
        let mut bench = Bench::new();
        let header = [&[0x82, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
        let code = only_code(&bench.feed(&header).sent());
        assert_eq!(code, if length >> 63 == 1 { 1002 } else { 1009 }, "{length}");
        assert!(bench.ws.held_bytes() <= idle + 200);
    }
}
