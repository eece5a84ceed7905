//! Messages for many, from outside of any connection.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::ws::{Act, Framed, Outlet, Publication, Topic};
use crate::wire::ws::Code;

/// Speaks to all subscribers of a topic ([`Link::subscribe`](crate::app::ws::Link::subscribe)), on all threads,
/// from any thread. Cheap to clone; none of its calls blocks.
///
/// Each app has one: [`App::topics`](super::super::App::topics), and in handlers
/// [`State<Topics>`](super::super::State). Before the app runs nobody subscribes, so that what is published goes
/// nowhere; what is retained waits for who comes. Once it has ended, both go nowhere.
///
/// ```
/// use lattice::{App, Framed, State, TestMessage, Topic, Topics, WebSocket};
///
/// fn listen() -> WebSocket {
///     WebSocket::on_message(|_, _| {}).on_open(|link| link.subscribe(&Topic::new("news")))
/// }
///
/// fn tell(text: String, topics: State<Topics>) {
///     topics.publish(&Topic::new("news"), Framed::text(&text));
/// }
///
/// let app = App::new().websocket("/news", listen).post("/news", tell).test();
/// let mut socket = app.websocket("/news").connect().expect("a WebSocket");
/// app.post("/news").body("it rains").send();
/// assert_eq!(socket.receive(), Some(TestMessage::Text("it rains".into())));
/// ```
#[derive(Clone, Default)]
pub struct Topics(Arc<Mutex<Stage>>);

enum Stage {
    /// What each topic retains until the app runs.
    Before(HashMap<Topic, Act>),
    Running(Arc<dyn Outlet>),
    Over,
}

impl Default for Stage {
    fn default() -> Self {
        Stage::Before(HashMap::new())
    }
}

impl Topics {
    /// Sends a message to all who subscribe now. Publications reach everybody in the same order.
    pub fn publish(&self, topic: &Topic, message: Framed) {
        self.put(Publication { topic: topic.clone(), act: Act::Message(message), retain: false });
    }

    /// The same, and whoever subscribes later is sent it first, until the topic retains another. It is kept for
    /// good: the names of such topics are the program's, not what clients send.
    pub fn retain(&self, topic: &Topic, message: Framed) {
        self.put(Publication { topic: topic.clone(), act: Act::Message(message), retain: true });
    }

    /// Closes the connections of all who subscribe now, after what waits for them.
    ///
    /// # Panics
    /// When the code may not be sent: see [`Act::close`].
    pub fn close(&self, topic: &Topic, code: Code, reason: &str) {
        self.put(Publication { topic: topic.clone(), act: Act::close(code, reason), retain: false });
    }

    fn put(&self, publication: Publication) {
        let outlet = match &mut *self.stage() {
            Stage::Before(retained) if publication.retain => {
                retained.insert(publication.topic, publication.act);
                return;
            }
            Stage::Running(outlet) => Arc::clone(outlet),
            Stage::Before(_) | Stage::Over => return,
        };
        outlet.publish(publication);
    }

    /// The app runs, and `outlet` reaches its connections.
    pub(in crate::web) fn begin(&self, outlet: Arc<dyn Outlet>) {
        let mut stage = self.stage();
        if let Stage::Before(retained) = &mut *stage {
            for (topic, act) in retained.drain() {
                outlet.publish(Publication { topic, act, retain: true });
            }
        }
        *stage = Stage::Running(outlet);
    }

    /// The app has ended.
    pub(in crate::web) fn end(&self) {
        *self.stage() = Stage::Over;
    }

    /// A poisoned stage is still one.
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Topics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_running = matches!(*self.stage(), Stage::Running(_));
        formatter.debug_struct("Topics").field("is_running", &is_running).finish()
    }
}
