//! What connections and requests take of a node's memory, as the kernel sees it.

use super::super::super::output::Failure;
use super::super::client::Client;
use super::super::node::Node;
use super::http::PING;
use super::{Bench, Category, Subject, TargetKey};
use crate::reactor::sys::raise_open_files;
use crate::session::http1::Http1;

/// Connections before the first reading: buffers and tables that all share are there then.
const FIRST: usize = 32;
/// Descriptors that this program needs besides connections.
const SPARE: u64 = 128;

pub(super) fn benches() -> Vec<Bench> {
    let bench = |name, about, target, rounds_max, read| Bench {
        category: Category::Memory,
        name,
        about,
        target,
        subject: Subject::Figure { rounds_max, read },
    };
    let of_session = TargetKey::Bytes(|targets| targets.memory_session_bytes);
    let of_connection = TargetKey::Bytes(|targets| targets.memory_connection_bytes);
    vec![
        bench("memory_session", "the state of a connection between two requests", Some(of_session), 2, session),
        bench("memory_connection", "an idle connection, all of the process", Some(of_connection), 3, connection),
        bench("memory_request", "growth of the process per keep-alive request", None, 3, request),
    ]
}

fn session(_quick: bool) -> Result<f64, Failure> {
    Ok(size_of::<Http1>() as f64)
}

/// Opens many connections, asks once on each, and divides what the node grew by.
fn connection(quick: bool) -> Result<f64, Failure> {
    let count = if quick { 500 } else { 4000 };
    let room = raise_open_files().unwrap_or(1024).saturating_sub(SPARE);
    let count = usize::try_from(room).unwrap_or(usize::MAX).min(count);
    let node = Node::start()?;
    let _first = connections(&node, FIRST)?;
    let before = node.resident_bytes()?;
    let _all = connections(&node, count)?;
    Ok(grown(before, node.resident_bytes()?, count))
}

fn connections(node: &Node, count: usize) -> Result<Vec<Client>, Failure> {
    let asked = |_| {
        let mut client = Client::connect(node.address())?;
        client.ask(PING, 1).map(|_| client)
    };
    (0..count).map(asked).collect()
}

fn request(quick: bool) -> Result<f64, Failure> {
    let rounds = if quick { 100 } else { 1000 };
    let node = Node::start()?;
    let mut client = Client::connect(node.address())?;
    let requests = PING.repeat(64);
    client.ask(&requests, 64)?;
    let before = node.resident_bytes()?;
    for _ in 0..rounds {
        client.ask(&requests, 64)?;
    }
    Ok(grown(before, node.resident_bytes()?, rounds * 64))
}

/// A node that gave memory back has not grown.
fn grown(before: f64, after: f64, by: usize) -> f64 {
    (after - before).max(0.0) / by as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_shared_out_and_never_negative() {
        assert_eq!(grown(1000.0, 5000.0, 4), 1000.0);
        assert_eq!(grown(5000.0, 1000.0, 4), 0.0);
    }
}
