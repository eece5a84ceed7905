//! Server-sent events: one message to many clients, each with a bounded queue.
//!
//! An event is rendered once and shared by all who wait for it. A client that does not keep up loses
//! the oldest events or its connection, as [`Overflow`] says; it never holds up others. Whoever comes
//! back with `Last-Event-ID` is given what it missed, as far as it is kept.

mod event;
mod stream;

pub use event::Event;
pub use stream::Sse;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::request::Request;
use crate::limits::EVENTS_QUEUED;
use stream::{Mailbox, lock};

/// What becomes of a subscriber whose queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// It loses the oldest events that wait for it.
    DropOldest,
    /// It gets what waits for it and is disconnected; browsers come back by themselves.
    Disconnect,
}

/// Sends events to everybody who subscribed. Cheap to clone, and to be called from any thread. When
/// the last clone is gone, the streams end.
///
/// ```
/// use lattice::{App, Broadcast, Event, Request, Sse, State};
///
/// fn events(hub: State<Broadcast>, request: &Request) -> Sse {
///     hub.resume(request)
/// }
///
/// let hub = Broadcast::new();
/// let app = App::new().state(hub.clone()).get("/events", events).test();
/// let mut stream = app.get("/events").open();
/// hub.send(&Event::data("hello").id("1"));
/// assert_eq!(stream.read(), "id: 1\ndata: hello\n\n");
/// ```
#[derive(Clone)]
pub struct Broadcast(Arc<Hub>);

struct Hub {
    state: Mutex<HubState>,
    queued_max: usize,
    overflow: Overflow,
    kept_max: usize,
}

#[derive(Default)]
struct HubState {
    subscribers: Vec<Weak<Mailbox>>,
    /// The last events that had an id.
    kept: VecDeque<(String, Arc<[u8]>)>,
}

impl Broadcast {
    /// Queues of 256 events, [`Overflow::DropOldest`], nothing kept.
    pub fn new() -> Self {
        Self::with(EVENTS_QUEUED, Overflow::DropOldest, 0)
    }

    /// Queues of `queued_max` events (at least one); the last `kept_max` events with an id are kept
    /// for those who come back.
    pub fn with(queued_max: usize, overflow: Overflow, kept_max: usize) -> Self {
        Self(Arc::new(Hub { state: Mutex::default(), queued_max: queued_max.max(1), overflow, kept_max }))
    }

    /// Sends an event; to how many.
    pub fn send(&self, event: &Event) -> usize {
        let rendered = event.render();
        let mut state = lock(&self.0.state);
        if let Some(id) = &event.id
            && self.0.kept_max > 0
        {
            if state.kept.len() == self.0.kept_max {
                state.kept.pop_front();
            }
            state.kept.push_back((id.clone(), Arc::clone(&rendered)));
        }
        self.0.deliver(&mut state, &rendered)
    }

    /// Sends a comment, which clients ignore: it keeps proxies from giving up on a quiet stream, and
    /// finds out who is gone. See [`App::every`](super::App::every).
    pub fn beat(&self) -> usize {
        self.0.deliver(&mut lock(&self.0.state), &Arc::from(&b":\n\n"[..]))
    }

    /// How many subscribe.
    pub fn subscribers(&self) -> usize {
        lock(&self.0.state).subscribers.iter().filter(|mailbox| mailbox.strong_count() > 0).count()
    }

    /// A stream of what is sent from now on.
    pub fn subscribe(&self) -> Sse {
        self.subscribe_after(None)
    }

    /// The same, and first what was kept and sent after the event of the request's `Last-Event-ID`.
    /// When that event is not kept any more, all that is kept.
    pub fn resume(&self, request: &Request<'_>) -> Sse {
        self.subscribe_after(request.header("Last-Event-ID"))
    }

    fn subscribe_after(&self, last: Option<&str>) -> Sse {
        let mut state = lock(&self.0.state);
        let seen = last.map_or(state.kept.len(), |last| {
            state.kept.iter().position(|(id, _)| id == last).map_or(0, |index| index + 1)
        });
        let queue = state.kept.iter().skip(seen).map(|(_, event)| Arc::clone(event)).collect();
        let mailbox = Mailbox::new(queue);
        state.subscribers.push(Arc::downgrade(&mailbox));
        Sse { mailbox }
    }
}

impl Default for Broadcast {
    fn default() -> Self {
        Self::new()
    }
}

impl Hub {
    fn deliver(&self, state: &mut HubState, event: &Arc<[u8]>) -> usize {
        state.subscribers.retain(|mailbox| {
            mailbox.upgrade().is_some_and(|mailbox| mailbox.put(event, self.queued_max, self.overflow))
        });
        state.subscribers.len()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.subscribers.iter().filter_map(Weak::upgrade).for_each(|mailbox| mailbox.end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Pull, Source};

    fn pulled(sse: &mut Sse) -> (String, Pull) {
        let mut piece = Vec::new();
        let pull = sse.pull(&mut piece);
        (String::from_utf8(piece).expect("events are text"), pull)
    }

    #[test]
    fn an_event_stays_one_event() {
        let event = Event::data("a\r\nb\rc\n").name("tick\ndata: x").id("7\0");
        assert_eq!(&*event.render(), b"event: tick\nid: 7\ndata: a\ndata: b\ndata: c\ndata: \n\n");
        assert_eq!(&*Event::json(&[1, 2]).expect("JSON").render(), b"data: [1,2]\n\n");
    }

    #[test]
    fn a_full_queue_loses_its_oldest_events() {
        let hub = Broadcast::with(2, Overflow::DropOldest, 0);
        let mut sse = hub.subscribe();
        for number in 1..=3 {
            assert_eq!(hub.send(&Event::data(number.to_string())), 1);
        }
        assert_eq!(pulled(&mut sse), ("data: 2\n\ndata: 3\n\n".into(), Pull::Later));
    }

    #[test]
    fn or_its_subscriber() {
        let hub = Broadcast::with(2, Overflow::Disconnect, 0);
        let (mut slow, mut quick) = (hub.subscribe(), hub.subscribe());
        for number in 1..=2 {
            hub.send(&Event::data(number.to_string()));
        }
        assert_eq!(pulled(&mut quick).1, Pull::Later);
        assert_eq!(hub.send(&Event::data("3")), 1, "only the quick one");
        assert_eq!(pulled(&mut slow), ("data: 1\n\ndata: 2\n\n".into(), Pull::End));
        assert_eq!(pulled(&mut quick), ("data: 3\n\n".into(), Pull::Later));
    }

    #[test]
    fn who_comes_back_is_given_what_it_missed_as_far_as_it_is_kept() {
        let hub = Broadcast::with(8, Overflow::DropOldest, 2);
        for id in ["1", "2", "3"] {
            hub.send(&Event::data(id).id(id));
        }
        hub.send(&Event::data("without an id"));
        let given = |last| pulled(&mut hub.subscribe_after(last)).0;
        assert_eq!(given(None), "");
        assert_eq!(given(Some("3")), "");
        assert_eq!(given(Some("2")), "id: 3\ndata: 3\n\n");
        assert_eq!(given(Some("1")), "id: 2\ndata: 2\n\nid: 3\ndata: 3\n\n", "not kept any more");
    }

    #[test]
    fn streams_end_with_the_last_sender_or_the_node() {
        let (hub, mut sse) = Sse::channel();
        hub.send(&Event::data("last"));
        drop(hub);
        assert_eq!(pulled(&mut sse), ("data: last\n\n".into(), Pull::End));
        let (hub, mut sse) = Sse::channel();
        sse.on_drain();
        assert_eq!(pulled(&mut sse).1, Pull::End);
        drop(sse);
        assert_eq!((hub.subscribers(), hub.beat()), (0, 0));
    }
}
