//! A name for each request, to find it again in every log on its way.

use std::cell::Cell;
use std::sync::Arc;

use super::Middleware;
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::web::request::Request;
use crate::web::response::Response;

const FIELD: &str = "X-Request-Id";

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
        let id = request.header(FIELD).filter(|id| is_sound(id)).map_or_else(fresh, Arc::from);
        request.set_local(RequestIdText(id));
        None
    }

    fn after(&self, request: &Request<'_>, response: &mut Response) {
        if let Some(RequestIdText(id)) = request.local() {
            response.set_header(FIELD, id.as_bytes());
        }
    }
}

fn is_sound(id: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.:".contains(&octet);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(allowed)
}

thread_local! {
    /// What this thread's ids begin with, and how many there were.
    static ISSUED: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}

/// Unique, not secret: a random half for the thread, and a count.
fn fresh() -> Arc<str> {
    let (seed, count) = ISSUED.get().unwrap_or_else(|| (seed(), 0));
    ISSUED.set(Some((seed, count + 1)));
    format!("{seed:016x}{count:016x}").into()
}

fn seed() -> u64 {
    // Without randomness ids of two threads may be the same, which is no reason not to serve.
    getrandom::u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_plain() {
        for good in ["a", "7f-3_x.y:z", &"i".repeat(REQUEST_ID_BYTES_MAX)] {
            assert!(is_sound(good), "{good}");
        }
        for bad in ["", "a b", "a\"b", "é", &"i".repeat(REQUEST_ID_BYTES_MAX + 1)] {
            assert!(!is_sound(bad), "{bad}");
        }
    }

    #[test]
    fn a_new_id_is_like_no_other() {
        let (one, two) = (fresh(), fresh());
        assert_ne!(one, two);
        assert!([&one, &two].iter().all(|id| id.len() == 32 && is_sound(id)));
    }
}
