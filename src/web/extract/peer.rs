//! Who asks, and with which fields.

use std::convert::Infallible;
use std::net::IpAddr;

use super::{Extract, FromRequest};
use crate::web::request::Request;

/// The address of the other end; `None` where the connection has none (a Unix socket). Behind a proxy
/// it is the proxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub Option<IpAddr>);

impl FromRequest for Peer {
    type Rejection = Infallible;
    const BODY: bool = false;

    fn from_request(request: &Request<'_>) -> Result<Self, Infallible> {
        Ok(Peer(request.peer()))
    }
}

/// The fields of the request.
#[derive(Clone, Copy)]
pub struct Headers<'r>(&'r Request<'r>);

impl<'r> Headers<'r> {
    /// The first value of this name (any case), if it is UTF-8.
    pub fn get(&self, name: &str) -> Option<&'r str> {
        self.0.header(name)
    }

    /// Names and values, in the order sent.
    pub fn iter(&self) -> impl Iterator<Item = (&'r str, &'r [u8])> + use<'r> {
        self.0.headers()
    }
}

impl Extract for Headers<'_> {
    type Item<'r> = Headers<'r>;
    type Rejection = Infallible;
    const BODY: bool = false;

    fn extract<'r>(request: &'r Request<'r>) -> Result<Headers<'r>, Infallible> {
        Ok(Headers(request))
    }
}
