//! Chromium, which runs the script of a page; the page tells by itself what it found.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::process::Running;

const PATIENCE: Duration = Duration::from_secs(60);

/// A browser is many processes: one at a time is enough for a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const FLAGS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-sync",
    "--mute-audio",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
];

/// What the page at `url` reports, as `wait_for` has it; the browser and all its processes have ended.
pub(crate) fn visit(url: &str, wait_for: impl FnOnce(Duration) -> Option<String>) -> String {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let profile = tempfile::tempdir().expect("the temp dir is writable");
    let mut command = Command::new("chromium");
    let directory = format!("--user-data-dir={}", profile.path().display());
    command.args(FLAGS).arg(&directory).arg(url).env("HOME", profile.path()).current_dir(profile.path());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let browser = Running::start(command, PATIENCE);
    let report = wait_for(PATIENCE);
    let said = browser.stderr_so_far();
    drop(browser);
    wait_until_gone(profile.path());
    report.unwrap_or_else(|| panic!("{url} reports nothing\n{said}"))
}

/// Waits until no process works on this profile: those of a group that was killed may take a moment,
/// and what looks after crashes has a group of its own and ends when it sees that the browser did.
fn wait_until_gone(profile: &Path) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let profile = profile.to_str().expect("a temporary path is UTF-8");
    let is_its = |process: &Path| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(profile)
    };
    let is_there = || std::fs::read_dir("/proc").expect("Linux").flatten().any(|entry| is_its(&entry.path()));
    while is_there() {
        assert!(Instant::now() < deadline, "the browser does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}
