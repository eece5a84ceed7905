//! From a head to the app and from the app's answer to the connection's next state.

use crate::app::reply::Terms;
use crate::app::router::{BodyPolicy, Found, Params, Route};
use crate::app::{Flow, Progress, Reply, Request, Value};
use crate::limits::BODY_DISCARD_BYTES_MAX;
use crate::session::http1::receive::Receiving;
use crate::session::http1::{Http1, State, value_work};
use crate::session::{Turn, Work};
use crate::wire::http1::{Framing, Head, Method, Version, parse_head, slots};

/// A request while it is being looked at: everything borrows the bytes it came in.
struct Asked<'b> {
    head: &'b Head<'b, 'b>,
    /// The bytes `head` was parsed from.
    bytes: &'b [u8],
    route: Route,
    params: Params<'b>,
    body: &'b [u8],
}

/// How a call into the app ended.
struct Called {
    flow: Flow,
    finished: bool,
    closes: bool,
}

impl Http1 {
    /// Begins a request; how many of the bytes `after` its head it used.
    pub(super) fn begin<'b>(
        &mut self,
        head: &'b Head<'b, 'b>,
        bytes: &'b [u8],
        after: &'b [u8],
        turn: &mut Turn<'_>,
    ) -> usize {
        self.head_only = head.method == Method::Head;
        let (route, params) = match turn.app.router().find(head.method, head.path) {
            Found::Route(route, params) => (route, params),
            Found::WrongMethod(allow) => {
                let allow = allow.to_owned();
                return self.answer_early(head, after, turn, |reply| {
                    let reason = format!("allowed here: {allow}");
                    let fields: [(&str, &[u8]); 1] = [("Allow", allow.as_bytes())];
                    reply.error_with(405, &fields, "method not allowed", Some(&reason));
                });
            }
            Found::Options(allow) => {
                let allow = allow.to_owned();
                return self.answer_early(head, after, turn, |reply| {
                    reply.status(204).header("Allow", allow.as_bytes()).empty();
                });
            }
            Found::Nothing if head.method == Method::Options && head.path == b"*" => {
                return self.answer_early(head, after, turn, |reply| reply.status(204).empty());
            }
            Found::Nothing => return self.answer_early(head, after, turn, |reply| reply.error(404, "not found", None)),
        };
        let asked = Asked { head, bytes, route, params, body: &[] };
        match (route.body, head.framing) {
            (BodyPolicy::Stream { .. }, Framing::None) => self.answer_early(head, after, turn, |reply| {
                reply.error(411, "length required", Some("send Content-Length or Transfer-Encoding: chunked"));
            }),
            (BodyPolicy::Stream { max }, framing) => self.begin_stream(&asked, framing, max, turn),
            (_, Framing::None) => self.call(&asked, false, turn),
            (BodyPolicy::Buffer, framing) => {
                self.begin_buffer(asked, framing, turn.settings.body_bytes, true, after, turn)
            }
            (BodyPolicy::Discard, framing) => {
                self.begin_buffer(asked, framing, BODY_DISCARD_BYTES_MAX, false, after, turn)
            }
        }
    }

    /// A body that is read whole (or read and dropped) before the call.
    fn begin_buffer<'b>(
        &mut self,
        mut asked: Asked<'b>,
        framing: Framing,
        max: u64,
        keep: bool,
        after: &'b [u8],
        turn: &mut Turn<'_>,
    ) -> usize {
        if let Framing::Length(length) = framing {
            if length > max {
                self.refuse_too_large(max, turn);
                return 0;
            }
            if let Some(body) = after.get(..length as usize) {
                // It is here already: no copy.
                asked.body = if keep { body } else { &[] };
                self.call(&asked, false, turn);
                return body.len();
            }
        }
        if asked.head.expects_continue {
            turn.out.put(crate::wire::http1::emit::CONTINUE);
        }
        self.save(asked.bytes, &[]);
        self.receive_buffer(framing, max, keep);
        0
    }

    /// A body that goes to a sink, if the app takes it at all.
    fn begin_stream(&mut self, asked: &Asked<'_>, framing: Framing, max: u64, turn: &mut Turn<'_>) -> usize {
        if let Framing::Length(length) = framing
            && length > max
        {
            self.refuse_too_large(max, turn);
            return 0;
        }
        // Until the sink has all of it, an answer leaves a body unread.
        self.call(asked, true, turn)
    }

    /// Calls the app. Uses no bytes beyond the head.
    fn call(&mut self, asked: &Asked<'_>, body_unread: bool, turn: &mut Turn<'_>) -> usize {
        self.enter(asked, body_unread, turn);
        if self.waits() {
            self.save(asked.bytes, asked.body);
        }
        0
    }

    fn enter(&mut self, asked: &Asked<'_>, body_unread: bool, turn: &mut Turn<'_>) {
        let mut progress = turn.app.begin();
        let called = self.in_app(asked, &mut progress, body_unread, turn, |app, request, progress, reply| {
            app.call(request, progress, reply)
        });
        self.settle(called, asked, progress, body_unread, turn);
    }

    /// The request under way goes on after work.
    fn waits(&self) -> bool {
        matches!(self.state, State::Working | State::Stream)
    }

    /// Goes on after a job.
    pub(super) fn resume(&mut self, value: Value, turn: &mut Turn<'_>) {
        let Some(owned) = &mut self.owned else { return self.end() };
        let Some(mut progress) = owned.progress.take() else { return self.end() };
        let body_unread = owned.body_unread;
        let (bytes, body) = (core::mem::take(&mut owned.head), core::mem::take(&mut owned.body));
        let mut fields = slots();
        let Ok(Some((head, _))) = parse_head(&bytes, &mut fields, &turn.settings.head) else { return self.end() };
        let Found::Route(route, params) = turn.app.router().find(head.method, head.path) else { return self.end() };
        let asked = Asked { head: &head, bytes: &bytes, route, params, body: &body };
        let called = self.in_app(&asked, &mut progress, body_unread, turn, |app, request, progress, reply| {
            app.resume(request, progress, value, reply)
        });
        self.settle(called, &asked, progress, body_unread, turn);
        self.put_back(bytes, body);
    }

    /// Runs `call` with the request and a reply under this connection's terms.
    fn in_app(
        &mut self,
        asked: &Asked<'_>,
        progress: &mut Progress,
        body_unread: bool,
        turn: &mut Turn<'_>,
        call: impl FnOnce(&mut crate::app::App, &mut Request<'_>, &mut Progress, &mut Reply<'_>) -> Flow,
    ) -> Called {
        let terms = self.terms(asked.head, body_unread, turn);
        let mut request = Request {
            head: asked.head,
            route: asked.route,
            params: asked.params,
            body: asked.body,
            peer: turn.peer,
            now: turn.now,
            identity: progress.identity.clone(),
            draining: turn.draining,
        };
        let mut reply = Reply::new(turn.out, terms);
        let flow = call(turn.app, &mut request, progress, &mut reply);
        Called { flow, finished: reply.finished().is_some(), closes: reply.closes() }
    }

    /// Turns what the app decided into the connection's next state.
    fn settle(
        &mut self,
        called: Called,
        asked: &Asked<'_>,
        progress: Progress,
        body_unread: bool,
        turn: &mut Turn<'_>,
    ) {
        match called.flow {
            Flow::Done => {
                assert!(called.finished, "a service that is done has written a whole answer");
                self.finish(called.closes, body_unread || asked.head.keep_alive);
            }
            Flow::Wait(lane, job) => {
                self.state = State::Working;
                let owned = self.own();
                owned.progress = Some(progress);
                owned.body_unread = body_unread;
                owned.work = Some(value_work(lane, job));
            }
            Flow::Receive(sink) => {
                let BodyPolicy::Stream { max } = asked.route.body else {
                    panic!("only a streamed body can be received")
                };
                if asked.head.expects_continue {
                    turn.out.put(crate::wire::http1::emit::CONTINUE);
                }
                self.own().progress = Some(progress);
                self.receive_stream(sink, asked.head.framing, max);
            }
        }
    }

    /// The answer is written.
    fn finish(&mut self, closes: bool, peer_may_send: bool) {
        self.forget_message();
        self.head_only = false;
        self.state = match (closes, peer_may_send && !self.peer_done) {
            (false, _) => State::Head,
            (true, true) => State::Linger { dropped: 0 },
            (true, false) => State::Over,
        };
    }

    /// Answers without the app. A body that is not here already ends the connection.
    fn answer_early(
        &mut self,
        head: &Head<'_, '_>,
        after: &[u8],
        turn: &mut Turn<'_>,
        write: impl FnOnce(&mut Reply<'_>),
    ) -> usize {
        let body = match head.framing {
            Framing::None => Some(0),
            Framing::Length(length) => usize::try_from(length).ok().filter(|&length| length <= after.len()),
            Framing::Chunked => None,
        };
        let terms = self.terms(head, body.is_none(), turn);
        let mut reply = Reply::new(turn.out, terms);
        write(&mut reply);
        let closes = reply.closes();
        self.finish(closes, body.is_none() || head.keep_alive);
        body.unwrap_or(0)
    }

    fn terms<'t>(&self, head: &Head<'_, '_>, body_unread: bool, turn: &Turn<'t>) -> Terms<'t> {
        let last = turn.settings.requests > 0 && self.served >= turn.settings.requests;
        Terms {
            date: turn.date,
            head_only: self.head_only,
            close: !head.keep_alive || turn.draining || body_unread || last,
            tell_keep_alive: head.version == Version::Http10,
        }
    }

    /// Refuses what cannot be gone on with: the connection ends after this answer.
    pub(super) fn refuse(&mut self, status: u16, error: &str, turn: &mut Turn<'_>) {
        self.refuse_with(status, &[], error, None, turn);
    }

    /// The body is longer than `max`.
    pub(super) fn refuse_too_large(&mut self, max: u64, turn: &mut Turn<'_>) {
        let reason =
            format!("at most {max} bytes are taken here; the keys [http] body_bytes and [npm] tarball_bytes set it");
        self.refuse_with(413, &[], "request body too large", Some(&reason), turn);
    }

    pub(super) fn refuse_busy(&mut self, turn: &mut Turn<'_>) {
        self.refuse_with(503, &[("Retry-After", b"1")], "the node is busy", Some("try again in a second"), turn);
    }

    pub(super) fn refuse_broken(&mut self, turn: &mut Turn<'_>) {
        self.refuse(500, "the node failed on this request", turn);
    }

    fn refuse_with(
        &mut self,
        status: u16,
        fields: &[(&str, &[u8])],
        error: &str,
        reason: Option<&str>,
        turn: &mut Turn<'_>,
    ) {
        let terms = Terms { date: turn.date, head_only: self.head_only, close: true, tell_keep_alive: false };
        Reply::new(turn.out, terms).error_with(status, fields, error, reason);
        self.finish(true, true);
    }

    /// Keeps the bytes of the request for when its job is done.
    fn save(&mut self, head: &[u8], body: &[u8]) {
        let owned = self.own();
        owned.head.clear();
        owned.head.extend_from_slice(head);
        owned.body.clear();
        owned.body.extend_from_slice(body);
    }

    /// The body is whole: calls the app with what was saved.
    pub(super) fn call_saved(&mut self, turn: &mut Turn<'_>) {
        let Some(owned) = &mut self.owned else { return self.end() };
        let (bytes, body) = (core::mem::take(&mut owned.head), core::mem::take(&mut owned.body));
        owned.receiving = None;
        let mut fields = slots();
        let Ok(Some((head, _))) = parse_head(&bytes, &mut fields, &turn.settings.head) else { return self.end() };
        let Found::Route(route, params) = turn.app.router().find(head.method, head.path) else { return self.end() };
        self.enter(&Asked { head: &head, bytes: &bytes, route, params, body: &body }, false, turn);
        self.put_back(bytes, body);
    }

    /// Keeps the bytes of a request, which were taken out for a call, if its way goes on. A body can
    /// be large: it is not copied.
    fn put_back(&mut self, head: Vec<u8>, body: Vec<u8>) {
        if self.waits()
            && let Some(owned) = &mut self.owned
        {
            (owned.head, owned.body) = (head, body);
        }
    }

    /// Gives back what a message held. A lingering connection needs none of it.
    fn forget_message(&mut self) {
        if let Some(owned) = &mut self.owned {
            let sink = owned.receiving.take().and_then(Receiving::into_sink);
            owned.abandoned = owned.abandoned.take().or(sink);
            owned.head = Vec::new();
            owned.body = Vec::new();
            owned.progress = None;
            owned.body_unread = false;
        }
    }

    /// The one way work is put up for the pool.
    pub(super) fn put_work(&mut self, work: Work) {
        let owned = self.own();
        debug_assert!(owned.work.is_none(), "one piece of work at a time");
        owned.work = Some(work);
    }
}
