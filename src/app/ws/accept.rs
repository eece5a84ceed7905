//! The opening handshake (RFC 6455 §4.2): a request in, its answer written, and what both ends agreed on out.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Channel, Terms};
use crate::app::{Flow, Reply, Request};
use crate::wire::http1::Head;
use crate::wire::ws::extension::{self, Agreed};
use crate::wire::ws::handshake::{Offer, Refusal, accept_input, offer};

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
    agreement: Agreement,
}

impl Accepted {
    /// The subprotocol.
    pub fn protocol(&self) -> Option<&'static str> {
        self.agreement.protocol
    }

    /// Goes on as a WebSocket that `channel` serves.
    pub fn serve(self, channel: impl Channel + 'static) -> Flow {
        self.agreement.serve(self.terms, Box::new(channel))
    }
}

/// What a request for a WebSocket and our terms come to, before anything of the answer is written.
pub struct Agreement {
    accept_key: String,
    protocol: Option<&'static str>,
    deflate: Option<Agreed>,
}

impl Agreement {
    /// The subprotocol.
    pub fn protocol(&self) -> Option<&'static str> {
        self.protocol
    }

    /// Ends a 101 whose status is written.
    pub fn switch(&self, reply: &mut Reply<'_>) {
        reply.header("Upgrade", b"websocket").header("Connection", b"Upgrade");
        reply.header("Sec-WebSocket-Accept", self.accept_key.as_bytes());
        if let Some(protocol) = self.protocol {
            reply.header("Sec-WebSocket-Protocol", protocol.as_bytes());
        }
        if let Some(agreed) = &self.deflate {
            let mut value = Vec::new();
            agreed.emit(&mut value);
            reply.header("Sec-WebSocket-Extensions", &value);
        }
        reply.switch();
    }

    /// Goes on as a WebSocket that `channel` serves, under the terms that were agreed to.
    pub fn serve(self, terms: Terms, channel: Box<dyn Channel>) -> Flow {
        Flow::Upgrade(Box::new(Upgrade { channel, terms, deflate: self.deflate }))
    }
}

/// Why a request opens no WebSocket, to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The fields that the answer must have.
    pub fields: &'static [(&'static str, &'static str)],
    /// What is wrong.
    pub error: &'static str,
    /// What would be right.
    pub reason: Option<String>,
}

impl Refused {
    fn new(status: u16, error: &'static str, reason: Option<String>) -> Self {
        Self { status, fields: &[], error, reason }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status(), fields: refusal.fields(), error: refusal.sentence(), reason: None }
    }
}

/// Compares what a client offers with our terms; the first of `protocols` that it offers is chosen.
///
/// # Errors
/// When it asks for no WebSocket, or for none that there could be.
pub fn agree(head: &Head<'_, '_>, terms: &Terms, protocols: &[&'static str]) -> Result<Agreement, Refused> {
    let offer = offer(head)?;
    if !terms.origins.admit(head) {
        let reason = "the server's list of origins does not name it".to_owned();
        return Err(Refused::new(403, "pages of this origin may not open a WebSocket here", Some(reason)));
    }
    let protocol =
        choose(&offer, protocols).map_err(|reason| Refused::new(400, "no subprotocol in common", Some(reason)))?;
    let deflate = extension::choose(head.headers("Sec-WebSocket-Extensions"), terms.deflate.as_ref())
        .map_err(|_| Refused::new(400, "Sec-WebSocket-Extensions is malformed", None))?;
    Ok(Agreement { accept_key: accept_key(&accept_input(offer.key)), protocol, deflate })
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
    match agree(request.head, terms, protocols) {
        Ok(agreement) => {
            reply.status(101);
            agreement.switch(reply);
            Some(Accepted { terms: terms.clone(), agreement })
        }
        Err(Refused { status, fields, error, reason }) => {
            let fields: Vec<(&str, &[u8])> = fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            reply.error_with(status, &fields, error, reason.as_deref());
            None
        }
    }
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
