//! System calls per request, counted by strace around a whole run.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::support::Node;
use super::wrk::{Load, requests};

pub(crate) struct Calls {
    pub(crate) all: f64,
    pub(crate) poll: f64,
}

/// `None` where strace is missing or may not attach.
pub(crate) fn count(node: &Node, path: &str, headers: &[&str]) -> Option<Calls> {
    let summary = node.data().root().join("strace.txt");
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-o"])
        .arg(&summary)
        .args(["-p", &node.pid().to_string()])
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    std::thread::sleep(Duration::from_millis(500));
    let text = Load { connections: 64, seconds: 2 }.wrk(node, path, headers);
    // SIGINT makes strace detach and write its summary.
    Command::new("kill").args(["-INT", &strace.id().to_string()]).status().ok()?;
    strace.wait().ok()?;
    let summary = std::fs::read_to_string(summary).ok()?;
    let answered = requests(&text);
    let calls: Vec<(f64, &str)> = summary.lines().filter_map(row).collect();
    let sum =
        |keep: &dyn Fn(&str) -> bool| calls.iter().filter(|(_, name)| keep(name)).map(|(count, _)| count).sum::<f64>();
    (answered > 0.0).then(|| Calls {
        all: sum(&|name| name != "total") / answered,
        poll: sum(&|name| name.starts_with("epoll_")) / answered,
    })
}

fn row(line: &str) -> Option<(f64, &str)> {
    let mut words = line.split_whitespace();
    let count = words.next()?.parse().ok()?;
    Some((count, words.next()?))
}
