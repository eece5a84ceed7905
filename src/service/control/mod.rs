//! The live config over HTTP and WebSocket: shown to whoever may read the registry, changed by administrators.
//!
//! | route | answer |
//! |---|---|
//! | `GET /_dashboard` | a page that shows and changes it (`page`) |
//! | `GET /_dashboard/ws` | a WebSocket of the subprotocol `lattice.config.v1` (`channel`) |
//! | `GET /_dashboard/api/config` | all fields as JSON; `ETag` is the sequence in quotes |
//! | `POST /_dashboard/api/config` | the config after one change, see `change` |
//! | `GET /_dashboard/api/env?format=shell\|json\|dotenv` | the same as variables, with the registry's URL |
//!
//! A change names with `If-Match` the config it is for: 428 without, 412 if that is not the current one any
//! more. Reading is closed to who is not logged in when the registry is: by PRIVATE_REGISTRY, or by
//! `[npm] anonymous_reads`. The WebSocket is closed to all while BINARY_PROTOCOL is off. The page holds nothing
//! of the config, so everybody gets it. The file itself is the node's: everything happens in jobs, through
//! [`LiveConfig`], under the same lock as the command line's changes.

mod broadcast;
mod change;
mod channel;
mod pace;
mod page;
mod refused;

use std::sync::Arc;

use crate::app::identity::Standing;
use crate::app::live::show::{Style, environment, json, variables};
use crate::app::live::{LiveConfig, USUAL};
use crate::app::representation::{Representation, Variant};
use crate::app::ws::{Overflow, Terms, accept};
use crate::app::{Body, BodyPolicy, Flow, Reply, Request, RouteSpec, Service, Value};
use crate::config::{Error, Flags, Slot};
use crate::limits::CONFIG_MESSAGE_BYTES_MAX;
use crate::wire::http::etag::{Comparison, EntityTag, matches};
use crate::wire::http1::Method;
pub use broadcast::publications;
use change::Demand;
use channel::{PROTOCOL, Wire};

const SHOW: u16 = 0;
const CHANGE: u16 = 1;
const ENVIRONMENT: u16 = 2;
const MESSAGES: u16 = 3;
/// Those of the page have numbers from here on.
const PAGE: u16 = 4;

/// The slice, on one thread.
pub struct Control {
    config: Arc<dyn LiveConfig>,
    public_url: Arc<str>,
    /// Who is not logged in may read, unless a flag says otherwise.
    anonymous_reads: bool,
    flags: Flags,
    /// What its WebSockets may be.
    terms: Terms,
}

/// What the jobs bring.
enum Brought {
    Config(Result<Slot, Error>),
    Changed(Result<Slot, Refused>),
    Environment(Style, Result<Slot, Error>),
}

/// Why a change was not made.
enum Refused {
    /// `If-Match` names another config than the current one, of this sequence.
    Other(u64),
    Demand(change::Mistake),
    File(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::File(error)
    }
}

impl Control {
    /// For one thread.
    pub fn new(config: Arc<dyn LiveConfig>, public_url: &str, anonymous_reads: bool, terms: &Terms) -> Self {
        let mut terms = terms.clone();
        terms.limits.message_bytes = CONFIG_MESSAGE_BYTES_MAX;
        // What counts is the newest state; and messages are shorter than what is worth compressing.
        (terms.overflow, terms.deflate) = (Overflow::DropOldest, None);
        Self { config, public_url: public_url.into(), anonymous_reads, flags: USUAL, terms }
    }

    /// Its routes.
    pub fn routes() -> Vec<RouteSpec> {
        let route = |method, pattern, id, body| RouteSpec { method, pattern, id, body, open: false };
        let mut routes = vec![
            route(Method::Get, "/_dashboard/api/config", SHOW, BodyPolicy::Discard),
            route(Method::Post, "/_dashboard/api/config", CHANGE, BodyPolicy::Buffer),
            route(Method::Get, "/_dashboard/api/env", ENVIRONMENT, BodyPolicy::Discard),
            route(Method::Get, "/_dashboard/ws", MESSAGES, BodyPolicy::Discard),
        ];
        routes.extend(page::routes(PAGE));
        routes
    }

    /// Whether whoever asks may read; else it is answered.
    fn admits_reader(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> bool {
        let is_open = self.anonymous_reads && !self.flags.contains(Flags::PRIVATE_REGISTRY);
        match request.identity.standing {
            Standing::User(_) => true,
            Standing::Anonymous if is_open => true,
            Standing::Anonymous => unauthorized(reply, "log in to do this"),
            Standing::Invalid => unauthorized(reply, "these credentials are not valid"),
        }
    }

    fn read(&self, brought: impl FnOnce(Result<Slot, Error>) -> Brought + Send + 'static) -> Flow {
        let config = Arc::clone(&self.config);
        Flow::wait(move || brought(config.read()))
    }

    fn environment(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let name = request.query("format").unwrap_or(b"shell");
        match std::str::from_utf8(name).ok().and_then(Style::find) {
            Some(style) => self.read(move |slot| Brought::Environment(style, slot)),
            None => {
                let name = change::excerpt(&String::from_utf8_lossy(name));
                let error = format!("format may not be {name}: allowed is shell, json, dotenv");
                reply.error(400, &error, None);
                Flow::Done
            }
        }
    }

    fn open(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        if !self.flags.contains(Flags::BINARY_PROTOCOL) {
            let reason = "`lattice config flag BINARY_PROTOCOL on` opens it; GET /_dashboard/api/config is open";
            reply.error(403, "BINARY_PROTOCOL is off", Some(reason));
            return Flow::Done;
        }
        let accepted = accept(request, reply, &self.terms, &[PROTOCOL]);
        let wire = || Wire::new(Arc::clone(&self.config), &request.identity);
        accepted.map_or(Flow::Done, |accepted| accepted.serve(wire()))
    }

    fn change(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        if !admits_writer(request, reply) {
            return Flow::Done;
        }
        let if_match: Vec<Vec<u8>> = request.head.headers("If-Match").map(<[u8]>::to_vec).collect();
        if if_match.is_empty() {
            let reason = "send the ETag of GET /_dashboard/api/config as If-Match, so that nobody's change is lost";
            reply.error(428, "If-Match is missing", Some(reason));
            return Flow::Done;
        }
        match Demand::parse(request.body) {
            Err(mistake) => {
                reply.error(400, &mistake.to_string(), None);
                Flow::Done
            }
            Ok(demand) => {
                let config = Arc::clone(&self.config);
                Flow::wait(move || Brought::Changed(apply(&*config, &if_match, &demand)))
            }
        }
    }
}

/// Makes the change if it is for the current config. Blocks.
fn apply(config: &dyn LiveConfig, if_match: &[Vec<u8>], demand: &Demand) -> Result<Slot, Refused> {
    let now = config.read()?;
    let etag = etag(&now);
    let tag = EntityTag { weak: false, opaque: etag.as_bytes() };
    if !matches(if_match.iter().map(Vec::as_slice), Some(Some(tag)), Comparison::Strong) {
        return Err(Refused::Other(now.sequence));
    }
    let changed = demand.change.apply(now.config).map_err(Refused::Demand)?;
    match config.replace(changed, now.sequence, demand.durable) {
        // Somebody came between.
        Err(Error::Conflict) => Err(Refused::Other(config.read()?.sequence)),
        replaced => Ok(replaced?),
    }
}

/// Whether whoever asks is an administrator; else it is answered.
fn admits_writer(request: &Request<'_>, reply: &mut Reply<'_>) -> bool {
    let identity = &request.identity;
    match identity.standing {
        Standing::Anonymous => unauthorized(reply, "log in to do this"),
        Standing::Invalid => unauthorized(reply, "these credentials are not valid"),
        Standing::User(_) if identity.admin && !identity.read_only => true,
        Standing::User(_) => {
            let reason = "`lattice token create --admin` makes a token that may";
            reply.error(403, "only administrators may change the config", Some(reason));
            false
        }
    }
}

fn unauthorized(reply: &mut Reply<'_>, error: &str) -> bool {
    reply.error_with(401, &[("WWW-Authenticate", b"Bearer")], error, None);
    false
}

impl Service for Control {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        match request.route.id {
            CHANGE => self.change(request, reply),
            id if id >= PAGE => {
                page::answer(id - PAGE, request, reply);
                Flow::Done
            }
            _ if !self.admits_reader(request, reply) => Flow::Done,
            ENVIRONMENT => self.environment(request, reply),
            MESSAGES => self.open(request, reply),
            _ => self.read(Brought::Config),
        }
    }

    fn resume(&mut self, request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        let brought = value.downcast::<Brought>().expect("the jobs of this slice bring nothing else");
        match *brought {
            Brought::Config(Ok(slot)) => show(&slot, request, reply),
            Brought::Changed(Ok(slot)) => tell_changed(&slot, reply),
            Brought::Environment(style, Ok(slot)) => self.tell_environment(style, &slot, reply),
            Brought::Config(Err(error)) | Brought::Environment(_, Err(error)) => failed(error, reply),
            Brought::Changed(Err(refused)) => refuse(&refused, reply),
        }
        Flow::Done
    }

    fn on_flags(&mut self, flags: Flags) {
        self.flags = flags;
    }
}

/// The tag of a config: its sequence in quotes.
fn etag(slot: &Slot) -> String {
    format!("\"{}\"", slot.sequence)
}

fn show(slot: &Slot, request: &Request<'_>, reply: &mut Reply<'_>) {
    let (json, etag) = (json(slot).to_string(), etag(slot));
    let config = Representation {
        content_type: "application/json",
        cache_control: Some("private, no-cache"),
        modified: None,
        fields: &[],
        variants: &[Variant { coding: None, etag: Some(&etag), body: Body::Bytes(json.as_bytes()) }],
    };
    config.answer(request, reply);
}

fn tell_changed(slot: &Slot, reply: &mut Reply<'_>) {
    reply.status(200).header("ETag", etag(slot).as_bytes()).header("Cache-Control", b"no-store");
    reply.header("Content-Type", b"application/json").body(Body::Bytes(json(slot).to_string().as_bytes()));
}

impl Control {
    fn tell_environment(&self, style: Style, slot: &Slot, reply: &mut Reply<'_>) {
        let mut all = vec![("NPM_CONFIG_REGISTRY".to_owned(), format!("{}/", self.public_url))];
        all.extend(variables(slot));
        let media_type: &[u8] = if style == Style::Json { b"application/json" } else { b"text/plain; charset=utf-8" };
        let fields: [(&str, &[u8]); 3] =
            [("Content-Type", media_type), ("Cache-Control", b"no-store"), ("X-Content-Type-Options", b"nosniff")];
        reply.status(200);
        for (name, value) in fields {
            reply.header(name, value);
        }
        reply.body(Body::Bytes(environment(&all, style).as_bytes()));
    }
}

fn refuse(refused: &Refused, reply: &mut Reply<'_>) {
    match refused {
        Refused::Demand(mistake) => reply.error(400, &mistake.to_string(), None),
        Refused::File(error) => failed(*error, reply),
        Refused::Other(sequence) => {
            let reason = format!("the config has changed, its sequence is {sequence}; read it again");
            reply.error_with(412, &[("Cache-Control", b"no-store")], "precondition failed", Some(&reason));
        }
    }
}

/// The file did not take it, or could not be read: the operator's to mend.
fn failed(error: Error, reply: &mut Reply<'_>) {
    let status = match error {
        Error::Busy | Error::Locked => 503,
        Error::DiskFull => 507,
        Error::ReadOnly | Error::Denied => 403,
        Error::Refused(_) => 409,
        _ => 500,
    };
    if matches!(status, 500 | 507) {
        log::error!("live config: {error}");
    }
    let fields: &[(&str, &[u8])] = if status == 503 { &[("Retry-After", b"1")] } else { &[] };
    reply.error_with(status, fields, "the config file cannot be used", Some(error.sentence()));
}

#[cfg(test)]
mod tests;
