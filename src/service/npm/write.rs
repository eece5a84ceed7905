//! Changes of packages: who may make them is settled here, before a body is read.

use std::sync::Arc;

use crate::app::router::decode;
use crate::app::store::Written;
use crate::app::{Flow, Outcome, Reply, Request};
use crate::limits::METADATA_DOCUMENT_BYTES_MAX;
use crate::service::npm::access::{Action, Decision};
use crate::service::npm::answer::Answer;
use crate::service::npm::collect::{Collector, Upload, too_large};
use crate::service::npm::metadata::{May, PathRev, Writer};
use crate::service::npm::service::{Npm, admit, name_of, refuse};
use crate::service::npm::version;
use crate::service::npm::written::outcome;
use crate::wire::http1::Framing;

/// Largest document that stars a package: it names everybody who starred it.
const STAR_BYTES_MAX: usize = 256 * 1024;

impl Npm {
    /// `PUT /:pkg` and `PUT /:pkg/-rev/:rev`.
    pub(crate) fn write(&mut self, request: &Request<'_>, reply: &mut Reply<'_>, has_rev: bool) -> Flow {
        let Some(name) = name_of(request, reply) else { return Flow::Done };
        let rule = self.shared.access.find(name.as_str());
        let decide = |action| self.shared.access.decide(rule, &request.identity, action);
        let decision = decide(Action::Publish);
        let may = May { publish: decision == Decision::Allow, unpublish: decide(Action::Unpublish) == Decision::Allow };
        let actor = match self.shared.actor(&request.identity) {
            Some(actor) if !request.identity.read_only => actor,
            _ => return refuse(decision, Action::Publish, request, reply),
        };
        let rev = match has_rev.then(|| rev_of(request, 1)) {
            Some(None) => return bad_rev(reply),
            Some(rev) => rev,
            None => None,
        };
        let may_star = !has_rev && decide(Action::Read) == Decision::Allow;
        let writer = Writer { shared: Arc::clone(&self.shared), name: name.shared(), rev, actor, may };
        match may {
            May { publish: true, .. } => Flow::Receive(Box::new(Upload::new(name, writer))),
            May { unpublish: true, .. } => collect(writer, METADATA_DOCUMENT_BYTES_MAX, request, reply),
            _ if may_star => collect(writer, STAR_BYTES_MAX, request, reply),
            _ => refuse(decision, Action::Publish, request, reply),
        }
    }

    /// `DELETE /:pkg/-rev/:rev`: the whole package.
    pub(crate) fn remove(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some((name, _)) = admit(&self.shared, request, reply, Action::Unpublish) else { return Flow::Done };
        let Some(rev) = rev_of(request, 1) else { return bad_rev(reply) };
        self.change(name, request, move |shared, name, actor| {
            outcome(name, 200, shared.packages.unpublish_all(name, rev.number(), actor))
        })
    }

    /// `DELETE /:pkg/-/:file/-rev/:rev`: the last step of unpublishing a version, which an earlier
    /// step has removed already, tarball and all. So all there is to say is whether that is so.
    pub(crate) fn remove_tarball(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some((name, _)) = admit(&self.shared, request, reply, Action::Unpublish) else { return Flow::Done };
        let file = decode(request.params.at(1));
        let Some(version) = file.as_deref().and_then(|file| name.version_of_file(file)).map(str::to_owned) else {
            return no_tarball(reply);
        };
        self.change(name, request, move |shared, name, _| {
            let package = match shared.packages.load(name) {
                Ok(package) => package,
                Err(error) => return Outcome::value(Answer::store_failed(&error)),
            };
            let Some(package) = package else { return outcome(name, 200, Ok(Written::Missing)) };
            let answer = match package.versions.iter().any(|ours| ours.version == version) {
                false => Answer::ok(200),
                true => Answer::error(
                    409,
                    "the tarball belongs to a version that exists",
                    Some("remove the version from the package's document first, as npm unpublish does"),
                ),
            };
            Outcome::value(answer)
        })
    }

    /// `PUT /-/package/:pkg/dist-tags/:tag`
    pub(crate) fn set_tag(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some((name, _)) = admit(&self.shared, request, reply, Action::Publish) else { return Flow::Done };
        let Some(tag) = tag_of(request, reply) else { return Flow::Done };
        if let Err(error) = version::check_tag(&tag) {
            reply.error(400, &error.to_string(), None);
            return Flow::Done;
        }
        let version = match serde_json::from_slice::<String>(request.body) {
            Ok(version) if version::is_exact(&version) => version,
            _ => {
                reply.error(400, "the body is not a version as a JSON string", Some("expected \"1.2.3\""));
                return Flow::Done;
            }
        };
        self.change(name, request, move |shared, name, actor| {
            outcome(name, 201, shared.packages.tag(name, &tag, Some(&version), actor))
        })
    }

    /// `DELETE /-/package/:pkg/dist-tags/:tag`
    pub(crate) fn remove_tag(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some((name, _)) = admit(&self.shared, request, reply, Action::Publish) else { return Flow::Done };
        let Some(tag) = tag_of(request, reply) else { return Flow::Done };
        if tag == "latest" {
            reply.error(400, "latest cannot be removed", Some("point it at another version instead"));
            return Flow::Done;
        }
        self.change(name, request, move |shared, name, actor| {
            outcome(name, 200, shared.packages.tag(name, &tag, None, actor))
        })
    }
}

fn collect(writer: Writer, bytes_max: usize, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
    if matches!(request.head.framing, Framing::Length(length) if length > bytes_max as u64) {
        too_large().write(reply);
        return Flow::Done;
    }
    Flow::Receive(Box::new(Collector::new(writer, bytes_max)))
}

fn rev_of(request: &Request<'_>, param: usize) -> Option<PathRev> {
    PathRev::parse(&decode(request.params.at(param))?)
}

fn bad_rev(reply: &mut Reply<'_>) -> Flow {
    reply.error(400, "the path's revision is not one this registry gave out", None);
    Flow::Done
}

fn tag_of(request: &Request<'_>, reply: &mut Reply<'_>) -> Option<String> {
    let tag = decode(request.params.at(1));
    if tag.is_none() {
        reply.error(400, "invalid tag: it is not percent-encoded UTF-8", None);
    }
    tag.map(std::borrow::Cow::into_owned)
}

/// A file name that is not one of the package's.
pub(crate) fn no_tarball(reply: &mut Reply<'_>) -> Flow {
    let fields = [("Cache-Control", b"no-store".as_slice())];
    reply.error_with(404, &fields, "not found", Some("the package has no tarball of this name"));
    Flow::Done
}
