//! Messages one after the other, there and back.

use proptest::prelude::*;

use super::naive::{Seen, unfold};
use super::{Receiver, Sender, noise};
use crate::limits::{WS_DEFLATE_STEP_BYTES, WS_WINDOW_BITS_MAX, WS_WINDOW_BITS_MIN};
use crate::session::ws::deflate::fuzz;

fn row(number: usize) -> Vec<u8> {
    format!("{{\"row\":{number},\"user\":\"user-{}\",\"state\":\"done\",\"tags\":[]}}", number % 7).into_bytes()
}

/// Short and long, alike and not, some that nothing makes smaller, so that history fills every window.
fn messages() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..30).map(row).collect();
    all.push(noise(1, 100));
    all.push(row(3).repeat(900));
    all.push(noise(2, 40_000));
    all.extend((0..30).map(row));
    all.push([noise(3, 500), row(5).repeat(9), noise(3, 500)].concat());
    all.extend((0..3).map(row));
    all
}

#[test]
fn every_window_is_kept_to_and_both_ways_of_history_come_back() {
    for bits in WS_WINDOW_BITS_MIN..=WS_WINDOW_BITS_MAX {
        for takeover in [true, false] {
            let (mut sender, mut receiver) = (Sender::new(takeover, bits), Receiver::new(takeover));
            let (mut history, mut compressed) = (Vec::new(), 0);
            for message in messages() {
                let Some(payload) = sender.send(&message) else { continue };
                compressed += 1;
                // An independent reader, which goes back no further than was agreed on.
                let seen = unfold(&payload, &history, 1 << bits);
                assert!(seen == Seen::Whole(message.clone()), "{bits} {takeover}");
                assert_eq!(receiver.binary(&payload), Ok(&message[..]), "{bits} {takeover}");
                if takeover {
                    history.extend_from_slice(&message);
                }
            }
            assert!(compressed >= if takeover { 64 } else { 2 }, "{bits} {takeover}: {compressed}");
        }
    }
}

#[test]
fn history_makes_messages_smaller() {
    let size = |takeover| -> usize {
        let mut sender = Sender::new(takeover, 15);
        (0..100).map(row).map(|message| sender.send(&message).map_or(message.len(), |payload| payload.len())).sum()
    };
    assert!(size(true) * 2 < size(false), "{} and {}", size(true), size(false));
}

#[test]
fn a_message_that_does_not_get_smaller_goes_as_it_is_and_leaves_no_trace() {
    for bits in [9, 12, 15] {
        let (mut sender, mut receiver) = (Sender::new(true, bits), Receiver::new(true));
        for seed in 0..4 {
            let long = noise(seed, 1 << bits);
            let end = &long[long.len() - 300..];
            assert_eq!(receiver.binary(&sender.send(&row(1)).unwrap()), Ok(&row(1)[..]));
            assert_eq!(sender.send(&long), None);
            // It would refer to what was not sent, if that had stayed in the window.
            let payload = sender.send(end).expect("shorter than the window");
            assert!(payload.len() > 290, "{bits}: {}", payload.len());
            assert_eq!(receiver.binary(&payload), Ok(end));
        }
    }
}

#[test]
fn what_is_sent_for_the_sake_of_history_grows_little() {
    for len in [1, 2, 10, 100, 1000, 10_000, 32_767] {
        let mut sender = Sender::new(true, 15);
        let payload = sender.send(&noise(7, len)).expect("shorter than the window");
        assert!(payload.len() <= len + len / 8 + 8, "{len} bytes: {}", payload.len());
        assert_eq!(Sender::new(false, 15).send(&noise(7, len)), None);
    }
}

#[test]
fn payloads_may_be_as_long_as_a_step_of_the_output() {
    let mut receiver = Receiver::new(false);
    let mut exact = 0;
    for len in 15_450..15_620 {
        // Fixed codes make a little more of noise than it was: some of these end where a step does.
        let payload = Sender::new(true, 15).send(&noise(9, len)).expect("shorter than the window");
        exact += usize::from((WS_DEFLATE_STEP_BYTES - 8..WS_DEFLATE_STEP_BYTES + 8).contains(&payload.len()));
        assert_eq!(receiver.binary(&payload), Ok(&noise(9, len)[..]), "{len}");
    }
    assert!(exact > 3, "{exact}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_property_holds_for_anything(data: Vec<u8>) {
        fuzz(&data);
    }

    #[test]
    fn messages_come_back_whatever_came_before(
        takeover: bool,
        bits in 9u8..=15,
        parts in prop::collection::vec((0usize..40, 0usize..700, any::<bool>()), 1..30),
    ) {
        let (mut sender, mut receiver) = (Sender::new(takeover, bits), Receiver::new(takeover));
        for (number, count, is_noise) in parts {
            let message = if is_noise { noise(number as u64, count) } else { row(number).repeat(count / 8) };
            if let Some(payload) = sender.send(&message) {
                prop_assert_eq!(receiver.binary(&payload), Ok(&message[..]));
            }
        }
    }
}
