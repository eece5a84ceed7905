//! The opening handshake (RFC 6455 §4.2): a request in, its answer written, and what both ends agreed on out.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Channel, Terms};
use crate::app::{Flow, Reply, Request};
use crate::wire::ws::extension::{self, Agreed};
use crate::wire::ws::handshake::{Offer, accept_input, offer};

/// A WebSocket that was agreed upon, and who serves it: what [`Flow::Upgrade`] carries.
pub struct Upgrade {
    /// Serves it.
    pub channel: Box<dyn Channel>,
    /// What it may be.
    pub terms: Terms,
    /// How messages are compressed, if they are.
    pub deflate: Option<Agreed>,
}

/// What both ends agreed on. The answer is written: [`Self::serve`] has to be what the service returns.
#[must_use = "the client was told that this is a WebSocket"]
pub struct Accepted {
    terms: Terms,
    deflate: Option<Agreed>,
    protocol: Option<&'static str>,
}

impl Accepted {
    /// The subprotocol.
    pub fn protocol(&self) -> Option<&'static str> {
        self.protocol
    }

    /// Goes on as a WebSocket that `channel` serves.
    pub fn serve(self, channel: impl Channel + 'static) -> Flow {
        let (terms, deflate) = (self.terms, self.deflate);
        Flow::Upgrade(Box::new(Upgrade { channel: Box::new(channel), terms, deflate }))
    }
}

/// Answers a request for a WebSocket: 101, or why not; then the service is done.
///
/// The first of `protocols` that the client offers is chosen. Where there are some, the client has to offer one.
pub fn accept(
    request: &Request<'_>,
    reply: &mut Reply<'_>,
    terms: &Terms,
    protocols: &[&'static str],
) -> Option<Accepted> {
    let offer = match offer(request.head) {
        Ok(offer) => offer,
        Err(refusal) => {
            let fields: Vec<(&str, &[u8])> =
                refusal.fields().iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            reply.error_with(refusal.status(), &fields, refusal.sentence(), None);
            return None;
        }
    };
    if !terms.origins.admit(request.head) {
        reply.error(
            403,
            "pages of this origin may not open a WebSocket here",
            Some("[ws] origins lists those that may"),
        );
        return None;
    }
    let protocol = match choose(&offer, protocols) {
        Ok(protocol) => protocol,
        Err(reason) => {
            reply.error(400, "no subprotocol in common", Some(&reason));
            return None;
        }
    };
    let Ok(deflate) = extension::choose(request.head.headers("Sec-WebSocket-Extensions"), terms.deflate.as_ref())
    else {
        reply.error(400, "Sec-WebSocket-Extensions is malformed", None);
        return None;
    };
    switch(&offer, protocol, deflate.as_ref(), reply);
    Some(Accepted { terms: terms.clone(), deflate, protocol })
}

/// The protocol that both know, in the order of ours.
fn choose(offer: &Offer<'_>, protocols: &[&'static str]) -> Result<Option<&'static str>, String> {
    if protocols.is_empty() {
        return Ok(None);
    }
    let chosen = protocols.iter().find(|protocol| offer.protocols().contains(protocol));
    chosen
        .map(|protocol| Some(*protocol))
        .ok_or_else(|| format!("Sec-WebSocket-Protocol has to list one of: {}", protocols.join(", ")))
}

fn switch(offer: &Offer<'_>, protocol: Option<&str>, deflate: Option<&Agreed>, reply: &mut Reply<'_>) {
    reply.status(101).header("Upgrade", b"websocket").header("Connection", b"Upgrade");
    reply.header("Sec-WebSocket-Accept", accept_key(&accept_input(offer.key)).as_bytes());
    if let Some(protocol) = protocol {
        reply.header("Sec-WebSocket-Protocol", protocol.as_bytes());
    }
    if let Some(agreed) = deflate {
        let mut value = Vec::new();
        agreed.emit(&mut value);
        reply.header("Sec-WebSocket-Extensions", &value);
    }
    reply.switch();
}

fn accept_key(input: &[u8]) -> String {
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, input))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_that_of_the_rfc() {
        // RFC 6455 §1.3.
        assert_eq!(accept_key(&accept_input(b"dGhlIHNhbXBsZSBub25jZQ==")), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
