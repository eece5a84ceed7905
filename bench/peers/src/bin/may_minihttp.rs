//! may_minihttp with one worker. It has neither routes nor middleware: a match and a header.

use std::io;

use bench_peers::{PLAINTEXT, User, address};
use bytes::BufMut;
use may_minihttp::{HttpService, HttpServiceFactory, Request, Response};

struct Peer;

impl HttpServiceFactory for Peer {
    type Service = Self;

    fn new_service(&self, _id: usize) -> Self {
        Self
    }
}

impl HttpService for Peer {
    fn call(&mut self, request: Request<'_, '_, '_>, response: &mut Response<'_>) -> io::Result<()> {
        match request.path() {
            "/plaintext" => response.header("Content-Type: text/plain").body(PLAINTEXT),
            path => match path.strip_prefix("/users/") {
                Some(id) => {
                    response.header("Content-Type: application/json").header("x-bench: 1");
                    serde_json::to_writer(response.body_mut().writer(), &User::new(id))?;
                }
                None => {
                    response.status_code(404, "Not Found");
                }
            },
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    // One worker, and room for as many coroutines as the table has idle connections.
    may::config().set_workers(1).set_pool_capacity(1000).set_stack_size(0x1000);
    let server = Peer.start(address())?;
    server.join().map_err(|_| io::Error::other("the server panicked"))
}
