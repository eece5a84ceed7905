//! Server-sent events: one message to many clients, each with a bounded queue.
//!
//! An event is rendered once and shared by all who wait for it. A client that does not keep up loses
//! the oldest events or its connection, as [`Overflow`] says; it never holds up others. Whoever comes
//! back with `Last-Event-ID` is given what it missed, as far as it is kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::answer::IntoResponse;
use super::request::Request;
use super::response::{Body, Response};
use crate::app::{Pull, Source, Wake};
use crate::limits::{EVENTS_QUEUED, SOURCE_PIECE_BYTES};

/// One message of a stream of events.
#[derive(Debug, Clone, Default)]
pub struct Event {
    name: Option<String>,
    id: Option<String>,
    data: String,
}

impl Event {
    /// An event with this text; each of its lines becomes a `data:` line.
    pub fn data(text: impl Into<String>) -> Self {
        Self { data: text.into(), ..Self::default() }
    }

    /// An event with a value as JSON.
    ///
    /// # Errors
    /// When the value cannot be JSON, such as a map whose keys are no strings.
    pub fn json(value: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self::data)
    }

    /// The same of this kind; browsers call the kind without a name `message`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same with an id, by which a client says later what it has seen.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// As it leaves. A line end cannot stand in a name or an id: the rest of it is left out.
    fn render(&self) -> Arc<[u8]> {
        let mut text = String::with_capacity(self.data.len() + 64);
        for (field, value) in [("event", &self.name), ("id", &self.id)] {
            if let Some(value) = value.as_ref().and_then(|value| value.split(['\r', '\n', '\0']).next()) {
                text.extend([field, ": ", value, "\n"]);
            }
        }
        for line in self.data.replace("\r\n", "\n").split(['\r', '\n']) {
            text.extend(["data: ", line, "\n"]);
        }
        text.push('\n');
        text.into_bytes().into()
    }
}

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

/// What waits for one subscriber.
struct Mailbox {
    state: Mutex<MailState>,
    wake: OnceLock<Wake>,
}

#[derive(Default)]
struct MailState {
    queue: VecDeque<Arc<[u8]>>,
    /// Nothing follows what is queued.
    ended: bool,
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
        let mail = Mutex::new(MailState { queue, ended: false });
        let mailbox = Arc::new(Mailbox { state: mail, wake: OnceLock::new() });
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

impl Mailbox {
    /// Whether the subscriber is still one.
    fn put(&self, event: &Arc<[u8]>, queued_max: usize, overflow: Overflow) -> bool {
        let mut state = lock(&self.state);
        if state.queue.len() >= queued_max {
            match overflow {
                Overflow::DropOldest => drop(state.queue.pop_front()),
                Overflow::Disconnect => {
                    drop(state);
                    self.end();
                    return false;
                }
            }
        }
        state.queue.push_back(Arc::clone(event));
        drop(state);
        self.wake();
        true
    }

    fn end(&self) {
        lock(&self.state).ended = true;
        self.wake();
    }

    fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake.wake();
        }
    }
}

/// A stream of events as an answer: what [`Broadcast::subscribe`] gives.
pub struct Sse {
    mailbox: Arc<Mailbox>,
}

impl Sse {
    /// A stream of its own, and what sends to it.
    pub fn channel() -> (Broadcast, Sse) {
        let hub = Broadcast::new();
        let sse = hub.subscribe();
        (hub, sse)
    }
}

const STREAM: &[u8] = b"Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n";

impl IntoResponse for Sse {
    fn into_response(self) -> Response {
        Response::raw(200, STREAM, Body::Stream(Box::new(self), None))
    }
}

impl Source for Sse {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        let mut state = lock(&self.mailbox.state);
        while piece.len() < SOURCE_PIECE_BYTES {
            match state.queue.pop_front() {
                Some(event) => piece.extend_from_slice(&event),
                None if state.ended => return Pull::End,
                None => return Pull::Later,
            }
        }
        Pull::More
    }

    fn on_start(&mut self, wake: Wake) {
        // Once, says the contract.
        let _ = self.mailbox.wake.set(wake);
    }

    fn on_drain(&mut self) {
        lock(&self.mailbox.state).ended = true;
    }
}

/// A poisoned queue is still a queue.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

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
