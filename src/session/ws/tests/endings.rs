//! How connections end, from both sides, and that their channels are told once.

use super::support::{binary, closing, frame, only_code, text};
use super::*;
use crate::limits::LINGER_BYTES_MAX;
use crate::wire::ws::Code;

fn closed(told: Vec<String>) -> Vec<String> {
    told.into_iter().filter(|told| told.starts_with("closed")).collect()
}

#[test]
fn a_close_frame_is_answered_with_its_code() {
    for (frame, answer, told) in [
        (closing(1000, ""), vec![3, 232], "closed 1000 clean"),
        (closing(1001, "leaving"), vec![3, 233], "closed 1001 clean"),
        (closing(4999, ""), vec![19, 135], "closed 4999 clean"),
        (frame(0x88, b""), vec![], "closed 1005 clean"),
    ] {
        let mut bench = Bench::new();
        assert_eq!(bench.feed(&frame).sent(), [Sent(0x88, answer)]);
        assert_eq!((bench.told(), bench.phase()), (vec![told.to_owned()], Phase::Linger));
        bench.ws.on_eof();
        assert_eq!(bench.phase(), Phase::Over);
        assert!(bench.gone().told().is_empty(), "it is told once");
    }
}

#[test]
fn a_channel_closes_and_waits_for_the_answer() {
    let mut bench = Bench::new();
    let sent = bench.feed(&[text("close 4001 bye"), text("ignored"), frame(0x89, b"too")].concat()).sent();
    assert_eq!(sent, [Sent(0x88, [&4001u16.to_be_bytes()[..], b"bye"].concat())]);
    assert_eq!((bench.phase(), bench.told()), (Phase::Closing, vec!["text close 4001 bye".to_owned()]));
    assert!(bench.ws.wants_read(0), "their close frame has to come in");
    bench.push(b"too late").done(Done::Push(Act::Close(Code::NORMAL, "".into())));
    bench.feed(&[text("ignored too"), closing(4001, "bye")].concat());
    assert_eq!((bench.sent(), bench.phase()), (Vec::new(), Phase::Linger));
    assert_eq!(bench.told(), ["closed 4001 clean"]);
}

#[test]
fn what_we_said_first_counts() {
    for answer in [frame(0x88, b""), closing(1000, "")] {
        let mut bench = Bench::new();
        bench.feed(&text("close 4001 bye")).told();
        bench.feed(&answer);
        assert_eq!(bench.told(), ["closed 4001 clean"]);
    }
}

#[test]
fn a_peer_that_never_answers_our_close_is_given_up() {
    let mut bench = Bench::new();
    bench.feed(&text("close 1000 bye")).deadline();
    assert_eq!(bench.phase(), Phase::Over);
    assert_eq!(closed(bench.gone().told()), ["closed 1000 unclean"]);
    let mut bench = Bench::new();
    bench.feed(&text("close 1000 bye"));
    bench.ws.on_eof();
    assert_eq!(bench.phase(), Phase::Over);
    assert_eq!(closed(bench.gone().gone().told()), ["closed 1000 unclean"]);
}

#[test]
fn who_breaks_a_rule_is_told_which_and_nothing_else() {
    let unmasked = [&[0x81, 2][..], b"hi"].concat();
    for (bytes, code) in [
        (unmasked, 1002),
        (frame(0xc1, b"x"), 1002),
        (frame(0xa1, b"x"), 1002),
        (frame(0x91, b"x"), 1002),
        (frame(0x83, b"x"), 1002),
        (frame(0x8b, b"x"), 1002),
        (frame(0x80, b"x"), 1002),
        ([frame(0x01, b"x"), text("y")].concat(), 1002),
        (frame(0x09, b"x"), 1002),
        (frame(0x88, b"x"), 1002),
        (closing(1005, ""), 1002),
        (closing(999, ""), 1002),
        (frame(0x81, b"\xff"), 1007),
        (frame(0x88, b"\x03\xe8\xff"), 1007),
        ([frame(0x01, b"\xce"), frame(0x80, b"x")].concat(), 1007),
        (frame(0x81, b"\xce"), 1007),
    ] {
        let mut bench = Bench::new();
        assert_eq!(only_code(&bench.feed(&[bytes.clone(), text("more")].concat()).sent()), code, "{bytes:?}");
        assert_eq!(bench.told(), [format!("closed {code} unclean")], "{bytes:?}");
        assert_eq!(bench.phase(), Phase::Linger);
        bench.feed(b"anything").deadline();
        assert_eq!((bench.phase(), bench.gone().told().len()), (Phase::Over, 0));
    }
}

#[test]
fn text_that_is_wrong_is_refused_at_the_byte_that_shows_it() {
    // The rest of the message never comes.
    let message = frame(0x81, "caf\u{e9} \u{1f600}".repeat(20).as_bytes());
    let start = 8;
    let mut wrong = message.clone();
    wrong[start + 40] ^= 0xc0;
    let mut bench = Bench::new();
    for (index, byte) in wrong.iter().enumerate() {
        bench.feed(&[*byte]);
        if bench.phase() == Phase::Linger {
            assert_eq!(index, start + 40);
            assert_eq!(only_code(&bench.sent()), 1007);
            return;
        }
    }
    panic!("it was taken");
}

#[test]
fn a_peer_that_just_goes_is_1006() {
    let mut bench = Bench::new();
    bench.feed(&text("hi")).sent();
    bench.ws.on_eof();
    assert_eq!(bench.phase(), Phase::Over);
    assert_eq!(closed(bench.gone().gone().told()), ["closed 1006 unclean"]);
    // A reset is not seen before the connection is gone.
    assert_eq!(closed(Bench::new().gone().told()), ["closed 1006 unclean"]);
}

#[test]
fn who_has_ended_its_half_is_still_answered() {
    let mut bench = Bench::new();
    bench.feed(&[text("job"), text("after")].concat());
    bench.ws.on_eof();
    assert_eq!(bench.phase(), Phase::Working);
    assert_eq!(bench.settle(), [Sent::text("done 7"), Sent::text("after")]);
    assert_eq!(bench.phase(), Phase::Over);
}

#[test]
fn the_node_that_goes_away_says_so_after_what_it_owes() {
    let mut bench = Bench::new();
    bench.feed(&text("a"));
    bench.turn(|ws, turn| ws.on_drain(turn));
    bench.turn(|ws, turn| ws.on_drain(turn));
    let sent = bench.sent();
    assert_eq!((sent.len(), &sent[0], sent[1].code()), (2, &Sent::text("a"), Some(1001)));
    assert_eq!((bench.phase(), bench.told()), (Phase::Closing, vec!["text a".into(), "drain".into()]));
    // One that is opened meanwhile hears it at once.
    let mut bench = Bench::unopened(Terms::default(), Caller::default());
    bench.draining = true;
    bench.open(&text("hi"));
    assert_eq!(only_code(&bench.sent()), 1001);
    assert_eq!(bench.told(), ["open", "drain"]);
}

#[test]
fn a_drain_while_a_job_is_away_drops_its_value() {
    let mut bench = Bench::new();
    bench.feed(&text("job"));
    bench.turn(|ws, turn| ws.on_drain(turn));
    bench.work();
    assert_eq!(only_code(&bench.sent()), 1001);
    assert_eq!((bench.phase(), bench.told()), (Phase::Closing, vec!["text job".into(), "drain".into()]));
}

#[test]
fn messages_that_wait_leave_before_our_close_and_not_after_theirs() {
    let start = || {
        let mut bench = Bench::new();
        bench.push(&[0; 64 * 1024]).push(b"waits");
        bench.done(Done::Push(Act::Close(Code::NORMAL, "bye".into())));
        bench
    };
    let mut bench = start();
    let sent = bench.settle();
    assert_eq!((sent.len(), &sent[1], sent[2].code()), (3, &Sent::binary(b"waits"), Some(1000)));
    // Both say it at once: theirs ends what waits, and ours still leaves.
    let mut bench = start();
    bench.feed(&closing(1001, ""));
    let sent = bench.sent();
    assert_eq!((sent.len(), sent[1].code(), bench.phase()), (2, Some(1000), Phase::Linger));
    assert!(!bench.ws.is_ready(0), "nothing is left to be written behind the end");
}

#[test]
fn who_breaks_a_rule_while_our_close_waits_is_sent_it_at_once() {
    for (pressure, bytes) in [(Pressure::None, &[0x81, 2][..]), (Pressure::Hard, &[0x81])] {
        let mut bench = Bench::new();
        bench.push(&[0; 64 * 1024]).push(b"waits");
        bench.done(Done::Push(Act::Close(Code::NORMAL, "bye".into())));
        bench.pressure = pressure;
        bench.feed(bytes);
        assert_eq!((bench.phase(), bench.told()), (Phase::Linger, vec!["closed 1000 unclean".to_owned()]));
        assert!(!bench.ws.is_ready(0), "nothing is left to be written behind the end");
        let sent = bench.sent();
        assert_eq!((sent.len(), sent[1].code()), (2, Some(1000)));
    }
}

#[test]
fn who_has_ended_its_half_is_sent_what_waits_and_our_close() {
    let mut bench = Bench::new();
    bench.push(&[0; 64 * 1024]).push(b"waits");
    bench.done(Done::Push(Act::Close(Code::NORMAL, "bye".into())));
    bench.ws.on_eof();
    assert_eq!(bench.phase(), Phase::Closing, "who is over is let go of once its send buffer is empty");
    let sent = bench.settle();
    assert_eq!((sent.len(), &sent[1], sent[2].code()), (3, &Sent::binary(b"waits"), Some(1000)));
    assert_eq!(bench.phase(), Phase::Over);
}

#[test]
fn what_comes_after_the_end_is_dropped_up_to_a_bound() {
    let mut bench = Bench::new();
    bench.feed(&closing(1000, ""));
    let piece = vec![0; 1 << 20];
    for _ in 0..LINGER_BYTES_MAX / piece.len() as u64 {
        bench.feed(&piece);
    }
    assert_eq!(bench.phase(), Phase::Linger);
    bench.feed(b"x");
    assert_eq!(bench.phase(), Phase::Over);
    assert!(!bench.ws.wants_read(0));
}

#[test]
fn a_channel_that_panics_takes_its_connection_along_and_is_told() {
    let mut bench = Bench::new();
    let broken = catch_unwind(AssertUnwindSafe(|| {
        bench.turn(|ws, turn| ws.call(turn, |_, _| panic!("the channel breaks")));
    }));
    assert!(broken.is_err());
    assert_eq!(bench.gone().told(), ["closed 1006 unclean"]);
}

#[test]
fn the_end_in_the_middle_of_a_long_message_is_told_once_too() {
    let long = binary(&[1; 70_000]);
    for cut in [1, 5, 14, 20, 69_000] {
        let mut bench = Bench::new();
        bench.feed(&long[..cut]);
        bench.ws.on_eof();
        assert_eq!((bench.phase(), closed(bench.gone().told())), (Phase::Over, vec!["closed 1006 unclean".into()]));
    }
}
