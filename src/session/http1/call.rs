//! Calls into the app, and what the connection does with what the app decided.

use crate::app::router::{BodyPolicy, Found, Params, Route};
use crate::app::{Flow, Job, Lane, Missed, Progress, Reply, Request, Value};
use crate::session::Turn;
use crate::session::http1::received::Received;
use crate::session::http1::request::missed;
use crate::session::http1::sending::After;
use crate::session::http1::{Http1, State, value_work};
use crate::session::trust::{Asker, asker};
use crate::wire::http::forwarded::Style;
use crate::wire::http1::{Head, emit, parse_head, slots};

/// A request while it is being looked at: everything borrows the bytes it came in.
pub(super) struct Asked<'b> {
    /// The bytes the head was parsed from.
    pub(super) bytes: &'b [u8],
    pub(super) request: Request<'b>,
}

impl<'b> Asked<'b> {
    #[inline(always)]
    pub(super) fn new(
        head: &'b Head<'b, 'b>,
        bytes: &'b [u8],
        route: Route,
        params: Params<'b>,
        turn: &Turn<'_>,
    ) -> Self {
        let asker = asker_of(head, turn);
        let request = Request {
            head,
            route,
            params,
            body: &[],
            trailers: None,
            peer: asker.peer,
            secure: asker.secure,
            now: turn.now,
            identity: Default::default(),
            draining: turn.draining,
            missed: None,
        };
        Self { bytes, request }
    }

    /// A request that was saved, looked at again.
    fn again(
        head: &'b Head<'b, 'b>,
        bytes: &'b [u8],
        body: &'b Received,
        why: &'b mut Option<Missed>,
        turn: &Turn<'_>,
    ) -> Option<Self> {
        let router = turn.app.router();
        let (route, params) = match router.find(head.method, head.path) {
            Found::Route(route, params) => (route, params),
            _ => {
                *why = missed(router, head);
                (router.fallback()?, Params::default())
            }
        };
        let mut asked = Self::new(head, bytes, route, params, turn);
        (asked.request.body, asked.request.missed) = (&body.content, why.as_ref());
        asked.request.trailers = Some(&body.trailers);
        Some(asked)
    }
}

/// Who asks.
#[inline(always)]
pub(super) fn asker_of(head: &Head<'_, '_>, turn: &Turn<'_>) -> Asker {
    match turn.settings.forwarded {
        None => Asker { peer: turn.peer, secure: false },
        Some(style) => asker_named(head, style, turn),
    }
}

/// Whom the proxies name, in the place of the other end.
#[inline(never)]
fn asker_named(head: &Head<'_, '_>, style: Style, turn: &Turn<'_>) -> Asker {
    asker(head.fields, turn.peer, style, &turn.settings.trusted)
}

impl Http1 {
    /// Calls the app. Uses no bytes beyond the head.
    #[inline]
    pub(super) fn call(&mut self, asked: &mut Asked<'_>, body_unread: bool, turn: &mut Turn<'_>) -> usize {
        self.enter(asked, body_unread, turn);
        if self.waits() {
            self.save(asked.bytes, asked.request.body);
        }
        0
    }

    #[inline(always)]
    fn enter(&mut self, asked: &mut Asked<'_>, body_unread: bool, turn: &mut Turn<'_>) {
        let mut progress = turn.app.begin();
        let mut reply = Reply::new(turn.out, self.terms(asked.request.head, body_unread, turn));
        if let Some(edge) = turn.app.edge() {
            let fields = edge.fields(asked.request.head, asked.request.secure);
            reply = reply.with_extra(fields).timed(turn.app.took(&progress));
        }
        let flow = turn.app.call(&mut asked.request, &mut progress, &mut reply);
        match flow {
            Flow::Done => {
                // It holds nothing; the compiler would call a function to find that out.
                core::mem::forget(flow);
                let (status, closes) = (answered(&reply), reply.closes());
                turn.app.answered(&asked.request, status, progress.began_ns);
                self.finish(closes, body_unread || asked.request.head.keep_alive);
            }
            flow => {
                let said = Said::of(&mut reply, &mut progress);
                self.go_on(flow, said, asked, progress, body_unread, turn);
            }
        }
    }

    /// [`Self::enter`] off the path of plain requests, into which alone it is inlined.
    #[inline(never)]
    fn enter_saved(&mut self, asked: &mut Asked<'_>, turn: &mut Turn<'_>) {
        self.enter(asked, false, turn);
    }

    /// The request under way goes on after work.
    pub(super) fn waits(&self) -> bool {
        matches!(self.state, State::Working | State::Stream)
    }

    /// Goes on after a job.
    pub(super) fn resume(&mut self, value: Value, turn: &mut Turn<'_>) {
        let Some(owned) = &mut self.owned else { return self.end() };
        let Some(mut progress) = owned.progress.take() else { return self.end() };
        let body_unread = owned.body_unread;
        let (bytes, body) = (core::mem::take(&mut owned.head), core::mem::take(&mut owned.body));
        let (fields, mut why) = (slots(), None);
        let Ok(Some((head, _))) = parse_head(&bytes, &fields, &turn.settings.head) else { return self.end() };
        let Some(mut asked) = Asked::again(&head, &bytes, &body, &mut why, turn) else { return self.end() };
        let terms = self.terms(&head, body_unread, turn);
        let took = turn.app.took(&progress);
        let mut reply = Reply::new(turn.out, terms).with_extra(core::mem::take(&mut progress.extra)).timed(took);
        let flow = turn.app.resume(&mut asked.request, &mut progress, value, &mut reply);
        let said = Said::of(&mut reply, &mut progress);
        self.go_on(flow, said, &asked, progress, body_unread, turn);
        self.put_back(bytes, body);
    }

    /// The body is whole: calls the app with what was saved.
    pub(super) fn call_saved(&mut self, turn: &mut Turn<'_>) {
        let Some(owned) = &mut self.owned else { return self.end() };
        let (bytes, body) = (core::mem::take(&mut owned.head), core::mem::take(&mut owned.body));
        owned.receiving = None;
        let (fields, mut why) = (slots(), None);
        let Ok(Some((head, _))) = parse_head(&bytes, &fields, &turn.settings.head) else { return self.end() };
        let Some(mut asked) = Asked::again(&head, &bytes, &body, &mut why, turn) else { return self.end() };
        self.enter_saved(&mut asked, turn);
        self.put_back(bytes, body);
    }

    /// Turns what the app decided into the connection's next state.
    fn go_on(
        &mut self,
        flow: Flow,
        said: Said,
        asked: &Asked<'_>,
        progress: Progress,
        body_unread: bool,
        turn: &mut Turn<'_>,
    ) {
        let (head, began_ns) = (asked.request.head, progress.began_ns);
        let peer_may_send = body_unread || head.keep_alive;
        match flow {
            Flow::Done => {
                let status = said.status.expect("a service that is done has written a whole answer");
                turn.app.answered(&asked.request, status, began_ns);
                self.finish(said.closes, peer_may_send);
            }
            Flow::Wait(lane, job) => self.wait_for(lane, job, None, progress, body_unread),
            Flow::WaitOr(lane, job, value) => self.wait_for(lane, job, Some(value), progress, body_unread),
            Flow::Receive(sink) => {
                let BodyPolicy::Stream { max } = asked.request.route.body else {
                    panic!("only a streamed body can be received")
                };
                if head.expects_continue {
                    turn.out.put(emit::CONTINUE);
                }
                self.own().progress = Some(progress);
                self.receive_stream(sink, head.framing, max);
            }
            Flow::Upgrade(upgrade) => {
                let status = said.status.expect("a service that upgrades has written the answer to that");
                turn.app.answered(&asked.request, status, began_ns);
                self.own().upgrade = Some((upgrade, asked.request.identity.clone()));
                self.state = State::Upgraded;
            }
            Flow::Send(source) => {
                let (status, how) = said.streamed.expect("a service that sends has begun its answer");
                turn.app.answered(&asked.request, status, began_ns);
                self.send_from(source, how, wants_trailers(head), After { closes: said.closes, peer_may_send });
            }
        }
    }

    fn wait_for(&mut self, lane: Lane, job: Job, instead: Option<Value>, progress: Progress, body_unread: bool) {
        self.state = State::Working;
        let owned = self.own();
        owned.progress = Some(progress);
        owned.body_unread = body_unread;
        owned.work = Some(value_work(lane, job));
        owned.instead = instead;
    }

    /// Keeps the bytes of the request for when its job is done.
    pub(super) fn save(&mut self, head: &[u8], body: &[u8]) {
        let owned = self.own();
        owned.head.clear();
        owned.head.extend_from_slice(head);
        owned.body.set(body);
    }

    /// Keeps the bytes of a request, which were taken out for a call, if its way goes on. A body can
    /// be large: it is not copied.
    fn put_back(&mut self, head: Vec<u8>, body: Received) {
        if self.waits()
            && let Some(owned) = &mut self.owned
        {
            (owned.head, owned.body) = (head, body);
        }
    }
}

/// What a reply came to, once the app has had it.
struct Said {
    /// Of a whole answer.
    status: Option<u16>,
    /// Of one whose body comes from a source.
    streamed: Option<(u16, crate::app::reply::Streamed)>,
    closes: bool,
}

impl Said {
    fn of(reply: &mut Reply<'_>, progress: &mut Progress) -> Self {
        progress.extra = reply.take_extra();
        Self { status: reply.finished(), streamed: reply.streamed(), closes: reply.closes() }
    }
}

#[inline]
fn answered(reply: &Reply<'_>) -> u16 {
    reply.finished().expect("a service that is done has written a whole answer")
}

/// Whether the client takes fields after a chunked body (RFC 9110 §10.1.4).
fn wants_trailers(head: &Head<'_, '_>) -> bool {
    let mut codings = head.headers("TE").flat_map(|value| value.split(|&octet| octet == b','));
    codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}
