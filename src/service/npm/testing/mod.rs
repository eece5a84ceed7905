//! For tests: a store in memory, and one thread of a node without sockets.

mod node;
mod store;

pub(crate) use node::{Node, Response, app};
pub(crate) use store::{FakeStore, package, version};
