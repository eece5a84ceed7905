//! A bar on stderr while a person watches: nothing in a pipe, no colour.

use std::io::{self, IsTerminal, Write};

const WIDTH: usize = 30;
/// Cleared at the end, name of the bench included.
const LINE: usize = 79;

/// How far a run has come.
pub(super) struct Progress {
    shown: bool,
    done: usize,
    total: usize,
}

impl Progress {
    /// A bar of `total` steps.
    pub(super) fn new(total: usize) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self { shown: io::stderr().is_terminal() && !dumb, done: 0, total }
    }

    /// Begins a step of this name.
    pub(super) fn step(&mut self, name: &str) {
        if self.shown {
            draw(&bar(self.done, self.total, name));
        }
        self.done += 1;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            draw(&format!("\r{:LINE$}\r", ""));
        }
    }
}

fn bar(done: usize, total: usize, name: &str) -> String {
    let full = done.min(total) * WIDTH / total.max(1);
    format!("\r[{}{}] {done}/{total} {name:<24}", "#".repeat(full), ".".repeat(WIDTH - full))
}

fn draw(text: &str) {
    let mut stderr = io::stderr().lock();
    // A terminal that went away is no reason to stop.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_as_full_as_the_run_is() {
        assert_eq!(bar(0, 10, "x"), format!("\r[{}] 0/10 {:<24}", ".".repeat(30), "x"));
        assert_eq!(bar(5, 10, "x"), format!("\r[{}{}] 5/10 {:<24}", "#".repeat(15), ".".repeat(15), "x"));
        assert_eq!(bar(10, 10, "x"), format!("\r[{}] 10/10 {:<24}", "#".repeat(30), "x"));
        assert!(bar(0, 0, "x").contains("0/0") && bar(9_999, 10_000, "integration_pipelined").len() <= LINE);
    }
}
