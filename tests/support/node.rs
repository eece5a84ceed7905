//! The binary under test, in a process of its own.
//!
//! Each node has its own temporary directory (`registry.toml` and `data/` in it) and a free port, so
//! tests run side by side. It is killed on drop; when the test is failing its output is shown.
//! Environment variables that would reach into the node are removed, so that a developer's shell
//! cannot change a result.

use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::http::{Raw, Response, http};
use super::log::Log;

/// How long a node may take until it listens; far more than it needs, so that a loaded machine passes.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_PAUSE: Duration = Duration::from_millis(5);

/// What the node keeps on disk: it outlives the process, so a test can start another node on it.
#[derive(Clone)]
pub(crate) struct Data {
    dir: Arc<tempfile::TempDir>,
}

impl Data {
    /// A fresh, empty place.
    pub(crate) fn new() -> Data {
        let dir = tempfile::Builder::new().prefix("lattice-test-").tempdir().expect("the temp dir is writable");
        Data { dir: Arc::new(dir) }
    }

    /// The directory handed over as `--data`.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The file handed over as `--config`.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.dir.path().join("registry.toml")
    }

    /// The temporary directory around both.
    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// `lattice token create --user NAME FLAGS…`: the token itself.
    pub(crate) fn token(&self, user: &str, flags: &[&str]) -> String {
        let output = self.run(&[&["token", "create", "--user", user], flags].concat(), b"");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.trim_end().lines().next_back().expect("the token is the last line").trim().to_owned()
    }

    /// `lattice user add NAME --password-stdin`.
    pub(crate) fn user(&self, name: &str, password: &str) {
        self.run(&["user", "add", name, "--password-stdin"], format!("{password}\n").as_bytes());
    }

    /// Runs `lattice ARGS --data …` to its end. Panics with its output when it fails.
    pub(crate) fn run(&self, args: &[&str], stdin: &[u8]) -> Output {
        let data = self.path();
        let data = data.to_str().expect("a temporary path is UTF-8");
        let output = lattice(&[args, &["--data", data]].concat(), stdin);
        assert!(output.status.success(), "lattice {args:?}: {}\n{}", output.status, shown(&output));
        output
    }
}

/// How to start a node. `Setup::new().threads(2).config("[npm]\nallow_signup = true\n").start()`.
#[derive(Clone)]
pub(crate) struct Setup {
    data: Data,
    args: Vec<String>,
    config: String,
    envs: Vec<(String, String)>,
    /// Arguments of the shell's `ulimit`.
    ulimit: Option<String>,
    listen: String,
    /// Sockets that the node finds open from 3 on.
    handed: Vec<Arc<OwnedFd>>,
    /// The process that they are said to be for.
    handed_to: String,
}

impl Setup {
    pub(crate) fn new() -> Setup {
        Setup {
            data: Data::new(),
            args: Vec::new(),
            config: String::new(),
            envs: Vec::new(),
            ulimit: None,
            listen: "127.0.0.1:0".to_owned(),
            handed: Vec::new(),
            handed_to: "$$".to_owned(),
        }
    }

    /// Further arguments of `lattice serve`.
    pub(crate) fn args(mut self, args: &[&str]) -> Setup {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    pub(crate) fn threads(self, count: usize) -> Setup {
        self.args(&["--threads", &count.to_string()])
    }

    /// The text of `registry.toml` (empty unless given).
    pub(crate) fn config(mut self, toml: &str) -> Setup {
        toml.clone_into(&mut self.config);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: &str) -> Setup {
        self.envs.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Starts on what another node left behind.
    pub(crate) fn data(mut self, data: &Data) -> Setup {
        self.data = data.clone();
        self
    }

    /// Listens there instead of on a free port.
    pub(crate) fn listen(mut self, address: SocketAddr) -> Setup {
        self.listen = address.to_string();
        self
    }

    /// Listens at these places, separated by commas.
    pub(crate) fn places(mut self, places: &str) -> Setup {
        places.clone_into(&mut self.listen);
        self
    }

    /// Hands over a socket as systemd does; two at most.
    pub(crate) fn hand_over(mut self, socket: impl Into<OwnedFd>) -> Setup {
        self.handed.push(Arc::new(socket.into()));
        self
    }

    /// Says that the sockets are for another process.
    pub(crate) fn handed_to(mut self, pid: &str) -> Setup {
        pid.clone_into(&mut self.handed_to);
        self
    }

    /// Limits the descriptors of the process (`ulimit -n`).
    pub(crate) fn open_files_max(mut self, count: u32) -> Setup {
        self.ulimit = Some(format!("-n {count}"));
        self
    }

    /// The same, but the process may raise it again.
    pub(crate) fn open_files_soft(mut self, count: u32) -> Setup {
        self.ulimit = Some(format!("-S -n {count}"));
        self
    }

    /// Where the node will keep its files: users and tokens can be made before it runs.
    pub(crate) fn data_ref(&self) -> &Data {
        &self.data
    }

    /// Starts the node and waits until it listens. Panics with its output when it does not.
    pub(crate) fn start(self) -> Node {
        let mut child = self.spawn();
        let log = Log::default();
        log.follow(child.stdout.take().expect("stdout is piped"));
        if let Some(stderr) = child.stderr.take() {
            log.follow(stderr);
        }
        match wait_for_address(&mut child, &log) {
            Some(address) => Node { address, child: Mutex::new(child), log, setup: self },
            None => {
                child.kill().ok();
                panic!("the node does not listen ({:?}); it said:\n{}", child.wait(), log.text());
            }
        }
    }

    /// Starts `lattice serve` and waits for it to end by itself, as it does on a bad configuration.
    pub(crate) fn start_and_fail(self) -> Output {
        let mut child = self.spawn();
        let deadline = Instant::now() + START_TIMEOUT;
        while child.try_wait().expect("the child is ours").is_none() && Instant::now() < deadline {
            std::thread::sleep(POLL_PAUSE);
        }
        child.kill().ok();
        child.wait_with_output().expect("the child is ours")
    }

    fn spawn(&self) -> Child {
        std::fs::write(self.data.config_path(), &self.config).expect("the temp dir is writable");
        let mut command = self.command();
        command.args(["serve", "--listen", &self.listen, "--data"]).arg(self.data.path());
        command.arg("--config").arg(self.data.config_path()).args(&self.args);
        command.envs(self.envs.iter().map(|(key, value)| (key, value)));
        command.current_dir(self.data.root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.hand_over_to(&mut command);
        command.spawn().unwrap_or_else(|error| panic!("{}: {error}", env!("CARGO_BIN_EXE_lattice")))
    }

    fn command(&self) -> Command {
        let ulimit = self.ulimit.as_ref().map_or(String::new(), |ulimit| format!("ulimit {ulimit}; "));
        let (count, pid) = (self.handed.len(), &self.handed_to);
        let handed = match count {
            0 => String::new(),
            1 => "exec 3<&0 0</dev/null; ".to_owned(),
            _ => "exec 3<&0 4<&2 0</dev/null 2>&1; ".to_owned(),
        };
        if ulimit.is_empty() && handed.is_empty() {
            return binary();
        }
        let variables = if count > 0 { format!("LISTEN_FDS={count} LISTEN_PID={pid}") } else { String::new() };
        let mut command = without_node_variables(Command::new("sh"));
        let script = format!("{ulimit}{handed}{variables} exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_lattice")]);
        command
    }

    /// The shell moves them from standard input and error to where they belong.
    fn hand_over_to(&self, command: &mut Command) {
        let socket = |index: usize| self.handed.get(index).map(|socket| socket.try_clone().expect("a descriptor"));
        if let Some(socket) = socket(0) {
            command.stdin(socket);
        }
        if let Some(socket) = socket(1) {
            command.stderr(socket);
        }
    }
}

/// A running node.
pub(crate) struct Node {
    address: SocketAddr,
    child: Mutex<Child>,
    log: Log,
    setup: Setup,
}

impl Node {
    /// `lattice serve ARGS…` with an empty configuration and fresh data.
    pub(crate) fn start(args: &[&str]) -> Node {
        Setup::new().args(args).start()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of a path that begins with `/`; `url("")` is the registry without a slash at its end.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child().id()
    }

    pub(crate) fn data(&self) -> &Data {
        &self.setup.data
    }

    /// How this node was started; `node.setup().start()` is a second one on the same data.
    pub(crate) fn setup(&self) -> Setup {
        self.setup.clone()
    }

    /// What the node said so far, stdout and stderr together.
    pub(crate) fn output(&self) -> String {
        self.log.text()
    }

    /// Waits until the node has said `needle`.
    pub(crate) fn wait_for_output(&self, needle: &str, wait: Duration) -> bool {
        self.log.wait_for(Instant::now() + wait, |text| text.contains(needle).then_some(())).is_some()
    }

    /// Asks a path of this node on a new connection.
    pub(crate) fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        http(method, &self.url(path), headers, body)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.http("GET", path, &[], b"")
    }

    /// A connection for bytes of the test's own making.
    pub(crate) fn connect(&self) -> Raw {
        Raw::connect(self.address)
    }

    /// Sends a signal by name: `TERM`, `INT`, `STOP`, `CONT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s {name} failed");
    }

    /// The exit status, or `None` when the process still runs after `wait`.
    pub(crate) fn wait(&self, wait: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + wait;
        loop {
            let status = self.child().try_wait().expect("the child is ours");
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            std::thread::sleep(POLL_PAUSE);
        }
    }

    /// SIGTERM, then the exit status. Panics when the node does not end within 20 s.
    pub(crate) fn terminate(&self) -> ExitStatus {
        self.signal("TERM");
        self.wait(Duration::from_secs(20)).unwrap_or_else(|| panic!("still running after SIGTERM:\n{}", self.output()))
    }

    /// SIGKILL, as by a power cut of the process. Returns once it is gone.
    pub(crate) fn kill(&self) {
        let mut child = self.child();
        child.kill().ok();
        child.wait().ok();
    }

    /// A line of `/proc/PID/status` in its own unit: `VmHWM` (peak RSS, KiB), `VmRSS` (KiB), `Threads`.
    pub(crate) fn proc_status(&self, key: &str) -> u64 {
        let text = self.proc_file("status");
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let word = line.and_then(|rest| rest.split_whitespace().next());
        word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no {key} in /proc/PID/status"))
    }

    /// CPU time of all threads so far, user and system, in clock ticks (1/100 s on Linux).
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let text = self.proc_file("stat");
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        // proc(5): utime and stime are fields 14 and 15; the state, field 3, is the first after the name.
        [11, 12].iter().map(|&index| fields[index].parse::<u64>().expect("ticks are a number")).sum()
    }

    /// How many descriptors the node holds.
    pub(crate) fn open_files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.pid());
        std::fs::read_dir(path).expect("the node runs").count()
    }

    /// Waits until the node holds at most `most` descriptors: it counts a connection as closed a moment
    /// before it is. Panics after `wait`.
    pub(crate) fn wait_for_open_files(&self, most: usize, wait: Duration) {
        let deadline = Instant::now() + wait;
        while self.open_files() > most {
            assert!(Instant::now() < deadline, "{} descriptors are open, {most} are right", self.open_files());
            std::thread::sleep(POLL_PAUSE);
        }
    }

    fn proc_file(&self, name: &str) -> String {
        let path = format!("/proc/{}/{name}", self.pid());
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the node said:\n{}\n---", self.output());
        }
    }
}

/// Runs `lattice ARGS` to its end with `stdin` on its standard input.
pub(crate) fn lattice(args: &[&str], stdin: &[u8]) -> Output {
    let mut command = binary();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", env!("CARGO_BIN_EXE_lattice")));
    // A command that reads no input may be gone already; its output tells.
    child.stdin.take().expect("stdin is piped").write_all(stdin).ok();
    child.wait_with_output().expect("the child is ours")
}

fn binary() -> Command {
    without_node_variables(Command::new(env!("CARGO_BIN_EXE_lattice")))
}

fn without_node_variables(mut command: Command) -> Command {
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("LATTICE_") || matches!(&*name, "MCP_PORT" | "REGISTRY_PORT" | "REGISTRY_HOST") {
            command.env_remove(&key);
        }
    }
    command
}

fn shown(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn wait_for_address(child: &mut Child, log: &Log) -> Option<SocketAddr> {
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        let soon = Instant::now() + Duration::from_millis(50);
        if let Some(address) = log.wait_for(soon, listening_address) {
            return Some(address);
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return None;
        }
    }
    None
}

/// The address in the first whole line that names `http://127.0.0.1:PORT`.
fn listening_address(text: &str) -> Option<SocketAddr> {
    let whole = &text[..=text.rfind('\n')?];
    let (_, rest) = whole.split_once("http://127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?)))
}
