//! Bodies, in every cut.

use super::super::*;
use crate::limits::{
    CHUNK_LINE_BYTES_MAX, CHUNK_OVERHEAD_BYTES, CHUNK_OVERHEAD_PER_BYTE, CHUNK_SIZE_DIGITS_MAX, TRAILER_BYTES_MAX,
};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Content, bytes taken, and whether the body ended.
type Outcome = Result<(Vec<u8>, usize, bool), Error>;

fn feed(framing: Framing, parts: &[&[u8]]) -> Outcome {
    feed_for(framing, parts, &mut Trailers::new())
}

fn feed_for(framing: Framing, parts: &[&[u8]], trailers: &mut Trailers) -> Outcome {
    let mut decoder = BodyDecoder::new(framing);
    let (mut content, mut consumed) = (Vec::new(), 0);
    for part in parts {
        let mut rest = *part;
        while !rest.is_empty() && !decoder.is_done() {
            let step = decoder.decode(rest)?;
            content.extend_from_slice(step.data);
            trailers.push(step.trailers);
            consumed += step.consumed;
            rest = &rest[step.consumed..];
        }
    }
    Ok((content, consumed, decoder.is_done()))
}

/// Decodes chunks in one piece and, if they are few, in every two pieces and byte by byte.
fn chunked(text: impl AsRef<[u8]>) -> Outcome {
    let bytes = text.as_ref();
    let whole = feed(Framing::Chunked, &[bytes]);
    if bytes.len() < 400 {
        for cut in 0..=bytes.len() {
            assert_eq!(feed(Framing::Chunked, &[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(feed(Framing::Chunked, &single), whole, "byte by byte");
    fuzz::chunked_body(&[b"\x05", bytes].concat());
    whole
}

fn ok(content: &str, consumed: usize) -> Outcome {
    Ok((content.as_bytes().to_vec(), consumed, true))
}

#[test]
fn no_body_takes_no_bytes() {
    for framing in [Framing::None, Framing::Length(0)] {
        let mut decoder = BodyDecoder::new(framing);
        assert!(decoder.is_done());
        assert_eq!(decoder.decode(b"GET"), Ok(Step { consumed: 0, data: b"", trailers: b"", done: true }));
    }
}

#[test]
fn a_counted_body_ends_where_it_should() {
    let bytes = b"hello GET / HTTP/1.1";
    for cut in 0..=bytes.len() {
        let outcome = feed(Framing::Length(5), &[&bytes[..cut], &bytes[cut..]]);
        assert_eq!(outcome, ok("hello", 5), "cut at {cut}");
    }
    assert_eq!(feed(Framing::Length(6), &[b"hello"]), Ok((b"hello".to_vec(), 5, false)));
    assert_eq!(feed(Framing::Length(u64::MAX), &[b"hello"]), Ok((b"hello".to_vec(), 5, false)));
}

#[test]
fn chunks() {
    assert_eq!(chunked("0\r\n\r\n"), ok("", 5));
    assert_eq!(chunked("5\r\nhello\r\n0\r\n\r\n"), ok("hello", 15));
    assert_eq!(chunked("5\r\nhello\r\n0\r\n\r\nGET"), ok("hello", 15));
    assert_eq!(chunked("2\r\nhe\r\n00003\r\nl\r\n\r\n000\r\n\r\n"), ok("hel\r\n", 26));
    assert_eq!(chunked("a\r\n0123456789\r\n0\r\n\r\n"), ok("0123456789", 20));
    assert_eq!(chunked("A\r\n0123456789\r\n0\r\n\r\n"), ok("0123456789", 20));
}

#[test]
fn extensions_are_dropped() {
    for body in ["1;a\r\nx\r\n0;b=c;d=\"e f\"\r\n\r\n", "1 \t;a = \"\u{e4}\"\r\nx\r\n0\r\n\r\n"] {
        assert_eq!(chunked(body), ok("x", body.len()));
    }
}

#[test]
fn trailers_are_the_same_wherever_they_are_cut() {
    let body = b"2;e: f\r\nA:\r\n0;g: h\r\nA: b\r\nContent-Length: 9\r\nC:\r\nd:\t\xc3\xa4 x \r\n\r\nGET / HTTP/1.1\r\nNot: one\r\n\r\n";
    let expected: [(&[u8], &[u8]); 3] = [(b"A", b"b"), (b"C", b""), (b"d", b"\xc3\xa4 x")];
    let single: Vec<&[u8]> = body.chunks(1).collect();
    let cuts = (0..=body.len()).map(|cut| vec![&body[..cut], &body[cut..]]);
    for (cut, parts) in cuts.chain([single]).enumerate() {
        let mut trailers = Trailers::new();
        assert!(
            feed_for(Framing::Chunked, &parts, &mut trailers).is_ok_and(|(content, _, done)| content == b"A:" && done)
        );
        assert_eq!(trailers.iter().collect::<Vec<_>>(), expected, "cut at {cut}");
    }
}

#[test]
fn a_body_without_trailers_gives_none() {
    for body in ["0\r\n\r\n", "5;a=b\r\nhello\r\n0;c: d\r\n\r\nE: f\r\n"] {
        for cut in 0..=body.len() {
            let mut trailers = Trailers::new();
            let (first, second) = body.as_bytes().split_at(cut);
            assert!(feed_for(Framing::Chunked, &[first, second], &mut trailers).is_ok());
            assert_eq!(trailers.held_bytes(), 0, "cut at {cut}");
        }
    }
}

#[test]
fn trailers_are_no_content() {
    for body in ["0\r\nA: b\r\nC:\r\n\r\n", "0\r\nContent-Length: 9\r\nHost:\t\u{e4} x \r\n\r\n"] {
        assert_eq!(chunked(body), ok("", body.len()));
        assert_eq!(chunked(format!("{body}GET")), ok("", body.len()));
    }
}

#[test]
fn a_body_that_goes_on_is_not_done() {
    let body = "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for end in 0..body.len() {
        let (_, consumed, done) = chunked(&body[..end]).unwrap();
        assert_eq!((consumed, done), (end, false));
    }
}

#[test]
fn framing_that_is_refused() {
    for (body, error) in [
        ("\r\n", Error::BadChunk),
        (";\r\n", Error::BadChunk),
        (" 5\r\nhello", Error::BadChunk),
        ("5 \r\nhello", Error::BadChunk),
        ("5 5\r\nhello", Error::BadChunk),
        ("+5\r\nhello", Error::BadChunk),
        ("-5\r\nhello", Error::BadChunk),
        ("0x5\r\nhello", Error::BadChunk),
        ("5h\r\nhello", Error::BadChunk),
        ("g\r\n", Error::BadChunk),
        ("5_0\r\n", Error::BadChunk),
        ("5\0\r\n", Error::BadChunk),
        ("5;\0\r\n", Error::BadChunk),
        ("5;\x7f\r\n", Error::BadChunk),
        ("5;a\x0b\r\n", Error::BadChunk),
        ("5\r\nhelloX", Error::BadChunk),
        ("5\r\nhello0\r\n\r\n", Error::BadChunk),
        ("5\nhello\r\n", Error::BareLineEnd),
        ("\n", Error::BareLineEnd),
        ("5\rhello\r\n", Error::BareLineEnd),
        ("5\r\rhello\r\n", Error::BareLineEnd),
        ("5;a\nhello\r\n", Error::BareLineEnd),
        ("5;a\rb\r\nhello\r\n", Error::BareLineEnd),
        ("5;\"a\n\"\r\nhello\r\n", Error::BareLineEnd),
        ("5\r\nhello\n0\r\n\r\n", Error::BareLineEnd),
        ("5\r\nhello\r0\r\n\r\n", Error::BareLineEnd),
        ("0\n\n", Error::BareLineEnd),
        ("0\r\n\n", Error::BareLineEnd),
        ("0\r\n\rX", Error::BareLineEnd),
        ("0\r\nA: b\n\r\n", Error::BareLineEnd),
        ("0\r\nA: b\rC: d\r\n\r\n", Error::BareLineEnd),
        ("0\r\nA\n", Error::BareLineEnd),
        ("0\r\n A: b\r\n\r\n", Error::ObsoleteFold),
        ("0\r\nA: b\r\n\tc\r\n\r\n", Error::ObsoleteFold),
        ("0\r\nA : b\r\n\r\n", Error::BadByte),
        ("0\r\n: b\r\n\r\n", Error::BadByte),
        ("0\r\nA\r\n\r\n", Error::BadByte),
        ("0\r\nA: \0\r\n\r\n", Error::BadByte),
        ("0\r\n\0\r\n", Error::BadByte),
        ("0\r\n\u{e4}: b\r\n\r\n", Error::BadByte),
    ] {
        assert_eq!(chunked(body), Err(error), "{body:?}");
        assert_eq!(chunked(format!("3\r\nabc\r\n{body}")), Err(error), "{body:?} after a chunk");
    }
}

#[test]
fn size_digits_below_at_and_above() {
    let zeros = |count: usize| format!("{}\r\n\r\n", "0".repeat(count));
    assert!(chunked(zeros(CHUNK_SIZE_DIGITS_MAX - 1)).is_ok_and(|(_, _, done)| done));
    assert!(chunked(zeros(CHUNK_SIZE_DIGITS_MAX)).is_ok_and(|(_, _, done)| done));
    assert_eq!(chunked(zeros(CHUNK_SIZE_DIGITS_MAX + 1)), Err(Error::BadChunk));
    let largest = "f".repeat(CHUNK_SIZE_DIGITS_MAX);
    assert_eq!(chunked(format!("{largest}\r\nabc")), Ok((b"abc".to_vec(), largest.len() + 5, false)));
    assert_eq!(chunked(format!("{largest}f\r\nabc")), Err(Error::BadChunk));
}

#[test]
fn size_lines_below_at_and_above() {
    let line = |bytes: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(bytes - 2));
    assert!(chunked(line(CHUNK_LINE_BYTES_MAX - 1)).is_ok_and(|(_, _, done)| done));
    assert!(chunked(line(CHUNK_LINE_BYTES_MAX)).is_ok_and(|(_, _, done)| done));
    assert_eq!(chunked(line(CHUNK_LINE_BYTES_MAX + 1)), Err(Error::BadChunk));
    assert_eq!(chunked(format!("1{}", " ".repeat(CHUNK_LINE_BYTES_MAX))), Err(Error::BadChunk));
}

#[test]
fn trailers_below_at_and_above() {
    let trailers = |bytes: usize| format!("0\r\nA:{}\r\nB:\r\n\r\n", "x".repeat(bytes - 8));
    assert!(chunked(trailers(TRAILER_BYTES_MAX - 1)).is_ok_and(|(_, _, done)| done));
    assert!(chunked(trailers(TRAILER_BYTES_MAX)).is_ok_and(|(_, _, done)| done));
    assert_eq!(chunked(trailers(TRAILER_BYTES_MAX + 1)), Err(Error::HeadTooLarge));
}

/// `count` one-byte chunks, each with this many bytes of framing.
fn tiny(count: usize, framing: usize) -> String {
    let extension = if framing > 5 { format!(";{}", "e".repeat(framing - 6)) } else { String::new() };
    format!("1{extension}\r\nx\r\n").repeat(count)
}

#[test]
fn overhead_below_at_and_above() {
    // Each chunk costs 10 bytes beyond what its own byte pays for, and its size line comes first.
    let framing = CHUNK_OVERHEAD_PER_BYTE as usize + 10;
    let allowed = CHUNK_OVERHEAD_BYTES as usize;
    let fits = (allowed - (framing - 2)) / 10 + 1;
    let rest = allowed - fits * 10;
    assert!(chunked(tiny(fits, framing)).is_ok());
    // The next size line may use up the rest, and not a byte more.
    assert!(chunked(tiny(fits, framing) + "1;" + &"e".repeat(rest - 2)).is_ok());
    assert_eq!(chunked(tiny(fits, framing) + "1;" + &"e".repeat(rest - 1)), Err(Error::ChunkOverhead));
}

#[test]
fn the_thriftiest_tiny_chunks_are_no_overhead() {
    let body = tiny(20_000, 5) + "0\r\n\r\n";
    assert_eq!(feed(Framing::Chunked, &[body.as_bytes()]), Ok((vec![b'x'; 20_000], body.len(), true)));
}

proptest! {
    #[test]
    fn content_survives_any_chunking(
        content in proptest::collection::vec(any::<u8>(), 0..600),
        step in any::<u8>(),
    ) {
        fuzz::chunked_body(&[&[step], content.as_slice()].concat());
    }
}
