//! Requests that parsers disagree on, which is how one request is smuggled behind another. Each is
//! answered 400, the connection closes, and nothing after it is answered.

use crate::support::{Node, while_others_are_served};
use crate::{PING, assert_is_error, assert_over, exchange, node};

/// What would be smuggled.
const PREY: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";

fn assert_refused(node: &Node, what: &str, request: &[u8]) {
    // Alone, and behind a request that is in order.
    for before in [&b""[..], PING] {
        let (mut response, mut raw) = exchange(node, "GET", &[before, request, PREY].concat());
        if !before.is_empty() {
            assert_eq!(response.status, 200, "{what}: the request before it");
            response = raw.response("POST");
        }
        assert_is_error(&response, 400, what);
        assert_eq!(response.header("connection"), Some("close"), "{what}");
        assert_over(&mut raw, what);
    }
}

fn assert_all_refused(cases: &[(&str, &[u8])]) {
    let node = node();
    while_others_are_served(&node, || {
        for (what, request) in cases {
            assert_refused(&node, what, request);
        }
    });
}

#[test]
fn content_length_and_transfer_encoding_exclude_each_other() {
    assert_all_refused(&[
        (
            "length first",
            b"POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "coding first",
            b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ),
        (
            "length zero",
            b"POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("another coding", b"POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: x\r\n\r\n"),
        ("HTTP/1.0", b"POST /-/echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]);
}

#[test]
fn a_length_is_one_plain_number() {
    let node = node();
    let lengths = [
        "5\r\nContent-Length: 6",
        "5\r\nContent-Length: 5",
        "5, 5",
        "5, 6",
        "+5",
        "-5",
        "0x5",
        "5 5",
        "5;",
        "5.0",
        "",
        "1e1",
        "18446744073709551616",
        "18446744073709551621",
        "99999999999999999999999999",
        "\u{666}",
    ];
    for length in lengths {
        let request = format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhello");
        assert_refused(&node, length, request.as_bytes());
    }
}

#[test]
fn lines_end_in_cr_and_lf_together() {
    assert_all_refused(&[
        ("LF after the request line", b"GET /-/ping HTTP/1.1\nHost: a\r\n\r\n"),
        ("LF after a field", b"GET /-/ping HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
        ("LF as blank line", b"GET /-/ping HTTP/1.1\r\nHost: a\r\n\n"),
        ("LF only", b"GET /-/ping HTTP/1.1\nHost: a\n\n"),
        ("CR in a value", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX: y\rZ: w\r\n\r\n"),
        ("CR in a name", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX\rY: z\r\n\r\n"),
        ("CR in the request line", b"GET /-/ping\r HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("CR CR LF", b"GET /-/ping HTTP/1.1\r\r\nHost: a\r\n\r\n"),
        ("LF before the request line", b"\nGET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]);
}

#[test]
fn a_field_is_one_line_of_name_colon_and_value() {
    assert_all_refused(&[
        ("obs-fold, space", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"),
        ("obs-fold, tab", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n"),
        ("a space before the first field", b"GET /-/ping HTTP/1.1\r\n Host: a\r\n\r\n"),
        ("space before the colon", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"),
        ("tab before the colon", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX\t: y\r\n\r\n"),
        (
            "hidden coding",
            b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ),
        ("no colon", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
        ("no name", b"GET /-/ping HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n"),
        ("NUL in a value", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
        ("NUL in a name", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n"),
        ("NUL in the target", b"GET /-/pi\0ng HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("control in a value", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n"),
        ("DEL in a value", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n"),
        ("brackets in a name", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n"),
        ("a name beyond ASCII", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX\xff: z\r\n\r\n"),
    ]);
}

#[test]
fn a_request_line_is_method_target_and_version() {
    assert_all_refused(&[
        ("two spaces", b"GET  /-/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a space at the end", b"GET /-/ping HTTP/1.1 \r\nHost: a\r\n\r\n"),
        ("a space in front", b" GET /-/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a tab", b"GET\t/-/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("no version", b"GET /-/ping\r\nHost: a\r\n\r\n"),
        ("a version in lower case", b"GET /-/ping http/1.1\r\nHost: a\r\n\r\n"),
        ("a version of two digits", b"GET /-/ping HTTP/1.10\r\nHost: a\r\n\r\n"),
        ("no target", b"GET HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a target without a slash", b"GET ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a fragment", b"GET /-/ping#x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a space in the target", b"GET /-/pi ng HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("beyond ASCII", b"GET /-/p\xc3\xafng HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("an asterisk for GET", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("CONNECT", b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ]);
}

#[test]
fn the_host_is_named_once_and_agrees_with_the_target() {
    assert_all_refused(&[
        ("none", b"GET /-/ping HTTP/1.1\r\n\r\n"),
        ("two", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("the same twice", b"GET /-/ping HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        ("a list", b"GET /-/ping HTTP/1.1\r\nHost: a, b\r\n\r\n"),
        ("a path", b"GET /-/ping HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        ("a user", b"GET /-/ping HTTP/1.1\r\nHost: me@a\r\n\r\n"),
        ("another host in the target", b"GET http://b/-/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("another port in the target", b"GET http://a:81/-/ping HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        ("a user in the target", b"GET http://me@a/-/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("another scheme", b"GET ftp://a/-/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]);
}

#[test]
fn an_absolute_target_for_this_host_is_served() {
    let node = node();
    let (response, _) = exchange(&node, "GET", b"GET http://a.test:80/-/ping HTTP/1.1\r\nHost: A.test:80\r\n\r\n");
    assert_eq!(response.status, 200);
}

#[test]
fn chunks_are_framed_exactly() {
    let long_extension = [b"5;", &[b'x'; 300][..], b"\r\nhello\r\n0\r\n\r\n"].concat();
    let extensions_by_the_hundred = b"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nx\r\n".repeat(1000);
    let bodies: Vec<(&str, &[u8])> = vec![
        ("no size", b"\r\nhello\r\n0\r\n\r\n"),
        ("a size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n"),
        ("a signed size", b"+5\r\nhello\r\n0\r\n\r\n"),
        ("a negative size", b"-5\r\nhello\r\n0\r\n\r\n"),
        ("a letter", b"5g\r\nhello\r\n0\r\n\r\n"),
        ("a space before the size", b" 5\r\nhello\r\n0\r\n\r\n"),
        ("a space after the size", b"5 \r\nhello\r\n0\r\n\r\n"),
        ("an underscore", b"1_0\r\nhello\r\n0\r\n\r\n"),
        ("sixteen digits", b"0000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("a size that overflows", b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        ("LF after the size", b"5\nhello\r\n0\r\n\r\n"),
        ("CR after the size", b"5\rhello\r\n0\r\n\r\n"),
        ("LF in an extension", b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
        ("CR in an extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("NUL in an extension", b"5;a\0b\r\nhello\r\n0\r\n\r\n"),
        ("too long an extension", &long_extension),
        ("more extensions than data", &extensions_by_the_hundred),
        ("more data than the size", b"5\r\nhello!\r\n0\r\n\r\n"),
        ("LF after the data", b"5\r\nhello\n0\r\n\r\n"),
        ("nothing after the data", b"5\r\nhello0\r\n\r\n"),
        ("LF after the last chunk", b"0\n\r\n"),
        ("LF as the end", b"0\r\n\n"),
        ("a folded trailer", b"0\r\nX: y\r\n z\r\n\r\n"),
        ("a trailer without a colon", b"0\r\nX\r\n\r\n"),
    ];
    let node = node();
    for (what, body) in bodies {
        let head = b"POST /-/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_refused(&node, what, &[head, body].concat());
    }
}

#[test]
fn a_refusal_does_not_depend_on_how_the_bytes_arrive() {
    let node = node();
    let request = b"GET /-/ping HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n";
    for cut in 1..request.len() {
        let mut raw = node.connect();
        raw.send(&request[..cut]);
        std::thread::sleep(std::time::Duration::from_millis(3));
        raw.send(&[&request[cut..], PREY].concat());
        assert_is_error(&raw.response("GET"), 400, "cut");
        assert_over(&mut raw, &format!("cut at {cut}"));
    }
}
