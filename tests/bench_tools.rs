//! The benchmarks' own programs: that they build without a warning, and that the load clients tell the
//! truth about right, wrong and missing answers. No time is asserted.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

#[path = "bench_tools/websocket.rs"]
mod websocket;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// `floor` or `load`, built where the warnings are errors.
fn build(name: &str, place: &TempDir) -> PathBuf {
    build_in("bench/peers", name, place)
}

fn build_in(directory: &str, name: &str, place: &TempDir) -> PathBuf {
    let program = place.path().join(name);
    let source = Path::new(ROOT).join(directory).join(format!("{name}.c"));
    let headers = ["bench/peers", "bench/ws"].map(|room| format!("-I{ROOT}/{room}"));
    let flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"];
    let mut compiler = Command::new("cc");
    let done = compiler.args(headers).args(flags).arg(&program).arg(source).output().expect("a C compiler is there");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    program
}

/// A floor that runs until it is dropped.
struct Floor {
    process: Child,
    port: u16,
}

impl Floor {
    fn start(place: &TempDir, mode: &[&str]) -> Self {
        Self::run(&build("floor", place), mode)
    }

    fn run(program: &Path, mode: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|any| any.local_addr()).expect("a free port").port();
        let process = Command::new(program).arg(port.to_string()).args(mode).spawn().expect("it runs");
        let floor = Self { process, port };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return floor;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the floor does not listen");
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // Best effort: it may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs `load`: whether all was well, and the line it printed.
fn load(place: &TempDir, port: u16, options: &str) -> (bool, String) {
    client(&build("load", place), port, options, &["/"])
}

/// Runs a client of this port and these paths, which prints a line: whether all was well, and the line.
fn client(program: &Path, port: u16, options: &str, paths: &[&str]) -> (bool, String) {
    let mut client = Command::new(program);
    client.args(["-t", "30"]).args(options.split(' ')).arg(port.to_string()).args(paths);
    let Output { status, stdout, stderr } = client.output().expect("it runs");
    assert!(status.code().is_some_and(|code| code < 2), "{status}: {}", String::from_utf8_lossy(&stderr));
    (status.success(), String::from_utf8(stdout).expect("JSON is text"))
}

#[track_caller]
fn has(report: &str, figures: &[(&str, u64)]) {
    for (name, value) in figures {
        assert!(report.contains(&format!("\"{name}\":{value},")), "{name} is not {value}: {report}");
    }
}

#[test]
fn every_answer_of_the_floor_is_right() {
    let place = TempDir::new().expect("a directory");
    let floor = Floor::start(&place, &[]);
    for options in ["-c 8 -n 1000 -b 13", "-c 300 -n 300", "-c 8 -n 1000 -r 4000 -b 13"] {
        let (success, report) = load(&place, floor.port, options);
        assert!(success, "{options}: {report}");
        let requests = if options.contains("1000") { 1000 } else { 300 };
        has(&report, &[("requests", requests), ("bytes", requests * 78), ("wrong", 0), ("unanswered", 0), ("lost", 0)]);
    }
}

#[test]
fn pipelined_requests_are_answered_one_by_one() {
    let place = TempDir::new().expect("a directory");
    let floor = Floor::start(&place, &["pipelined"]);
    // 1,003 is no multiple of the depth: the last ones go by fewer.
    for depth in [1, 7, 16, 256] {
        let (success, report) = load(&place, floor.port, &format!("-c 8 -d {depth} -n 1003 -b 13"));
        assert!(success, "{depth} deep: {report}");
        has(&report, &[("requests", 1003), ("wrong", 0), ("unanswered", 0), ("lost", 0)]);
    }
}

#[test]
fn a_body_of_another_length_is_wrong() {
    let place = TempDir::new().expect("a directory");
    let floor = Floor::start(&place, &[]);
    let (success, report) = load(&place, floor.port, "-c 4 -n 100 -b 14");
    assert!(!success, "{report}");
    has(&report, &[("requests", 100), ("wrong", 100), ("unanswered", 0)]);
}

#[test]
fn an_answer_may_come_in_pieces_but_must_be_whole() {
    let whole: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nX: y\r\n\r\nhello";
    let failure = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
    let place = TempDir::new().expect("a directory");
    for (answer, figures) in [
        (whole, [("requests", 1), ("wrong", 0), ("unanswered", 0), ("lost", 0)]),
        (failure, [("requests", 1), ("wrong", 1), ("unanswered", 0), ("lost", 0)]),
        (&whole[..whole.len() - 1], [("requests", 0), ("wrong", 0), ("unanswered", 1), ("lost", 1)]),
        (b"HTTP/1.1 200 OK\r\n\r\n", [("requests", 0), ("wrong", 0), ("unanswered", 1), ("lost", 1)]),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let answer = answer.to_vec();
        let server = std::thread::spawn(move || drip(&listener, &answer));
        let (success, report) = load(&place, port, "-c 1 -n 1");
        server.join().expect("the server ends");
        assert_eq!(success, figures[0].1 == 1 && figures[1].1 == 0, "{report}");
        has(&report, &figures);
    }
}

/// Answers one request byte by byte, then closes.
fn drip(listener: &TcpListener, answer: &[u8]) {
    let (mut stream, _) = listener.accept().expect("a client");
    stream.set_nodelay(true).expect("a socket");
    let mut request = [0; 1024];
    let read = stream.read(&mut request).expect("a request");
    assert!(request[..read].ends_with(b"\r\n\r\n"));
    for byte in answer {
        // The client may have what it wants and be gone.
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A server with switches that runs until it is dropped: its input ends then.
fn switched(program: &Path, flags: &str) -> Floor {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|any| any.local_addr()).expect("a free port").port();
    let flags = flags.split_whitespace();
    let process = Command::new(program).args(flags).arg(port.to_string()).stdin(Stdio::piped()).spawn();
    let floor = Floor { process: process.expect("it runs"), port };
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    floor
}

#[test]
fn every_switch_of_the_kernel_floor_gives_whole_answers() {
    let place = TempDir::new().expect("a directory");
    let program = build_in("bench/kernel", "server", &place);
    let short = build_in("bench/kernel", "short", &place);
    let file = place.path().join("body").display().to_string();
    let plain = ["", "-t 2 -l cpu", "-t 2 -l exclusive", "-t 2 -l herd", "-e 1", "-s 50", "-E", "-N", "-Q", "-D"];
    for flags in plain {
        let floor = switched(&program, flags);
        let (success, report) = load(&place, floor.port, "-c 8 -n 1000 -b 13");
        assert!(success, "{flags}: {report}");
        run(&short.to_string_lossy(), &["-n", "10", &floor.port.to_string()]);
    }
    for mode in ["send", "zerocopy", "read", "sendfile", "more", "cork"] {
        let floor = switched(&program, &format!("-b 1000000 -m {mode} -f {file}"));
        let (success, report) = load(&place, floor.port, "-c 4 -n 40 -b 1000000");
        assert!(success, "{mode}: {report}");
    }
}

#[test]
fn percentiles_are_those_of_what_was_recorded() {
    let place = TempDir::new().expect("a directory");
    run(&build_in("tests/bench_tools", "histogram", &place).to_string_lossy(), &[]);
}

#[test]
fn the_scripts_are_understood() {
    let mut scripts: Vec<PathBuf> = fs::read_dir(Path::new(ROOT).join("scripts"))
        .expect("the scripts are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    scripts.push(Path::new(ROOT).join("bench/peers/install.sh"));
    assert!(scripts.len() > 4, "{scripts:?}");
    for script in scripts {
        run("sh", &["-n", &script.to_string_lossy()]);
    }
    for driver in ["peers/run.py", "peers/wrk.py", "kernel/run.py", "ws/run.py"] {
        let said = run("python3", &["-B", &format!("{ROOT}/bench/{driver}"), "--help"]);
        assert!(said.contains("--rounds"), "{said}");
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("it is installed");
    let said = [&done.stdout[..], &done.stderr].concat();
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&said));
    String::from_utf8(done.stdout).expect("text")
}
