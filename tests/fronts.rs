//! A front and the node must count the same requests: nginx and HAProxy, over connections that they keep
//! and share among clients, and nobody in between.
//!
//! Every request carries an id in its target, and every `POST /-/echo` the same id in its body. A front
//! tells in a field of each answer which request it believes to be answering; the body tells which one the
//! node answered. Were one of them to see a request where the other sees a body, the two would differ, on
//! that connection or on the next. Behind each attack comes a marked request on the same connection, then
//! others on connections of other clients; and the front's log must name as many requests as the node counts.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the node: it has clock, files and sockets")]

mod support;

#[path = "fronts/answers.rs"]
mod answers;
#[path = "fronts/cases.rs"]
mod cases;
#[path = "fronts/direct.rs"]
mod direct;
#[path = "fronts/front.rs"]
mod front;
#[path = "fronts/judge.rs"]
mod judge;
#[path = "fronts/marked.rs"]
mod marked;

use front::{Front, Kind};
use judge::Judge;
use support::{Node, Package, Setup};

/// A node with an echo and one package, on two threads.
fn node() -> Node {
    let setup = Setup::new().threads(2).args(&["--echo"]);
    let token = setup.data_ref().token("alice", &[]);
    let node = setup.start();
    let package = Package::new("behind", "1.0.0").noise(200_000, 1);
    let authorization = format!("Bearer {token}");
    let published = node.http("PUT", &package.path(), &[("Authorization", &authorization)], &package.body());
    assert_eq!(published.status, 201, "{}", published.text());
    node
}

fn assert_agrees(kind: Kind) {
    let node = node();
    let front = Front::start(kind, node.address());
    let mut judge = Judge::new(&node, &front);
    judge.pipelines();
    judge.tarballs();
    for case in cases::ALL {
        judge.attack(case, false);
        judge.attack(case, true);
    }
    judge.at_once();
    judge.report();
}

#[test]
fn nginx_counts_as_the_node_does() {
    assert_agrees(Kind::Nginx);
}

#[test]
fn nginx_that_passes_on_all_it_can_counts_as_the_node_does() {
    assert_agrees(Kind::NginxLenient);
}

#[test]
fn haproxy_counts_as_the_node_does() {
    assert_agrees(Kind::Haproxy);
}

#[test]
fn haproxy_that_passes_on_all_it_can_counts_as_the_node_does() {
    assert_agrees(Kind::HaproxyLenient);
}

#[test]
fn the_node_on_its_own_refuses_or_serves_each_as_it_should() {
    let node = node();
    for case in cases::ALL {
        direct::attack(&node, case);
    }
}
