//! A site of the library, and real clients that ask it for everything HTTP has to offer: conditions,
//! ranges, codings, streams, trailers, origins.
//!
//! The server runs inside of the test, so that what it saw can be counted; the clients are programs.

mod browser;
mod codings;
mod conditions;
mod document;
mod files;
mod heads;
mod origins;
mod ranges;
mod scripts;
mod seen;
mod server;
mod streams;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lattice::Running;

use crate::run_in;
use seen::Seen;

/// The running site, with the files that it serves.
struct Site {
    folder: tempfile::TempDir,
    server: Running,
    seen: Arc<Seen>,
}

/// An answer as curl has written it down.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// The status line and the fields behind it, trailers included.
    head: String,
    body: Vec<u8>,
}

impl Site {
    fn start() -> Site {
        let folder = tempfile::tempdir().expect("the temp dir is writable");
        std::fs::create_dir(folder.path().join("files")).expect("the temp dir is writable");
        files::write(&folder.path().join("files"));
        let seen = Arc::new(Seen::default());
        let server = server::start(&folder.path().join("files"), &seen);
        Site { folder, server, seen }
    }

    fn port(&self) -> u16 {
        self.server.local_addr().port()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port())
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Asks with curl, without its user's settings: the last answer of those it got.
    fn curl(&self, args: &[&str], path: &str) -> Answer {
        let url = self.url(path);
        let fixed = ["-q", "-sS", "--max-time", "30", "-D", "head", "-o", "body", "-w", "%{http_code}"];
        std::fs::write(self.file("body"), b"").expect("the temp dir is writable");
        let told = run_in(self.root(), Path::new("curl"), &[&fixed, args, &[&url]].concat());
        let head = std::fs::read_to_string(self.file("head")).expect("curl wrote it");
        let mut body = std::fs::read(self.file("body")).expect("curl wrote it");
        if args.contains(&"-I") {
            // Here curl takes the head for the body.
            assert_eq!(String::from_utf8_lossy(&body), head);
            body.clear();
        }
        Answer { status: told.stdout.parse().expect("a status"), head, body }
    }

    fn get(&self, path: &str) -> Answer {
        self.curl(&[], path)
    }

    /// The status when asked with these fields.
    fn status_with(&self, path: &str, fields: &[&str]) -> u16 {
        self.with(path, fields).status
    }

    /// Asks with these fields.
    fn with(&self, path: &str, fields: &[&str]) -> Answer {
        let args: Vec<&str> = fields.iter().flat_map(|field| ["-H", field]).collect();
        self.curl(&args, path)
    }
}

impl Answer {
    /// All values of a field.
    fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    /// The value of a field that is there at most once.
    fn field(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} twice: {}", self.head);
        all.first().copied()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The head without what differs from one answer to the next.
    fn settled_head(&self) -> Vec<&str> {
        let changes = ["date:", "x-request-id:", "server-timing:"];
        let differs = |line: &&str| changes.iter().any(|name| line.to_ascii_lowercase().starts_with(name));
        self.head.lines().filter(|line| !differs(line)).collect()
    }
}
