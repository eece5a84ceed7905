//! Chromium, without a window. It runs the script of a page, which tells by itself what it found; or a test
//! asks and does what a person would, over the protocol of its developer tools.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::get;
use super::process::Running;
use super::websocket::{Came, WebSocket};

/// The longest a browser may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_PAUSE: Duration = Duration::from_millis(20);

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

/// A browser that shows one page. All its processes have ended when it is dropped.
pub(crate) struct Browser {
    /// `None` while it is dropped.
    running: Option<Running>,
    profile: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Browser {
    /// Opens this page.
    pub(crate) fn open(url: &str) -> Browser {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::tempdir().expect("the temp dir is writable");
        let mut command = Command::new("chromium");
        let directory = format!("--user-data-dir={}", profile.path().display());
        command.args(FLAGS).arg(&directory).arg(url).env("HOME", profile.path()).current_dir(profile.path());
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        Browser { running: Some(Running::start(command, PATIENCE)), profile, _alone: alone }
    }

    /// What it said on stderr until now.
    pub(crate) fn stderr_so_far(&self) -> String {
        self.running.as_ref().map(Running::stderr_so_far).unwrap_or_default()
    }

    /// The page it shows, to be asked.
    pub(crate) fn page(&self) -> Page {
        let deadline = Instant::now() + PATIENCE;
        let port_file = self.profile.path().join("DevToolsActivePort");
        loop {
            let port = std::fs::read_to_string(&port_file).unwrap_or_default();
            if let Some(page) = port.lines().next().and_then(page_at) {
                return page;
            }
            assert!(Instant::now() < deadline, "no page to be asked: {}", self.stderr_so_far());
            std::thread::sleep(POLL_PAUSE);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.running = None;
        wait_until_gone(self.profile.path());
    }
}

/// What the page at `url` reports, as `wait_for` has it; the browser and all its processes have ended.
pub(crate) fn visit(url: &str, wait_for: impl FnOnce(Duration) -> Option<String>) -> String {
    let browser = Browser::open(url);
    let report = wait_for(PATIENCE);
    let said = browser.stderr_so_far();
    drop(browser);
    report.unwrap_or_else(|| panic!("{url} reports nothing\n{said}"))
}

/// The page of the browser whose developer tools listen at this port, once there is one.
fn page_at(port: &str) -> Option<Page> {
    let targets = get(&format!("http://127.0.0.1:{port}/json/list")).json();
    let page = targets.as_array()?.iter().find(|target| target["type"] == "page")?;
    let url = page["webSocketDebuggerUrl"].as_str()?.strip_prefix("ws://")?;
    let (authority, path) = url.split_at(url.find('/')?);
    let socket = WebSocket::open(authority.parse().ok()?, path, &[]).ok()?;
    Some(Page { socket, asked: 0 })
}

/// A page that is shown.
pub(crate) struct Page {
    socket: WebSocket,
    asked: u64,
}

impl Page {
    /// Gives the browser a command and waits for its answer.
    pub(crate) fn command(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        self.socket.send_text(&json!({ "id": self.asked, "method": method, "params": params }).to_string());
        loop {
            let Came::Text(text) = self.socket.next_within(PATIENCE).expect("an answer") else { panic!("it ended") };
            let said: Value = serde_json::from_str(&text).expect("the browser speaks JSON");
            if said["id"] == self.asked {
                assert!(said.get("error").is_none(), "{method}: {said}");
                return said["result"].clone();
            }
        }
    }

    /// The value of an expression, or of the promise it is.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.command("Runtime.evaluate", params);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression has this value.
    pub(crate) fn wait_for(&mut self, expression: &str, expected: &Value) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.evaluate(expression);
            if found == *expected {
                return;
            }
            let text = "document.body ? document.body.innerText : \"\"";
            assert!(Instant::now() < deadline, "{expression} is {found}, not {expected}\n{}", self.evaluate(text));
            std::thread::sleep(POLL_PAUSE);
        }
    }

    /// Goes elsewhere, and waits until that has loaded.
    pub(crate) fn go(&mut self, url: &str) {
        self.command("Page.navigate", json!({ "url": url }));
        self.wait_for("document.readyState + \" \" + location.href", &format!("complete {url}").into());
    }

    /// Types a text where the focus is, over what is selected.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.command("Input.insertText", json!({ "text": text }));
    }

    /// Presses Enter.
    pub(crate) fn press_enter(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
            self.command("Input.dispatchKeyEvent", key);
        }
    }
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
        if Instant::now() > deadline {
            // A test that has failed already must not fail twice.
            assert!(std::thread::panicking(), "the browser does not end");
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
