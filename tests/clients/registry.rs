//! The registry under test: a node of our own, or the one that the environment names.

use crate::support::{Node, Setup, http};

/// The user that publishes on a node of our own.
const PUBLISHER: &str = "publisher";

const CONFIG: &str = "[npm]\nallow_signup = true\n";

/// A registry, and a user who may publish in it.
pub(crate) struct Registry {
    node: Option<Node>,
    /// Without a slash at its end.
    url: String,
    token: String,
    user: String,
}

impl Registry {
    /// Starts a node with `threads`, unless `LATTICE_TEST_REGISTRY` names another registry.
    pub(crate) fn start(threads: usize) -> Registry {
        match std::env::var("LATTICE_TEST_REGISTRY") {
            Ok(url) => Registry::elsewhere(url.trim_end_matches('/')),
            Err(_) => Registry::node(threads),
        }
    }

    fn node(threads: usize) -> Registry {
        let setup = Setup::new().threads(threads).config(CONFIG);
        let token = setup.data_ref().token(PUBLISHER, &[]);
        let node = setup.start();
        Registry { url: node.url(""), node: Some(node), token, user: PUBLISHER.to_owned() }
    }

    fn elsewhere(url: &str) -> Registry {
        let token = std::env::var("LATTICE_TEST_TOKEN").expect("LATTICE_TEST_REGISTRY needs LATTICE_TEST_TOKEN");
        let answer = http("GET", &format!("{url}/-/whoami"), &[("authorization", &format!("Bearer {token}"))], b"");
        let user = answer.json()["username"].as_str().expect("the token belongs to somebody").to_owned();
        Registry { node: None, url: url.to_owned(), token, user }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Whom the token belongs to.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Makes one more user with a password, and a token of theirs.
    pub(crate) fn sign_up(&self, name: &str, password: &str) -> String {
        let url = format!("{}/-/user/org.couchdb.user:{name}", self.url);
        let body = serde_json::json!({
            "_id": format!("org.couchdb.user:{name}"), "name": name, "password": password,
            "type": "user", "roles": [], "date": "2026-01-01T00:00:00.000Z",
        });
        let answer = http("PUT", &url, &[("content-type", "application/json")], body.to_string().as_bytes());
        assert_eq!(answer.status, 201, "sign-up of {name}: {answer:?}");
        answer.json()["token"].as_str().unwrap_or_else(|| panic!("no token: {answer:?}")).to_owned()
    }

    /// What the node said, for a failure message.
    pub(crate) fn output(&self) -> String {
        self.node.as_ref().map_or_else(String::new, Node::output)
    }

    /// Ends the node as an operator does; it must end cleanly.
    pub(crate) fn stop(&self) {
        if let Some(node) = &self.node {
            let status = node.terminate();
            assert!(status.success(), "the node ended with {status}:\n{}", node.output());
        }
    }
}
