//! The token of a request that opens a WebSocket from a browser, whose scripts cannot send `Authorization`.
//!
//! It comes as one more subprotocol, `lattice.token.TOKEN`, which is never chosen and so not sent back, or
//! as the cookie `lattice_token`. Browsers send a cookie along whoever's page it is that asks: it counts
//! only for pages that may open a WebSocket here by name, and for clients that are no browsers. A subprotocol
//! is nobody's but the script's that knows the token.
//!
//! Refused: two tokens in one request.

use crate::app::ws::Origins;
use crate::wire::http::cookie;
use crate::wire::http1::Head;
use crate::wire::ws::handshake::offer;

/// What a subprotocol begins with that is a token.
const PROTOCOL: &str = "lattice.token.";
const COOKIE: &[u8] = b"lattice_token";

/// Two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ambiguous;

/// The token that is shown, if this request opens a WebSocket.
pub(super) fn token<'b>(head: &Head<'b, '_>, origins: &Origins) -> Result<Option<&'b [u8]>, Ambiguous> {
    if head.header("Upgrade").is_none() {
        return Ok(None);
    }
    let Ok(offer) = offer(head) else { return Ok(None) };
    let mut shown = offer.protocols().iter().filter_map(|protocol| protocol.strip_prefix(PROTOCOL));
    match (shown.next(), shown.next()) {
        (Some(token), None) => Ok(Some(token.as_bytes())),
        (Some(_), Some(_)) => Err(Ambiguous),
        (None, _) if !origins.admit_by_name(head) => Ok(None),
        (None, _) => cookie::find(head.headers("Cookie"), COOKIE).map_err(|_| Ambiguous),
    }
}
