//! Which of a document's representations a client gets (RFC 9110 §12.5).
//!
//! Preferences that make no sense are read as if they were not there; a client that refuses
//! everything gets the plain thing, except that a coding it ruled out is never used.

/// The forms of a packument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `application/vnd.npm.install-v1+json`
    Abbreviated,
    /// `application/json`
    Full,
}

/// The codings it is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is.
    Identity,
    /// gzip
    Gzip,
}

/// Preferences considered; what follows is not read.
const PREFERENCES_MAX: usize = 64;
/// A weight of 1, in the thousandths it is counted in.
const FULL_WEIGHT: u16 = 1000;

/// The form that an `Accept` asks for. Without one, and for `*/*`, the full form.
pub(crate) fn form(accept: Option<&[u8]>) -> Form {
    let Some(accept) = accept else { return Form::Full };
    let mut abbreviated = Weight::default();
    let mut full = Weight::default();
    for (range, weight) in preferences(accept) {
        let is = |name: &str| range.eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("application/vnd.npm.install-v1+json") => abbreviated.set(3, weight),
            () if is("application/json") => full.set(3, weight),
            () if is("application/*") => both(&mut abbreviated, &mut full, 2, weight),
            () if is("*/*") => both(&mut abbreviated, &mut full, 1, weight),
            () => {}
        }
    }
    let asked_for = abbreviated.rank == 3 && abbreviated.value > 0 && abbreviated.value >= full.value;
    if asked_for || abbreviated.value > full.value { Form::Abbreviated } else { Form::Full }
}

/// The coding that an `Accept-Encoding` asks for; `None` when it rules out both.
pub(crate) fn coding(accept_encoding: Option<&[u8]>) -> Option<Coding> {
    let Some(accept) = accept_encoding else { return Some(Coding::Identity) };
    let mut gzip = Weight::default();
    let mut identity = Weight::default();
    for (coding, weight) in preferences(accept) {
        let is = |name: &str| coding.eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("gzip") || is("x-gzip") => gzip.set(2, weight),
            () if is("identity") => identity.set(2, weight),
            () if is("*") => both(&mut gzip, &mut identity, 1, weight),
            () => {}
        }
    }
    // Not named, identity is the last resort; it is acceptable unless something says 0.
    let identity_allowed = identity.rank == 0 || identity.value > 0;
    let identity_first = identity.rank == 2 && identity.value > gzip.value;
    match (gzip.value > 0, identity_allowed) {
        (true, _) if !identity_first => Some(Coding::Gzip),
        (_, true) => Some(Coding::Identity),
        // Only identity was ruled out: whoever can do without it can do gzip.
        (_, false) if gzip.rank == 0 => Some(Coding::Gzip),
        (_, false) => None,
    }
}

/// What was said about one thing: by how exact a name, and with which weight.
#[derive(Debug, Default)]
struct Weight {
    rank: u8,
    value: u16,
}

impl Weight {
    /// The more exact name wins; of two as exact, the first.
    fn set(&mut self, rank: u8, value: u16) {
        if rank > self.rank {
            (self.rank, self.value) = (rank, value);
        }
    }
}

fn both(one: &mut Weight, other: &mut Weight, rank: u8, value: u16) {
    one.set(rank, value);
    other.set(rank, value);
}

/// Names with their weights, in the order sent.
fn preferences(field: &[u8]) -> impl Iterator<Item = (&[u8], u16)> {
    field.split(|&byte| byte == b',').take(PREFERENCES_MAX).map(|item| {
        let mut parts = item.split(|&byte| byte == b';');
        let name = parts.next().unwrap_or_default().trim_ascii();
        let weight = parts.find_map(|part| match part.trim_ascii() {
            [b'q' | b'Q', b'=', value @ ..] => Some(qvalue(value)),
            _ => None,
        });
        (name, weight.unwrap_or(FULL_WEIGHT))
    })
}

/// A weight in thousandths; one that is none counts as 1.
fn qvalue(value: &[u8]) -> u16 {
    let (whole, fraction) = match value {
        [b'0'] | [b'0', b'.'] => return 0,
        [whole @ (b'0' | b'1'), b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return FULL_WEIGHT,
    };
    if !fraction.iter().all(u8::is_ascii_digit) || *whole == b'1' {
        return FULL_WEIGHT;
    }
    let digit = |index: usize| u16::from(fraction.get(index).map_or(0, |digit| digit - b'0'));
    digit(0) * 100 + digit(1) * 10 + digit(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_the_form_they_can_use() {
        use Form::{Abbreviated, Full};
        for (accept, expected) in [
            ("application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*", Abbreviated),
            ("application/json; q=1.0, application/vnd.npm.install-v1+json; q=0.8, */*", Full),
            ("application/vnd.npm.install-v1+json", Abbreviated),
            ("application/VND.npm.install-v1+JSON;q=0.001", Abbreviated),
            ("application/vnd.npm.install-v1+json, application/json", Abbreviated),
            ("application/vnd.npm.install-v1+json;q=0, */*", Full),
            ("application/json;q=0, */*", Abbreviated),
            ("application/json", Full),
            ("application/*", Full),
            ("*/*", Full),
            ("text/html, */*;q=0.1", Full),
            ("application/vnd.npm.install-v1+json;q=0.3, application/*;q=0.5", Full),
            ("application/vnd.npm.install-v1+json;q=x", Abbreviated),
            ("", Full),
            (";;;,,,q=", Full),
        ] {
            assert_eq!(form(Some(accept.as_bytes())), expected, "{accept}");
        }
        assert_eq!(form(None), Full);
    }

    #[test]
    fn a_coding_that_was_ruled_out_is_never_used() {
        use Coding::{Gzip, Identity};
        for (accept, expected) in [
            ("gzip,deflate,br", Some(Gzip)),
            ("gzip", Some(Gzip)),
            ("X-GZIP", Some(Gzip)),
            ("br", Some(Identity)),
            ("*", Some(Gzip)),
            ("gzip;q=0", Some(Identity)),
            ("gzip;q=0, *", Some(Identity)),
            ("gzip;q=0.000", Some(Identity)),
            ("gzip;q=0.5, identity", Some(Identity)),
            ("gzip;q=0.5, identity;q=0.4", Some(Gzip)),
            ("gzip;q=0.5, *;q=1", Some(Gzip)),
            ("identity;q=0", Some(Gzip)),
            ("identity;q=0, gzip", Some(Gzip)),
            ("identity;q=0, gzip;q=0", None),
            ("*;q=0", None),
            ("*;q=0, identity", Some(Identity)),
            ("*;q=0, gzip", Some(Gzip)),
            ("", Some(Identity)),
        ] {
            assert_eq!(coding(Some(accept.as_bytes())), expected, "{accept}");
        }
        assert_eq!(coding(None), Some(Identity));
    }

    #[test]
    fn weights_are_thousandths_at_most_one() {
        for (text, expected) in
            [("0", 0), ("0.", 0), ("0.5", 500), ("0.05", 50), ("0.999", 999), ("1", 1000), ("1.000", 1000)]
        {
            assert_eq!(qvalue(text.as_bytes()), expected, "{text}");
        }
        for bad in ["", "2", "-1", "0.1234", "0.a", "1.9", "0,5"] {
            assert_eq!(qvalue(bad.as_bytes()), FULL_WEIGHT, "{bad}");
        }
    }
}
