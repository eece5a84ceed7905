//! The examples with the live config of a node that runs: it obeys them with its next request, and they see what
//! the node itself changes.

use std::path::Path;
use std::process::Command;

use lattice::config::{CONFIG_BYTES, Config, Flags};

use crate::client;
use crate::examples::{SANITIZERS, Talk, interpreted, line, valgrind};
use crate::library::{With, compile};
use crate::support::{Node, Package, Raw, Setup};

/// Enough that both threads have some of them.
const CONNECTIONS: usize = 8;

/// A node with a package that everybody may read, and who may change its config over HTTP.
struct Site {
    node: Node,
    root: String,
}

impl Site {
    fn start() -> Self {
        let setup = Setup::new();
        let root = format!("Bearer {}", setup.data_ref().token("root", &["--admin"]));
        let site = Self { node: setup.threads(2).start(), root };
        let document = Package::new("open", "1.0.0").document().to_string();
        let fields = [("Authorization", site.root.as_str())];
        assert_eq!(site.node.http("PUT", "/open", &fields, document.as_bytes()).status, 201);
        site
    }

    /// Sequence and config, as the node tells them.
    fn config(&self) -> (u64, Config) {
        let fields = [("Authorization", self.root.as_str())];
        let shown = self.node.http("GET", "/_dashboard/api/config", &fields, b"").json();
        let digits = shown["hex"].as_str().unwrap();
        let byte = |at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
        let bytes: [u8; CONFIG_BYTES] = std::array::from_fn(byte);
        (shown["sequence"].as_u64().unwrap(), Config::from_bytes(bytes))
    }

    /// Has the node change a flag of the config with this sequence.
    fn change(&self, sequence: u64, flag: &str, on: bool) {
        let etag = format!("\"{sequence}\"");
        let fields = [("Authorization", self.root.as_str()), ("If-Match", etag.as_str())];
        let body = format!(r#"{{"flag": {{"name": "{flag}", "on": {on}}}}}"#);
        let changed = self.node.http("POST", "/_dashboard/api/config", &fields, body.as_bytes());
        assert_eq!(changed.status, 200, "{changed:?}");
    }

    /// What everybody is answered, on connections that were there before and on a new one.
    fn answers(&self, connections: &mut [Raw], package: u16, unknown: u16) {
        let mut new = [self.node.connect()];
        for connection in connections.iter_mut().chain(&mut new) {
            for (path, status) in [("/open", package), ("/-/v1/search?text=open", package), ("/none", unknown)] {
                connection.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
                let answer = connection.response("GET");
                assert_eq!(answer.status, status, "{path}: {answer:?}");
            }
        }
    }

    fn talks_with(&self, example: Command) {
        let mut connections: Vec<Raw> = (0..CONNECTIONS).map(|_| self.node.connect()).collect();
        self.answers(&mut connections, 200, 404);
        let (sequence, config) = self.config();
        let closed = config.with_features(Flags::PRIVATE_REGISTRY, true);
        let debug = !config.flags().contains(Flags::DEBUG);
        let changed = config.with_features(Flags::DEBUG, debug);
        let lines = [(0, config), (1, closed), (2, config), (3, changed)]
            .map(|(count, config)| line(sequence + count, config, &names(config)));

        let talk = Talk::start(example, &self.node.data().path().join("config.bin")).says(&lines[0]);
        let talk = talk.hears("PRIVATE_REGISTRY on").says(&lines[1]);
        self.answers(&mut connections, 401, 401);
        assert_eq!(self.config(), (sequence + 1, closed));
        let talk = talk.hears("PRIVATE_REGISTRY off").says(&lines[2]);
        self.answers(&mut connections, 200, 404);
        let talk = talk.hears("wait 30").says("waiting\n");
        self.change(sequence + 2, "DEBUG", debug);
        assert_eq!(talk.says(&lines[3]).ends(), lines[..3].concat() + "waiting\n" + &lines[3]);
        assert_eq!(self.config(), (sequence + 3, changed));
    }
}

/// The flags that are on, as an example prints them.
fn names(config: Config) -> String {
    let is_on = |bit: &usize| config.flags().contains(Flags(1 << bit));
    (0..Flags::NAMES.len()).filter(is_on).map(|bit| format!(" {}", Flags::NAMES[bit])).collect()
}

#[test]
fn a_node_obeys_programs_in_five_languages_and_they_see_what_it_changes() {
    let room = tempfile::tempdir().unwrap();
    let compiled = |name: &str, file, with, options| {
        let place = room.path().join(name);
        std::fs::create_dir(&place).unwrap();
        compile(&place, file, with, options)
    };
    let c = compiled("c", "examples/c/config.c", With::Shared, &[]);
    let sanitized = compiled("sanitized", "examples/c/config.c", With::Static, SANITIZERS);
    let cpp = compiled("cpp", "examples/cpp/config.cpp", With::Shared, &[]);
    let site = Site::start();
    for example in [
        Command::new(&c),
        valgrind(&c),
        Command::new(sanitized),
        Command::new(cpp),
        interpreted(Path::new("python3"), "examples/python/config.py"),
        interpreted(&client::node_js(), "examples/node/config.cjs"),
        interpreted(&client::bun(), "examples/bun/config.js"),
    ] {
        site.talks_with(example);
    }
}
