//! What every answer of a node carries beside what its slice says: allowances for other origins, an
//! id, how long it took, fixed fields. Answers that no slice gives (404, 405, OPTIONS) carry it too;
//! refusals of what could not be read do not. A node that wants none of it pays nothing.

use std::sync::Arc;

use crate::app::Stopwatch;
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::wire::http::cors::{AnswerFields, Policy};
use crate::wire::http1::{Head, emit};

/// The field that names a request.
pub const REQUEST_ID: &str = "X-Request-Id";

/// What is wanted; nothing by default.
#[derive(Default)]
pub struct Edge {
    /// Who may read answers from pages of other origins.
    pub cors: Option<Arc<Policy>>,
    /// Name each request.
    pub ids: Option<Ids>,
    /// Say how long each answer took, by this clock.
    pub stopwatch: Option<Stopwatch>,
    /// Fields of every answer, as they leave.
    pub fixed: Vec<u8>,
    /// The same for those whose request came by TLS.
    pub secure: Vec<u8>,
}

impl Edge {
    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        let nothing_added = self.fixed.is_empty() && self.secure.is_empty();
        self.cors.is_none() && self.ids.is_none() && self.stopwatch.is_none() && nothing_added
    }

    /// The fields for the answer to `head`, which came by TLS or not, as they leave.
    pub(crate) fn fields(&mut self, head: &Head<'_, '_>, secure: bool) -> Vec<u8> {
        let mut lines = self.fixed.clone();
        if secure {
            lines.extend_from_slice(&self.secure);
        }
        if let Some(cors) = &self.cors {
            put_all(&mut lines, &cors.answer(head.fields));
        }
        if let Some(ids) = &mut self.ids {
            ids.put(head.header(REQUEST_ID), &mut lines);
        }
        lines
    }

    /// The fields of the answer to an OPTIONS request, if it asks what another origin may do.
    pub(crate) fn preflight(&self, head: &Head<'_, '_>) -> Option<Vec<u8>> {
        let answer = self.cors.as_ref()?.preflight(head.fields)?;
        let mut lines = Vec::new();
        put_all(&mut lines, &answer);
        Some(lines)
    }
}

fn put_all(lines: &mut Vec<u8>, fields: &AnswerFields) {
    for (name, value) in fields {
        emit::field(lines, name, value.as_bytes());
    }
}

/// Names for requests: unique, not secret.
#[derive(Debug, Clone)]
pub struct Ids {
    seed: u64,
    count: u64,
}

impl Ids {
    /// Ids that begin with `seed`, which should differ from that of every other thread and start.
    pub fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    /// The next id: 32 hexadecimal digits.
    pub fn fresh(&mut self) -> String {
        self.count += 1;
        format!("{:016x}{:016x}", self.seed, self.count)
    }

    /// The id that the client gave, if it is sound, or else a fresh one.
    fn put(&mut self, given: Option<&[u8]>, lines: &mut Vec<u8>) {
        match given.filter(|id| is_sound_id(id)) {
            Some(id) => emit::field(lines, REQUEST_ID, id),
            None => emit::field(lines, REQUEST_ID, self.fresh().as_bytes()),
        }
    }
}

/// Whether an id from outside may be passed on into answers and logs: 1 to 128 letters, digits, `-`,
/// `_`, `.`, `:`.
pub fn is_sound_id(id: &[u8]) -> bool {
    let allowed = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_.:".contains(octet);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(allowed)
}

/// How long an answer has taken, for `Server-Timing`.
pub(crate) struct Took {
    stopwatch: Stopwatch,
    began_ns: u64,
}

impl Took {
    pub(crate) fn new(stopwatch: Stopwatch, began_ns: u64) -> Self {
        Self { stopwatch, began_ns }
    }

    /// `Server-Timing: app;dur=MILLISECONDS` and its line end (Server Timing §4).
    pub(crate) fn put(&self, out: &mut impl emit::Put) {
        let took_ns = (self.stopwatch)().saturating_sub(self.began_ns);
        let value = format!("app;dur={}.{:03}", took_ns / 1_000_000, took_ns / 1000 % 1000);
        emit::field(out, "Server-Timing", value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_outside_is_short_and_plain() {
        for (length, sound) in [(0, false), (1, true), (REQUEST_ID_BYTES_MAX, true), (REQUEST_ID_BYTES_MAX + 1, false)]
        {
            assert_eq!(is_sound_id(&vec![b'i'; length]), sound, "{length}");
        }
        assert!(is_sound_id(b"7f-3_x.y:z"));
        assert!([b"a b".as_slice(), b"a\"b", "é".as_bytes(), b"a\r\nb"].iter().all(|id| !is_sound_id(id)));
    }

    #[test]
    fn fresh_ids_differ() {
        let mut ids = Ids::new(0xab);
        assert_eq!(ids.fresh(), "00000000000000ab0000000000000001");
        assert_eq!(ids.fresh(), "00000000000000ab0000000000000002");
    }

    #[test]
    fn a_time_is_in_milliseconds() {
        for (ns, text) in [(0, "0.000"), (999, "0.000"), (1_000, "0.001"), (12_345_678, "12.345")] {
            let stopwatch: Stopwatch = Arc::new(move || 100 + ns);
            let mut line = Vec::new();
            Took::new(stopwatch, 100).put(&mut line);
            assert_eq!(line, format!("Server-Timing: app;dur={text}\r\n").as_bytes());
        }
    }
}
