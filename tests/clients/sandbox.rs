//! A home for one client: nothing of the machine's own configuration, caches or credentials reaches it.
//!
//! Every client is told of one registry, ours; https goes to a proxy that is not there, so nothing can be
//! fetched from elsewhere unnoticed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::client::{Client, Family, node_js};
use crate::support::{Finished, Running};

/// The longest that one command of a client may take.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Where everything goes that is not meant for 127.0.0.1: nobody listens on the discard port.
const CLOSED_PROXY: &str = "http://127.0.0.1:9";

pub(crate) struct Sandbox {
    client: Client,
    registry: String,
    dir: tempfile::TempDir,
}

impl Sandbox {
    /// A fresh home in which `client` knows the registry at `url`, with a token if there is one.
    pub(crate) fn new(client: Client, url: &str, token: Option<&str>) -> Sandbox {
        let dir = tempfile::Builder::new().prefix("lattice-client-").tempdir().expect("the temp dir is writable");
        let sandbox = Sandbox { client, registry: url.to_owned(), dir };
        for folder in ["home", "tmp", "bin", "work"] {
            std::fs::create_dir(sandbox.path(folder)).expect("the temp dir is writable");
        }
        sandbox.write_tools();
        sandbox.write_configuration(token);
        sandbox
    }

    /// A folder below the one where packages and projects live, made if it is not there.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.path("work").join(name);
        std::fs::create_dir_all(&folder).expect("the temp dir is writable");
        folder
    }

    /// A file of the client's home, as the client left it.
    pub(crate) fn home_file(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("home").join(name)).unwrap_or_default()
    }

    /// Removes caches and stores, so that what is installed next comes from the registry.
    pub(crate) fn forget_downloads(&self) {
        for folder in ["cache", "home/.cache", "home/.local", "home/.yarn", "home/.bun"] {
            std::fs::remove_dir_all(self.path(folder)).ok();
        }
    }

    /// Runs the client in `folder` to its end.
    pub(crate) fn run(&self, folder: &Path, args: &[&str]) -> Finished {
        let mut command = self.command(folder, &self.client.program()[0]);
        command.args(&self.client.program()[1..]).args(args);
        let mut running = Running::start(command, TIME_LIMIT);
        running.close_input();
        running.finish()
    }

    /// Runs the client on a terminal of its own, and leaves it waiting for what a person would type.
    ///
    /// `script` (bsdutils) makes the terminal: stdin and stdout of the result are its two ends.
    pub(crate) fn run_on_terminal(&self, folder: &Path, args: &[&str]) -> Running {
        let mut words: Vec<String> = self.client.program().iter().map(|path| quoted(&path.to_string_lossy())).collect();
        words.extend(args.iter().map(|arg| quoted(arg)));
        let line = format!("stty cols 160 rows 50; exec {}", words.join(" "));
        let mut command = self.command(folder, Path::new("script"));
        command.env("TERM", "xterm").args(["-q", "-e", "-f", "-c", &line, "/dev/null"]);
        Running::start(command, TIME_LIMIT)
    }

    /// Runs a script on the Node.js of the clients.
    pub(crate) fn run_node(&self, folder: &Path, script: &str) -> Finished {
        let mut command = self.command(folder, &node_js());
        command.args(["-e", script]);
        Running::start(command, TIME_LIMIT).finish()
    }

    fn command(&self, folder: &Path, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().env("PATH", self.search_path());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.env("NPM_CONFIG_USERCONFIG", self.path("home/.npmrc"));
        command.env("NPM_CONFIG_GLOBALCONFIG", self.path("home/.npmrc-global"));
        command.env("NPM_CONFIG_CACHE", self.path("cache/npm"));
        command.env("BUN_INSTALL_CACHE_DIR", self.path("cache/bun")).env("YARN_CACHE_FOLDER", self.path("cache/yarn"));
        command.env("SHELL", "/bin/sh").env("LANG", "C.UTF-8").env("NO_COLOR", "1").env("YARN_ENABLE_COLORS", "0");
        command.env("HTTPS_PROXY", CLOSED_PROXY).env("https_proxy", CLOSED_PROXY);
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        command.env("DO_NOT_TRACK", "1");
        // Run by root, yarn 1 keeps its settings in /usr/local/share for all, unless it believes in fakeroot.
        command.env("FAKEROOTKEY", "1");
        // Shared by all: what V8 compiled of a client's code, so that a start costs less.
        command.env("NODE_COMPILE_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/node-compile-cache"));
        command
    }

    /// Ours first: `node` and `npm` for the clients that call them by name.
    fn search_path(&self) -> OsString {
        let mut path = self.path("bin").into_os_string();
        path.push(":/usr/local/bin:/usr/bin:/bin");
        path
    }

    fn write_tools(&self) {
        let npm: Vec<String> = self.client.npm().program().iter().map(|path| quoted(&path.to_string_lossy())).collect();
        self.write_tool("npm", &npm.join(" "));
        self.write_tool("node", &quoted(&node_js().to_string_lossy()));
    }

    fn write_tool(&self, name: &str, program: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\nexec {program} \"$@\"\n")).expect("the temp dir is writable");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("the file is ours");
    }

    /// Writes the client's own configuration, as an administrator would hand it out.
    fn write_configuration(&self, token: Option<&str>) {
        let (name, text) = match self.client.family() {
            Family::Bun => (".bunfig.toml", bunfig(&self.registry, token)),
            Family::Yarn4 => (".yarnrc.yml", yarnrc_yml(&self.registry, token)),
            Family::Yarn1 => (".yarnrc", yarnrc(&self.registry)),
            Family::Npm | Family::Pnpm => (".npmrc", String::new()),
        };
        let home = self.path("home");
        // All read it, some through the npm that they call.
        std::fs::write(home.join(".npmrc"), npmrc(&self.registry, token)).expect("the temp dir is writable");
        if !text.is_empty() {
            std::fs::write(home.join(name), text).expect("the temp dir is writable");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn npmrc(url: &str, token: Option<&str>) -> String {
    let host = url.trim_start_matches("http:");
    let token = token.map(|token| format!("{host}/:_authToken={token}\n")).unwrap_or_default();
    format!(
        "registry={url}/\n{token}audit=false\nfund=false\nupdate-notifier=false\nloglevel=http\n\
         fetch-retries=1\nfetch-retry-mintimeout=100\nfetch-retry-maxtimeout=1000\n"
    )
}

fn yarnrc(url: &str) -> String {
    format!("registry \"{url}\"\ndisable-self-update-check true\nalways-auth true\n")
}

fn yarnrc_yml(url: &str, token: Option<&str>) -> String {
    let token = token.map(|token| format!("npmAuthToken: {token}\nnpmAlwaysAuth: true\n")).unwrap_or_default();
    format!(
        "npmRegistryServer: {url}\n{token}unsafeHttpWhitelist: [\"127.0.0.1\"]\nenableTelemetry: false\n\
         enableGlobalCache: true\nnodeLinker: node-modules\nhttpRetry: 1\nnpmMinimalAgeGate: 0\n"
    )
}

fn bunfig(url: &str, token: Option<&str>) -> String {
    let token = token.map(|token| format!(", token = \"{token}\"")).unwrap_or_default();
    format!("telemetry = false\n[install]\nregistry = {{ url = \"{url}/\"{token} }}\n")
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
