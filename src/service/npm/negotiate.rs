//! Which form of a packument a client gets (RFC 9110 §12.5.1).
//!
//! A client that refuses both gets the full form: it is what it would get from a registry that does
//! not negotiate.

use crate::wire::http::accept::{MediaType, Weight, media_weights};
use crate::wire::http::fields::Fields;

/// The forms of a packument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `application/vnd.npm.install-v1+json`
    Abbreviated,
    /// `application/json`
    Full,
}

impl Form {
    /// Its media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Form::Abbreviated => "application/vnd.npm.install-v1+json",
            Form::Full => "application/json",
        }
    }
}

const FORMS: [MediaType<'static>; 2] =
    [MediaType::new(Form::Abbreviated.media_type()), MediaType::new(Form::Full.media_type())];

/// What npm, pnpm, yarn and bun send when they install, to the letter: worth one comparison.
const INSTALL: &[u8] = b"application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";

/// The form that `Accept` asks for. Without one, and for `*/*`, the full form.
pub(crate) fn form<'b>(fields: impl Fields<'b>) -> Form {
    let mut accept = fields.named("Accept");
    match (accept.next(), accept.next()) {
        (None, _) => Form::Full,
        (Some(INSTALL), None) => Form::Abbreviated,
        _ => weigh(fields.named("Accept")),
    }
}

fn weigh<'b>(accept: impl Iterator<Item = &'b [u8]>) -> Form {
    let [abbreviated, full] = media_weights(accept, &FORMS);
    let is_named = abbreviated.rank >= Weight::EXACT && abbreviated.value > 0;
    let asked_for = is_named && abbreviated.value >= full.value;
    if asked_for || abbreviated.value > full.value { Form::Abbreviated } else { Form::Full }
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
            let field = |value: &'static str| (&b"accept"[..], value.as_bytes());
            assert_eq!(form(&[field(accept)][..]), expected, "{accept}");
            assert_eq!(weigh([accept.as_bytes()].into_iter()), expected, "{accept}");
            assert_eq!(form(&[field("text/html"), field(accept)][..]), expected, "{accept} in a second field");
        }
        assert_eq!(form(&[][..]), Full);
    }
}
