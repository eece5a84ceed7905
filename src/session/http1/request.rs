//! From a head to the app and from the app's answer to the connection's next state.

use std::sync::Arc;

use crate::app::reply::{Streamed, Terms};
use crate::app::router::{BodyPolicy, Found, Params, Route, Router};
use crate::app::{App, Flow, Missed, Progress, Reply, Request, Value};
use crate::limits::BODY_DISCARD_BYTES_MAX;
use crate::session::http1::sending::After;
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
    missed: Option<&'b Missed>,
}

impl<'b> Asked<'b> {
    /// A request that was saved, looked at again.
    fn again(
        head: &'b Head<'b, 'b>,
        bytes: &'b [u8],
        body: &'b [u8],
        why: &'b mut Option<Missed>,
        app: &App,
    ) -> Option<Self> {
        let (route, params) = match app.router().find(head.method, head.path) {
            Found::Route(route, params) => (route, params),
            _ => {
                *why = missed(app.router(), head);
                (app.router().fallback()?, Params::default())
            }
        };
        Some(Self { head, bytes, route, params, body, missed: why.as_ref() })
    }
}

/// Why no route fits a request.
fn missed(router: &Router, head: &Head<'_, '_>) -> Option<Missed> {
    match router.find(head.method, head.path) {
        Found::Route(..) => None,
        Found::WrongMethod(allow) => Some(Missed::Method(Arc::clone(allow))),
        Found::Options(allow) => Some(Missed::Options(Arc::clone(allow))),
        Found::Nothing if head.method == Method::Options && head.path == b"*" => Some(Missed::Options("".into())),
        Found::Nothing => Some(Missed::Path),
    }
}

/// How many of the bytes `after` a head are its body, if all of it is there.
fn body_at_hand(head: &Head<'_, '_>, after: &[u8]) -> Option<usize> {
    match head.framing {
        Framing::None => Some(0),
        Framing::Length(length) => usize::try_from(length).ok().filter(|&length| length <= after.len()),
        Framing::Chunked => None,
    }
}

/// How a call into the app ended.
struct Called {
    flow: Flow,
    /// The answer, or the head of one whose body comes from a source, is written.
    streamed: Option<Streamed>,
    finished: Option<u16>,
    closes: bool,
    extra: Vec<u8>,
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
            _ => return self.begin_missed(head, bytes, after, turn),
        };
        let asked = Asked { head, bytes, route, params, body: &[], missed: None };
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

    /// A request that no route fits: the fallback answers it, or it is refused here.
    #[cold]
    fn begin_missed<'b>(
        &mut self,
        head: &'b Head<'b, 'b>,
        bytes: &'b [u8],
        after: &'b [u8],
        turn: &mut Turn<'_>,
    ) -> usize {
        let missed = missed(turn.app.router(), head).unwrap_or(Missed::Path);
        if let Some(route) = turn.app.router().fallback() {
            let body = body_at_hand(head, after);
            let asked = Asked { head, bytes, route, params: Params::default(), body: &[], missed: Some(&missed) };
            self.call(&asked, body.is_none(), turn);
            return body.unwrap_or(0);
        }
        self.answer_early(head, after, turn, |reply| match &missed {
            Missed::Path => reply.error(404, "not found", None),
            Missed::Options(allow) if allow.is_empty() => reply.status(204).empty(),
            Missed::Options(allow) => reply.status(204).header("Allow", allow.as_bytes()).empty(),
            Missed::Method(allow) => {
                let reason = format!("allowed here: {allow}");
                let fields: [(&str, &[u8]); 1] = [("Allow", allow.as_bytes())];
                reply.error_with(405, &fields, "method not allowed", Some(&reason));
            }
        })
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
        let mut missed = None;
        let Some(asked) = Asked::again(&head, &bytes, &body, &mut missed, turn.app) else { return self.end() };
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
            missed: asked.missed,
        };
        let mut reply = Reply::new(turn.out, terms).with_extra(core::mem::take(&mut progress.extra));
        let flow = call(turn.app, &mut request, progress, &mut reply);
        let called = Called {
            flow,
            streamed: reply.streamed(),
            finished: reply.finished(),
            closes: reply.closes(),
            extra: reply.take_extra(),
        };
        if let (Flow::Done | Flow::Send(_), Some(status)) = (&called.flow, reply.status_given()) {
            turn.app.answered(&request, status, progress.began_ns);
        }
        called
    }

    /// Turns what the app decided into the connection's next state.
    fn settle(
        &mut self,
        called: Called,
        asked: &Asked<'_>,
        mut progress: Progress,
        body_unread: bool,
        turn: &mut Turn<'_>,
    ) {
        progress.extra = called.extra;
        match called.flow {
            Flow::Done => {
                assert!(called.finished.is_some(), "a service that is done has written a whole answer");
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
            Flow::Send(source) => {
                let how = called.streamed.expect("a service that sends has begun its answer");
                let after = After { closes: called.closes, peer_may_send: body_unread || asked.head.keep_alive };
                self.send_from(source, how, wants_trailers(asked.head), after);
            }
        }
    }

    /// The answer is written.
    pub(super) fn finish(&mut self, closes: bool, peer_may_send: bool) {
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
        let body = body_at_hand(head, after);
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
            http10: head.version == Version::Http10,
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
        turn.app.refused(status, turn.peer);
        let terms = Terms { date: turn.date, head_only: self.head_only, close: true, http10: false };
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
        let mut missed = None;
        let Some(asked) = Asked::again(&head, &bytes, &body, &mut missed, turn.app) else { return self.end() };
        self.enter(&asked, false, turn);
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
    pub(super) fn forget_message(&mut self) {
        if let Some(owned) = &mut self.owned {
            owned.abandoned = owned.abandoned.take().or_else(|| owned.give_up());
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

/// Whether the client takes fields after a chunked body (RFC 9110 §10.1.4).
fn wants_trailers(head: &Head<'_, '_>) -> bool {
    let mut codings = head.headers("TE").flat_map(|value| value.split(|&octet| octet == b','));
    codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}
