//! What every Rust peer answers, so that all of them answer the same bytes.
//!
//! In: `PROGRAM PORT [FILE]`. Out: `GET /plaintext` is [`PLAINTEXT`], `GET /users/{id}` a [`User`] with the
//! header [`MARK`], which a middleware adds where the framework has that notion.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::Serialize;

/// The body of `/plaintext`.
pub const PLAINTEXT: &str = "Hello, World!";

/// The header that the middleware of the JSON route adds.
pub const MARK: (&str, &str) = ("x-bench", "1");

/// The body of `/users/{id}`, about 200 bytes of JSON.
#[derive(Serialize)]
pub struct User<'a> {
    id: Cow<'a, str>,
    name: &'static str,
    email: &'static str,
    roles: [&'static str; 3],
    active: bool,
    logins: u32,
    team: &'static str,
    created: &'static str,
}

impl<'a> User<'a> {
    /// The user that a path names.
    pub fn new(id: impl Into<Cow<'a, str>>) -> Self {
        Self {
            id: id.into(),
            name: "Ada Lovelace",
            email: "ada@example.com",
            roles: ["admin", "editor", "reviewer"],
            active: true,
            logins: 1815,
            team: "analytical-engines",
            created: "1843-10-18T09:00:00Z",
        }
    }
}

/// The address to listen on: the port is the first argument.
pub fn address() -> (&'static str, u16) {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok());
    ("127.0.0.1", port.expect("usage: PROGRAM PORT [FILE]"))
}

/// The file to serve: the second argument.
pub fn file() -> PathBuf {
    std::env::args_os().nth(2).map(PathBuf::from).unwrap_or_default()
}
