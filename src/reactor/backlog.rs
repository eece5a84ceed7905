//! Publications that wait for one thread, in their order, up to a bound.
//!
//! Beyond the bound the oldest are missed, but never the newest that a topic is to retain: of those that had to
//! make room, one for each topic is kept, and comes before what was not missed. That is no more than the thread
//! itself keeps for whoever subscribes, and the bytes are the same ones. A publication costs the same however
//! many topics there are.

use std::collections::{HashMap, VecDeque};

use crate::app::ws::{Act, Publication, Topic};
use crate::limits::{PUBLISHED_QUEUED_BYTES_MAX, PUBLISHED_QUEUED_MAX};

/// What waits for one thread.
#[derive(Default)]
pub(super) struct Backlog {
    queue: VecDeque<Publication>,
    /// Bytes in `queue`.
    bytes: usize,
    /// What is to be retained and is not in `queue` any more, with when it was put here. All is older than that.
    retained: HashMap<Topic, (u64, Act)>,
    kept: u64,
}

impl Backlog {
    /// One more, for subscribers; whether it is the only one of them.
    pub(super) fn push(&mut self, publication: Publication) -> bool {
        let bytes = publication.act.bytes();
        while self.queue.len() >= PUBLISHED_QUEUED_MAX || self.bytes + bytes > PUBLISHED_QUEUED_BYTES_MAX {
            let Some(missed) = self.queue.pop_front() else { break };
            self.bytes -= missed.act.bytes();
            self.keep(missed);
        }
        self.bytes += bytes;
        self.queue.push_back(publication);
        self.queue.len() == 1
    }

    /// One more that nobody subscribes to: it is kept for who does later, or for nobody.
    pub(super) fn keep(&mut self, publication: Publication) {
        if publication.retain {
            self.kept += 1;
            self.retained.insert(publication.topic, (self.kept, publication.act));
        }
    }

    /// Takes all, in its order.
    pub(super) fn take(&mut self) -> VecDeque<Publication> {
        self.bytes = 0;
        let queue = std::mem::take(&mut self.queue);
        if self.retained.is_empty() { queue } else { self.take_retained().chain(queue).collect() }
    }

    fn take_retained(&mut self) -> impl Iterator<Item = Publication> + use<> {
        let mut retained: Vec<_> = std::mem::take(&mut self.retained).into_iter().collect();
        retained.sort_unstable_by_key(|(_, (number, _))| *number);
        retained.into_iter().map(|(topic, (_, act))| Publication { topic, act, retain: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ws::Framed;
    use crate::wire::ws::Kind;

    fn publication(topic: &str, number: usize, retain: bool) -> Publication {
        let act = Act::Message(Framed::new(Kind::Binary, &number.to_le_bytes()));
        Publication { topic: Topic::new(topic), act, retain }
    }

    fn large(number: u8, bytes: usize) -> Publication {
        let act = Act::Message(Framed::new(Kind::Binary, &vec![number; bytes - 10]));
        Publication { topic: Topic::new("t"), act, retain: false }
    }

    fn push_all(backlog: &mut Backlog, publications: impl Iterator<Item = Publication>) {
        for publication in publications {
            backlog.push(publication);
        }
    }

    #[test]
    fn beyond_so_many_the_oldest_are_missed() {
        let mut backlog = Backlog::default();
        for (count, kept) in [(PUBLISHED_QUEUED_MAX - 1, PUBLISHED_QUEUED_MAX - 1), (1, PUBLISHED_QUEUED_MAX)] {
            push_all(&mut backlog, (0..count).map(|number| publication("t", number, false)));
            assert_eq!(backlog.queue.len(), kept);
        }
        assert!(!backlog.push(publication("t", 0, false)));
        let all = backlog.take();
        assert_eq!((all.len(), &all[0]), (PUBLISHED_QUEUED_MAX, &publication("t", 1, false)));
        assert!(backlog.take().is_empty() && backlog.push(publication("t", 0, false)), "the first again");
    }

    #[test]
    fn large_ones_wait_up_to_so_many_bytes() {
        let mut backlog = Backlog::default();
        let quarter = PUBLISHED_QUEUED_BYTES_MAX / 4;
        push_all(&mut backlog, (0..4).map(|number| large(number, quarter)));
        assert_eq!(backlog.queue.len(), 4);
        backlog.push(publication("t", 9, false));
        assert_eq!(backlog.queue.len(), 4, "the oldest makes room");
        backlog.push(large(5, PUBLISHED_QUEUED_BYTES_MAX + 1));
        assert_eq!(backlog.take(), [large(5, PUBLISHED_QUEUED_BYTES_MAX + 1)]);
        push_all(&mut backlog, (0..4).map(|number| large(number, quarter)));
        assert_eq!(backlog.take().len(), 4, "they are counted anew");
    }

    #[test]
    fn the_newest_that_a_topic_retains_is_never_missed() {
        for behind in [PUBLISHED_QUEUED_MAX, 3 * PUBLISHED_QUEUED_MAX] {
            let mut backlog = Backlog::default();
            let first = [("a", 1), ("b", 2), ("a", 3)];
            push_all(&mut backlog, first.into_iter().map(|(topic, number)| publication(topic, number, true)));
            push_all(&mut backlog, (0..behind).map(|number| publication("c", number, false)));
            let all = backlog.take();
            let retained: Vec<_> = all.iter().filter(|publication| publication.retain).collect();
            let expected = [publication("b", 2, true), publication("a", 3, true)];
            assert_eq!(retained, expected.iter().collect::<Vec<_>>(), "{behind} behind them");
            assert!(all.iter().take(2).all(|publication| publication.retain), "they are older than the others");
        }
    }

    #[test]
    fn large_ones_push_out_nothing_that_is_retained() {
        let mut backlog = Backlog::default();
        backlog.push(publication("a", 1, true));
        backlog.push(large(0, PUBLISHED_QUEUED_BYTES_MAX + 1));
        assert_eq!(backlog.take(), [publication("a", 1, true), large(0, PUBLISHED_QUEUED_BYTES_MAX + 1)]);
    }

    #[test]
    fn of_a_topic_that_is_published_to_all_the_time_one_is_kept() {
        let mut backlog = Backlog::default();
        let count = 2 * PUBLISHED_QUEUED_MAX;
        push_all(&mut backlog, (0..count).map(|number| publication("a", number, true)));
        assert_eq!((backlog.queue.len(), backlog.retained.len()), (PUBLISHED_QUEUED_MAX, 1));
        let all = backlog.take();
        assert!(all.len() == PUBLISHED_QUEUED_MAX + 1 && all.back() == Some(&publication("a", count - 1, true)));
        let numbers: Vec<Publication> =
            (count - PUBLISHED_QUEUED_MAX - 1..count).map(|number| publication("a", number, true)).collect();
        assert_eq!(all, numbers, "in their order");
    }

    #[test]
    fn each_of_a_hundred_thousand_topics_keeps_its_newest() {
        let mut backlog = Backlog::default();
        let topics: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
        for round in 0..2 {
            push_all(&mut backlog, topics.iter().map(|topic| publication(topic, round, true)));
        }
        let mut newest = HashMap::new();
        for publication in backlog.take() {
            newest.insert(publication.topic.name().to_owned(), publication.act);
        }
        assert_eq!(newest.len(), topics.len());
        assert!(topics.iter().all(|topic| newest[topic] == publication(topic, 1, true).act));
    }
}
