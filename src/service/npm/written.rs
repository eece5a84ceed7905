//! What a client is told about what became of its write.

use std::sync::Arc;

use crate::app::store::{Result, Written};
use crate::app::{Change, Outcome};
use crate::service::npm::answer::Answer;

/// The outcome of a change of `name`; `status` is that of success.
pub(crate) fn outcome(name: &Arc<str>, status: u16, written: Result<Written>) -> Outcome {
    match written {
        // What a write that failed has left is not known here, so nobody may go on with what is kept.
        Err(error) => Outcome::changed(Answer::store_failed(&error), vec![Change::Package(Arc::clone(name))]),
        Ok(Written::Done { .. }) => Outcome::changed(Answer::ok(status), vec![Change::Package(Arc::clone(name))]),
        // Whoever made it so may not have announced it yet, and this client is told that it is so.
        Ok(Written::Same { .. }) => Outcome::changed(Answer::ok(200), vec![Change::Package(Arc::clone(name))]),
        Ok(refused) => Outcome::value(refusal(&refused)),
    }
}

fn refusal(written: &Written) -> Answer {
    match written {
        Written::Done { .. } | Written::Same { .. } => Answer::ok(200),
        Written::Missing => Answer::error(404, "not found", Some("there is no such package, version or tag")),
        Written::Exists => Answer::error(409, "this version exists already", Some("publish under a new version")),
        Written::Tombstone => Answer::error(
            409,
            "this version was unpublished and its name cannot be used again",
            Some("publish under a new version"),
        ),
        Written::NotMaintainer => Answer::error(
            403,
            "only a maintainer may change this package",
            Some("one of its maintainers can add you with npm owner add"),
        ),
        Written::Stale { .. } => Answer::error(
            409,
            "the package has changed since you read it",
            Some("read it again and repeat what you did"),
        ),
        Written::Refused(why) => Answer::error(400, why, None),
    }
}
