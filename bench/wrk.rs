//! One run of wrk against one route, and what it cost the node.

use std::process::Command;

use super::support::Node;

pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
}

/// What one run came to.
pub(crate) struct Sample {
    pub(crate) requests_per_second: f64,
    /// CPU of the node per request, user and system, in microseconds.
    pub(crate) cpu_us: f64,
    pub(crate) user_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl Load {
    pub(crate) fn run(&self, node: &Node, path: &str, headers: &[&str]) -> Sample {
        let before = cpu(node);
        let text = self.wrk(node, path, headers);
        let after = cpu(node);
        let requests = number_before(&text, " requests in ");
        assert!(requests > 0.0 && !text.contains("Non-2xx") | headers.contains(&"If-None-Match: *"), "{text}");
        Sample {
            requests_per_second: number_after(&text, "Requests/sec:"),
            cpu_us: (after.all - before.all) * 1e6 / requests,
            user_us: (after.user - before.user) * 1e6 / requests,
            p50_us: latency(&text, "50%"),
            p99_us: latency(&text, "99%"),
        }
    }

    /// Runs wrk on core 1; its output.
    pub(crate) fn wrk(&self, node: &Node, path: &str, headers: &[&str]) -> String {
        let mut command = Command::new("taskset");
        command.args(["-c", "1", "wrk", "-t1", "--latency"]);
        command.arg(format!("-c{}", self.connections)).arg(format!("-d{}", self.seconds));
        for header in headers {
            command.args(["-H", header]);
        }
        let output =
            command.arg(node.url(path)).output().expect("taskset and wrk are installed: scripts/bench does it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

struct Cpu {
    all: f64,
    user: f64,
}

/// CPU seconds of the node so far. schedstat counts nanoseconds; the split into user and system is
/// only known in ticks of 10 ms, which a run of seconds makes fine enough.
fn cpu(node: &Node) -> Cpu {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", node.pid())).expect("the node runs");
    let nanos: f64 = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .sum();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", node.pid())).expect("the node runs");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    Cpu { all: nanos / 1e9, user: fields[11].parse::<f64>().expect("ticks") / 100.0 }
}

fn number_before(text: &str, mark: &str) -> f64 {
    let before = text.split(mark).next().unwrap_or("");
    before.split_whitespace().next_back().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

pub(crate) fn number_after(text: &str, mark: &str) -> f64 {
    let after = text.split(mark).nth(1).unwrap_or("");
    after.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

/// A line such as `     99%    1.29ms`, in microseconds.
fn latency(text: &str, mark: &str) -> f64 {
    let line = text.lines().find(|line| line.trim_start().starts_with(mark)).unwrap_or("");
    let value = line.split_whitespace().nth(1).unwrap_or("0us");
    let (number, factor) = match value {
        value if value.ends_with("us") => (value.trim_end_matches("us"), 1.0),
        value if value.ends_with("ms") => (value.trim_end_matches("ms"), 1e3),
        value => (value.trim_end_matches('s'), 1e6),
    };
    number.parse::<f64>().unwrap_or(0.0) * factor
}

/// How many requests a run answered.
pub(crate) fn requests(text: &str) -> f64 {
    number_before(text, " requests in ")
}
