//! A head that drips in.

use super::super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

const HEAD: &[u8] = b"\r\nPUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";

#[test]
fn the_end_is_seen_at_the_last_byte_and_not_before() {
    let mut scan = HeadScan::default();
    for end in 0..=HEAD.len() {
        assert_eq!(scan.scan(&HEAD[..end], &Limits::default()), Ok(end == HEAD.len()), "{end} bytes");
    }
    let more = [HEAD, b"\nabc\n"].concat();
    assert_eq!(scan.scan(&more, &Limits::default()), Ok(true));
    assert_eq!(HeadScan::default().scan(&more, &Limits::default()), Ok(true));
}

#[test]
fn a_lone_line_feed_is_refused_before_the_head_is_whole() {
    let mut scan = HeadScan::default();
    assert_eq!(scan.scan(b"GET / HTTP/1.1", &Limits::default()), Ok(false));
    assert_eq!(scan.scan(b"GET / HTTP/1.1\n", &Limits::default()), Err(Error::BareLineEnd));
}

#[test]
fn an_endless_head_is_refused_at_its_limit() {
    let limits = Limits { head_bytes: 1024, ..Limits::default() };
    let endless = [b"GET / HTTP/1.1\r\n".as_slice(), &[b'x'; 2000]].concat();
    let mut scan = HeadScan::default();
    for end in 0..1024 {
        assert_eq!(scan.scan(&endless[..end], &limits), Ok(false));
    }
    assert_eq!(scan.scan(&endless[..1024], &limits), Err(Error::HeadTooLarge));
    assert_eq!(HeadScan::default().scan(&[b'x'; 1024], &limits), Err(Error::TargetTooLong));
}

/// Pieces that heads are made of, and those that spoil them.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: &[&[u8]] = &[
        b"GET ",
        b"POST ",
        b"/",
        b"*",
        b"?",
        b"#",
        b"http://a",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b" HTTP/2.0\r\n",
        b"Host: a\r\n",
        b"Host: b\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b"\0",
        b"x",
        b"\xff",
        b"X: y\r\n",
        b"X: \r\n",
        b"X:",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"\r\n\r\n",
    ];
    let known: Vec<Vec<u8>> = known.iter().map(|piece| piece.to_vec()).collect();
    prop_oneof![8 => proptest::sample::select(known), 1 => proptest::collection::vec(any::<u8>(), 1..4)]
}

proptest! {
    #[test]
    fn any_mixture_of_pieces_means_the_same_however_it_is_cut(
        pieces in proptest::collection::vec(piece(), 0..14),
        good_start in any::<bool>(),
    ) {
        let start: &[u8] = if good_start { b"GET / HTTP/1.1\r\nHost: a\r\n" } else { b"" };
        fuzz::head(&[start, &pieces.concat()].concat());
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        fuzz::head(&bytes);
        fuzz::chunked_body(&bytes);
    }
}
