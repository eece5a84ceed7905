//! Clients that people use: curl, Python's http.client, and the fetch of Node.js (undici).

use std::process::Command;

use crate::support::{Finished, Node, Running, noise};
use crate::{LONG, node};

fn run(node: &Node, program: &str, args: &[&str]) -> Finished {
    let mut command = Command::new(program);
    command.args(args).current_dir(node.data().root());
    // A proxy of the machine must not come between.
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "NODE_OPTIONS"] {
        command.env_remove(name);
    }
    let finished = Running::start(command, LONG).finish();
    assert!(finished.is_success(), "{program} {args:?}: {}", finished.report());
    finished
}

/// A file for a client to send, beside the node's data.
fn file(node: &Node, name: &str, length: usize) -> Vec<u8> {
    let bytes = noise(length, length as u64);
    std::fs::write(node.data().root().join(name), &bytes).expect("the temp dir is writable");
    bytes
}

#[test]
fn curl_asks_twice_on_one_connection() {
    let node = node();
    let (ping, ready) = (node.url("/-/ping"), node.url("/readyz"));
    let told = run(&node, "curl", &["-sS", "-w", "[%{http_code} %{num_connects}]", &ping, &ready]);
    assert_eq!(told.stdout, "{}[200 1]{\"status\":\"ready\"}[200 0]");
}

#[test]
fn curl_waits_for_100_before_a_large_body() {
    let node = node();
    let body = file(&node, "body", 1024 * 1024);
    let args = ["-sS", "-v", "-H", "Expect: 100-continue", "--expect100-timeout", "15"];
    let url = node.url("/-/echo");
    let told = run(&node, "curl", &[&args[..], &["--data-binary", "@body", "-o", "back", &url]].concat());
    assert!(told.stderr.contains("100 Continue"), "{}", told.stderr);
    assert!(std::fs::read(node.data().root().join("back")).expect("curl wrote it") == body);
}

#[test]
fn curl_sends_chunks() {
    let node = node();
    let body = file(&node, "body", 300_000);
    let url = node.url("/-/echo");
    run(&node, "curl", &["-sS", "-H", "Transfer-Encoding: chunked", "--data-binary", "@body", "-o", "back", &url]);
    assert!(std::fs::read(node.data().root().join("back")).expect("curl wrote it") == body);
}

#[test]
fn curl_shows_why_a_body_is_refused() {
    let node = node();
    file(&node, "body", 3 * 1024 * 1024);
    let url = node.url("/-/echo");
    let told = run(&node, "curl", &["-sS", "-w", " %{http_code}", "--data-binary", "@body", &url]);
    assert!(told.stdout.contains("body_bytes") && told.stdout.ends_with(" 413"), "{}", told.report());
}

#[test]
fn curl_sees_head_and_http_1_0() {
    let node = node();
    let url = node.url("/-/ping");
    assert!(run(&node, "curl", &["-sS", "-I", &url]).stdout.starts_with("HTTP/1.1 200"));
    assert_eq!(run(&node, "curl", &["-sS", "--http1.0", &url]).stdout, "{}");
}

#[test]
fn python_keeps_its_connection() {
    let node = node();
    let script = r#"
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=15)
connection.connect()
socket = connection.sock
def ask(method, path, **rest):
    connection.request(method, path, **rest)
    answer = connection.getresponse()
    return answer.status, answer.read()
assert ask("GET", "/-/ping") == (200, b"{}")
assert ask("HEAD", "/-/ping") == (200, b"")
body = bytes(range(256)) * 2000
assert ask("POST", "/-/echo", body=body) == (200, body)
assert ask("POST", "/-/echo", body=iter([b"one", b"two"]), encode_chunked=True,
           headers={"Transfer-Encoding": "chunked"}) == (200, b"onetwo")
assert ask("GET", "/-/nothing/of/the/kind")[0] == 404
assert ask("GET", "/-/ping") == (200, b"{}")
assert connection.sock is socket, "the connection was not kept"
print("done")
"#;
    let told = run(&node, "python3", &["-c", script, &node.port().to_string()]);
    assert_eq!(told.stdout, "done\n");
}

#[test]
fn node_fetches() {
    let node = node();
    let script = r#"
const assert = require("node:assert");
const base = process.argv[1];
(async () => {
  const all = await Promise.all(Array.from({ length: 50 }, () => fetch(base + "/-/ping").then((r) => r.json())));
  assert.deepStrictEqual(all, Array(50).fill({}));
  const body = Buffer.alloc(500000, "lattice");
  const echoed = await fetch(base + "/-/echo", { method: "POST", body });
  assert(Buffer.from(await echoed.arrayBuffer()).equals(body));
  const stream = new ReadableStream({ start(c) { c.enqueue(Buffer.from("one")); c.enqueue(Buffer.from("two")); c.close(); } });
  const chunked = await fetch(base + "/-/echo", { method: "POST", body: stream, duplex: "half" });
  assert.strictEqual(await chunked.text(), "onetwo");
  const refused = await fetch(base + "/-/ping", { method: "DELETE" });
  assert.strictEqual(refused.status, 405);
  assert((await refused.json()).error);
  console.log("done");
})();
"#;
    let told = run(&node, "node", &["-e", script, &node.url("")]);
    assert_eq!(told.stdout, "done\n");
}
