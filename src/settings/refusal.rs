//! What a client of the registry is told when a bound refused its request: the key that sets it.
//!
//! In comes a refusal, out come words that name a key of `registry.toml`; of the others `None`, which are
//! said as [`crate::app::refusal`] has them.

use crate::app::refusal::{Refusal, RefusalKind, Words};
use crate::wire::http1::Error;

/// The words for a refusal that a key would have prevented.
pub fn words(refusal: &Refusal) -> Option<Words> {
    let error = refusal.error();
    match refusal.kind {
        RefusalKind::BodyTooLarge(max) => {
            let keys = "the keys [http] body_bytes and [npm] tarball_bytes set it";
            Words::error(error, Some(&format!("at most {max} bytes are taken here; {keys}")))
        }
        RefusalKind::Malformed(Error::HeadTooLarge) => raise(error, "head_bytes"),
        RefusalKind::Malformed(Error::TooManyFields) => raise(error, "headers"),
        RefusalKind::Overloaded => {
            Words::error(error, Some("the connections hold all the memory that [node] buffer_bytes gives them"))
        }
        _ => None,
    }
}

fn raise(error: &str, key: &str) -> Option<Words> {
    Words::error(&format!("{error}, or ask the operator to raise `[http] {key}`"), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::keys::find;

    fn said(kind: RefusalKind) -> Option<Words> {
        words(&Refusal { kind, peer: None })
    }

    #[test]
    fn a_bound_is_told_with_its_key() {
        let head = "the request head or trailer section is too large: send fewer or shorter fields, or ask the \
                    operator to raise `[http] head_bytes`";
        let fields = "the request head has too many fields: send fewer, or ask the operator to raise `[http] headers`";
        let body = "at most 7 bytes are taken here; the keys [http] body_bytes and [npm] tarball_bytes set it";
        let memory = "the connections hold all the memory that [node] buffer_bytes gives them";
        for (kind, error, reason) in [
            (RefusalKind::Malformed(Error::HeadTooLarge), head, None),
            (RefusalKind::Malformed(Error::TooManyFields), fields, None),
            (RefusalKind::BodyTooLarge(7), "request body too large", Some(body)),
            (RefusalKind::Overloaded, "the node is overloaded", Some(memory)),
        ] {
            assert_eq!(said(kind), Words::error(error, reason));
            assert!(said(kind).is_some(), "{kind:?}");
        }
        for (section, name) in [
            ("http", "head_bytes"),
            ("http", "headers"),
            ("http", "body_bytes"),
            ("npm", "tarball_bytes"),
            ("node", "buffer_bytes"),
        ] {
            assert!(find(section, name).is_some(), "{name} is a key");
        }
    }

    #[test]
    fn what_no_key_sets_is_told_as_everywhere() {
        for kind in [RefusalKind::Busy, RefusalKind::HeadTimeout, RefusalKind::Malformed(Error::TargetTooLong)] {
            assert_eq!(said(kind), None, "{kind:?}");
        }
    }
}
