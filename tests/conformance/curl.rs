//! curl, flag by flag.

use std::path::Path;

use crate::support::{Finished, Node, noise};
use crate::{node, run};

/// Runs curl with a time limit of its own and without its user's settings.
fn curl(node: &Node, args: &[&str]) -> Finished {
    run(node, Path::new("curl"), &[&["-q", "-sS", "--max-time", "30"], args].concat())
}

/// A file for curl to send, beside the node's data.
fn file(node: &Node, length: usize) -> Vec<u8> {
    let bytes = noise(length, length as u64 + 1);
    std::fs::write(node.data().root().join("body"), &bytes).expect("the temp dir is writable");
    bytes
}

fn back(node: &Node) -> Vec<u8> {
    std::fs::read(node.data().root().join("back")).expect("curl wrote it")
}

const TELL: [&str; 2] = ["-w", "[%{http_code} %{http_version} %{num_connects}]"];

#[test]
fn versions_and_connections() {
    let (node, _) = node();
    let url = node.url("/-/ping");
    let tell = |args: &[&str]| curl(&node, &[&TELL, args, &[&url, &url]].concat()).stdout;
    assert_eq!(tell(&["--http1.1"]), "{}[200 1.1 1]{}[200 1.1 0]");
    // curl asks for keep-alive in HTTP/1.0 only if told so; the node answers as HTTP/1.1 either way.
    assert_eq!(tell(&["--http1.0"]), "{}[200 1.1 1]{}[200 1.1 1]");
    assert_eq!(tell(&["--http1.0", "-H", "Connection: keep-alive"]), "{}[200 1.1 1]{}[200 1.1 0]");
    assert_eq!(tell(&["-H", "Connection: close"]), "{}[200 1.1 1]{}[200 1.1 1]");
    assert_eq!(tell(&["--http2"]), "{}[200 1.1 1]{}[200 1.1 0]", "an upgrade to h2c is ignored");
    assert_eq!(tell(&["--no-keepalive", "--tcp-nodelay"]), "{}[200 1.1 1]{}[200 1.1 0]");
}

#[test]
fn heads() {
    let (node, package) = node();
    let url = node.url(&package.tarball_path());
    let told = curl(&node, &["-I", &url, &url]);
    let length = format!("Content-Length: {}\r\n", package.tarball().len());
    assert_eq!(told.stdout.matches(&length).count(), 2, "{}", told.stdout);
    assert!(told.stdout.starts_with("HTTP/1.1 200 OK\r\n"), "{}", told.stdout);
    assert_eq!(curl(&node, &["-I", "--http1.0", "-o", "/dev/null", "-w", "%{http_code}", &url]).stdout, "200");
}

#[test]
fn uploads_with_and_without_a_length() {
    let (node, _) = node();
    let url = node.url("/-/echo");
    for length in [0, 1, 100, 100_000, 1024 * 1024] {
        let body = file(&node, length);
        for framing in [&[][..], &["-H", "Transfer-Encoding: chunked"]] {
            if length == 0 && !framing.is_empty() {
                continue; // curl 7.88 forgets the last chunk of a body that has no other
            }
            for expect in ["Expect:", "Expect: 100-continue"] {
                let args = ["-X", "POST", "-T", "body", "-H", expect, "--expect100-timeout", "15", "-o", "back"];
                let told = curl(&node, &[&args, framing, &TELL, &[&url]].concat());
                assert_eq!(told.stdout, "[200 1.1 1]", "{length} bytes, {framing:?}, {expect}");
                assert!(back(&node) == body, "{length} bytes, {framing:?}, {expect}");
            }
        }
    }
}

#[test]
fn an_expectation_is_met_or_refused_before_the_body_is_sent() {
    let (node, _) = node();
    let url = node.url("/-/echo");
    let args = ["-v", "-X", "POST", "-T", "body", "-H", "Expect: 100-continue", "--expect100-timeout", "15"];
    file(&node, 50_000);
    let told = curl(&node, &[&args, &["-o", "back", &url][..]].concat());
    assert!(told.stderr.contains("< HTTP/1.1 100 Continue"), "{}", told.stderr);
    file(&node, 5_000_000);
    let told = curl(&node, &[&args, &["-o", "back", "-w", "%{http_code} %{size_upload}", &url][..]].concat());
    assert_eq!(told.stdout, "413 0", "{}", told.stderr);
    assert!(!told.stderr.contains("100 Continue"), "{}", told.stderr);
}

#[test]
fn compressed_documents_are_the_same_documents() {
    let (node, _) = node();
    let url = node.url("/thing");
    let plain = curl(&node, &[&url]).stdout;
    let told = curl(&node, &["--compressed", "-D", "heads", &url]);
    assert_eq!(told.stdout, plain);
    let heads = std::fs::read_to_string(node.data().root().join("heads")).expect("curl wrote it");
    assert!(heads.to_ascii_lowercase().contains("content-encoding: gzip\r\n"), "{heads}");
}

#[test]
fn a_tarball_comes_whole_at_any_pace() {
    let (node, package) = node();
    let url = node.url(&package.tarball_path());
    for args in
        [&["--limit-rate", "3M"][..], &["--http1.0"], &["--raw"], &["--tcp-fastopen"], &["--ignore-content-length"]]
    {
        let closing: &[&str] = if args == ["--ignore-content-length"] { &["-H", "Connection: close"] } else { &[] };
        curl(&node, &[args, closing, &["-o", "back", &url]].concat());
        assert!(back(&node) == package.tarball(), "{args:?}");
    }
}

#[test]
fn many_at_once() {
    let (node, package) = node();
    let url = node.url(&package.tarball_path());
    let urls = vec![url.as_str(); 20];
    let args = [
        &["--parallel", "--parallel-max", "10", "-w", "%{http_code} %{size_download}\n"][..],
        &["-o", "/dev/null"].repeat(20),
        &urls,
    ];
    let told = curl(&node, &args.concat());
    let line = format!("200 {}", package.tarball().len());
    assert_eq!(told.stdout.lines().filter(|told| **told == line).count(), 20, "{}", told.stdout);
}
