//! Publishing over real sockets: many at once, very large, interrupted by a power cut, and with bad input.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod concurrent;
mod crash;
mod memory;
mod parts;
mod trouble;

use support::{Node, Package, Response};

/// A node and a user who may publish.
struct Registry {
    node: Node,
    token: String,
}

impl Registry {
    fn start(threads: usize) -> Registry {
        Registry::with(support::Setup::new().threads(threads))
    }

    fn with(setup: support::Setup) -> Registry {
        let token = setup.data_ref().token("alice", &[]);
        Registry { node: setup.start(), token }
    }

    fn put(&self, path: &str, body: &[u8]) -> Response {
        put(&self.node, &self.token, path, body)
    }

    fn publish(&self, package: &Package) -> Response {
        self.put(&package.path(), &package.body())
    }

    /// The versions that a client sees, in the order of the document.
    fn versions(&self, name: &str) -> Vec<String> {
        let response = self.node.get(&format!("/{name}"));
        assert_eq!(response.status, 200, "{}", response.text());
        response.json()["versions"].as_object().expect("an object").keys().cloned().collect()
    }

    /// Shows that the node serves others while `work` runs: how often it did.
    fn serves_during(&self, work: impl FnOnce() + Send) -> usize {
        std::thread::scope(|scope| {
            let worker = scope.spawn(work);
            let mut served = 0;
            while !worker.is_finished() || served == 0 {
                assert_eq!(self.node.get("/-/ping").status, 200);
                served += 1;
            }
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
            served
        })
    }
}

fn put(node: &Node, token: &str, path: &str, body: &[u8]) -> Response {
    let authorization = format!("Bearer {token}");
    node.http("PUT", path, &[("Authorization", &authorization), ("Content-Type", "application/json")], body)
}

/// `lattice verify` on a node's data: what it says, if it is content.
fn verify(data: &support::Data) -> String {
    let output = data.run(&["verify"], b"");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
