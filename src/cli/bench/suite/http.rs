//! HTTP/1.1 without a socket: heads, bodies, and a session over an app with the smallest slice.

use std::hint::black_box;
use std::sync::Arc;

use super::{Batch, Bench, Category, Subject, TargetKey, mix};
use crate::app::{App, Moment, RouterBuilder};
use crate::buffer::SendBuf;
use crate::service::ping::Ping;
use crate::session::http1::Http1;
use crate::session::{Memory, Pressure, Settings, Turn};
use crate::wire::http1::{BodyDecoder, Framing, Limits, emit, parse_head, slots};

/// A request that wants nothing but an answer.
pub(super) const PING: &[u8] = b"GET /-/ping HTTP/1.1\r\nHost: 127.0.0.1:4873\r\n\r\n";
/// A request as npm sends it.
const NPM: &[u8] = b"GET /@babel%2fcore HTTP/1.1\r\n\
    user-agent: npm/11.6.0 node/v24.9.0 linux x64 workspaces/false\r\n\
    npm-auth-type: web\r\nnpm-command: install\r\npacote-version: 21.0.1\r\npacote-req-type: packument\r\n\
    pacote-pkg-id: registry:@babel/core\r\n\
    accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*\r\n\
    authorization: Bearer lat_0123456789abcdefghijklmnopqrstuvwxyzABCDEF\r\n\
    if-none-match: \"3f2c9d1e8b7a6054\"\r\naccept-encoding: gzip,deflate\r\n\
    Host: registry.example.com\r\nConnection: keep-alive\r\n\r\n";
/// Requests of a pipeline.
pub(super) const PIPELINED: usize = 16;
const TIMES: u64 = 16;
const CHUNKS: usize = 16;
const CHUNK_BYTES: usize = 4096;

pub(super) fn benches() -> Vec<Bench> {
    let bench = |name, about, target, operations, make| Bench {
        category: Category::Http,
        name,
        about,
        target,
        subject: Subject::Code { operations, make },
    };
    let of_parse = TargetKey::Nanoseconds(|targets| targets.http_parse_ns);
    let of_session = TargetKey::Nanoseconds(|targets| targets.http_session_ns);
    let of_pipelined = TargetKey::Nanoseconds(|targets| targets.http_pipelined_ns);
    let of_chunked = TargetKey::Nanoseconds(|targets| targets.http_chunked_ns);
    vec![
        bench("http_parse", "a request head of npm, 12 fields", Some(of_parse), TIMES, || parse(NPM)),
        bench("http_parse_small", "a request head with one field", None, TIMES, || parse(PING)),
        bench("http_emit", "status line, three fields, length", None, TIMES, write_head),
        bench("http_session", "a small request answered, bytes to bytes", Some(of_session), TIMES, || session(1)),
        bench("http_pipelined", "each of 16 that arrive at once", Some(of_pipelined), PIPELINED as u64, || {
            session(PIPELINED)
        }),
        bench("http_chunked", "a body of 64 KiB in 16 chunks", Some(of_chunked), 1, chunked),
    ]
}

fn parse(bytes: &'static [u8]) -> Batch {
    let limits = Limits::default();
    Box::new(move || {
        (0..TIMES).fold(0, |sum, _| {
            let slots = slots();
            let parsed = parse_head(black_box(bytes), &slots, &limits);
            let answer = parsed.ok().flatten().map_or(0, |(head, length)| {
                let path = head.path.len() << 32;
                (path | head.fields.len() << 16 | length) as u64
            });
            mix(sum, answer)
        })
    })
}

fn write_head() -> Batch {
    let mut out = SendBuf::new();
    Box::new(move || {
        (0..TIMES).fold(0, |sum, time| {
            emit::status_line(&mut out, black_box(200));
            emit::field(&mut out, "Content-Type", b"application/json");
            emit::field(&mut out, "Cache-Control", b"no-store");
            emit::field(&mut out, "ETag", b"\"3f2c9d1e8b7a6054\"");
            emit::content_length(&mut out, black_box(time));
            leave(&mut out, sum)
        })
    })
}

/// A connection that stays open; as many requests as make a batch, `at_once` in one read.
fn session(at_once: usize) -> Batch {
    let mut router = RouterBuilder::new();
    router.mount(&[""], &Ping::routes());
    let mut app = App::new(Arc::new(router.build()), Vec::new(), vec![Box::new(Ping::new())]);
    let (settings, mut out, mut session) = (Settings::default(), SendBuf::new(), Http1::new());
    let memory = Memory::new();
    let bytes = PING.repeat(at_once);
    let reads = if at_once == 1 { TIMES } else { 1 };
    Box::new(move || {
        (0..reads).fold(0, |sum, _| {
            let mut turn = Turn {
                app: &mut app,
                settings: &settings,
                out: &mut out,
                date: b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                now: Moment { monotonic_ns: 1, unix_ms: 784_111_777_000 },
                peer: None,
                draining: false,
                pressure: Pressure::None,
                memory: &memory,
            };
            session.on_bytes(black_box(&bytes), &mut turn);
            leave(&mut out, sum)
        })
    })
}

/// What the kernel would take, folded into `sum`: its length and its ends.
fn leave(out: &mut SendBuf, mut sum: u64) -> u64 {
    sum = mix(sum, out.len());
    out.slices(|slice| {
        let ends = [slice.first(), slice.last()].map(|octet| u64::from(*octet.unwrap_or(&0)));
        sum = mix(sum, ends[0] << 8 | ends[1]);
        true
    });
    out.advance(out.len());
    sum
}

fn chunked() -> Batch {
    let chunk = [format!("{CHUNK_BYTES:x}\r\n").as_bytes(), &[b'x'; CHUNK_BYTES], b"\r\n"].concat();
    let body = [chunk.repeat(CHUNKS), b"0\r\n\r\n".to_vec()].concat();
    Box::new(move || {
        let mut decoder = BodyDecoder::new(Framing::Chunked);
        let (mut rest, mut sum) = (black_box(&body[..]), 0);
        while !decoder.is_done() {
            let Ok(step) = decoder.decode(rest) else { return 0 };
            sum = mix(sum, step.data.len() as u64);
            rest = &rest[step.consumed..];
            if step.consumed == 0 {
                return 0;
            }
        }
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_answers_every_request_of_a_pipeline() {
        let slots = slots();
        let (head, length) =
            parse_head(NPM, &slots, &Limits::default()).expect("it is well formed").expect("it is whole");
        assert_eq!((head.fields.len(), length), (12, NPM.len()));
        // The length of what leaves is part of the checksum: other requests, another sum.
        let sums = [1, 2, PIPELINED].map(|count| session(count)());
        assert!(sums[0] != sums[1] && sums[1] != sums[2]);
    }

    #[test]
    fn a_body_is_decoded_to_its_end() {
        assert_ne!(chunked()(), 0);
    }
}
