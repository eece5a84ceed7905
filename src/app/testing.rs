//! For tests: one thread of a node without sockets. Heads are parsed from bytes, jobs run at once,
//! answers are read back from the send buffer.

use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::app::reply::Terms;
use crate::app::router::{Found, Params, Route, RouterBuilder};
use crate::app::{App, Flow, Moment, Reply, Request, RouteSpec, Service};
use crate::buffer::{Front, SendBuf};
use crate::wire::http::accept::Coding;
use crate::wire::http1::{Head, Limits, Method, parse_head, slots};

/// An answer, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Jobs that ran for it.
    pub(crate) jobs: usize,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// One slice on one thread.
pub(crate) struct Bench {
    app: App,
    pub(crate) now: Moment,
}

impl Bench {
    pub(crate) fn new(prefix: &str, routes: &[RouteSpec], service: Box<dyn Service>) -> Self {
        let mut router = RouterBuilder::new();
        router.mount(&[prefix], routes);
        let app = App::new(Arc::new(router.build()), Vec::new(), vec![service]);
        Self { app, now: Moment { monotonic_ns: 1_000_000_000, unix_ms: 1_795_255_200_000 } }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask(&[&format!("GET {path} HTTP/1.1")])
    }

    /// Sends a request without a body; `lines` are request line and fields.
    pub(crate) fn ask(&mut self, lines: &[&str]) -> Answer {
        self.ask_and(lines, |_| {})
    }

    /// Calls `before` each job, with how many ran already.
    pub(crate) fn ask_and(&mut self, lines: &[&str], mut before: impl FnMut(usize)) -> Answer {
        let text = [&lines[..1], &["Host: h"], &lines[1..], &["", ""]].concat().join("\r\n");
        let slots = slots();
        let head = parse_head(text.as_bytes(), &slots, &Limits::default());
        let (head, _) = head.unwrap_or_else(|error| panic!("{error:?}: {text}")).expect("a whole head");
        let router = Arc::clone(self.app.router());
        let mut out = SendBuf::new();
        let terms = Terms { date: b"", head_only: head.method == Method::Head, close: false, http10: false };
        let mut reply = Reply::new(&mut out, terms);
        let mut jobs = 0;
        match router.find(head.method, head.path) {
            Found::Route(route, params) => {
                let mut progress = self.app.begin();
                let mut request = request(&head, route, params, self.now);
                let mut flow = self.app.call(&mut request, &mut progress, &mut reply);
                while let Flow::Wait(_, job) | Flow::WaitOr(_, job, _) = flow {
                    before(jobs);
                    jobs += 1;
                    flow = self.app.resume(&mut request, &mut progress, job().value, &mut reply);
                }
            }
            _ => reply.error(404, "no route", None),
        }
        let status = reply.finished().expect("a whole answer");
        let bytes = drain(&mut out);
        let split = memchr::memmem::find(&bytes, b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
        Answer { status, head, body: bytes[split + 4..].to_vec(), jobs }
    }
}

/// A request from nobody in particular, without a body.
pub(crate) fn request<'b>(head: &'b Head<'b, 'b>, route: Route, params: Params<'b>, now: Moment) -> Request<'b> {
    Request {
        head,
        route,
        params,
        body: b"",
        trailers: None,
        peer: None,
        secure: false,
        now,
        identity: Default::default(),
        draining: false,
        missed: None,
    }
}

/// Everything a send buffer holds, files read.
pub(crate) fn drain(out: &mut SendBuf) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(front) = out.front() {
        let before = all.len();
        match front {
            Front::Bytes => out.slices(|slice| {
                all.extend_from_slice(slice);
                true
            }),
            Front::File(file, offset, length) => {
                all.resize(before + length as usize, 0);
                file.read_exact_at(&mut all[before..], offset).unwrap();
            }
        }
        out.advance((all.len() - before) as u64);
    }
    all
}

/// A body without its coding.
pub(crate) fn unfold(coding: Option<Coding>, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = match coding {
        None => return bytes.to_vec(),
        Some(Coding::Brotli) => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
        Some(Coding::Gzip) => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        Some(Coding::Zstd) => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut plain),
    };
    read.unwrap_or_else(|error| panic!("{coding:?}: {error}"));
    plain
}
