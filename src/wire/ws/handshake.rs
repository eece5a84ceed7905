//! The opening handshake (RFC 6455 §4.2.1, RFC 9110 §7.8): a request head in, an [`Offer`] or a [`Refusal`]
//! out. All values borrow the head; nothing is allocated.
//!
//! Whoever answers hashes [`accept_input`]: there is no cryptography here.
//! Refused: whatever the RFC asks for and is not there, or is there twice; a body, whose bytes a proxy may
//! take for frames or the other way round; offered protocols that are no tokens, named twice or too many.

use core::array;

use crate::limits::WS_PROTOCOLS_MAX;
use crate::wire::http::fields::{is_token, split_member};
use crate::wire::http1::{Framing, Head, Method, Version};

/// What every server appends to the key (RFC 6455 §1.3).
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Base64 of 16 bytes.
const KEY_BYTES: usize = 24;

/// What a client offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<'b> {
    /// Sec-WebSocket-Key, as sent.
    pub key: &'b [u8; KEY_BYTES],
    protocols: [&'b str; WS_PROTOCOLS_MAX],
    protocol_count: usize,
}

impl<'b> Offer<'b> {
    /// The subprotocols it would speak, the one it likes best first.
    pub fn protocols(&self) -> &[&'b str] {
        &self.protocols[..self.protocol_count]
    }
}

/// Why a request opens no WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It has a body.
    Body,
    /// Connection does not name the upgrade.
    Connection,
    /// Sec-WebSocket-Key is missing, repeated, or not 16 bytes in base64.
    Key,
    /// It is no GET.
    Method,
    /// It asks for no WebSocket.
    NotUpgrade,
    /// Sec-WebSocket-Protocol holds what is no token, a name twice, or more than there may be.
    Protocols,
    /// Sec-WebSocket-Version is not 13.
    Version,
    /// Sec-WebSocket-Version is repeated.
    VersionRepeated,
}

impl Refusal {
    /// Every refusal, for tables and tests.
    pub const ALL: [Refusal; 8] = [
        Refusal::Body,
        Refusal::Connection,
        Refusal::Key,
        Refusal::Method,
        Refusal::NotUpgrade,
        Refusal::Protocols,
        Refusal::Version,
        Refusal::VersionRepeated,
    ];

    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Refusal::Method => 405,
            Refusal::NotUpgrade | Refusal::Version => 426,
            _ => 400,
        }
    }

    /// The fields that its answer must have (RFC 9110 §15.5.6 and §15.5.22, RFC 6455 §4.4).
    pub fn fields(self) -> &'static [(&'static str, &'static str)] {
        const UPGRADE: [(&str, &str); 2] = [("upgrade", "websocket"), ("connection", "upgrade")];
        match self {
            Refusal::Method => &[("allow", "GET")],
            Refusal::NotUpgrade => &UPGRADE,
            Refusal::Version => &[UPGRADE[0], UPGRADE[1], ("sec-websocket-version", "13")],
            _ => &[],
        }
    }

    /// What is wrong, where, and what is allowed.
    pub fn sentence(self) -> &'static str {
        match self {
            Refusal::Body => "The request has a body; one that opens a WebSocket must have none.",
            Refusal::Connection => {
                "Connection does not name 'upgrade', which Upgrade needs; a proxy may have removed it."
            }
            Refusal::Key => "Sec-WebSocket-Key must be sent once and be 16 bytes in base64.",
            Refusal::Method => "A WebSocket is opened with GET.",
            Refusal::NotUpgrade => {
                "Only WebSockets are spoken here: the request must be HTTP/1.1 with 'Upgrade: websocket'."
            }
            Refusal::Protocols => "Sec-WebSocket-Protocol must list at most 16 different tokens.",
            Refusal::Version => "Sec-WebSocket-Version must be 13.",
            Refusal::VersionRepeated => "Sec-WebSocket-Version must be sent once.",
        }
    }
}

/// What the client offers that sent `head`.
pub fn offer<'b>(head: &Head<'b, '_>) -> Result<Offer<'b>, Refusal> {
    // HTTP/1.0 knows no upgrade: there the field means nothing (RFC 9110 §7.8).
    if head.version != Version::Http11 || !lists(head, "upgrade", b"websocket") {
        return Err(Refusal::NotUpgrade);
    }
    if head.method != Method::Get {
        return Err(Refusal::Method);
    }
    if !lists(head, "connection", b"upgrade") {
        return Err(Refusal::Connection);
    }
    if !matches!(head.framing, Framing::None | Framing::Length(0)) {
        return Err(Refusal::Body);
    }
    check_version(head)?;
    let key = key(head)?;
    let (protocols, protocol_count) = protocols(head)?;
    Ok(Offer { key, protocols, protocol_count })
}

/// What the answer's Sec-WebSocket-Accept is the SHA-1 of, in base64.
pub fn accept_input(key: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES + GUID.len()] {
    array::from_fn(|index| if index < KEY_BYTES { key[index] } else { GUID[index - KEY_BYTES] })
}

/// The members of a list over all fields of this name.
fn members<'b>(head: &Head<'b, '_>, name: &str) -> impl Iterator<Item = &'b [u8]> {
    head.fields.named(name).flat_map(|mut list| {
        core::iter::from_fn(move || {
            let (member, rest) = split_member(list)?;
            list = rest;
            Some(member)
        })
    })
}

fn lists(head: &Head<'_, '_>, name: &str, wanted: &[u8]) -> bool {
    members(head, name).any(|member| member.eq_ignore_ascii_case(wanted))
}

fn check_version(head: &Head<'_, '_>) -> Result<(), Refusal> {
    let mut versions = head.fields.named("sec-websocket-version");
    match (versions.next(), versions.next()) {
        (Some(b"13"), None) => Ok(()),
        (_, None) => Err(Refusal::Version),
        (_, Some(_)) => Err(Refusal::VersionRepeated),
    }
}

/// The key, by its shape alone: it is hashed as it was sent, so bits beyond the 16 bytes do no harm.
fn key<'b>(head: &Head<'b, '_>) -> Result<&'b [u8; KEY_BYTES], Refusal> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut keys = head.fields.named("sec-websocket-key");
    let (Some(key), None) = (keys.next(), keys.next()) else { return Err(Refusal::Key) };
    let key: &[u8; KEY_BYTES] = key.try_into().map_err(|_| Refusal::Key)?;
    let [digits @ .., b'=', b'='] = key else { return Err(Refusal::Key) };
    if digits.iter().all(is_base64) { Ok(key) } else { Err(Refusal::Key) }
}

/// The offered subprotocols and how many they are (RFC 6455 §4.1: tokens, each once).
fn protocols<'b>(head: &Head<'b, '_>) -> Result<([&'b str; WS_PROTOCOLS_MAX], usize), Refusal> {
    let mut all = [""; WS_PROTOCOLS_MAX];
    let mut count = 0;
    for member in members(head, "sec-websocket-protocol") {
        let name = core::str::from_utf8(member).ok().filter(|name| is_token(name.as_bytes()));
        let name = name.ok_or(Refusal::Protocols)?;
        if count == WS_PROTOCOLS_MAX || all[..count].contains(&name) {
            return Err(Refusal::Protocols);
        }
        all[count] = name;
        count += 1;
    }
    Ok((all, count))
}
