//! A real node in a process of its own, and a client on loopback. Both share the machine: these
//! figures are those of the pair.

use super::super::super::output::Failure;
use super::super::client::Client;
use super::super::node::Node;
use super::http::{PING, PIPELINED};
use super::{Bench, Category, FallibleBatch, Subject, TargetKey};

/// A package that a new node does not have: the answer takes a job and a look into the database.
const LOOKUP: &[u8] = b"GET /no-such-package HTTP/1.1\r\nHost: 127.0.0.1:4873\r\n\r\n";
const LAST: &[u8] = b"GET /-/ping HTTP/1.1\r\nHost: 127.0.0.1:4873\r\nConnection: close\r\n\r\n";

pub(super) fn benches() -> Vec<Bench> {
    let bench = |name, about, target, operations, make| Bench {
        category: Category::Integration,
        name,
        about,
        target,
        subject: Subject::Node { operations, make },
    };
    let of_ping = TargetKey::Nanoseconds(|targets| targets.integration_ping_ns);
    let of_pipelined = TargetKey::Nanoseconds(|targets| targets.integration_pipelined_ns);
    let many = PIPELINED as u64;
    vec![
        bench("integration_ping", "a request and its answer, keep-alive", Some(of_ping), 1, || ask(PING.to_vec(), 1)),
        bench("integration_pipelined", "each of 16 sent at once, keep-alive", Some(of_pipelined), many, || {
            ask(PING.repeat(PIPELINED), PIPELINED)
        }),
        bench("integration_lookup", "a package that is not there: 404", None, 1, || ask(LOOKUP.to_vec(), 1)),
        bench("integration_connect", "a connection for one request", None, 1, connect),
    ]
}

fn ask(requests: Vec<u8>, answers: usize) -> Result<FallibleBatch, Failure> {
    let node = Node::start()?;
    let mut client = Client::connect(node.address())?;
    Ok(Box::new(move || {
        // Keeps the node as long as its client.
        let _node = &node;
        client.ask(&requests, answers)
    }))
}

fn connect() -> Result<FallibleBatch, Failure> {
    let node = Node::start()?;
    Ok(Box::new(move || Client::connect(node.address())?.ask(LAST, 1)))
}
