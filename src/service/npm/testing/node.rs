//! One thread of a node: heads are parsed from bytes, jobs run at once, answers are read back from the
//! send buffer.

use std::sync::Arc;

use crate::app::flow::{Change, Flow, Lane, Outcome};
use crate::app::identity::{Identity, Shown, Standing};
use crate::app::reply::Terms;
use crate::app::router::{BodyPolicy, Found, RouterBuilder};
use crate::app::testing::{drain, request};
use crate::app::{App, Guard, Moment, Reply, Request, Value, Verdict};
use crate::buffer::SendBuf;
use crate::service::npm::settings::Settings;
use crate::service::npm::testing::FakeStore;
use crate::service::npm::{Npm, Shared};
use crate::wire::http1::{Limits, parse_head, slots};

/// `Bearer NAME` is NAME's token, `Bearer NAME!` one that may only read, `Bearer root` an
/// administrator's, `Basic NAME` NAME's password; `bad` is nobody's.
struct Named;

impl Guard for Named {
    fn check(&mut self, request: &Request<'_>, _reply: &mut Reply<'_>) -> Verdict {
        let Some(value) = request.header("Authorization") else { return Verdict::Pass };
        let (scheme, name) = std::str::from_utf8(value).unwrap().split_once(' ').unwrap();
        if name == "bad" {
            return Verdict::Known(Arc::new(Identity::invalid()));
        }
        let user = name.trim_end_matches('!');
        Verdict::Known(Arc::new(Identity {
            standing: Standing::User(user.into()),
            read_only: name.ends_with('!'),
            admin: user == "root",
            shown: if scheme == "Bearer" { Shown::Token(1) } else { Shown::Password(1) },
        }))
    }

    fn resume(&mut self, _request: &Request<'_>, _value: Value, _reply: &mut Reply<'_>) -> Verdict {
        Verdict::Pass
    }
}

/// An answer, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The lanes of the jobs that ran.
    pub(crate) lanes: Vec<Lane>,
    /// The sink was fed.
    pub(crate) streamed: bool,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn jobs(&self) -> usize {
        self.lanes.len()
    }
}

/// One thread of a node.
pub(crate) struct Node {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) app: App,
    pub(crate) shared: Arc<Shared>,
    /// What was announced, in its order.
    pub(crate) changes: Vec<Change>,
}

impl Node {
    pub(crate) fn new(settings: Settings) -> Self {
        let store = Arc::new(FakeStore::default());
        let shared = Shared::new(settings, store.clone(), store.clone(), store.clone());
        let app = app(&shared);
        Self { store, app, shared, changes: Vec::new() }
    }

    /// Sends a request without a body; `lines` are request line and fields.
    pub(crate) fn ask(&mut self, lines: &[&str]) -> Response {
        self.send(lines, b"")
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.ask(&[&format!("GET {path} HTTP/1.1")])
    }

    pub(crate) fn send(&mut self, lines: &[&str], body: &[u8]) -> Response {
        self.send_and(lines, body, |_, _| {})
    }

    /// Calls `between` after each job, before its change is announced and its value handed back.
    pub(crate) fn send_and(
        &mut self,
        lines: &[&str],
        body: &[u8],
        mut between: impl FnMut(&FakeStore, &mut App),
    ) -> Response {
        let length = format!("Content-Length: {}", body.len());
        let text = [&lines[..1], &["Host: h", &length], &lines[1..], &["", ""]].concat().join("\r\n");
        let slots = slots();
        let head = parse_head(text.as_bytes(), &slots, &Limits::default());
        let (head, _) = head.unwrap_or_else(|error| panic!("{error:?}: {text}")).expect("a whole head");
        let router = Arc::clone(self.app.router());
        let (route, params) = match router.find(head.method, head.path) {
            Found::Route(route, params) => (route, params),
            other => panic!("{lines:?}: {other:?}"),
        };
        let mut progress = self.app.begin();
        let now = Moment { monotonic_ns: 0, unix_ms: 1_000_000 };
        let whole = if route.body == BodyPolicy::Buffer { body } else { b"" };
        let mut request = Request { body: whole, ..request(&head, route, params, now) };
        let mut out = SendBuf::new();
        let is_head = head.method == crate::wire::http1::Method::Head;
        let terms = Terms { date: b"", head_only: is_head, close: false, http10: false };
        let mut reply = Reply::new(&mut out, terms);
        let (mut lanes, mut streamed) = (Vec::new(), false);
        let mut flow = self.app.call(&mut request, &mut progress, &mut reply);
        loop {
            let outcome = match flow {
                Flow::Done => break,
                Flow::Wait(lane, job) | Flow::WaitOr(lane, job, _) => {
                    lanes.push(lane);
                    job()
                }
                Flow::Receive(sink) => {
                    streamed = true;
                    feed(sink, body)
                }
                Flow::Send(_) | Flow::Upgrade(_) => panic!("this slice knows its bodies whole"),
            };
            between(&self.store, &mut self.app);
            for change in &outcome.changes {
                self.app.on_change(change);
                self.changes.push(change.clone());
            }
            flow = self.app.resume(&mut request, &mut progress, outcome.value, &mut reply);
        }
        let status = reply.finished().expect("a whole answer");
        let bytes = drain(&mut out);
        let split = memchr::memmem::find(&bytes, b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
        Response { status, head, body: bytes[split + 4..].to_vec(), lanes, streamed }
    }
}

/// One more thread over the same store.
pub(crate) fn app(shared: &Arc<Shared>) -> App {
    let mut builder = RouterBuilder::new();
    builder.mount(&["", "/npm"], &Npm::routes(&shared.settings));
    App::new(Arc::new(builder.build()), vec![Box::new(Named)], vec![Box::new(Npm::new(Arc::clone(shared)))])
}

fn feed(mut sink: Box<dyn crate::app::Sink>, body: &[u8]) -> Outcome {
    for piece in body.chunks(7) {
        if let std::ops::ControlFlow::Break(outcome) = sink.write(piece) {
            return outcome;
        }
    }
    sink.finish()
}
