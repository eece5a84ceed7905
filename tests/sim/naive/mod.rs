//! A naive server of the site: all the bytes of a connection in, all answers out.
//!
//! Slow, and meant to be seen to be right: lines are split, lists are walked, bodies are copied. It
//! shares no code with the program, only the data of the site and the numbers that bound a request.

mod choose;
mod condition;
mod head;
mod incoming;
mod ranges;
mod refusal;
mod site;

use crate::reference::DATE;
use crate::wanted::{End, Expected, Streamed, Wanted};

use head::{Read, Request};
use incoming::{Incoming, incoming};
use refusal::Refusal;

/// The numbers that bound a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) head_bytes: usize,
    pub(crate) fields: usize,
    pub(crate) body_bytes: u64,
    /// Requests of one connection; 0 for any number.
    pub(crate) requests: usize,
}

/// One request as it lies in the bytes of its connection, and its answer.
pub(crate) struct Served {
    /// All its bytes.
    pub(crate) length: usize,
    pub(crate) head: usize,
    /// Bytes without which no answer may be given.
    pub(crate) needs: usize,
    pub(crate) asks_first: bool,
    /// Nobody wants its body: no 100 before the answer.
    pub(crate) refused: bool,
    /// The answer may end the connection, depending on how much of the body had arrived.
    pub(crate) may_close: bool,
    pub(crate) head_only: bool,
    /// The bytes end before it does.
    pub(crate) is_open: bool,
    pub(crate) expected: Expected,
}

/// An answer before its head is written.
struct Answer {
    status: u16,
    fields: Vec<(&'static str, Vec<u8>)>,
    body: Body,
}

enum Body {
    /// No body, and no length: 204 and 304.
    None,
    Bytes(Vec<u8>),
    /// The same with a boundary that is not known.
    Parts(Vec<u8>),
    Stream {
        length: Option<u64>,
        content: Vec<u8>,
        coding: Option<&'static str>,
        pieces: Option<usize>,
        end: End,
    },
}

impl Answer {
    fn new(status: u16, body: Body) -> Self {
        Self { status, fields: Vec::new(), body }
    }

    fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    fn error(status: u16, error: &str, reason: Option<&str>) -> Self {
        let reason = reason.map_or(String::new(), |reason| format!(",\"reason\":\"{reason}\""));
        let json = format!("{{\"error\":\"{error}\"{reason}}}");
        Self::new(status, Body::Bytes(json.into_bytes()))
    }

    /// The fields go before those of the body.
    fn json(self) -> Self {
        self.with("Content-Type", "application/json")
    }
}

/// How an answer leaves.
#[derive(Clone, Copy)]
struct Terms {
    head_only: bool,
    http10: bool,
    trailers: bool,
    close: bool,
}

/// What all of `bytes`, sent on one connection, are answered.
pub(crate) fn serve(bytes: &[u8], rules: &Rules) -> Vec<Served> {
    let (mut at, mut served, mut ended) = (0, Vec::new(), false);
    while at < bytes.len() {
        let one = match ended {
            true => unheard(bytes.len() - at),
            false => serve_one(&bytes[at..], rules, served.len() + 1),
        };
        at += one.length;
        ended |= one.is_open || one.expected.usual.as_ref().is_none_or(ends_connection);
        served.push(one);
    }
    served
}

/// Bytes after the last answer.
fn unheard(length: usize) -> Served {
    let expected = Expected { usual: None, last: Wanted::Exactly(Vec::new()) };
    Served {
        length,
        head: length,
        needs: length,
        asks_first: false,
        refused: false,
        may_close: false,
        head_only: false,
        is_open: false,
        expected,
    }
}

fn ends_connection(wanted: &Wanted) -> bool {
    let cut = matches!(wanted, Wanted::Streamed(streamed) if streamed.end == End::Cut);
    cut || wanted.closes()
}

fn serve_one(bytes: &[u8], rules: &Rules, count: usize) -> Served {
    let (request, head) = match head::read(bytes, rules) {
        Read::Incomplete => return Served { is_open: true, ..unheard(bytes.len()) },
        Read::Refused(refusal) => return refused(refusal, false, bytes.len(), 1, 1),
        Read::Request(request, head) => (request, head),
    };
    let terms = Terms {
        head_only: request.method == "HEAD",
        http10: request.http10,
        trailers: request.wants_trailers(),
        close: !request.keeps_alive() || count == rules.requests,
    };
    match incoming(&request, &bytes[head..], rules) {
        Incoming::Refused(refusal) => refused(refusal, terms.head_only, bytes.len(), head, head),
        // A client that asks first may be told to go on, and then be refused.
        Incoming::Broken(refusal) => {
            let asks_first = request.expects_continue();
            Served { asks_first, refused: false, ..refused(refusal, terms.head_only, bytes.len(), head, head) }
        }
        Incoming::Incomplete => Served {
            is_open: true,
            asks_first: request.expects_continue(),
            head,
            head_only: terms.head_only,
            ..unheard(bytes.len())
        },
        Incoming::Unwanted { body, closes } => {
            let answer = || site::missed(&request);
            let terms = Terms { close: terms.close || closes, ..terms };
            let may_close = body > 0;
            Served { needs: head, refused: true, may_close, ..whole(&request, head, head + body, answer, terms) }
        }
        Incoming::Whole { content, length } => {
            whole(&request, head, head + length, || site::answer(&request, &content), terms)
        }
    }
}

fn whole(request: &Request, head: usize, length: usize, answer: impl Fn() -> Answer, terms: Terms) -> Served {
    let usual = Some(write(answer(), terms));
    let last = write(answer(), Terms { close: true, ..terms });
    Served {
        length,
        head,
        needs: length,
        asks_first: request.expects_continue(),
        refused: false,
        may_close: false,
        head_only: terms.head_only,
        is_open: false,
        expected: Expected { usual, last },
    }
}

/// The connection ends: whatever follows is not looked at.
fn refused(refusal: Refusal, head_only: bool, length: usize, head: usize, needs: usize) -> Served {
    let (status, error, reason) = refusal.say();
    let terms = Terms { head_only, http10: false, trailers: false, close: true };
    let last = write(Answer::error(status, &error, reason.as_deref()).json(), terms);
    let expected = Expected { usual: Some(last.clone()), last };
    Served { head, needs, refused: true, head_only, expected, ..unheard(length) }
}

/// The answer as it leaves.
fn write(answer: Answer, terms: Terms) -> Wanted {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, refusal::reason(answer.status)).into_bytes();
    for (name, value) in &answer.fields {
        head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    let mut close = terms.close;
    let mut framing = String::new();
    match &answer.body {
        Body::None => {}
        Body::Bytes(bytes) | Body::Parts(bytes) => framing = format!("Content-Length: {}\r\n", bytes.len()),
        Body::Stream { length: Some(length), .. } => framing = format!("Content-Length: {length}\r\n"),
        Body::Stream { length: None, .. } if terms.http10 => close = true,
        Body::Stream { length: None, .. } => framing = "Transfer-Encoding: chunked\r\n".into(),
    }
    head.extend_from_slice(framing.as_bytes());
    head.extend_from_slice(DATE);
    match (close, terms.http10) {
        (true, _) => head.extend_from_slice(b"Connection: close\r\n"),
        (false, true) => head.extend_from_slice(b"Connection: keep-alive\r\n"),
        (false, false) => {}
    }
    head.extend_from_slice(b"\r\n");
    match answer.body {
        Body::Bytes(bytes) if !terms.head_only => Wanted::Exactly([head, bytes].concat()),
        Body::Parts(bytes) if !terms.head_only => Wanted::Parts([head, bytes].concat()),
        Body::Parts(_) => Wanted::Parts(head),
        Body::Stream { length, content, coding, pieces, end } if !terms.head_only && length != Some(0) => {
            let chunked = length.is_none() && !terms.http10;
            let trailers = pieces.filter(|_| chunked && terms.trailers);
            let trailers = trailers.map_or(String::new(), |pieces| format!("Pieces: {pieces}\r\n")).into_bytes();
            Wanted::Streamed(Streamed { head, content, coding, trailers, end })
        }
        _ => Wanted::Exactly(head),
    }
}
