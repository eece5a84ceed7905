//! The node under `wrk`: plaintext (`/-/ping`) and a packument, interleaved in one run.
//!
//! ```text
//! scripts/bench            # installs wrk and strace if need be, then runs this
//! ```
//!
//! The node has one thread pinned to core 0, the client core 1. The figure to trust is the node's
//! CPU time per request: the client shares the machine. System calls are counted in a run of their
//! own, under strace. Nothing here asserts a time; the targets are printed beside the figures.
#![allow(clippy::disallowed_methods, reason = "a bench stands outside the node: it has clock, files and sockets")]

#[path = "../tests/support/mod.rs"]
mod support;

mod machine;
mod syscalls;
mod wrk;

use std::time::Instant;

use lattice::measure::Summary;
use support::{Node, Package, Setup};
use wrk::{Load, Sample};

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 64;
const SECONDS: u64 = 3;

struct Route {
    name: &'static str,
    path: &'static str,
    headers: &'static [&'static str],
    samples: Vec<Sample>,
}

fn main() {
    // `cargo test --benches` calls every bench to see that it runs; a load is not wanted then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let node = start();
    let mut routes = routes();
    print_machine(&node, &routes);
    for round in 0..ROUNDS {
        for route in &mut routes {
            eprint!("\rround {}/{ROUNDS}: {:<24}", round + 1, route.name);
            route.samples.push(Load { connections: CONNECTIONS, seconds: SECONDS }.run(
                &node,
                route.path,
                route.headers,
            ));
        }
    }
    eprint!("\r{:<60}\r", "");
    print_table(&node, &routes);
    print_start_times();
}

/// A node with a package of 30 versions, its thread on core 0.
fn start() -> Node {
    let setup = Setup::new().threads(1);
    let token = setup.data_ref().token("bench", &[]);
    let authorization = format!("Bearer {token}");
    let node = setup.start();
    for n in 0..30 {
        let package = Package::new("bench", &format!("1.{n}.0")).file("index.js", b"module.exports = 1;\n");
        let response = node.http("PUT", "/bench", &[("Authorization", &authorization)], &package.body());
        assert_eq!(response.status, 201, "{}", response.text());
    }
    node
}

fn routes() -> Vec<Route> {
    let route = |name, path, headers| Route { name, path, headers, samples: Vec::new() };
    vec![
        route("ping", "/-/ping", &[]),
        route(
            "packument, abbreviated",
            "/bench",
            &["Accept: application/vnd.npm.install-v1+json", "Accept-Encoding: gzip"],
        ),
        route("packument, 304", "/bench", &["Accept-Encoding: gzip", "If-None-Match: *"]),
    ]
}

fn print_machine(node: &Node, routes: &[Route]) {
    println!("# HTTP under wrk, {CONNECTIONS} keep-alive connections, {ROUNDS} interleaved rounds of {SECONDS} s\n");
    println!("machine: {}", machine::name());
    println!("commit: {}", machine::commit());
    for route in routes {
        let headers: Vec<(&str, &str)> = route.headers.iter().filter_map(|header| header.split_once(": ")).collect();
        let response = node.http("GET", route.path, &headers, b"");
        let checksum =
            support::sha512(&response.body)[..6].iter().fold(String::new(), |all, byte| all + &format!("{byte:02x}"));
        println!("{}: status {}, {} bytes, sha-512 {checksum}", route.name, response.status, response.body.len());
    }
    println!();
}

fn print_table(node: &Node, routes: &[Route]) {
    println!(
        "| route | req/s | CPU µs/req | min–max | user µs/req | p50 µs | p99 µs | syscalls/req | of them poll | ÷ ping |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let ping = summary(&routes[0], |sample| sample.cpu_us).p50;
    for route in routes {
        let cpu = summary(route, |sample| sample.cpu_us);
        let calls = syscalls::count(node, route.path, route.headers);
        println!(
            "| {} | {:.0} | {:.2} | {:.2}–{:.2} | {:.2} | {:.0} | {:.0} | {} | {} | {:.2} |",
            route.name,
            summary(route, |sample| sample.requests_per_second).p50,
            cpu.p50,
            cpu.min,
            cpu.max,
            summary(route, |sample| sample.user_us).p50,
            summary(route, |sample| sample.p50_us).p50,
            summary(route, |sample| sample.p99_us).p50,
            calls.as_ref().map_or("no strace".to_owned(), |calls| format!("{:.2}", calls.all)),
            calls.as_ref().map_or(String::new(), |calls| format!("{:.2}", calls.poll)),
            cpu.p50 / ping,
        );
    }
    println!(
        "\ntargets: at most 2 system calls per request beside the poll; a packument at most 1.15 × the ping's CPU\n"
    );
}

fn summary(route: &Route, of: impl Fn(&Sample) -> f64) -> Summary {
    summed_up(&route.samples.iter().map(of).collect::<Vec<_>>())
}

fn summed_up(samples: &[f64]) -> Summary {
    Summary::of(samples).expect("something was measured")
}

/// From the start of the process to its first answer, as a client sees it.
fn print_start_times() {
    let times: Vec<f64> = (0..20)
        .map(|_| {
            let setup = Setup::new().threads(1);
            setup.data_ref().token("bench", &[]); // so that the database exists, as on every start but the first
            let started = Instant::now();
            let node = setup.start();
            assert_eq!(node.get("/-/ping").status, 200);
            started.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    let times = summed_up(&times);
    println!(
        "process start to first answer, from outside: median {:.1} ms ({:.1}–{:.1}), 20 starts, polled every 5 ms",
        times.p50, times.min, times.max
    );
}
