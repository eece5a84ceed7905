//! The flags of the live config, as the slice obeys them.

use super::{ANN, node};
use crate::app::live::USUAL;
use crate::config::Flags;
use crate::service::npm::testing::Node;

const TARBALL: &str = "/open/-/open-1.0.0.tgz";

/// The routes that show packages and users.
const READS: [&str; 8] = [
    "/open",
    "/open/1.0.0",
    "/open?write=true",
    TARBALL,
    "/-/package/open/dist-tags",
    "/-/v1/search?text=open",
    "/-/_view/starredByUser?key=%22ann%22",
    "/-/user/org.couchdb.user:ann",
];

fn set(node: &mut Node, flag: Flags, on: bool) {
    node.app.on_flags(USUAL.with(flag, on));
}

#[test]
fn a_private_registry_shows_nothing_to_who_is_not_logged_in() {
    let mut node = node();
    for path in READS {
        assert_eq!(node.get(path).status, 200, "{path}");
    }
    set(&mut node, Flags::PRIVATE_REGISTRY, true);
    for path in READS {
        let closed = node.get(path);
        assert_eq!(
            (closed.status, closed.header("WWW-Authenticate"), closed.jobs()),
            (401, Some("Bearer"), 0),
            "{path}"
        );
        assert_eq!(node.ask(&[&format!("GET {path} HTTP/1.1"), ANN]).status, 200, "{path}");
    }
    assert_eq!(node.get("/nothing").status, 401, "nor whether it exists");
    set(&mut node, Flags::PRIVATE_REGISTRY, false);
    for path in READS {
        assert_eq!(node.get(path).status, 200, "{path}");
    }
}

#[test]
fn who_is_not_logged_in_can_log_in_to_a_private_registry() {
    let mut node = node();
    set(&mut node, Flags::PRIVATE_REGISTRY, true);
    let login = br#"{"name":"ann","password":"a-password"}"#;
    let path = "PUT /-/user/org.couchdb.user:ann HTTP/1.1";
    assert_eq!(node.send(&[path], login).status, 409, "as before: npm goes on with a password");
}

#[test]
fn no_rule_is_opened_by_a_flag() {
    let mut node = node();
    for flags in [Flags(0), USUAL, Flags(!Flags::PRIVATE_REGISTRY.0)] {
        node.app.on_flags(flags);
        assert_eq!(node.get("/@team/t").status, 401, "{flags:?}");
    }
}

#[test]
fn no_shared_cache_keeps_what_a_private_registry_shows() {
    let mut node = node();
    let ask = |node: &mut Node, path: &str| {
        let answer = node.ask(&[&format!("GET {path} HTTP/1.1"), ANN]);
        answer.header("Cache-Control").expect("it says").to_owned()
    };
    assert_eq!(ask(&mut node, TARBALL), "public, max-age=31536000, immutable");
    set(&mut node, Flags::PRIVATE_REGISTRY, true);
    assert_eq!(ask(&mut node, TARBALL), "private, max-age=31536000, immutable");
    assert_eq!(ask(&mut node, "/open/1.0.0"), "private, no-cache");
    // A document may be kept: nobody is given it before we were asked, and we say 401.
    assert!(ask(&mut node, "/open").ends_with("no-cache"));
}

#[test]
fn without_a_cache_everything_is_looked_up_each_time() {
    let mut node = node();
    let jobs = |node: &mut Node| ["/open", TARBALL].map(|path| node.get(path).jobs());
    assert_eq!(jobs(&mut node), [1, 1]);
    assert_eq!(jobs(&mut node), [0, 0]);
    set(&mut node, Flags::CACHE_ENABLED, false);
    for _ in 0..2 {
        assert_eq!(jobs(&mut node), [1, 1]);
    }
    assert!(node.shared.renderings.peek("open").is_none(), "what the process kept is gone, too");
    let loads = *node.store.loads.lock().unwrap();
    node.get("/open");
    assert_eq!(*node.store.loads.lock().unwrap(), loads + 1);
    set(&mut node, Flags::CACHE_ENABLED, true);
    assert_eq!(jobs(&mut node), [1, 1], "nothing from before is left");
    assert_eq!(jobs(&mut node), [0, 0]);
}

#[test]
fn what_a_job_brings_after_the_cache_was_turned_off_is_not_kept() {
    let mut node = node();
    let off = USUAL.with(Flags::CACHE_ENABLED, false);
    let answer = node.send_and(&["GET /open HTTP/1.1"], b"", |_, app| app.on_flags(off));
    assert_eq!((answer.status, answer.jobs()), (200, 1));
    node.app.on_flags(USUAL);
    assert_eq!(node.get("/open").jobs(), 1);
}
