//! A name for each request, to find it again in every log on its way.

use std::cell::RefCell;
use std::sync::Arc;

use super::Middleware;
use crate::app::edge::{Ids, REQUEST_ID, is_sound_id};
use crate::web::request::Request;
use crate::web::response::Response;

/// Gives each request an id: the one of its `X-Request-Id` if that is sound (1 to 128 letters, digits,
/// `-`, `_`, `.`, `:`), else a new one of 32 hexadecimal digits. The answer carries it, and a
/// handler finds it as [`RequestIdText`] with [`Request::local`].
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestId;

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestIdText(pub Arc<str>);

impl Middleware for RequestId {
    fn before(&self, request: &mut Request<'_>) -> Option<Response> {
        let id = request.header(REQUEST_ID).filter(|id| is_sound_id(id.as_bytes())).map_or_else(fresh, Arc::from);
        request.set_local(RequestIdText(id));
        None
    }

    fn after(&self, request: &Request<'_>, response: &mut Response) {
        if let Some(RequestIdText(id)) = request.local() {
            response.set_header(REQUEST_ID, id.as_bytes());
        }
    }
}

thread_local! {
    /// The ids of this thread.
    static IDS: RefCell<Ids> = RefCell::new(Ids::new(seed()));
}

fn fresh() -> Arc<str> {
    IDS.with_borrow_mut(Ids::fresh).into()
}

fn seed() -> u64 {
    // Without randomness ids of two threads may be the same, which is no reason not to serve.
    getrandom::u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_is_like_no_other() {
        let (one, two) = (fresh(), fresh());
        assert_ne!(one, two);
        assert!([&one, &two].iter().all(|id| id.len() == 32 && is_sound_id(id.as_bytes())));
    }
}
