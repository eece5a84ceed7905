//! A WebSocket as an answer: refused, or a 101 that middlewares may add fields to.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::WebSocket;
use crate::app::ws::{Agreement, Channel, Refused, Terms, agree};
use crate::app::{self, Flow, Reply};
use crate::web::answer::IntoResponse;
use crate::web::error::Failure;
use crate::web::request::Request;
use crate::web::response::{Body, Kind, Response, Special};
use crate::wire::ws::handshake::offer;

/// Fields of a 101 that are the handshake's: a client gives up where one is there twice (RFC 6455 §4.1).
const HANDSHAKE: [&str; 4] = ["Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"];

impl IntoResponse for WebSocket {
    fn into_response(self) -> Response {
        Response::special(b"", Kind::WebSocket(Box::new(self)))
    }
}

/// What was agreed on, until it is written.
pub(in crate::web) struct Switch {
    agreement: Agreement,
    terms: Terms,
    channel: Box<dyn Channel>,
}

impl Switch {
    /// Ends the 101 whose status and further fields are written.
    #[cold]
    pub(in crate::web) fn write(self, reply: &mut Reply<'_>) -> Flow {
        self.agreement.switch(reply);
        self.agreement.serve(self.terms, self.channel)
    }
}

impl WebSocket {
    /// The answer to this request: 101, with the fields of `response` and no longer pending, or why not.
    pub(in crate::web) fn answer(
        self,
        core: &app::Request<'_>,
        mut response: Response,
        failures: &Arc<AtomicU64>,
    ) -> Response {
        match agree(core.head, &self.terms, &self.protocols) {
            Ok(agreement) => {
                let channel = (self.make)(agreement.protocol(), self.hooks, Arc::clone(failures));
                response.switch(Switch { agreement, terms: self.terms, channel });
                response
            }
            Err(refused) => refused.into_response(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = Response::error(self.status, self.error, self.reason.as_deref());
        for (name, value) in self.fields {
            // As it leaves: Connection is among them, which programs do not write.
            response.fields.push_lines(format!("{name}: {value}\r\n").as_bytes());
        }
        response
    }
}

/// Why a request opens no WebSocket whatever the terms.
pub(in crate::web) fn refusal(request: &Request<'_>) -> Option<Response> {
    offer(request.core().head).err().map(|refusal| Refused::from(refusal).into_response())
}

impl Response {
    /// An answer as it may leave, whatever its middlewares did to it: made, and a 101 with what it is for.
    pub(in crate::web) fn sound(mut self) -> Self {
        if let Some(what) = self.pending() {
            let text = format!(
                "a middleware answered with {what} after an answer of the pool, or to a failure: too late for it"
            );
            return Response::failed(Failure::Panic(text));
        }
        if self.status() != 101 {
            return self;
        }
        if !matches!(self.body, Body::Special(Special(Kind::Switch(_)))) {
            let text = "a middleware replaced the body of a WebSocket's answer, and not its status";
            return Response::failed(Failure::Panic(text.into()));
        }
        HANDSHAKE.iter().for_each(|name| self.fields.remove(name));
        self
    }
}
