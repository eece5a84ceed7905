//! A program that a test runs beside the node: with a time limit, and with its output kept for the report.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::log::Log;

const POLL_PAUSE: Duration = Duration::from_millis(5);

/// A program that ended, with all it said.
#[derive(Debug)]
pub(crate) struct Finished {
    /// `None` when it was killed at its time limit.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Exit status and both outputs, for a failure message.
    pub(crate) fn report(&self) -> String {
        let status = self.status.map_or("killed at its time limit".to_owned(), |status| status.to_string());
        format!("{status}\n--- stdout\n{}\n--- stderr\n{}", self.stdout.trim_end(), self.stderr.trim_end())
    }
}

/// A program that runs. It is killed, with its children, at its time limit and on drop.
pub(crate) struct Running {
    child: Child,
    stdout: Log,
    stderr: Log,
    deadline: Instant,
    seen: usize,
}

impl Running {
    /// Starts `command` with pipes for all three streams, in a process group of its own.
    pub(crate) fn start(mut command: Command, time_limit: Duration) -> Running {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdout, stderr) = (Log::default(), Log::default());
        stdout.follow(child.stdout.take().expect("stdout is piped"));
        stderr.follow(child.stderr.take().expect("stderr is piped"));
        Running { child, stdout, stderr, deadline: Instant::now() + time_limit, seen: 0 }
    }

    /// Waits until the program has said `prompt` since the last answer, then types `answer`.
    ///
    /// False when it ended or ran out of time without saying so.
    pub(crate) fn answer(&mut self, prompt: &str, answer: &str) -> bool {
        while Instant::now() < self.deadline {
            let soon = Instant::now() + Duration::from_millis(50);
            let seen = self.seen;
            if let Some(end) = self.stdout.wait_for(soon, |text| position_after(text, seen, prompt)) {
                self.seen = end;
                return self.type_in(answer);
            }
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
        }
        false
    }

    /// Ends the program's standard input.
    pub(crate) fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// What it said on stderr until now.
    pub(crate) fn stderr_so_far(&self) -> String {
        self.stderr.text()
    }

    /// Waits for the end, or kills the program at its time limit.
    pub(crate) fn finish(mut self) -> Finished {
        let mut status = None;
        while status.is_none() && Instant::now() < self.deadline {
            status = self.child.try_wait().expect("the child is ours");
            std::thread::sleep(POLL_PAUSE);
        }
        let soon = Instant::now() + Duration::from_millis(500);
        // Children that outlive the program hold its pipes open.
        if status.is_none() || !self.stdout.wait_until_ended(soon) || !self.stderr.wait_until_ended(soon) {
            self.kill_group();
            self.stdout.wait_until_ended(soon + Duration::from_secs(1));
        }
        Finished { status, stdout: self.stdout.text(), stderr: self.stderr.text() }
    }

    fn type_in(&mut self, text: &str) -> bool {
        self.child.stdin.as_mut().is_some_and(|stdin| stdin.write_all(text.as_bytes()).is_ok())
    }

    fn kill_group(&mut self) {
        let group = format!("-{}", self.child.id());
        // A group that ended by itself is no failure.
        Command::new("sh").args(["-c", "kill -s KILL -- \"$0\" 2>/dev/null", &group]).status().ok();
        self.child.wait().ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill_group();
        }
    }
}

fn position_after(text: &str, seen: usize, needle: &str) -> Option<usize> {
    let start = text.len().min(seen);
    text.get(start..)?.find(needle).map(|at| start + at + needle.len())
}
