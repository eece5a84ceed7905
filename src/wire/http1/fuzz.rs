//! Properties that hold for any bytes at all. Each panics where one does not.
//!
//! The fuzz targets are one line each around these; `tests/corpus.rs` replays what they found.

use alloc::vec::Vec;

use super::head::parse_any_head;
use super::octets::{is_control, is_token};
use super::{
    BodyDecoder, Error, Framing, Head, HeadMemory, HeadScan, Limits, Method, Trailers, Version, parse_head, slots,
};
use crate::limits::HEAD_BYTES_MAX;

/// Heads up to this long are tried with every cut.
const EVERY_CUT_BYTES_MAX: usize = 300;

/// A head without its bytes' whereabouts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Meaning {
    method: Method,
    path: Vec<u8>,
    query: Option<Vec<u8>>,
    version: Version,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    framing: Framing,
    keep_alive: bool,
    expects_continue: bool,
    host: Option<Vec<u8>>,
}

type Parsed = Result<Option<(Meaning, usize)>, Error>;

/// A head means the same however it is cut, holds nothing that parsers disagree on, and means the
/// same again when it is written out and read back.
pub fn head(data: &[u8]) {
    let limits = Limits::default();
    let at_once = parse(data, &limits);
    assert_eq!(at_once, parse_long(data, &limits), "the short way and the long one agree");
    let scanned = scan_then_parse(&[data], &limits);
    assert_eq!(at_once.as_ref().ok().and_then(Option::as_ref), scanned.as_ref().ok().and_then(Option::as_ref));
    check_memory(data, &at_once, &limits);
    if data.len() <= EVERY_CUT_BYTES_MAX {
        for cut in 0..=data.len() {
            let (first, _) = data.split_at(cut);
            assert_eq!(scan_then_parse(&[first, data], &limits), scanned, "cut at {cut}");
            assert!(!is_accepted(&parse(first, &limits)) || is_accepted(&at_once), "cut at {cut}");
        }
    }
    let drips: Vec<&[u8]> = (0..=data.len().min(HEAD_BYTES_MAX + 1)).map(|end| &data[..end]).collect();
    assert_eq!(scan_then_parse(&drips, &limits), scanned, "byte by byte");
    if let Ok(Some((meaning, length))) = at_once {
        check_octets(&data[..length]);
        check_framing(&meaning);
        check_round_trip(&meaning);
    }
}

fn is_accepted(parsed: &Parsed) -> bool {
    matches!(parsed, Ok(Some(_)))
}

fn parse(bytes: &[u8], limits: &Limits) -> Parsed {
    let fields = slots();
    Ok(parse_head(bytes, &fields, limits)?.map(|(head, length)| (meaning(&head), length)))
}

/// A head that was seen before, or whose fields were, means what it meant.
fn check_memory(bytes: &[u8], expected: &Parsed, limits: &Limits) {
    let memory = HeadMemory::<()>::new();
    let path_of_its_own = b"GET /elsewhere HTTP/1.1\r\n";
    let lines = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
    memory.parse(&[path_of_its_own.as_slice(), &bytes[lines..]].concat(), limits);
    for _ in 0..2 {
        if let Some((head, length)) = memory.parse(bytes, limits) {
            assert_eq!(*expected, Ok(Some((meaning(&head), length))));
            memory.keep(&head, &bytes[..length], ());
        }
        if let Some((head, length, ())) = memory.recall(bytes) {
            assert_eq!(*expected, Ok(Some((meaning(&head), length))));
        }
    }
}

/// What the long way makes of a head.
fn parse_long(bytes: &[u8], limits: &Limits) -> Parsed {
    let fields = slots();
    let window = &bytes[..bytes.len().min(limits.head_bytes)];
    Ok(parse_any_head(window, &fields, limits)?.map(|(head, length)| (meaning(&head), length)))
}

/// What a session makes of bytes that have grown to each of `prefixes` in turn.
fn scan_then_parse(prefixes: &[&[u8]], limits: &Limits) -> Parsed {
    let mut scan = HeadScan::default();
    for bytes in prefixes {
        if scan.scan(bytes, limits)? {
            assert_eq!(scan.scan(bytes, limits), Ok(true), "asking again changes nothing");
            let parsed = parse(bytes, limits);
            assert!(parsed != Ok(None), "a whole head is decided about");
            return parsed;
        }
    }
    Ok(None)
}

fn meaning(head: &Head<'_, '_>) -> Meaning {
    Meaning {
        method: head.method,
        path: head.path.to_vec(),
        query: head.query.map(<[u8]>::to_vec),
        version: head.version,
        fields: head.fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
        framing: head.framing,
        keep_alive: head.keep_alive,
        expects_continue: head.expects_continue,
        host: head.host.map(<[u8]>::to_vec),
    }
}

/// The plain twin of the walk over the lines.
fn check_octets(head: &[u8]) {
    assert!(head.ends_with(b"\r\n\r\n"));
    for (at, &octet) in head.iter().enumerate() {
        match octet {
            b'\r' => assert_eq!(head.get(at + 1), Some(&b'\n'), "a CR alone at {at}"),
            b'\n' => assert!(at > 0 && head[at - 1] == b'\r', "an LF alone at {at}"),
            b'\t' | b' '..=0x7e | 0x80.. => {}
            _ => panic!("a control character at {at}"),
        }
    }
    let lines = head.strip_prefix(b"\r\n").unwrap_or(head).split(|&octet| octet == b'\n');
    assert!(lines.clone().all(|line| !line.starts_with(b" ") && !line.starts_with(b"\t")), "a fold");
    assert!(lines.skip(1).filter(|line| line.len() > 1).all(|line| line.contains(&b':')));
}

/// The plain twin of the pass over the fields.
fn check_framing(meaning: &Meaning) {
    let values = |name: &str| -> Vec<&[u8]> {
        let named = |(field, _): &&(Vec<u8>, Vec<u8>)| field.eq_ignore_ascii_case(name.as_bytes());
        meaning.fields.iter().filter(named).map(|(_, value)| value.as_slice()).collect()
    };
    let (lengths, codings) = (values("Content-Length"), values("Transfer-Encoding"));
    match meaning.framing {
        Framing::None => assert!(lengths.is_empty() && codings.is_empty()),
        Framing::Length(length) => {
            assert!(lengths.len() == 1 && codings.is_empty());
            assert_eq!(core::str::from_utf8(lengths[0]).ok().and_then(|text| text.parse().ok()), Some(length));
            assert!(lengths[0].iter().all(u8::is_ascii_digit));
        }
        Framing::Chunked => {
            assert!(lengths.is_empty() && codings.len() == 1 && meaning.version == Version::Http11);
            assert!(codings[0].eq_ignore_ascii_case(b"chunked"));
        }
    }
    let hosts = values("Host");
    assert_eq!(hosts.first().copied(), meaning.host.as_deref());
    assert!(hosts.len() == 1 || hosts.is_empty() && meaning.version == Version::Http10);
    assert!(meaning.path.starts_with(b"/") || meaning.method == Method::Options && meaning.path == b"*");
    let target = [meaning.path.as_slice(), meaning.query.as_deref().unwrap_or_default()].concat();
    assert!(target.iter().all(|octet| (b'!'..=b'~').contains(octet) && *octet != b'#'));
}

fn check_round_trip(meaning: &Meaning) {
    let bytes = write_out(meaning);
    // Written out it may be longer by the blanks after the colons.
    let limits = Limits { head_bytes: bytes.len(), ..Limits::default() };
    assert_eq!(parse(&bytes, &limits), Ok(Some((meaning.clone(), bytes.len()))));
}

fn write_out(meaning: &Meaning) -> Vec<u8> {
    let mut bytes = [meaning.method.as_str().as_bytes(), b" ", &meaning.path].concat();
    if let Some(query) = &meaning.query {
        bytes.push(b'?');
        bytes.extend_from_slice(query);
    }
    bytes.extend_from_slice(if meaning.version == Version::Http11 { b" HTTP/1.1\r\n" } else { b" HTTP/1.0\r\n" });
    for (name, value) in &meaning.fields {
        bytes.extend_from_slice(&[name, b": ".as_slice(), value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// What became of a body: its content, the fields behind it, and the bytes it took and whether it ended.
type Decoded = (Vec<u8>, Trailers, Result<(usize, bool), Error>);

/// A chunked body means the same however it is cut, and content survives being chunked.
///
/// The first byte says how `data` is cut and chunked.
pub fn chunked_body(data: &[u8]) {
    let Some((&step, data)) = data.split_first() else { return };
    let step = usize::from(step).max(1);
    let whole = decode(data, data.len().max(1));
    for step in [1, 2, 3, step] {
        assert_eq!(decode(data, step), whole, "{step} bytes at a time");
    }
    if let (content, trailers, Ok((consumed, _))) = whole {
        assert!(content.len() <= consumed && consumed <= data.len());
        check_trailers(&trailers);
    }

    let chunked = encode(data, step);
    let all = chunked.len();
    let followed = [chunked.as_slice(), b"GET / HTTP/1.1\r\n"].concat();
    assert_eq!(decode(&followed, step), (data.to_vec(), Trailers::new(), Ok((all, true))), "chunks of {step}");
}

fn decode(bytes: &[u8], step: usize) -> Decoded {
    let mut decoder = BodyDecoder::new(Framing::Chunked);
    let (mut content, mut trailers) = (Vec::new(), Trailers::new());
    let mut consumed = 0;
    for part in bytes.chunks(step) {
        let mut rest = part;
        while !rest.is_empty() && !decoder.is_done() {
            let taken = match decoder.decode(rest) {
                Ok(taken) => taken,
                Err(error) => {
                    assert_eq!(decoder.decode(rest), Err(error), "an error stays");
                    return (content, Trailers::new(), Err(error));
                }
            };
            assert!(taken.consumed > 0 && taken.consumed <= rest.len() && taken.done == decoder.is_done());
            assert!(taken.data.is_empty() || taken.trailers.is_empty());
            content.extend_from_slice(taken.data);
            trailers.push(taken.trailers);
            consumed += taken.consumed;
            rest = &rest[taken.consumed..];
        }
    }
    (content, trailers, Ok((consumed, decoder.is_done())))
}

/// Nothing in them can be taken for another field, or for framing.
fn check_trailers(trailers: &Trailers) {
    for (name, value) in trailers.iter() {
        assert!(!name.is_empty() && name.iter().all(|&octet| is_token(octet)));
        assert!(!value.iter().any(|&octet| is_control(octet)));
        assert!(!name.eq_ignore_ascii_case(b"Content-Length") && !name.eq_ignore_ascii_case(b"Host"));
    }
}

fn encode(content: &[u8], step: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in content.chunks(step) {
        bytes.extend_from_slice(alloc::format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
