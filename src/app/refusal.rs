//! Answers that no slice gives because a request was refused: what it is told, and whoever says it in
//! other words.
//!
//! The words here name bounds and no key of a file: whether there is one, only the program knows. The
//! registry's own, which name keys, are those of `settings/refusal.rs`.
//!
//! Status, and what the node itself has to say with it such as `Retry-After`, stay the node's; a program
//! may put fields and a body of its own in the place of `{"error": …}`, up to [`REFUSAL_BYTES_MAX`].

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::app::Reply;
use crate::app::precedence::is_named;
use crate::app::reply::{Body, error_json};
use crate::limits::REFUSAL_BYTES_MAX;
use crate::wire::http1::Error;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The body came too slowly.
    BodyTimeout,
    /// The body is longer than this many bytes.
    BodyTooLarge(u64),
    /// More slow work is waiting than may wait.
    Busy,
    /// A job that was none of the program's handlers panicked.
    Failed,
    /// The head came too slowly.
    HeadTimeout,
    /// A body that is taken piece by piece came without its length and not in chunks.
    LengthRequired,
    /// The head or the framing of the body is wrong.
    Malformed(Error),
    /// The connections hold all the memory they may.
    Overloaded,
}

/// A request that was refused, and what its sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub kind: RefusalKind,
    /// The other end's address, if the connection has one.
    pub peer: Option<IpAddr>,
}

/// A refusal in other words: fields as they leave, and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    lines: Vec<u8>,
    body: Vec<u8>,
}

/// Says a refusal in other words, or leaves it as it is.
pub type Reword = Arc<dyn Fn(&Refusal) -> Option<Words> + Send + Sync>;

impl Refusal {
    /// For programs that tell refusals apart by text, such as `body_too_large`.
    pub fn name(&self) -> &'static str {
        match self.kind {
            RefusalKind::BodyTimeout => "body_timeout",
            RefusalKind::BodyTooLarge(_) => "body_too_large",
            RefusalKind::Busy => "busy",
            RefusalKind::Failed => "failed",
            RefusalKind::HeadTimeout => "head_timeout",
            RefusalKind::LengthRequired => "length_required",
            RefusalKind::Malformed(error) => error.name(),
            RefusalKind::Overloaded => "overloaded",
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self.kind {
            RefusalKind::BodyTimeout | RefusalKind::HeadTimeout => 408,
            RefusalKind::BodyTooLarge(_) => 413,
            RefusalKind::Busy | RefusalKind::Overloaded => 503,
            RefusalKind::Failed => 500,
            RefusalKind::LengthRequired => 411,
            RefusalKind::Malformed(error) => error.status(),
        }
    }

    /// What is wrong, in one sentence.
    pub fn error(&self) -> &'static str {
        match self.kind {
            RefusalKind::BodyTimeout => "the request body took too long",
            RefusalKind::BodyTooLarge(_) => "request body too large",
            RefusalKind::Busy => "the node is busy",
            RefusalKind::Failed => "the node failed on this request",
            RefusalKind::HeadTimeout => "the request head took too long",
            RefusalKind::LengthRequired => "length required",
            RefusalKind::Malformed(error) => error.explain(),
            RefusalKind::Overloaded => "the node is overloaded",
        }
    }

    /// What can be done about it, where that is not said yet.
    pub fn reason(&self) -> Option<Cow<'static, str>> {
        Some(match self.kind {
            RefusalKind::BodyTooLarge(max) => format!("at most {max} bytes are taken here").into(),
            RefusalKind::Busy => "try again in a second".into(),
            RefusalKind::LengthRequired => "send Content-Length or Transfer-Encoding: chunked".into(),
            RefusalKind::Overloaded => "the connections hold all the memory they may".into(),
            _ => return None,
        })
    }

    /// Fields of the answer, whoever words it.
    pub fn fields(&self) -> &'static [(&'static str, &'static [u8])] {
        match self.kind {
            RefusalKind::Busy | RefusalKind::Overloaded => &[("Retry-After", b"1")],
            _ => &[],
        }
    }

    /// Writes the answer, in these words or the node's.
    pub(crate) fn write(&self, words: Option<&Words>, reply: &mut Reply<'_>) {
        let Some(words) = words else {
            return reply.error_with(self.status(), self.fields(), self.error(), self.reason().as_deref());
        };
        reply.status(self.status());
        for (name, value) in self.fields().iter().filter(|(name, _)| !words.names(name)) {
            reply.header(name, value);
        }
        reply.fields(&words.lines).body(Body::Bytes(&words.body));
    }
}

impl Words {
    /// An error as the node words it: `{"error": …}` or `{"error": …, "reason": …}`.
    pub fn error(error: &str, reason: Option<&str>) -> Option<Self> {
        Self::new(b"Content-Type: application/json\r\n", error_json(error, reason).as_bytes())
    }

    /// `lines` are whole fields, checked; `None` if this is longer than a refusal may be.
    pub fn new(lines: &[u8], body: &[u8]) -> Option<Self> {
        debug_assert!(lines.is_empty() || lines.ends_with(b"\r\n"), "whole lines");
        let fits = lines.len() + body.len() <= REFUSAL_BYTES_MAX;
        fits.then(|| Self { lines: lines.to_vec(), body: body.to_vec() })
    }

    fn names(&self, name: &str) -> bool {
        self.lines.split(|&octet| octet == b'\n').any(|line| is_named(line, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::reply::Terms;
    use crate::buffer::SendBuf;

    fn kinds() -> Vec<RefusalKind> {
        let mut kinds: Vec<RefusalKind> = Error::ALL.into_iter().map(RefusalKind::Malformed).collect();
        kinds.extend([
            RefusalKind::BodyTimeout,
            RefusalKind::BodyTooLarge(7),
            RefusalKind::Busy,
            RefusalKind::Failed,
            RefusalKind::HeadTimeout,
            RefusalKind::LengthRequired,
            RefusalKind::Overloaded,
        ]);
        kinds
    }

    fn written(kind: RefusalKind, words: Option<&Words>) -> String {
        let mut out = SendBuf::new();
        let terms = Terms { date: b"", head_only: false, close: true, http10: false };
        Refusal { kind, peer: None }.write(words, &mut Reply::new(&mut out, terms));
        String::from_utf8(out.only_own().expect("bytes").to_vec()).expect("text")
    }

    #[test]
    fn each_kind_has_a_name_and_a_sentence_of_its_own_and_an_error_for_a_status() {
        let refusals: Vec<Refusal> = kinds().into_iter().map(|kind| Refusal { kind, peer: None }).collect();
        for (index, refusal) in refusals.iter().enumerate() {
            assert!((400..=599).contains(&refusal.status()), "{refusal:?}");
            let named = refusal.name().bytes().all(|octet| octet == b'_' || octet.is_ascii_alphanumeric());
            assert!(named, "{refusal:?}");
            for other in &refusals[..index] {
                assert_ne!(refusal.name(), other.name());
                assert_ne!(refusal.error(), other.error());
            }
        }
    }

    #[test]
    fn no_sentence_names_a_key_of_a_file() {
        for kind in kinds() {
            let told = written(kind, None);
            assert!(!told.contains('[') && !told.contains("_bytes"), "{told}");
        }
    }

    #[test]
    fn words_take_the_place_of_the_body_and_nothing_else() {
        let words = Words::new(b"Content-Type: text/plain\r\nX-A: b\r\n", b"no").expect("short");
        for kind in kinds() {
            let (own, theirs) = (written(kind, None), written(kind, Some(&words)));
            assert_eq!(own.lines().next(), theirs.lines().next());
            assert_eq!(own.contains("\r\nRetry-After: 1\r\n"), theirs.contains("\r\nRetry-After: 1\r\n"));
            assert!(theirs.contains("\r\nContent-Type: text/plain\r\nX-A: b\r\nContent-Length: 2\r\n"), "{theirs}");
            assert!(theirs.ends_with("\r\nConnection: close\r\n\r\nno"), "{theirs}");
        }
    }

    #[test]
    fn a_field_of_the_node_is_not_sent_twice() {
        for (lines, expected) in
            [(&b"retry-AFTER: 9\r\n"[..], "retry-AFTER: 9"), (b"X-Retry-After: 9\r\n", "Retry-After: 1")]
        {
            let sent = written(RefusalKind::Busy, Words::new(lines, b"").as_ref());
            assert!(sent.contains(expected), "{sent}");
            assert_eq!(sent.to_ascii_lowercase().matches("\r\nretry-after:").count(), 1, "{sent}");
        }
    }

    #[test]
    fn words_below_at_and_above_their_bound() {
        let line = b"X: y\r\n";
        for (bytes, fits) in [(REFUSAL_BYTES_MAX - 1, true), (REFUSAL_BYTES_MAX, true), (REFUSAL_BYTES_MAX + 1, false)]
        {
            assert_eq!(Words::new(line, &vec![b'x'; bytes - line.len()]).is_some(), fits, "{bytes}");
        }
    }
}
