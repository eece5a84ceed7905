//! Who subscribes to what on this thread, and what is on its way to them.
//!
//! A publication reaches the subscribers in the order in which they came, so many in one turn as the loop
//! says: five thousand of them must not hold up everybody else. Those who subscribe while it is under way are
//! not sent it again. Where more is published than is delivered, the oldest that was not begun is missed; but of
//! those that a topic retains, the newest that was missed is delivered all the same, before what came after it.
//! Nobody is searched for: connections that are gone leave a gap, and gaps are closed when they are half of a list.

use std::collections::{HashMap, VecDeque};

use super::slab::Key;
use crate::app::ws::{Act, Publication, Topic};
use crate::limits::{PUBLISHED_QUEUED_BYTES_MAX, PUBLISHED_QUEUED_MAX};

/// No connection has this key: its generation comes after 2^32 lives of one place.
const GONE: Key = Key(u64::MAX);

/// The topics of one thread.
#[derive(Default)]
pub(super) struct Topics {
    by_topic: HashMap<Topic, Entry>,
    /// In the order of their publication; the first is under way.
    deliveries: VecDeque<Delivery>,
    delivery_bytes: usize,
    /// Topics that have something which was missed and is not lost, each once. It follows what is under way.
    missed: VecDeque<Topic>,
    subscriptions: usize,
}

#[derive(Default)]
struct Entry {
    subscribers: Vec<Key>,
    gaps: usize,
    /// What those who come are sent first.
    retained: Option<Act>,
    /// The newest of what it retained that had to make room, and for how many subscribers it was.
    missed: Option<(Act, usize)>,
}

/// A publication on its way.
struct Delivery {
    topic: Topic,
    act: Act,
    retain: bool,
    next: usize,
    /// How many subscribers there were.
    end: usize,
}

impl Topics {
    /// Takes publications in.
    pub(super) fn publish(&mut self, publications: impl IntoIterator<Item = Publication>) {
        for Publication { topic, act, retain } in publications {
            let is_known = self.by_topic.contains_key(&topic);
            if !is_known && !retain {
                continue;
            }
            let entry = self.by_topic.entry(topic.clone()).or_default();
            if retain {
                entry.retained = Some(act.clone());
            }
            let end = entry.subscribers.len();
            // Where all have left, places may be given anew before this is delivered.
            if entry.gaps < end {
                self.miss_oldest(act.bytes());
                self.delivery_bytes += act.bytes();
                self.deliveries.push_back(Delivery { topic, act, retain, next: 0, end });
            }
        }
    }

    /// Makes room for one of so many bytes. The first is under way.
    fn miss_oldest(&mut self, bytes: usize) {
        while self.deliveries.len() >= PUBLISHED_QUEUED_MAX || self.delivery_bytes + bytes > PUBLISHED_QUEUED_BYTES_MAX
        {
            let Some(missed) = self.deliveries.remove(1) else { return };
            self.delivery_bytes -= missed.act.bytes();
            let topic = missed.topic.clone();
            self.keep_missed(missed);
            self.forget_empty(&topic);
        }
    }

    /// Who subscribes to what a topic retains is owed the newest.
    fn keep_missed(&mut self, missed: Delivery) {
        if let Some(entry) = self.by_topic.get_mut(&missed.topic).filter(|_| missed.retain)
            && entry.missed.replace((missed.act, missed.end)).is_none()
        {
            self.missed.push_back(missed.topic);
        }
    }

    /// Has what was missed and is not lost delivered next: it is older than all that is on its way.
    fn catch_up(&mut self) {
        let Some(topic) = self.missed.pop_front() else { return };
        let missed = self.by_topic.get_mut(&topic).and_then(|entry| entry.missed.take());
        let (act, end) = missed.expect("a topic is listed while it has something");
        self.delivery_bytes += act.bytes();
        self.deliveries.push_front(Delivery { topic, act, retain: true, next: 0, end });
    }

    /// Adds a connection that is not there; what it is to be sent first, if anything.
    pub(super) fn subscribe(&mut self, topic: &Topic, key: Key) -> Option<Act> {
        let entry = self.by_topic.entry(topic.clone()).or_default();
        entry.subscribers.push(key);
        self.subscriptions += 1;
        entry.retained.clone()
    }

    /// Takes a connection out that goes on without.
    pub(super) fn leave(&mut self, topic: &Topic, key: Key) {
        let Some(entry) = self.by_topic.get_mut(topic) else { return };
        let Some(place) = entry.subscribers.iter().rposition(|&subscriber| subscriber == key) else { return };
        entry.subscribers[place] = GONE;
        self.count_gap(topic, |_| true);
    }

    /// A connection that was there is gone. Tells of each other key whether its connection lives.
    pub(super) fn count_gap(&mut self, topic: &Topic, mut is_live: impl FnMut(Key) -> bool) {
        let Some(entry) = self.by_topic.get_mut(topic) else { return };
        self.subscriptions -= 1;
        entry.gaps += 1;
        if entry.gaps * 2 < entry.subscribers.len() || self.is_delivered(topic) {
            return;
        }
        let Some(entry) = self.by_topic.get_mut(topic) else { return };
        let before = entry.subscribers.len();
        entry.subscribers.retain(|&key| key != GONE && is_live(key));
        entry.subscribers.shrink_to(entry.subscribers.len() * 2);
        entry.gaps = entry.gaps.saturating_sub(before - entry.subscribers.len());
        if entry.subscribers.is_empty() && entry.retained.is_none() {
            self.by_topic.remove(topic);
        }
    }

    /// Whether something is on its way to subscribers: then places must not change.
    fn is_delivered(&self, topic: &Topic) -> bool {
        self.by_topic.get(topic).is_some_and(|entry| entry.missed.is_some())
            || self.deliveries.iter().any(|delivery| delivery.topic == *topic)
    }

    /// All may have left while this was on its way, and nobody who leaves comes by any more to close the gaps.
    fn forget_empty(&mut self, topic: &Topic) {
        let is_empty = self.by_topic.get(topic).is_some_and(|entry| entry.gaps == entry.subscribers.len());
        if !is_empty || self.is_delivered(topic) {
            return;
        }
        let Some(entry) = self.by_topic.get_mut(topic) else { return };
        (entry.subscribers, entry.gaps) = (Vec::new(), 0);
        if entry.retained.is_none() {
            self.by_topic.remove(topic);
        }
    }

    /// Whether anybody subscribes to anything.
    pub(super) fn has_subscribers(&self) -> bool {
        self.subscriptions > 0
    }

    /// Whether something is on its way.
    #[inline]
    pub(super) fn is_busy(&self) -> bool {
        !self.deliveries.is_empty()
    }

    /// The next part of what is on its way, for so many at most: to whom, and what.
    pub(super) fn next(&mut self, most: usize) -> Option<(Vec<Key>, Act)> {
        let delivery = self.deliveries.front_mut()?;
        let entry = self.by_topic.get(&delivery.topic);
        let end = delivery.end.min(delivery.next + most);
        let part = entry.and_then(|entry| entry.subscribers.get(delivery.next..end)).unwrap_or_default();
        let keys = part.iter().copied().filter(|&key| key != GONE).collect();
        let act = delivery.act.clone();
        delivery.next = end;
        if end == delivery.end {
            self.delivery_bytes -= act.bytes();
            let ended = self.deliveries.pop_front();
            self.catch_up();
            ended.inspect(|ended| self.forget_empty(&ended.topic));
        }
        Some((keys, act))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ws::Framed;
    use crate::wire::ws::Kind;

    fn act(number: usize) -> Act {
        Act::Message(Framed::new(Kind::Binary, &number.to_le_bytes()))
    }

    fn publication(topic: &Topic, number: usize, retain: bool) -> Publication {
        Publication { topic: topic.clone(), act: act(number), retain }
    }

    const PART: usize = 256;

    /// Everything that is on its way.
    fn drain(topics: &mut Topics) -> Vec<(Vec<Key>, Act)> {
        std::iter::from_fn(|| topics.next(PART)).collect()
    }

    #[test]
    fn subscribers_are_sent_what_is_published_after_they_came() {
        let (mut topics, a, b) = (Topics::default(), Topic::new("a"), Topic::new("b"));
        topics.publish([publication(&a, 0, false)]);
        assert!(!topics.is_busy() && topics.by_topic.is_empty(), "nobody is there");
        assert_eq!(topics.subscribe(&a, Key(1)), None);
        assert_eq!(topics.subscribe(&b, Key(2)), None);
        topics.publish([publication(&a, 1, false), publication(&b, 2, false), publication(&a, 3, false)]);
        topics.subscribe(&a, Key(3));
        let sent = drain(&mut topics);
        assert_eq!(sent, [(vec![Key(1)], act(1)), (vec![Key(2)], act(2)), (vec![Key(1)], act(3))]);
        assert!(!topics.is_busy());
    }

    #[test]
    fn what_a_topic_retains_comes_first() {
        let (mut topics, topic) = (Topics::default(), Topic::new("config"));
        topics.publish([publication(&topic, 1, true), publication(&topic, 2, true), publication(&topic, 3, false)]);
        assert_eq!(topics.subscribe(&topic, Key(1)), Some(act(2)));
        topics.leave(&topic, Key(1));
        assert_eq!(topics.subscribe(&topic, Key(2)), Some(act(2)), "without subscribers too");
    }

    #[test]
    fn a_turn_has_a_part_of_many_and_the_rest_follows() {
        let (mut topics, topic) = (Topics::default(), Topic::new("many"));
        let count = 2 * PART + 1;
        (0..count).for_each(|key| assert!(topics.subscribe(&topic, Key(key as u64)).is_none()));
        topics.publish([publication(&topic, 1, false)]);
        let (first, _) = topics.next(PART).expect("a part");
        assert_eq!(first.len(), PART);
        // One that has it, one that has not, and one that comes too late for it.
        topics.leave(&topic, Key(0));
        topics.leave(&topic, Key(count as u64 - 2));
        topics.subscribe(&topic, Key(1 << 20));
        let rest: Vec<Key> = drain(&mut topics).into_iter().flat_map(|(keys, _)| keys).collect();
        let mut all = [first, rest].concat();
        all.sort_unstable();
        let expected: Vec<Key> = (0..count as u64).filter(|&key| key != count as u64 - 2).map(Key).collect();
        assert_eq!(all, expected, "each once");
    }

    #[test]
    fn those_who_left_hold_no_place_for_ever() {
        let (mut topics, topic) = (Topics::default(), Topic::new("t"));
        for round in 0..1000u64 {
            topics.subscribe(&topic, Key(round));
            match round % 2 {
                0 => topics.leave(&topic, Key(round)),
                _ => topics.count_gap(&topic, |_| false),
            }
            topics.leave(&topic, Key(round));
        }
        assert!(topics.by_topic.is_empty() && !topics.has_subscribers());
        (0..1000).for_each(|key| assert!(topics.subscribe(&topic, Key(key)).is_none()));
        (0..990).for_each(|key| topics.count_gap(&topic, |other| other > Key(key)));
        let entry = &topics.by_topic[&topic];
        assert!(entry.subscribers.len() <= 20, "{}", entry.subscribers.len());
        assert!(topics.has_subscribers());
    }

    #[test]
    fn a_topic_that_all_leave_while_it_is_delivered_holds_no_place_for_ever() {
        for (behind, retain) in [(0, false), (1, false), (PUBLISHED_QUEUED_MAX, false), (PUBLISHED_QUEUED_MAX, true)] {
            let (mut topics, other, topic) = (Topics::default(), Topic::new("other"), Topic::new("t"));
            assert!(topics.subscribe(&other, Key(0)).is_none());
            for key in 1..5 {
                assert!(topics.subscribe(&topic, Key(key)).is_none());
            }
            topics.publish([publication(&other, 0, false), publication(&topic, 1, retain)]);
            topics.leave(&topic, Key(1));
            (2..4).for_each(|key| topics.count_gap(&topic, |other| other > Key(key)));
            topics.leave(&topic, Key(4));
            topics.publish((0..behind).map(|_| publication(&other, 0, false)));
            drain(&mut topics);
            let places = topics.by_topic.get(&topic).map(|entry| (entry.subscribers.capacity(), entry.gaps));
            assert_eq!(places, retain.then_some((0, 0)), "{behind} behind it");
            assert_eq!(topics.subscribe(&topic, Key(9)).is_some(), retain);
            topics.publish([publication(&topic, 2, false)]);
            assert_eq!(drain(&mut topics), [(vec![Key(9)], act(2))]);
        }
    }

    #[test]
    fn what_is_published_when_all_have_left_is_sent_to_nobody_who_comes_then() {
        let (mut topics, other, topic) = (Topics::default(), Topic::new("other"), Topic::new("t"));
        topics.subscribe(&other, Key(0));
        topics.subscribe(&topic, Key(1));
        topics.publish([publication(&other, 0, false), publication(&topic, 1, false)]);
        topics.publish((2..PUBLISHED_QUEUED_MAX).map(|_| publication(&other, 0, false)));
        topics.leave(&topic, Key(1));
        topics.publish([publication(&topic, 2, false), publication(&other, 0, false)]);
        topics.subscribe(&topic, Key(2));
        assert!(drain(&mut topics).iter().all(|(keys, _)| keys[..] == [Key(0)]));
    }

    #[test]
    fn a_thread_that_delivers_too_slowly_misses_the_oldest_it_has_not_begun() {
        let (mut topics, topic) = (Topics::default(), Topic::new("t"));
        (0..2).for_each(|key| assert!(topics.subscribe(&topic, Key(key)).is_none()));
        topics.publish([publication(&topic, 0, false)]);
        assert_eq!(topics.next(1), Some((vec![Key(0)], act(0))), "half of it is delivered");
        for (more, kept) in [(PUBLISHED_QUEUED_MAX - 2, PUBLISHED_QUEUED_MAX - 1), (1, PUBLISHED_QUEUED_MAX)] {
            topics.publish((0..more).map(|_| publication(&topic, 1, false)));
            assert_eq!(topics.deliveries.len(), kept);
        }
        topics.publish([publication(&topic, 2, false), publication(&topic, 3, false)]);
        let sent = drain(&mut topics);
        assert_eq!(sent.len(), PUBLISHED_QUEUED_MAX);
        assert_eq!(sent[0], (vec![Key(1)], act(0)), "what was begun reaches all");
        let both = vec![Key(0), Key(1)];
        assert_eq!(sent[PUBLISHED_QUEUED_MAX - 2..], [(both.clone(), act(2)), (both, act(3))]);
    }

    #[test]
    fn the_newest_that_a_topic_retains_is_never_missed() {
        for behind in [PUBLISHED_QUEUED_MAX - 4, PUBLISHED_QUEUED_MAX - 3, 2 * PUBLISHED_QUEUED_MAX] {
            let (mut topics, a, b, c) = (Topics::default(), Topic::new("a"), Topic::new("b"), Topic::new("c"));
            for (topic, key) in [(&a, 1), (&b, 2), (&c, 3)] {
                assert!(topics.subscribe(topic, Key(key)).is_none());
            }
            topics.publish([publication(&a, 0, true), publication(&a, 1, true), publication(&b, 2, true)]);
            // Too late for those before it; what is retained it has.
            assert_eq!(topics.subscribe(&a, Key(4)), Some(act(1)));
            topics.publish([publication(&a, 3, false)]);
            topics.publish((0..behind).map(|_| publication(&c, 9, false)));
            topics.leave(&c, Key(3));
            let sent: Vec<_> = drain(&mut topics).into_iter().filter(|(_, sent)| *sent != act(9)).collect();
            let mut expected = vec![(vec![Key(1)], act(0)), (vec![Key(1)], act(1)), (vec![Key(2)], act(2))];
            // What is not retained makes room.
            if behind < PUBLISHED_QUEUED_MAX {
                expected.push((vec![Key(1), Key(4)], act(3)));
            }
            assert_eq!(sent, expected, "{behind} behind them");
            assert_eq!((topics.delivery_bytes, topics.missed.len(), topics.is_busy()), (0, 0, false));
        }
    }

    #[test]
    fn who_comes_while_something_was_missed_has_it_once() {
        let (mut topics, first, topic) = (Topics::default(), Topic::new("first"), Topic::new("t"));
        assert!(topics.subscribe(&first, Key(0)).is_none() && topics.subscribe(&topic, Key(1)).is_none());
        topics.publish([publication(&first, 0, false), publication(&topic, 1, true)]);
        topics.publish((0..PUBLISHED_QUEUED_MAX).map(|_| publication(&first, 0, false)));
        topics.leave(&topic, Key(1));
        assert_eq!(topics.subscribe(&topic, Key(2)), Some(act(1)));
        let sent: Vec<_> = drain(&mut topics).into_iter().filter(|(_, sent)| *sent == act(1)).collect();
        assert_eq!(sent, [(vec![], act(1))]);
    }

    #[test]
    fn of_a_topic_that_is_published_to_all_the_time_one_is_kept() {
        let (mut topics, topic) = (Topics::default(), Topic::new("t"));
        assert!(topics.subscribe(&topic, Key(0)).is_none());
        topics.publish((0..3 * PUBLISHED_QUEUED_MAX).map(|number| publication(&topic, number, true)));
        assert_eq!((topics.deliveries.len(), topics.missed.len()), (PUBLISHED_QUEUED_MAX, 1));
        // Those who leave and come meanwhile change no places.
        topics.leave(&topic, Key(0));
        topics.subscribe(&topic, Key(1));
        let sent = drain(&mut topics);
        assert_eq!(sent.len(), PUBLISHED_QUEUED_MAX + 1);
        assert!(sent.iter().all(|(keys, _)| keys.is_empty()), "it came after all of them");
        let acts: Vec<Act> = sent.into_iter().map(|(_, act)| act).collect();
        let last = (2 * PUBLISHED_QUEUED_MAX..3 * PUBLISHED_QUEUED_MAX).map(act);
        assert_eq!(acts, [act(0)].into_iter().chain(last).collect::<Vec<_>>());
    }

    #[test]
    fn each_of_many_topics_delivers_its_newest() {
        let mut topics = Topics::default();
        let names: Vec<Topic> = (0..20_000).map(|number| Topic::new(&format!("{number}"))).collect();
        for (number, topic) in names.iter().enumerate() {
            assert!(topics.subscribe(topic, Key(number as u64)).is_none());
        }
        (0..2).for_each(|round| topics.publish(names.iter().map(|topic| publication(topic, round, true))));
        assert!(topics.missed.len() <= names.len());
        let mut newest = HashMap::new();
        for (keys, act) in drain(&mut topics) {
            keys.into_iter().for_each(|key| drop(newest.insert(key, act.clone())));
        }
        assert!(newest.len() == names.len() && newest.values().all(|newest| *newest == act(1)));
    }

    #[test]
    fn large_ones_wait_up_to_so_many_bytes() {
        let (mut topics, topic) = (Topics::default(), Topic::new("t"));
        assert!(topics.subscribe(&topic, Key(0)).is_none());
        let large = |number| {
            let act = Act::Message(Framed::new(Kind::Binary, &vec![number; PUBLISHED_QUEUED_BYTES_MAX / 4 - 10]));
            Publication { topic: topic.clone(), act, retain: false }
        };
        topics.publish((0..4).map(large));
        assert_eq!((topics.deliveries.len(), topics.delivery_bytes), (4, PUBLISHED_QUEUED_BYTES_MAX));
        topics.publish([publication(&topic, 4, false), large(5)]);
        let sent: Vec<Act> = drain(&mut topics).into_iter().map(|(_, act)| act).collect();
        assert_eq!(sent, [large(0).act, large(3).act, act(4), large(5).act]);
        assert_eq!(topics.delivery_bytes, 0);
        // One that is larger than all that may wait is alone.
        let huge = Act::Message(Framed::new(Kind::Binary, &vec![0; PUBLISHED_QUEUED_BYTES_MAX + 1]));
        topics.publish((0..3).map(|_| Publication { topic: topic.clone(), act: huge.clone(), retain: false }));
        assert_eq!(drain(&mut topics).len(), 2, "the first was under way");
    }

    #[test]
    fn those_who_are_gone_are_taken_out_though_others_leave() {
        let (mut topics, topic) = (Topics::default(), Topic::new("t"));
        (0..100).for_each(|key| assert!(topics.subscribe(&topic, Key(key)).is_none()));
        // Fewer than half are gone, so that their keys stay.
        (0..40).for_each(|key| topics.count_gap(&topic, |other| other > Key(key)));
        (40..99).for_each(|key| topics.leave(&topic, Key(key)));
        assert_eq!(topics.by_topic[&topic].subscribers.len() - topics.by_topic[&topic].gaps, 1);
        topics.count_gap(&topic, |_| false);
        assert!(topics.by_topic.is_empty() && !topics.has_subscribers());
    }
}
