//! When an answer may be compressed.

use crate::wire::http::accept::Coding;
use crate::wire::http::fields::{split_member, trim};

/// A route's policy about compressing what it answers while it answers. A route without one, which is
/// every route that did not ask, compresses nothing.
///
/// **Why opt-in.** The length of a compressed body tells what is in it. Where one body holds a secret
/// (a token, somebody's mail address, another tenant's name) beside something whoever listens can
/// choose (a query that is repeated, a name that was published), guesses that share a prefix with the
/// secret make the body shorter, and TLS hides no lengths: BREACH (2013) reads tokens in minutes this
/// way. So a policy is for routes whose answers are the same for everybody, or hold nothing secret, or
/// repeat nothing of the request; it is never a default for all.
///
/// What is compressed ahead of time and holds nothing of any request has no such problem and needs no
/// policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Bodies shorter than this stay as they are: below some hundred bytes a coding adds as much as it
    /// saves.
    pub bytes_min: u64,
    /// The codings offered, the server's favourite first.
    pub codings: Vec<Coding>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { bytes_min: 1024, codings: Coding::ALL.to_vec() }
    }
}

impl Policy {
    /// Whether an answer with these fields may be compressed; `length` is `None` for one whose end is
    /// not known yet. One that has a coding already (`Content-Encoding`) is not to be asked about.
    pub fn admits(&self, content_type: &[u8], cache_control: Option<&[u8]>, length: Option<u64>) -> bool {
        length.is_none_or(|length| length >= self.bytes_min)
            && is_compressible(content_type)
            && !cache_control.is_some_and(forbids_transform)
    }
}

/// Whether bodies of this media type get smaller: text and what is written like text, and a few that
/// are plain inside. Never what is packed already, nor streams of events, which must not wait for a
/// window to fill.
pub fn is_compressible(content_type: &[u8]) -> bool {
    let end = memchr::memchr(b';', content_type).unwrap_or(content_type.len());
    let essence = trim(&content_type[..end]).to_ascii_lowercase();
    match &essence[..] {
        b"text/event-stream" => false,
        [b't', b'e', b'x', b't', b'/', ..] => true,
        other => other.ends_with(b"+json") || other.ends_with(b"+xml") || PLAIN_INSIDE.contains(&other),
    }
}

const PLAIN_INSIDE: &[&[u8]] = &[
    b"application/ecmascript",
    b"application/graphql",
    b"application/javascript",
    b"application/json",
    b"application/json5",
    b"application/jsonl",
    b"application/rtf",
    b"application/sql",
    b"application/toml",
    b"application/vnd.ms-fontobject",
    b"application/wasm",
    b"application/x-javascript",
    b"application/x-ndjson",
    b"application/x-sh",
    b"application/x-yaml",
    b"application/xml",
    b"application/xml-dtd",
    b"application/yaml",
    b"font/otf",
    b"font/ttf",
    b"image/bmp",
    b"image/vnd.microsoft.icon",
    b"image/x-icon",
    b"model/obj",
];

/// RFC 9111 §5.2.2.6.
fn forbids_transform(mut cache_control: &[u8]) -> bool {
    while let Some((directive, rest)) = split_member(cache_control) {
        if directive.eq_ignore_ascii_case(b"no-transform") {
            return true;
        }
        cache_control = rest;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_like_text_gets_smaller_and_what_is_packed_does_not() {
        for good in [
            "text/html",
            "text/html; charset=utf-8",
            "TEXT/CSS",
            "application/json",
            "application/vnd.npm.install-v1+json",
            "image/svg+xml",
            "application/wasm",
            "text/javascript ;charset=utf-8",
        ] {
            assert!(is_compressible(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "image/png",
            "application/gzip",
            "application/zip",
            "application/octet-stream",
            "font/woff2",
            "video/mp4",
            "text/event-stream",
            "multipart/byteranges; boundary=\"text/html\"",
            "application/jsonx",
            "text",
        ] {
            assert!(!is_compressible(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn small_bodies_and_those_that_may_not_be_changed_stay_as_they_are() {
        let policy = Policy { bytes_min: 100, ..Policy::default() };
        for (length, expected) in [(Some(99), false), (Some(100), true), (Some(101), true), (None, true)] {
            assert_eq!(policy.admits(b"text/plain", None, length), expected, "{length:?}");
        }
        for (cache_control, expected) in [
            ("no-transform", false),
            ("public, No-Transform", false),
            ("public, max-age=60", true),
            ("x=\"a, no-transform\"", true),
            ("", true),
        ] {
            assert_eq!(policy.admits(b"text/plain", Some(cache_control.as_bytes()), None), expected, "{cache_control}");
        }
    }
}
