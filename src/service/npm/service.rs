//! The slice on one thread: which route leads where, and what comes back from jobs.

use std::sync::Arc;

use crate::app::identity::Standing;
use crate::app::live::USUAL;
use crate::app::representation::{Representation, Variant};
use crate::app::router::{RouteSpec, decode};
use crate::app::store::{Actor, Package, Result};
use crate::app::{Body, Change, Flow, Identity, Job, Lane, Outcome, Reply, Request, Service, Value};
use crate::config::Flags;
use crate::service::npm::access::{Action, Decision, RuleIndex};
use crate::service::npm::answer::Answer;
use crate::service::npm::name::PackageName;
use crate::service::npm::negotiate;
use crate::service::npm::packument::Renderer;
use crate::service::npm::rendered::{Document, Fetched, VARY, etag_of};
use crate::service::npm::routes::{self, Endpoint};
use crate::service::npm::search::Search;
use crate::service::npm::settings::Settings;
use crate::service::npm::shared::Shared;
use crate::service::npm::tarball::Tarball;
use crate::service::npm::threaded::{Begun, Threaded};
use crate::service::npm::users::{self, Credentials};
use crate::service::npm::write::no_tarball;
use crate::wire::http::accept::{Coding, coding};
use crate::wire::http::conditional::{self, Conditions, Modified, Validators};
use crate::wire::http::etag::EntityTag;
use crate::wire::http1::Framing;

/// The registry, as one thread serves it.
pub struct Npm {
    pub(crate) shared: Arc<Shared>,
    kept: Threaded,
    flags: Flags,
}

/// What jobs of this slice bring, beside an [`Answer`].
enum Brought {
    Document(Begun, Result<Fetched>),
    Tarball(Begun, Result<Option<Arc<Tarball>>>),
    Page(Page),
}

/// A small document that is made for one request.
struct Page {
    json: Arc<[u8]>,
    etag: String,
    cache_control: &'static str,
}

impl Npm {
    /// The registry on one more thread.
    pub fn new(shared: Arc<Shared>) -> Self {
        shared.join();
        Self { shared, kept: Threaded::new(), flags: USUAL }
    }

    /// Its routes; how large a document may be depends on the settings.
    pub fn routes(settings: &Settings) -> Vec<RouteSpec> {
        routes::routes(settings)
    }

    fn packument(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let before_a_write = request.query("write") == Some(b"true");
        if !before_a_write && let Some(document) = self.kept.document(request.params.at(0)) {
            match self.shared.access.decide(document.rule, &request.identity, Action::Read) {
                Decision::Allow => write_document(document, request, reply),
                decision => return refuse(decision, Action::Read, request, reply),
            }
            return Flow::Done;
        }
        let Some((name, _)) = admit(&self.shared, request, reply, Action::Read) else { return Flow::Done };
        if before_a_write {
            return self.page(name, "no-store", |shared, package| {
                Some(Renderer::new(package, &shared.settings.public_url).full())
            });
        }
        let (shared, begun, caches) = (Arc::clone(&self.shared), self.kept.begin(), self.caches());
        Flow::wait(move || {
            let name = name.shared();
            Brought::Document(begun, if caches { shared.fetch(&name) } else { shared.render_anew(&name) })
        })
    }

    fn manifest(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some((name, rule)) = admit(&self.shared, request, reply, Action::Read) else { return Flow::Done };
        let Some(wanted) = decode(request.params.at(1)).map(std::borrow::Cow::into_owned) else {
            reply.error(400, "invalid version or tag: it is not percent-encoded UTF-8", None);
            return Flow::Done;
        };
        self.page(name, self.cache_control(rule), move |shared, package| {
            let renderer = Renderer::new(package, &shared.settings.public_url);
            renderer.resolve(&wanted).map(|version| renderer.manifest(version))
        })
    }

    fn tags(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some((name, rule)) = admit(&self.shared, request, reply, Action::Read) else { return Flow::Done };
        self.page(name, self.cache_control(rule), |shared, package| {
            Some(Renderer::new(package, &shared.settings.public_url).tags())
        })
    }

    fn cache_control(&self, rule: RuleIndex) -> &'static str {
        let is_public = self.shared.access.is_public(rule) && !self.is_private();
        if is_public { "public, no-cache" } else { "private, no-cache" }
    }

    /// Whether who is not logged in may read nothing, whatever the rules say.
    fn is_private(&self) -> bool {
        self.flags.contains(Flags::PRIVATE_REGISTRY)
    }

    /// Whether answers are kept. While they are not, nothing is, so lookups need not ask.
    fn caches(&self) -> bool {
        self.flags.contains(Flags::CACHE_ENABLED)
    }

    fn tarball(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let is_private = self.is_private();
        if let Some(tarball) = self.kept.tarball(request.head.path) {
            match self.shared.access.decide(tarball.rule, &request.identity, Action::Read) {
                Decision::Allow => tarball.write(is_private, request, reply),
                decision => return refuse(decision, Action::Read, request, reply),
            }
            return Flow::Done;
        }
        let Some((name, rule)) = admit(&self.shared, request, reply, Action::Read) else { return Flow::Done };
        let file = decode(request.params.at(1));
        let Some(version) = file.as_deref().and_then(|file| name.version_of_file(file)).map(str::to_owned) else {
            return no_tarball(reply);
        };
        let (shared, begun) = (Arc::clone(&self.shared), self.kept.begin());
        Flow::wait(move || Brought::Tarball(begun, Tarball::open(&shared, &name.shared(), rule, &version)))
    }

    /// Renders something of a package, past all caches.
    fn page(
        &self,
        name: PackageName,
        cache_control: &'static str,
        render: impl FnOnce(&Shared, &Package) -> Option<String> + Send + 'static,
    ) -> Flow {
        let shared = Arc::clone(&self.shared);
        answering(Lane::Io, move || {
            let package = match shared.packages.load(name.as_str()) {
                Err(error) => return Outcome::value(Answer::store_failed(&error)),
                Ok(None) => return Outcome::value(missing()),
                Ok(Some(package)) => package,
            };
            if let Some(tombstone) = &package.unpublished {
                return Outcome::value(unpublished(tombstone.time_ms));
            }
            match render(&shared, &package) {
                None => Outcome::value(missing()),
                Some(json) => Outcome::value(Brought::Page(Page {
                    etag: etag_of(json.as_bytes()),
                    json: json.into_bytes().into(),
                    cache_control,
                })),
            }
        })
    }

    /// Changes a package in a job, in the name of whoever asks.
    pub(crate) fn change(
        &self,
        name: PackageName,
        request: &Request<'_>,
        work: impl FnOnce(&Shared, &Arc<str>, &Actor) -> Outcome + Send + 'static,
    ) -> Flow {
        let shared = Arc::clone(&self.shared);
        let actor = shared.actor(&request.identity).expect("only users are admitted to a change");
        answering(Lane::Io, move || work(&shared, &name.shared(), &actor))
    }

    fn search(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        match Search::parse(request) {
            _ if refuse_invalid(request, reply) => Flow::Done,
            Ok(search) => self.look_up(request, move |shared, identity| search.run(shared, identity)),
            Err(answer) => done(&answer, reply),
        }
    }

    fn starred(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        match users::user_in_key(request.query("key")) {
            _ if refuse_invalid(request, reply) => Flow::Done,
            Some(user) => self.look_up(request, move |shared, identity| users::starred(shared, &user, identity)),
            None => done(&Answer::error(400, "key is not a user name", Some("expected ?key=%22name%22")), reply),
        }
    }

    /// Reads something in a job.
    fn look_up(&self, request: &Request<'_>, work: impl FnOnce(&Shared, &Identity) -> Answer + Send + 'static) -> Flow {
        let (shared, identity) = (Arc::clone(&self.shared), request.identity.clone());
        Flow::wait(move || work(&shared, &identity))
    }

    fn user(&mut self, request: &Request<'_>, reply: &mut Reply<'_>, endpoint: Endpoint) -> Flow {
        let Some(name) = users::user_in_path(request.params.at(0)) else {
            return done(&Answer::error(404, "there is no such user", None), reply);
        };
        let credentials = Credentials::of(request);
        let shared = Arc::clone(&self.shared);
        match (endpoint, credentials) {
            (Endpoint::ShowUser | Endpoint::Relogin, Credentials::WrongPassword) => {
                done(&users::unauthorized("wrong user name or password"), reply)
            }
            (Endpoint::ShowUser, _) => self.look_up(request, move |shared, asker| users::show(shared, &name, asker)),
            (Endpoint::Relogin, Credentials::Password(user)) => {
                Flow::wait(move || users::relogin(&shared, &name, &user))
            }
            (Endpoint::Relogin, Credentials::Other) => {
                done(&users::unauthorized("the password is expected in Authorization: Basic"), reply)
            }
            (_, credentials) => {
                let hashes = shared.settings.allow_signup && !matches!(credentials, Credentials::Password(_));
                let body = request.body.to_vec();
                let lane = if hashes { Lane::Slow } else { Lane::Io };
                answering(lane, move || users::login(&shared, &name, &credentials, &body))
            }
        }
    }

    fn logout(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let Some(user) = request.identity.user().map(Arc::clone) else {
            return done(&users::unauthorized("you are not logged in"), reply);
        };
        let (shared, token) = (Arc::clone(&self.shared), request.params.at(0).to_vec());
        answering(Lane::Io, move || users::logout(&shared, &user, &token))
    }
}

impl Service for Npm {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        if request.head.framing != Framing::None && is_coded(request) {
            let reason = "send the document as it is, without Content-Encoding";
            return done(&Answer::error(415, "the body has a content coding", Some(reason)), reply);
        }
        let endpoint = Endpoint::of(request.route.id);
        if self.is_private() && endpoint.reads() && request.identity.standing == Standing::Anonymous {
            return refuse(Decision::Unauthorized, Action::Read, request, reply);
        }
        match endpoint {
            Endpoint::Packument => self.packument(request, reply),
            Endpoint::Tarball => self.tarball(request, reply),
            Endpoint::Manifest => self.manifest(request, reply),
            Endpoint::Write => self.write(request, reply, false),
            Endpoint::WriteRev => self.write(request, reply, true),
            Endpoint::Remove => self.remove(request, reply),
            Endpoint::RemoveTarball => self.remove_tarball(request, reply),
            Endpoint::Tags => self.tags(request, reply),
            Endpoint::SetTag => self.set_tag(request, reply),
            Endpoint::RemoveTag => self.remove_tag(request, reply),
            Endpoint::Search => self.search(request, reply),
            Endpoint::Whoami => done(&users::whoami(&request.identity), reply),
            endpoint @ (Endpoint::ShowUser | Endpoint::Login | Endpoint::Relogin) => {
                self.user(request, reply, endpoint)
            }
            Endpoint::Logout => self.logout(request, reply),
            Endpoint::Starred => self.starred(request, reply),
        }
    }

    fn resume(&mut self, request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        let value = match value.downcast::<Answer>() {
            Ok(answer) => return done(&answer, reply),
            Err(value) => value,
        };
        let brought = value.downcast::<Brought>().expect("the jobs of this slice bring nothing else");
        match *brought {
            Brought::Document(begun, Ok(Fetched::Document(document))) => {
                let bytes_max = self.shared.thread_bytes_max();
                if self.caches() {
                    self.kept.keep_document(request.params.at(0), &document, begun, bytes_max);
                }
                write_document(&document, request, reply);
            }
            Brought::Document(_, Ok(Fetched::Missing)) => missing().write(reply),
            Brought::Document(_, Ok(Fetched::Unpublished(time_ms))) => unpublished(time_ms).write(reply),
            Brought::Tarball(begun, Ok(Some(tarball))) => {
                if self.caches() {
                    self.kept.keep_tarball(request.head.path, &tarball, begun);
                }
                tarball.write(self.is_private(), request, reply);
            }
            Brought::Tarball(_, Ok(None)) => return no_tarball(reply),
            Brought::Document(_, Err(error)) | Brought::Tarball(_, Err(error)) => {
                Answer::store_failed(&error).write(reply);
            }
            Brought::Page(page) => page.write(request, reply),
        }
        Flow::Done
    }

    fn on_change(&mut self, change: &Change) {
        self.kept.on_change(change);
    }

    fn on_flags(&mut self, flags: Flags) {
        self.flags = flags;
        if !self.caches() {
            self.kept.on_change(&Change::Everything);
        }
    }
}

/// Whether a body would have to be unpacked first. No client packs one where a route here takes one.
fn is_coded(request: &Request<'_>) -> bool {
    request.header("Content-Encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}

impl Page {
    fn write(&self, request: &Request<'_>, reply: &mut Reply<'_>) {
        let body = Body::Shared(&self.json, 0..self.json.len());
        let page = Representation {
            content_type: "application/json",
            cache_control: Some(self.cache_control),
            modified: None,
            fields: &[],
            variants: &[Variant { coding: None, etag: Some(&self.etag), body }],
        };
        page.answer(request, reply);
    }
}

/// A document in the form and coding that was asked for, or what its conditions come to. Not by
/// [`Representation`]: these answers are rendered ahead, to their last field.
fn write_document(document: &Document, request: &Request<'_>, reply: &mut Reply<'_>) {
    let fields = request.head.fields;
    let form = negotiate::form(fields);
    let Some(coding) = coding(fields.named("Accept-Encoding"), &[Coding::Gzip]) else {
        return reply.error(406, "no acceptable coding", Some("documents are sent as they are or with gzip"));
    };
    let representation = document.representation(form, coding);
    let conditions = Conditions::of(fields);
    if conditions.is_empty() {
        return reply.rendered(&representation.rendered);
    }
    // The store's time is the transaction's: a second change may lie in the same second.
    let modified = Modified { unix_s: document.modified_s, is_strong: false };
    let etag = EntityTag { weak: false, opaque: representation.etag.as_bytes() };
    let current = Validators { etag: Some(etag), modified: Some(modified) };
    match conditions.decide(request.head.method, Some(&current)) {
        conditional::Decision::Proceed => reply.rendered(&representation.rendered),
        conditional::Decision::NotModified => write_known(document, &representation.etag, reply),
        conditional::Decision::Failed => {
            reply.error(412, "precondition failed", Some("the package has changed; read it again"));
        }
    }
}

/// The client has it.
fn write_known(document: &Document, etag: &str, reply: &mut Reply<'_>) {
    let modified = crate::wire::date::http_date(document.modified_s);
    reply
        .status(304)
        .header("ETag", etag.as_bytes())
        .header("Last-Modified", &modified)
        .header("Vary", VARY.as_bytes())
        .header("Cache-Control", document.cache_control.as_bytes())
        .empty();
}

/// The package a path names; answered when it cannot be one.
pub(crate) fn name_of(request: &Request<'_>, reply: &mut Reply<'_>) -> Option<PackageName> {
    PackageName::from_path(request.params.at(0)).map_err(|error| reply.error(400, error.sentence(), None)).ok()
}

/// The package a path names and its rule, if whoever asks may do this with it; else it is answered.
pub(crate) fn admit(
    shared: &Shared,
    request: &Request<'_>,
    reply: &mut Reply<'_>,
    action: Action,
) -> Option<(PackageName, RuleIndex)> {
    let name = name_of(request, reply)?;
    let rule = shared.access.find(name.as_str());
    match shared.access.decide(rule, &request.identity, action) {
        Decision::Allow => Some((name, rule)),
        decision => {
            refuse(decision, action, request, reply);
            None
        }
    }
}

/// Tells somebody that they may not.
pub(crate) fn refuse(decision: Decision, action: Action, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
    let is_read_only = request.identity.read_only && action != Action::Read;
    let answer = match (decision, &request.identity.standing) {
        (Decision::Unauthorized, Standing::Invalid) => users::unauthorized("these credentials are not valid"),
        (Decision::Unauthorized, _) => users::unauthorized("log in to do this"),
        _ if is_read_only => Answer::error(403, "this token may only read", None),
        _ => Answer::error(403, "you may not do this with this package", None),
    };
    done(&answer, reply)
}

/// 401 to whoever showed credentials that are worth nothing; whether it was.
fn refuse_invalid(request: &Request<'_>, reply: &mut Reply<'_>) -> bool {
    let is_invalid = request.identity.standing == Standing::Invalid;
    if is_invalid {
        refuse(Decision::Unauthorized, Action::Read, request, reply);
    }
    is_invalid
}

fn missing() -> Answer {
    Answer::error(404, "not found", Some("there is no such package or version here")).with("Cache-Control", "no-store")
}

fn unpublished(time_ms: u64) -> Answer {
    let mut reason = String::from("Unpublished on ");
    crate::service::npm::packument::push_iso(&mut reason, time_ms);
    Answer::error(404, "not_found", Some(&reason)).with("Cache-Control", "no-store")
}

fn done(answer: &Answer, reply: &mut Reply<'_>) -> Flow {
    answer.write(reply);
    Flow::Done
}

/// A job whose outcome carries an [`Answer`] or something else this slice brings.
fn answering(lane: Lane, work: impl FnOnce() -> Outcome + Send + 'static) -> Flow {
    let job: Job = Box::new(work);
    Flow::Wait(lane, job)
}
