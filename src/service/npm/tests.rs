//! The slice as clients see it: heads as bytes in, answers read back, jobs run by hand.

mod accounts;
mod admission;
mod documents;
mod flags;
mod tarballs;
mod writes;

use crate::service::npm::settings::{Party, Rule, Settings};
use crate::service::npm::testing::{Node, package, version};

/// Anybody reads `open…` and `@s/…`, users publish there; `@team/…` is ann's and bob's to read and
/// ann's to write; `@closed/…` is ann's.
fn settings() -> Settings {
    let party = |name: &str| Party::User(name.into());
    let rule = |pattern: &str, access: Vec<Party>, publish: Vec<Party>, unpublish: Vec<Party>| Rule {
        pattern: pattern.into(),
        access,
        publish,
        unpublish,
    };
    let team = vec![party("ann"), party("bob")];
    Settings {
        public_url: "https://reg.example/npm".into(),
        rules: vec![
            rule("@team/*", team, vec![party("ann")], vec![party("ann")]),
            rule("@closed/*", vec![party("ann")], vec![party("ann")], vec![party("ann")]),
            rule("@prune/*", vec![Party::All], vec![party("ann")], vec![party("bob")]),
            rule("**", vec![Party::All], vec![Party::Authenticated], vec![Party::Authenticated]),
        ],
        ..Settings::default()
    }
}

/// A node with `open`, `@s/n` and `@team/t`, each with 1.0.0 and 2.0.0, and the users ann and bob.
fn node() -> Node {
    let node = Node::new(settings());
    for name in ["open", "@s/n", "@team/t", "@closed/c", "@prune/p"] {
        node.store.put(package(name, vec![version("1.0.0", 1), version("2.0.0", 2)]));
    }
    node.store.add_user("ann", "a-password");
    node.store.add_user("bob", "b-password");
    node
}

const ANN: &str = "Authorization: Bearer ann";
const BOB: &str = "Authorization: Bearer bob";
