//! One URL, four meanings: what a document without attachments asks to have changed.
//!
//! Clients send a whole packument back to change one thing in it. Only that thing is applied:
//!
//! | the document | meaning | applied |
//! |---|---|---|
//! | `versions`, sent to `-rev`, fewer than ours | unpublish | exactly those missing that the client had seen |
//! | `versions` | deprecate | the differences in `deprecated` |
//! | `maintainers` alone | owners | the maintainers |
//! | `maintainers`, sent to `-rev/undefined` | owners, by yarn 1 | those that are new |
//! | `users` alone | star | the sender's own star |
//!
//! Documents are read in place with types that skip what is not asked for: no tree is built of a
//! packument of 40 MB.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::app::Outcome;
use crate::app::store::{Actor, Package, Version, Written};
use crate::service::npm::answer::Answer;
use crate::service::npm::sent::{Document, Listed, Present, Text, lists, parse_maintainers, parse_star};
use crate::service::npm::shared::Shared;
use crate::service::npm::version;
use crate::service::npm::written::outcome;

/// Longest deprecation message.
const DEPRECATION_BYTES_MAX: usize = 8 * 1024;
/// Why an unpublish of all versions is refused: it takes an explicit request.
const NOTHING_LEFT: &str = "no version would be left: to unpublish the whole package, DELETE it";
/// How often an unpublish that others overtake is worked out anew.
const RETRIES_MAX: usize = 8;

/// What the sender may do, as the rules of the package's pattern say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct May {
    /// Deprecate and change owners.
    pub(crate) publish: bool,
    /// Remove versions.
    pub(crate) unpublish: bool,
}

/// A metadata document's way into the store.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: Arc<str>,
    /// `Some` when it was sent to `-rev/…`, with what stood there.
    pub(crate) rev: Option<PathRev>,
    pub(crate) actor: Actor,
    pub(crate) may: May,
}

/// The revision in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathRev {
    /// Its number.
    Number(u64),
    /// A client that knew none wrote `undefined`.
    Unknown,
}

impl PathRev {
    /// Reads `12-abc`, `12` or `undefined`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "undefined" | "null" | "" => Some(Self::Unknown),
            text => revision(text).map(Self::Number),
        }
    }

    /// The number, if there is one.
    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Unknown => None,
        }
    }
}

/// The number in front of a `_rev`.
fn revision(rev: &str) -> Option<u64> {
    let digits = rev.split_once('-').map_or(rev, |(digits, _)| digits);
    let plain = digits.len() <= 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

impl Writer {
    /// Works out what `json` asks for and does it. Blocks.
    pub(crate) fn apply(&self, json: &[u8]) -> Outcome {
        let document: Document<'_> = match Document::parse(json) {
            Ok(document) => document,
            Err(error) => return refuse(400, "the document is not one of a package", Some(&error.to_string())),
        };
        if let Some(answer) = self.check_name(&document) {
            return Outcome::value(answer);
        }
        let seen = match self.seen(&document) {
            Ok(seen) => seen,
            Err(answer) => return Outcome::value(answer),
        };
        match document {
            Document { attachments: Some(Present(true)), .. } => {
                refuse(403, "you may not publish this package", Some("the document has attachments"))
            }
            Document { versions: Some(versions), .. } => self.versions(&versions.0, seen),
            // Sent to -rev, or alone: a star is never sent there, and never with maintainers.
            Document { maintainers: Some(maintainers), users, .. } if self.rev.is_some() || users.is_none() => {
                self.owners(maintainers, seen)
            }
            Document { users: Some(users), .. } => self.star(users),
            _ => refuse(
                400,
                "the document asks for nothing",
                Some(
                    "expected versions with _attachments (publish), versions (deprecate, unpublish), maintainers or users",
                ),
            ),
        }
    }

    fn check_name(&self, document: &Document<'_>) -> Option<Answer> {
        let differs = |name: &Option<Text<'_>>| name.as_ref().is_some_and(|Text(name)| *name != *self.name);
        (differs(&document.id) || differs(&document.name))
            .then(|| Answer::error(400, "the document is of another package than the path names", None))
    }

    /// The revision the client had seen: the older one, should path and document differ.
    fn seen(&self, document: &Document<'_>) -> Result<Option<u64>, Answer> {
        let in_path = self.rev.and_then(PathRev::number);
        let in_document = match document.rev.as_ref().map(|Text(rev)| PathRev::parse(rev)) {
            None => None,
            Some(Some(rev)) => rev.number(),
            Some(None) => return Err(Answer::error(400, "_rev is not one this registry gave out", None)),
        };
        Ok(in_path.into_iter().chain(in_document).min())
    }

    fn versions(&self, listed: &[Listed<'_>], seen: Option<u64>) -> Outcome {
        let package = match self.shared.packages.load(&self.name) {
            Ok(Some(package)) if package.unpublished.is_none() => package,
            Ok(_) => return outcome(&self.name, 200, Ok(Written::Missing)),
            Err(error) => return Outcome::value(Answer::store_failed(&error)),
        };
        let is_reduced = package.versions.iter().any(|ours| !lists(listed, &ours.version));
        match self.rev.is_some() && is_reduced {
            true => self.unpublish(package, listed, seen),
            false => self.deprecate(&package, listed, seen),
        }
    }

    fn deprecate(&self, package: &Package, listed: &[Listed<'_>], seen: Option<u64>) -> Outcome {
        if !self.may.publish {
            return refuse(403, "you may not change this package", None);
        }
        let mut changes = Vec::new();
        for one in listed {
            let Some(ours) = package.versions.iter().find(|ours| ours.version == one.version) else { continue };
            if one.deprecated.as_deref().is_some_and(|message| message.len() > DEPRECATION_BYTES_MAX) {
                return refuse(400, "a deprecation message may have at most 8192 bytes", None);
            }
            if ours.deprecated.as_deref() != one.deprecated.as_deref() {
                changes.push((ours.version.clone(), one.deprecated.as_deref().map(str::to_owned)));
            }
        }
        let written = match changes.is_empty() {
            // It is so already, whichever revision that was asked of: a repeated request ends well.
            true => Ok(Written::Same { revision: package.revision }),
            false => self.shared.packages.deprecate(&self.name, seen, &changes, &self.actor),
        };
        outcome(&self.name, 201, written)
    }

    /// Removes what is missing from the list; worked out anew when others change the package
    /// meanwhile, for what they published is not what the client meant.
    fn unpublish(&self, package: Package, listed: &[Listed<'_>], seen: Option<u64>) -> Outcome {
        if !self.may.unpublish {
            return refuse(403, "you may not unpublish this package", None);
        }
        let Some(seen) = seen else {
            return refuse(400, "unpublishing needs the _rev of the document it is based on", None);
        };
        let mut package = package;
        for _ in 0..RETRIES_MAX {
            let written = self.unpublish_once(&package, listed, seen);
            if !matches!(written, Ok(Written::Stale { .. })) || seen > package.revision {
                return outcome(&self.name, 201, written);
            }
            package = match self.shared.packages.load(&self.name) {
                Ok(Some(package)) => package,
                Ok(None) => return outcome(&self.name, 200, Ok(Written::Missing)),
                Err(error) => return Outcome::value(Answer::store_failed(&error)),
            };
        }
        outcome(&self.name, 201, Ok(Written::Stale { revision: package.revision }))
    }

    fn unpublish_once(
        &self,
        package: &Package,
        listed: &[Listed<'_>],
        seen: u64,
    ) -> crate::app::store::Result<Written> {
        let revision = package.revision;
        if seen > revision {
            return Ok(Written::Stale { revision });
        }
        let goes = |ours: &&Version| ours.revision <= seen && !lists(listed, &ours.version);
        let missing: Vec<String> = package.versions.iter().filter(goes).map(|ours| ours.version.clone()).collect();
        if missing.is_empty() {
            return Ok(Written::Same { revision });
        }
        if missing.len() == package.versions.len() {
            // A list that has nothing in common with ours is no list of what should stay.
            return Ok(Written::Refused(NOTHING_LEFT));
        }
        let left = package.versions.iter().filter(|ours| !goes(ours));
        let tagged = package.tags.iter().find(|(tag, _)| tag == "latest").map(|(_, version)| version);
        let latest = match tagged {
            Some(version) if !missing.contains(version) => Some(version.as_str()),
            _ => version::highest(left.map(|ours| ours.version.as_str())),
        };
        self.shared.packages.unpublish(&self.name, &missing, latest, revision, &self.actor)
    }

    fn owners(&self, maintainers: &RawValue, seen: Option<u64>) -> Outcome {
        if !self.may.publish {
            return refuse(403, "you may not change this package", None);
        }
        match parse_maintainers(maintainers) {
            Err(error) => refuse(400, "maintainers are not a list of {name, email}", Some(&error.to_string())),
            Ok(names) if seen.is_none() && self.rev == Some(PathRev::Unknown) => self.add_owners(&names),
            Ok(names) => outcome(&self.name, 201, self.shared.packages.maintain(&self.name, seen, &names, &self.actor)),
        }
    }

    /// Yarn 1 changes owners in the abbreviated document, where it finds neither a revision nor owners:
    /// its list is only whom it adds. Taken as the whole list it would take the package from its owners.
    fn add_owners(&self, added: &[String]) -> Outcome {
        let mut written = Ok(Written::Missing);
        for _ in 0..RETRIES_MAX {
            let package = match self.shared.packages.load(&self.name) {
                Ok(Some(package)) => package,
                Ok(None) => return outcome(&self.name, 200, Ok(Written::Missing)),
                Err(error) => return Outcome::value(Answer::store_failed(&error)),
            };
            let mut names: Vec<String> = package.maintainers.into_iter().map(|one| one.name).collect();
            let fresh: Vec<&String> = added.iter().filter(|name| !names.contains(name)).collect();
            names.extend(fresh.into_iter().cloned());
            written = self.shared.packages.maintain(&self.name, Some(package.revision), &names, &self.actor);
            if !matches!(written, Ok(Written::Stale { .. })) {
                break;
            }
        }
        outcome(&self.name, 201, written)
    }

    fn star(&self, users: &RawValue) -> Outcome {
        let user = &*self.actor.user;
        match parse_star(users, user) {
            Err(error) => refuse(400, "users are not an object of true and false", Some(&error.to_string())),
            Ok(on) => outcome(&self.name, 201, self.shared.packages.star(&self.name, user, on)),
        }
    }
}

fn refuse(status: u16, error: &str, reason: Option<&str>) -> Outcome {
    Outcome::value(Answer::error(status, error, reason))
}
