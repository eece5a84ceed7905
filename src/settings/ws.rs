//! `[ws]`: what one peer may do with a WebSocket.

use std::sync::Arc;

use super::Settings;
use super::edge::parse_origins;
use crate::app::ws::{self, Overflow, Terms};
use crate::limits::{SECOND_NS, WS_FRAGMENTS, WS_MESSAGE_BYTES, WS_PING_NS, WS_QUEUE_BYTES};
use crate::wire::http::cors::Origins;
use crate::wire::ws::Limits;
use crate::wire::ws::extension::Policy;

pub(super) const COMPRESSION_ALLOWED: &str = "\"off\", \"on\" or \"stateless\"";

/// What one peer may do with a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ws {
    /// Largest message, in bytes.
    pub message_bytes: usize,
    /// Most frames of one message.
    pub fragments: u32,
    /// Most bytes that wait for a peer, beyond one message.
    pub queue_bytes: usize,
    /// Seconds of silence after which a peer is asked whether it is there.
    pub ping_s: u64,
    /// Whether messages are compressed.
    pub compression: Compression,
    /// Pages that may open one.
    pub origins: Option<Origins>,
}

/// Whether messages are compressed, for clients that offer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// They are not.
    Off,
    /// They may refer to those before.
    On,
    /// Each by itself: nothing is kept between them.
    Stateless,
}

impl Default for Ws {
    fn default() -> Self {
        Self {
            message_bytes: WS_MESSAGE_BYTES,
            fragments: WS_FRAGMENTS,
            queue_bytes: WS_QUEUE_BYTES,
            ping_s: WS_PING_NS / SECOND_NS,
            compression: Compression::Off,
            origins: None,
        }
    }
}

impl Ws {
    /// The same for slices; pages of `public_url` may open one.
    pub fn terms(&self, public_url: &str) -> Terms {
        let origins = match &self.origins {
            Some(Origins::Any) => ws::Origins::any(),
            Some(Origins::These(origins)) => {
                ws::Origins::listed(origins.iter().map(ToString::to_string).chain([origin_of(public_url).to_owned()]))
            }
            None => ws::Origins::listed([origin_of(public_url).to_owned()]),
        };
        Terms {
            limits: Limits { message_bytes: self.message_bytes, fragments: self.fragments },
            queue_bytes: self.queue_bytes,
            overflow: Overflow::Close,
            deflate: self.compression.policy(),
            origins: Arc::new(origins),
        }
    }
}

impl Compression {
    fn policy(self) -> Option<Policy> {
        match self {
            Compression::Off => None,
            Compression::On => Some(Policy::default()),
            Compression::Stateless => {
                Some(Policy { server_takeover: false, client_takeover: false, ..Policy::default() })
            }
        }
    }
}

/// `https://host:port` of an URL.
fn origin_of(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    url[authority..].find('/').map_or(url, |slash| &url[..authority + slash])
}

pub(super) fn read_compression(settings: &Settings) -> String {
    match settings.ws.compression {
        Compression::Off => "off",
        Compression::On => "on",
        Compression::Stateless => "stateless",
    }
    .to_owned()
}

pub(super) fn write_compression(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.ws.compression = match text {
        "off" => Compression::Off,
        "on" => Compression::On,
        "stateless" => Compression::Stateless,
        _ => return Err("is none of them".into()),
    };
    Ok(())
}

pub(super) fn read_origins(settings: &Settings) -> Vec<String> {
    super::edge::show_origins(settings.ws.origins.as_ref())
}

pub(super) fn write_origins(settings: &mut Settings, texts: &[&str]) -> Result<(), String> {
    settings.ws.origins = parse_origins(texts)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_an_url_has_no_path() {
        for (url, origin) in [
            ("https://npm.example.com", "https://npm.example.com"),
            ("https://example.com:8443/npm/x", "https://example.com:8443"),
            ("http://127.0.0.1:4873", "http://127.0.0.1:4873"),
        ] {
            assert_eq!(origin_of(url), origin);
        }
    }

    #[test]
    fn what_keeps_nothing_between_messages_says_so_for_both_ends() {
        assert_eq!(Compression::Off.policy(), None);
        let policy = |compression: Compression| {
            compression.policy().map(|policy| (policy.server_takeover, policy.client_takeover))
        };
        assert_eq!(policy(Compression::On), Some((true, true)));
        assert_eq!(policy(Compression::Stateless), Some((false, false)));
    }
}
