//! WebSockets (RFC 6455): a handler decides, a [`Channel`] talks, [`Topics`] reach many.
//!
//! ```text
//! GET + Upgrade ─▶ before ─▶ handler ─▶ WebSocket ─▶ 101 ─▶ after ─▶ Channel: on_open, on_message, …
//!       │ is none                 └─▶ any other answer, and it stays HTTP
//!       └─▶ 426
//! ```
//!
//! A channel lives on one thread and is called for one thing at a time, on the loop: it must not block.
//! What blocks is a job of [`Link::wait_for`]; until it is done, no message is handed to the channel, and
//! nothing is read from its peer. A channel that panics is closed (1011) and counted; others go on.

mod answer;
mod closure;
mod served;
mod topics;

pub(super) use answer::{Switch, refusal};
pub use topics::Topics;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::app::ws::{Channel, Closed, Link, Message, Origins, Overflow, Terms};
use crate::limits::{WS_FRAGMENTS_MAX, WS_MESSAGE_BYTES_MAX};
use crate::wire::ws::extension::Policy;
use closure::OnMessage;
use served::{Hooks, Served};

/// Makes the channel for the subprotocol that was chosen; failures are counted there.
type Make = Box<dyn FnOnce(Option<&'static str>, Hooks, Arc<AtomicU64>) -> Box<dyn Channel> + Send>;

/// An answer that opens a WebSocket: what the handler of [`App::websocket`](super::App::websocket) returns.
///
/// The handler may return anything else instead: `Result<WebSocket, Error>`, or
/// [`Blocking`](super::Blocking) to ask a database first. A request for no WebSocket is answered 426, 405 or
/// 400, one of a foreign page 403 (see [`Self::origins`]), one that offers none of [`Self::protocols`] 400.
/// A status given to it is lost; fields leave with the 101, but for those of the handshake. An `after` sees
/// the 101, and ends it by another status: then that is answered.
///
/// ```
/// use lattice::{App, Path, TestMessage, WebSocket};
///
/// fn greet(Path(name): Path<String>) -> WebSocket {
///     WebSocket::on_message(move |message, link| {
///         link.send_text(&format!("{name} said {}", message.text().unwrap_or_default()));
///     })
/// }
///
/// let app = App::new().websocket("/talk/{name}", greet).test();
/// let mut socket = app.websocket("/talk/ada").connect().expect("a WebSocket");
/// socket.send_text("hello");
/// assert_eq!(socket.receive(), Some(TestMessage::Text("ada said hello".into())));
/// assert_eq!(app.get("/talk/ada").send().status, 426);
/// ```
pub struct WebSocket {
    make: Make,
    hooks: Hooks,
    protocols: Vec<&'static str>,
    terms: Terms,
}

impl WebSocket {
    /// One that `channel` serves.
    ///
    /// ```
    /// use lattice::{App, Channel, Link, Message, TestMessage, WebSocket};
    ///
    /// #[derive(Default)]
    /// struct Sum(u64);
    ///
    /// impl Channel for Sum {
    ///     fn on_message(&mut self, message: Message, link: &mut Link) {
    ///         self.0 += message.len() as u64;
    ///         link.send_text(&self.0.to_string());
    ///     }
    /// }
    ///
    /// let app = App::new().websocket("/sum", || WebSocket::new(Sum::default())).test();
    /// let mut socket = app.websocket("/sum").connect().expect("a WebSocket");
    /// socket.send_binary(&[0; 3]);
    /// socket.send_binary(&[0; 4]);
    /// assert_eq!(socket.receive(), Some(TestMessage::Text("3".into())));
    /// assert_eq!(socket.receive(), Some(TestMessage::Text("7".into())));
    /// ```
    pub fn new(channel: impl Channel + 'static) -> Self {
        Self::made(Vec::new(), |_| channel)
    }

    /// One whose messages a closure takes.
    pub fn on_message(take: impl FnMut(Message<'_>, &mut Link<'_>) + Send + 'static) -> Self {
        Self::new(OnMessage(take))
    }

    /// One for the first of these subprotocols that the client offers; `make` is told which that is. A client
    /// that offers none of them is answered 400.
    ///
    /// ```
    /// use lattice::{App, Channel, Link, Message, WebSocket};
    ///
    /// struct Chat(&'static str);
    ///
    /// impl Channel for Chat {
    ///     fn on_message(&mut self, _: Message, link: &mut Link) {
    ///         link.send_text(self.0);
    ///     }
    /// }
    ///
    /// let app = App::new().websocket("/", || WebSocket::by_protocol(["chat.v2", "chat.v1"], Chat)).test();
    /// let socket = app.websocket("/").protocols(&["chat.v1"]).connect().expect("a WebSocket");
    /// assert_eq!(socket.protocol(), Some("chat.v1"));
    /// assert_eq!(app.websocket("/").connect().expect_err("no protocol").status, 400);
    /// ```
    pub fn by_protocol<C: Channel + 'static>(
        protocols: impl IntoIterator<Item = &'static str>,
        make: impl FnOnce(&'static str) -> C + Send + 'static,
    ) -> Self {
        // Where there are some, one was chosen.
        Self::made(protocols.into_iter().collect(), |protocol| make(protocol.unwrap_or_default()))
    }

    fn made<C: Channel + 'static>(
        protocols: Vec<&'static str>,
        make: impl FnOnce(Option<&'static str>) -> C + Send + 'static,
    ) -> Self {
        let make: Make = Box::new(|protocol, hooks, failures| Box::new(Served::new(make(protocol), hooks, failures)));
        Self { make, hooks: Hooks::default(), protocols, terms: Terms::default() }
    }

    /// Calls this once it is open, before the channel's own [`Channel::on_open`].
    pub fn on_open(mut self, hook: impl FnOnce(&mut Link<'_>) + Send + 'static) -> Self {
        self.hooks.open = Some(Box::new(hook));
        self
    }

    /// Calls this when it is over, after the channel's own [`Channel::on_close`].
    pub fn on_close(mut self, hook: impl FnOnce(&Closed) + Send + 'static) -> Self {
        self.hooks.close = Some(Box::new(hook));
        self
    }

    /// Speaks the first of these subprotocols that the client offers, and answers 400 to who offers none of
    /// them (RFC 6455 §1.9). Without any, whatever is offered is passed over.
    pub fn protocols(mut self, protocols: impl IntoIterator<Item = &'static str>) -> Self {
        self.protocols = protocols.into_iter().collect();
        self
    }

    /// Replaces all terms: what is set by the methods below. Share one value where many are opened.
    pub fn terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// Takes messages of so many bytes, 1 MiB unless told, at most
    /// [`WS_MESSAGE_BYTES_MAX`]; a larger one ends it (1009).
    pub fn message_bytes(mut self, bytes_max: usize) -> Self {
        self.terms.limits.message_bytes = bytes_max.min(WS_MESSAGE_BYTES_MAX);
        self
    }

    /// Takes messages of so many frames, 1,024 unless told, at most [`WS_FRAGMENTS_MAX`]; one of more ends it
    /// (1008).
    pub fn fragments(mut self, count_max: u32) -> Self {
        self.terms.limits.fragments = count_max.clamp(1, WS_FRAGMENTS_MAX);
        self
    }

    /// Keeps so many bytes, 1 MiB unless told, for a peer that does not take what it is sent, beyond one message.
    /// Beyond them it is closed (1013), or see [`Self::drop_oldest`]. What one call sends counts from 8 MiB on, as
    /// [`Terms::queue_bytes`](crate::app::ws::Terms::queue_bytes) has it.
    pub fn queue_bytes(mut self, bytes_max: usize) -> Self {
        self.terms.queue_bytes = bytes_max;
        self
    }

    /// Drops the oldest messages of which nothing has left yet where the queue is full, instead of closing: for
    /// what the next message says anew.
    pub fn drop_oldest(mut self) -> Self {
        self.terms.overflow = Overflow::DropOldest;
        self
    }

    /// Compresses messages of its own (RFC 7692) where the client can do that; those of topics are shared and
    /// never compressed. Not for messages in which a secret stands beside something that others choose.
    pub fn compressed(mut self, policy: Policy) -> Self {
        self.terms.deflate = Some(policy);
        self
    }

    /// Lets these pages open it. Others are answered 403: a browser lets any page open a WebSocket to any
    /// host, with the cookies of that host, and says in `Origin` whose page it is (RFC 6455 §10.2). Who sends
    /// no `Origin` is no browser and may.
    ///
    /// Unless told, those that are addressed as this server is may, by an address or as `localhost`. A
    /// server with a name lists its own: `Origins::listed(["https://chat.example".to_owned()])`.
    pub fn origins(mut self, origins: impl Into<Arc<Origins>>) -> Self {
        self.terms.origins = origins.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(change: impl FnOnce(WebSocket) -> WebSocket) -> Terms {
        change(WebSocket::on_message(|_, _| {})).terms
    }

    #[test]
    fn bounds_are_taken_as_far_as_there_may_be() {
        for (told, taken) in [
            (0, 0),
            (WS_MESSAGE_BYTES_MAX - 1, WS_MESSAGE_BYTES_MAX - 1),
            (WS_MESSAGE_BYTES_MAX, WS_MESSAGE_BYTES_MAX),
            (WS_MESSAGE_BYTES_MAX + 1, WS_MESSAGE_BYTES_MAX),
        ] {
            assert_eq!(terms(|socket| socket.message_bytes(told)).limits.message_bytes, taken);
        }
        for (told, taken) in [
            (0, 1),
            (1, 1),
            (WS_FRAGMENTS_MAX - 1, WS_FRAGMENTS_MAX - 1),
            (WS_FRAGMENTS_MAX, WS_FRAGMENTS_MAX),
            (WS_FRAGMENTS_MAX + 1, WS_FRAGMENTS_MAX),
        ] {
            assert_eq!(terms(|socket| socket.fragments(told)).limits.fragments, taken);
        }
    }

    #[test]
    fn terms_may_come_as_a_whole() {
        let whole = Terms { queue_bytes: 7, deflate: Some(Policy::default()), ..Terms::default() };
        let taken = terms(|socket| socket.drop_oldest().terms(whole.clone()).fragments(9));
        assert_eq!((taken.queue_bytes, taken.overflow, taken.limits.fragments), (7, Overflow::Close, 9));
        assert_eq!(taken.deflate, whole.deflate);
    }
}
