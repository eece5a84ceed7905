//! From a head to the call it leads to: the route, the body, what is refused without the app; and
//! how a connection stands after an answer.

use std::sync::Arc;

use crate::app::refusal::RefusalKind;
use crate::app::reply::Terms;
use crate::app::router::{BodyPolicy, Found, Params, Route, Router};
use crate::app::{Missed, Reply};
use crate::limits::BODY_DISCARD_BYTES_MAX;
use crate::session::http1::call::{Asked, asker_of};
use crate::session::http1::{Http1, State};
use crate::session::{Memory, Pressure, Turn, Work};
use crate::wire::http1::{Framing, Head, Method, Version};

/// Why no route fits a request.
pub(super) fn missed(router: &Router, head: &Head<'_, '_>) -> Option<Missed> {
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

impl Http1 {
    /// Begins a request; how many of the bytes `after` its head it used. `memory` is what parsed it, if it
    /// may be remembered.
    #[inline(always)]
    pub(super) fn begin<'b>(
        &mut self,
        head: &'b Head<'b, 'b>,
        bytes: &'b [u8],
        after: &'b [u8],
        memory: Option<&Memory>,
        turn: &mut Turn<'_>,
    ) -> usize {
        match turn.app.router().find(head.method, head.path) {
            Found::Route(route, params) => {
                if let (Some(memory), true) = (memory, params.is_empty()) {
                    // A path that the router knows as it stands is no secret.
                    memory.heads.keep(head, bytes, route);
                }
                self.begin_found(head, bytes, after, (route, params), turn)
            }
            _ => self.begin_missed(head, bytes, after, turn),
        }
    }

    /// The same once its route is found.
    #[inline(always)]
    pub(super) fn begin_found<'b>(
        &mut self,
        head: &'b Head<'b, 'b>,
        bytes: &'b [u8],
        after: &'b [u8],
        (route, params): (Route, Params<'b>),
        turn: &mut Turn<'_>,
    ) -> usize {
        self.head_only = head.method == Method::Head;
        if turn.pressure != Pressure::None && !route.essential {
            self.shed(turn);
            return 0;
        }
        let mut asked = Asked::new(head, bytes, route, params, turn);
        if head.framing == Framing::None && !matches!(route.body, BodyPolicy::Stream { .. }) {
            return self.call(&mut asked, false, turn);
        }
        self.begin_with_body(&mut asked, after, turn)
    }

    fn begin_with_body<'b>(&mut self, asked: &mut Asked<'b>, after: &'b [u8], turn: &mut Turn<'_>) -> usize {
        let head = asked.request.head;
        match (asked.request.route.body, head.framing) {
            (BodyPolicy::Stream { .. }, Framing::None) => self.refuse_lengthless(head, after, turn),
            (BodyPolicy::Stream { max }, framing) => self.begin_stream(asked, framing, max, turn),
            (_, Framing::None) => self.call(asked, false, turn),
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
        self.head_only = head.method == Method::Head;
        let missed = missed(turn.app.router(), head).unwrap_or(Missed::Path);
        if let (Missed::Options(_), Some(lines)) = (&missed, turn.app.edge().and_then(|edge| edge.preflight(head))) {
            return self.answer_preflight(head, after, lines, turn);
        }
        if let Some(route) = turn.app.router().fallback() {
            if turn.pressure != Pressure::None {
                self.shed(turn);
                return 0;
            }
            let body = body_at_hand(head, after);
            let mut asked = Asked::new(head, bytes, route, Params::default(), turn);
            asked.request.missed = Some(&missed);
            self.call(&mut asked, body.is_none(), turn);
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

    /// A page of another origin asks what it may do. What every answer says of origins is left out:
    /// a preflight has its own.
    fn answer_preflight(&mut self, head: &Head<'_, '_>, after: &[u8], lines: Vec<u8>, turn: &mut Turn<'_>) -> usize {
        self.answer_with(head, after, lines, turn, |reply| reply.status(204).empty())
    }

    /// A body that is read whole (or read and dropped) before the call.
    fn begin_buffer<'b>(
        &mut self,
        asked: &mut Asked<'b>,
        framing: Framing,
        max: u64,
        keep: bool,
        after: &'b [u8],
        turn: &mut Turn<'_>,
    ) -> usize {
        if let Framing::Length(length) = framing {
            if length > max {
                self.refuse(RefusalKind::BodyTooLarge(max), turn);
                return 0;
            }
            if let Some(body) = after.get(..length as usize) {
                // It is here already: no copy.
                asked.request.body = if keep { body } else { &[] };
                self.call(asked, false, turn);
                return body.len();
            }
        }
        if asked.request.head.expects_continue {
            turn.out.put(crate::wire::http1::emit::CONTINUE);
        }
        self.save(asked.bytes, &[]);
        self.receive_buffer(framing, max, keep);
        0
    }

    /// A body that goes to a sink, if the app takes it at all.
    fn begin_stream(&mut self, asked: &mut Asked<'_>, framing: Framing, max: u64, turn: &mut Turn<'_>) -> usize {
        if let Framing::Length(length) = framing
            && length > max
        {
            self.refuse(RefusalKind::BodyTooLarge(max), turn);
            return 0;
        }
        // Until the sink has all of it, an answer leaves a body unread.
        self.call(asked, true, turn)
    }

    /// The answer is written.
    #[inline(always)]
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
    pub(super) fn answer_early(
        &mut self,
        head: &Head<'_, '_>,
        after: &[u8],
        turn: &mut Turn<'_>,
        write: impl FnOnce(&mut Reply<'_>),
    ) -> usize {
        let secure = asker_of(head, turn).secure;
        let extra = turn.app.edge().map(|edge| edge.fields(head, secure)).unwrap_or_default();
        self.answer_with(head, after, extra, turn, write)
    }

    fn answer_with(
        &mut self,
        head: &Head<'_, '_>,
        after: &[u8],
        extra: Vec<u8>,
        turn: &mut Turn<'_>,
        write: impl FnOnce(&mut Reply<'_>),
    ) -> usize {
        let body = body_at_hand(head, after);
        let terms = self.terms(head, body.is_none(), turn);
        let mut reply = Reply::new(turn.out, terms).with_extra(extra);
        write(&mut reply);
        let closes = reply.closes();
        self.finish(closes, body.is_none() || head.keep_alive);
        body.unwrap_or(0)
    }

    #[inline(always)]
    pub(super) fn terms<'t>(&self, head: &Head<'_, '_>, body_unread: bool, turn: &Turn<'t>) -> Terms<'t> {
        let last = turn.settings.requests > 0 && self.served >= turn.settings.requests;
        Terms {
            date: turn.date,
            head_only: self.head_only,
            close: !head.keep_alive || turn.draining || body_unread || last,
            http10: head.version == Version::Http10,
        }
    }

    /// Gives back what a message held. A lingering connection needs none of it.
    #[inline]
    pub(super) fn forget_message(&mut self) {
        if let Some(owned) = &mut self.owned {
            owned.forget_message();
        }
    }

    /// The one way work is put up for the pool.
    pub(super) fn put_work(&mut self, work: Work) {
        let owned = self.own();
        debug_assert!(owned.work.is_none(), "one piece of work at a time");
        owned.work = Some(work);
    }
}
