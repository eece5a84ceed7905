//! One subscriber: its queue, and the stream that empties it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::{Broadcast, Overflow};
use crate::app::{Pull, Source, Wake};
use crate::limits::SOURCE_PIECE_BYTES;
use crate::web::answer::IntoResponse;
use crate::web::response::{Body, Response};

/// What waits for one subscriber.
pub(super) struct Mailbox {
    state: Mutex<MailState>,
    wake: OnceLock<Wake>,
}

#[derive(Default)]
struct MailState {
    queue: VecDeque<Arc<[u8]>>,
    /// Nothing follows what is queued.
    ended: bool,
}

impl Mailbox {
    pub(super) fn new(queue: VecDeque<Arc<[u8]>>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(MailState { queue, ended: false }), wake: OnceLock::new() })
    }

    /// Whether the subscriber is still one.
    pub(super) fn put(&self, event: &Arc<[u8]>, queued_max: usize, overflow: Overflow) -> bool {
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

    pub(super) fn end(&self) {
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
    pub(super) mailbox: Arc<Mailbox>,
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
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
