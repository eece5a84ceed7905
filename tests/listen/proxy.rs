//! The PROXY protocol: required from proxies that are trusted, a bad request from anybody else.

use std::time::Duration;

use crate::support::{Node, Raw, Setup};
use crate::{LONG, PING, ask, with_socket};

const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 4873\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn trusting(setup: Setup, proxies: &str) -> Node {
    let config = format!("[http]\nproxy_protocol = \"v1v2\"\ntrusted_proxies = [{proxies}]\n");
    setup.threads(1).args(&["--echo"]).config(&config).start()
}

/// Version 2 with these addresses and fields.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

fn refused(node: &Node) -> u64 {
    node.meters().sum("prefaces_refused")
}

#[test]
fn a_header_and_a_request_are_taken_wherever_they_are_cut() {
    let node = trusting(Setup::new(), "\"127.0.0.0/8\"");
    let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 220, 4, 19, 9];
    for header in [LINE.to_vec(), binary(0x21, 0x11, &v4), binary(0x20, 0, b""), b"PROXY UNKNOWN\r\n".to_vec()] {
        let bytes = [&header, PING].concat();
        for cut in 0..=header.len() + 1 {
            let mut raw = node.connect();
            raw.send(&bytes[..cut]);
            // Two segments come in two reads, unless the machine is slow: then nothing is lost either.
            std::thread::sleep(Duration::from_millis(2));
            raw.send(&bytes[cut..]);
            assert_eq!(raw.response("GET").status, 200, "cut at {cut}");
            ask(&mut raw);
        }
    }
    let mut raw = node.connect();
    raw.send_slowly(LINE, 1, Duration::from_millis(1));
    ask(&mut raw);
    assert_eq!(refused(&node), 0);
}

#[test]
fn a_large_body_may_follow_the_header_at_once() {
    let node = trusting(Setup::new(), "\"127.0.0.1\"");
    let body = vec![b'x'; 300_000];
    let head = format!("POST /-/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let fields = vec![4; 3 + 0x0404];
    let mut raw = node.connect();
    raw.send(&[&binary(0x20, 0, &fields), head.as_bytes(), &body].concat());
    assert_eq!(raw.response("POST").body.len(), body.len());
}

#[test]
fn a_trusted_proxy_must_send_a_good_header() {
    let node = trusting(Setup::new(), "\"127.0.0.1\"");
    let wrong_checksum = binary(0x21, 0, &[3, 0, 4, 1, 2, 3, 4]);
    let too_long = [SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat();
    let bad: [&[u8]; 6] = [
        PING,
        b"PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n",
        &wrong_checksum,
        &too_long,
        &b"PROXY UNKNOWN ".repeat(20),
        b"\x16\x03\x01",
    ];
    for (count, bytes) in bad.into_iter().enumerate() {
        let mut raw = node.connect();
        raw.send(bytes);
        assert_eq!(raw.until_close(), b"", "{bytes:?}");
        node.wait_for_meters("it is counted", LONG, |meters| meters.sum("prefaces_refused") == count as u64 + 1);
    }
    // Nor does it help to end in the middle.
    for end in [0, 3, LINE.len() - 1] {
        let mut raw = node.connect();
        raw.send(&LINE[..end]);
        raw.finish();
        assert_eq!(raw.until_close(), b"", "{end}");
    }
    node.wait_for_meters("all are gone", LONG, |meters| meters.open() == 0);
}

#[test]
fn a_header_that_never_comes_is_not_waited_for_without_end() {
    let config = "[http]\nproxy_protocol = \"v1v2\"\ntrusted_proxies = [\"127.0.0.1\"]\nhead_timeout_s = 1\n";
    let node = Setup::new().threads(1).config(config).start();
    let mut silent = node.connect();
    let mut half = node.connect();
    half.send(&LINE[..20]);
    assert_eq!((silent.until_close(), half.until_close()), (vec![], vec![]));
    let mut raw = node.connect();
    raw.send(LINE);
    ask(&mut raw);
}

#[test]
fn from_anybody_else_a_header_is_a_bad_request() {
    let others = trusting(Setup::new(), "\"10.0.0.0/8\", \"unix\"");
    let off = Setup::new().config("[http]\ntrusted_proxies = [\"127.0.0.1\"]\n").start();
    for node in [&others, &off] {
        for header in [LINE, &binary(0x20, 0, b"")] {
            let mut raw = node.connect();
            raw.send(&[header, PING].concat());
            assert_eq!(raw.response("GET").status, 400);
            assert_eq!(raw.until_close(), b"");
        }
        ask(&mut node.connect());
        assert_eq!(refused(node), 0);
    }
}

#[test]
fn a_proxy_at_the_unix_socket_may_be_trusted_alone() {
    let node = trusting(with_socket(), "\"unix\"");
    let path = node.data().root().join("socket");
    let unix = binary(0x21, 0x31, &[b'a'; 216]);
    for header in [LINE, &unix] {
        let mut raw = Raw::connect_unix(&path);
        raw.send(&[header, PING].concat());
        assert_eq!(raw.response("GET").status, 200);
    }
    let mut bare = Raw::connect_unix(&path);
    bare.send(PING);
    assert_eq!(bare.until_close(), b"");
    ask(&mut node.connect());
}
