//! Jobs, topics, what comes from outside, and who is at the other end.

use super::support::{only_code, text};
use super::*;
use crate::app::Identity;
use crate::app::identity::Standing;
use crate::app::ws::{Ask, Publication};
use crate::wire::ws::Code;

#[test]
fn a_job_that_finds_no_place_or_panics_is_told_to_the_channel() {
    let mut bench = Bench::new();
    bench.feed(&text("job"));
    drop(bench.ws.take_work());
    assert_eq!(only_code(&bench.done(Done::Busy).sent()), 1013);
    assert_eq!((bench.phase(), bench.told()), (Phase::Closing, vec!["text job".into(), "Busy".into()]));
    let mut bench = Bench::new();
    bench.feed(&text("broken-job"));
    assert_eq!(only_code(&bench.work().sent()), 1011);
    assert_eq!((bench.phase(), bench.told()), (Phase::Closing, vec!["text broken-job".into(), "Panicked".into()]));
}

#[test]
fn work_is_given_out_once() {
    let mut bench = Bench::new();
    bench.feed(&text("job"));
    assert!(bench.ws.has_effects() && bench.ws.take_work().is_some());
    assert!(!bench.ws.has_effects() && bench.ws.take_work().is_none());
    bench.go_on();
    assert_eq!((bench.phase(), bench.sent()), (Phase::Working, Vec::new()));
}

#[test]
fn a_job_asked_for_while_another_is_away_follows_it_and_no_value_is_lost() {
    let mut bench = Bench::new();
    bench.feed(&[text("when-drained job 2"), text("job 1"), text("a")].concat());
    let first = bench.ws.take_work().expect("there is work");
    bench.told();
    bench.turn(|ws, turn| ws.on_drain(turn));
    assert_eq!((bench.told(), bench.phase()), (vec!["drain".to_owned()], Phase::Working));
    assert!(!bench.ws.has_effects() && bench.ws.take_work().is_none(), "one at a time");
    assert!(!bench.ws.is_ready(0) && !bench.ws.is_idle());
    bench.done((first.run)().0);
    assert_eq!((bench.sent(), bench.phase()), (vec![Sent::text("done 1")], Phase::Working));
    assert!(bench.ws.has_effects(), "now it is its turn");
    assert_eq!(bench.work().sent(), [Sent::text("done 2"), Sent::text("a")]);
    assert!(bench.ws.is_idle() && !bench.ws.has_effects());
}

#[test]
fn jobs_are_begun_in_the_order_in_which_they_were_asked_for() {
    let mut bench = Bench::new();
    bench.feed(&[text("when-drained job 2"), text("when-done job 3"), text("job 1")].concat());
    let first = bench.ws.take_work().expect("there is work");
    bench.turn(|ws, turn| ws.on_drain(turn));
    bench.done(Done::Busy);
    drop(first);
    // Its lane was full, and the channel has closed: what it asked for at the end is done all the same.
    assert_eq!(only_code(&bench.sent()), 1013);
    assert!(bench.ws.has_effects());
    bench.work();
    assert!(bench.sent().is_empty() && !bench.ws.has_effects());
    let mut bench = Bench::new();
    bench.feed(&[text("when-drained job 2"), text("when-done job 3"), text("job 1")].concat());
    let first = bench.ws.take_work().expect("there is work");
    bench.turn(|ws, turn| ws.on_drain(turn));
    bench.done((first.run)().0);
    bench.work().work();
    assert_eq!(bench.sent(), [Sent::text("done 1"), Sent::text("done 2"), Sent::text("done 3")]);
}

#[test]
fn jobs_that_nobody_begins_are_given_up() {
    let mut bench = Bench::new();
    assert!(bench.ws.take_abandoned().is_none());
    bench.feed(&[text("when-drained job 2"), text("job 1")].concat());
    let first = bench.ws.take_work().expect("there is work");
    assert!(bench.ws.take_abandoned().is_none(), "it is away");
    bench.turn(|ws, turn| ws.on_drain(turn));
    assert!(bench.ws.take_abandoned().is_some() && bench.ws.take_abandoned().is_none());
    bench.done((first.run)().0);
    assert!(!bench.ws.has_effects() && bench.ws.is_idle());
}

#[test]
fn results_for_nobody_change_nothing() {
    let mut bench = Bench::new();
    for done in [Done::Value(Box::new(1u32)), Done::Busy, Done::Panicked, Done::Wake] {
        bench.done(done);
        assert_eq!((bench.sent(), bench.told(), bench.phase()), (Vec::new(), Vec::new(), Phase::Open));
        assert!(bench.ws.is_idle());
    }
}

#[test]
fn topics_are_subscribed_once_and_left_once() {
    let mut bench = Bench::new();
    bench.feed(&[text("sub a"), text("sub a"), text("sub b"), text("unsub c"), text("pub a")].concat());
    let act = Act::Message(Framed::new(Kind::Text, b"a"));
    let published = Ask::Publish(Publication { topic: Topic::new("a"), act, retain: false });
    let topic = Topic::new;
    assert_eq!(bench.ws.take_asks(), [Ask::Subscribe(topic("a")), Ask::Subscribe(topic("b")), published]);
    assert_eq!(bench.ws.topics(), topics(&["a", "b"]));
    assert!(bench.ws.take_asks().is_empty());
    bench.feed(&[text("unsub a"), text("unsub a"), text("sub a"), text("unsub b")].concat());
    let asks = [Ask::Unsubscribe(topic("a")), Ask::Subscribe(topic("a")), Ask::Unsubscribe(topic("b"))];
    assert_eq!(bench.ws.take_asks(), asks);
    assert_eq!(bench.ws.topics(), topics(&["a"]));
    assert!(bench.ws.is_idle() && !bench.ws.has_effects());
}

#[test]
fn what_comes_from_outside_keeps_its_order_with_what_is_sent() {
    let mut bench = Bench::new();
    bench.feed(&text("one")).push(b"two").feed(&text("three"));
    assert_eq!(bench.sent(), [Sent::text("one"), Sent::binary(b"two"), Sent::text("three")]);
    bench.feed(&text("send 3 200000")).push(b"behind");
    let lengths: Vec<usize> = bench.settle().iter().map(|sent| sent.1.len()).collect();
    assert_eq!(lengths, [200_000, 200_000, 200_000, 6]);
}

#[test]
fn it_may_be_closed_from_outside() {
    let mut bench = Bench::new();
    bench.done(Done::Push(Act::Close(Code::new(4003), "go".into()))).push(b"never");
    assert_eq!(bench.sent(), [Sent(0x88, [&4003u16.to_be_bytes()[..], b"go"].concat())]);
    assert_eq!(bench.phase(), Phase::Closing);
}

#[test]
fn a_sender_knows_its_connection() {
    let mut bench = Bench::new();
    bench.feed(&text("later"));
    let pushed = bench.outside.pushed.lock().expect("no panic").clone();
    assert_eq!(pushed, [(Address { thread: 3, key: 7 }, Act::Message(Framed::new(Kind::Text, b"later")))]);
}

fn caller(name: &str) -> Caller {
    Arc::new(Identity { standing: Standing::User(name.into()), ..Identity::anonymous() }).into()
}

#[test]
fn another_standing_of_its_user_ends_a_connection() {
    for (user, meant) in [(Some("ann"), true), (None, true), (Some("bob"), false)] {
        let mut bench = Bench::of(Terms::default(), caller("ann"));
        bench.turn(|ws, turn| ws.on_identity_change(user, turn));
        let codes: Vec<Option<u16>> = bench.sent().iter().map(Sent::code).collect();
        assert_eq!(codes, if meant { vec![Some(1008)] } else { vec![] }, "{user:?}");
        assert_eq!(bench.phase() == Phase::Closing, meant);
    }
    let mut bench = Bench::new();
    bench.turn(|ws, turn| ws.on_identity_change(None, turn));
    assert_eq!((bench.sent(), bench.phase()), (Vec::new(), Phase::Open), "nobody has no standing");
}
