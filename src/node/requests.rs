//! A line for each request, while DEBUG is on.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::app::{Answer, Observer, Request, Stopwatch};

/// What comes after it in a path is a secret: `npm logout` names its token there.
const BEFORE_A_TOKEN: &str = "/-/user/token/";

/// Logs requests.
pub(super) struct RequestLog;

impl Observer for RequestLog {
    fn on_answer(&mut self, request: &Request<'_>, answer: &Answer) {
        let (method, path) = (request.head.method.as_str(), shown(request.head.path));
        log::debug!("{method} {path} {} in {} µs", answer.status, answer.elapsed_ns / 1000);
    }

    fn on_refusal(&mut self, status: u16, peer: Option<IpAddr>) {
        let peer = peer.map_or_else(|| "somebody".to_owned(), |peer| peer.to_string());
        log::debug!("a request of {peer} was refused: {status}");
    }
}

/// A path without its query and without secrets.
fn shown(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    match path.find(BEFORE_A_TOKEN) {
        Some(at) => format!("{}…", &path[..at + BEFORE_A_TOKEN.len()]),
        None => path.into_owned(),
    }
}

/// A clock for it.
pub(super) fn stopwatch() -> Stopwatch {
    let start = Instant::now();
    Arc::new(move || start.elapsed().as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_shown() {
        assert_eq!(shown(b"/npm/-/user/token/npm_secret"), "/npm/-/user/token/…");
        assert_eq!(shown(b"/@s%2fn"), "/@s%2fn");
    }
}
