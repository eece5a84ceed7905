//! The real registry on the fake reactor, over a store in memory that fails now and then.
//!
//! The model is what clients were told. A version that somebody was told is published is there for
//! whoever asks after that, on every thread, with those bytes and no others; a version that is there
//! is one that somebody sent; and a failure is only told where the store failed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use lattice::app::live::USUAL;
use lattice::app::store::{Blobs, Packages, Users};
use lattice::app::{App, Change, Flow, Reply, Request, Router, RouterBuilder, Service};
use lattice::config::Flags;
use lattice::service::identity::IdentityGuard;
use lattice::service::npm::settings::Settings as NpmSettings;
use lattice::service::npm::{Npm, Shared};
use lattice::session::Settings;
use serde_json::Value;

use crate::mem_store::{Fate, Luck, MemStore};
use crate::package::{Package, sha512};
use crate::reference::expected;
use crate::rng::Rng;
use crate::scenario::{Ask, Expect, Model, Scenario};
use crate::wanted::Expected;

const NAMES: [&str; 2] = ["thing", "@team/thing"];
const VERSIONS: [&str; 3] = ["1.0.0", "1.0.1", "2.0.0"];
/// Different bytes for one version.
const VARIANTS: usize = 2;
const TOKEN: &str = "npm_simulated";

/// A version as some client may publish it.
struct Sample {
    body: Vec<u8>,
    tarball: Vec<u8>,
    integrity: String,
}

/// Name, version, variant.
type Id = (usize, usize, usize);

static SAMPLES: LazyLock<BTreeMap<Id, Sample>> = LazyLock::new(|| {
    let ids = (0..NAMES.len()).flat_map(|name| (0..VERSIONS.len()).map(move |version| (name, version)));
    ids.flat_map(|(name, version)| (0..VARIANTS).map(move |variant| (name, version, variant)))
        .map(|id| (id, sample(id)))
        .collect()
});

fn sample((name, version, variant): Id) -> Sample {
    use base64::Engine;
    let package = Package::new(NAMES[name], VERSIONS[version]).file("variant", format!("{variant}").as_bytes());
    let tarball = package.tarball();
    let integrity = format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(sha512(&tarball)));
    Sample { body: package.body(), tarball, integrity }
}

/// What clients know of one version.
#[derive(Debug, Default, Clone)]
struct Known {
    /// Variants that arrived whole.
    sent: [bool; VARIANTS],
    /// The variant somebody was told is published.
    told: Option<usize>,
    /// Somebody was told that it was theirs.
    created: bool,
}

/// What all clients together know.
#[derive(Default)]
struct Knowledge {
    versions: BTreeMap<(usize, usize), Known>,
}

impl Knowledge {
    fn of(&self, name: usize, version: usize) -> Known {
        self.versions.get(&(name, version)).cloned().unwrap_or_default()
    }
}

/// The store of one simulation and what is known of it.
struct Registry {
    store: Arc<MemStore>,
    known: Mutex<Knowledge>,
}

impl Registry {
    fn known(&self) -> MutexGuard<'_, Knowledge> {
        self.known.lock().expect("nobody panics while it is held")
    }

    /// A failure may be told only if there was one.
    fn check_failure(&self, status: u16) -> Result<(), String> {
        match self.store.failures() {
            0 => Err(format!("{status}, though nothing failed")),
            _ => Ok(()),
        }
    }
}

/// The registry and its clients.
pub(crate) struct Registered {
    registry: Arc<Registry>,
    shared: Arc<Shared>,
    router: Arc<Router>,
    seed: u64,
    threads: AtomicU64,
}

impl Registered {
    pub(crate) fn new(seed: u64) -> Self {
        let registry = Registry { store: Arc::new(store(fate(seed))), known: Mutex::default() };
        let (shared, router) = slices(&registry.store);
        Self { registry: Arc::new(registry), shared, router, seed, threads: AtomicU64::new(0) }
    }
}

/// Every third simulation has a store that fails.
fn fate(seed: u64) -> Fate {
    let mut rng = Rng::new(seed ^ 0xfa7e);
    let fails = rng.once_in(3);
    Box::new(move || match rng.below(12) {
        0 if fails => Luck::FailsBefore,
        1 if fails => Luck::FailsAfter,
        _ => Luck::Good,
    })
}

fn store(fate: Fate) -> MemStore {
    let store = MemStore::new(fate);
    store.add_user("alice", TOKEN);
    store
}

fn slices(store: &Arc<MemStore>) -> (Arc<Shared>, Arc<Router>) {
    let settings = NpmSettings::default();
    let mut router = RouterBuilder::new();
    router.mount(&[""], &Npm::routes(&settings));
    let (packages, blobs): (Arc<dyn Packages>, Arc<dyn Blobs>) = (Arc::clone(store) as _, Arc::clone(store) as _);
    let shared = Shared::new(settings, packages, blobs, Arc::clone(store) as _);
    (shared, Arc::new(router.build()))
}

fn app(store: &Arc<MemStore>, shared: &Arc<Shared>, router: &Arc<Router>, flips: Option<Rng>) -> App {
    let users: Arc<dyn Users> = Arc::clone(store) as _;
    let guard = IdentityGuard::new(users, [7; 32]);
    let npm = Flipping { npm: Npm::new(Arc::clone(shared)), flips };
    App::new(Arc::clone(router), vec![Box::new(guard)], vec![Box::new(npm)])
}

/// The registry under a config whose CACHE_ENABLED is turned on and off between requests, on some threads
/// sooner than on others. Nobody may be told anything else for it.
struct Flipping {
    npm: Npm,
    flips: Option<Rng>,
}

impl Flipping {
    fn flip(&mut self) {
        let Some(rng) = &mut self.flips else { return };
        if rng.once_in(3) {
            let on = rng.once_in(2);
            self.npm.on_flags(USUAL.with(Flags::CACHE_ENABLED, on));
        }
    }
}

impl Service for Flipping {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        self.flip();
        self.npm.call(request, reply)
    }

    fn resume(&mut self, request: &Request<'_>, value: lattice::app::Value, reply: &mut Reply<'_>) -> Flow {
        self.flip();
        self.npm.resume(request, value, reply)
    }

    fn on_change(&mut self, change: &Change) {
        self.npm.on_change(change);
    }
}

impl Scenario for Registered {
    fn app(&self) -> App {
        let thread = self.threads.fetch_add(1, Ordering::Relaxed);
        // Every second simulation has a config that stays as it is.
        let flips = self.seed.is_multiple_of(2).then(|| Rng::new(self.seed ^ 0xf11b ^ thread << 32));
        app(&self.registry.store, &self.shared, &self.router, flips)
    }

    fn reference(&self) -> App {
        let store = Arc::new(store(Box::new(|| Luck::Good)));
        let (shared, router) = slices(&store);
        app(&store, &shared, &router, None)
    }

    fn settings(&self, _rng: &mut Rng) -> Settings {
        Settings::default()
    }

    fn script(&self, settings: &Settings, reference: &mut App, rng: &mut Rng) -> (Vec<Ask>, Vec<Expected>) {
        let asks = self.asks(rng);
        let expected = expected(reference, settings, &asks);
        (asks, expected)
    }

    fn ended(&self) -> Result<(), String> {
        Ok(())
    }
}

impl Registered {
    fn asks(&self, rng: &mut Rng) -> Vec<Ask> {
        // Some want to know all about a few versions, so that they meet.
        let versions = rng.between(1, VERSIONS.len() as u64);
        (0..rng.between(2, 20)).map(|_| self.ask(rng, versions)).collect()
    }

    fn ask(&self, rng: &mut Rng, versions: u64) -> Ask {
        let name = usize::from(rng.once_in(4));
        let version = rng.below(versions) as usize;
        match rng.below(10) {
            0..=2 => self.publish(rng, name, version),
            3..=7 => self.read(rng, name),
            8 => self.manifest(name, version),
            _ => self.tarball(name, version),
        }
    }

    fn publish(&self, rng: &mut Rng, name: usize, version: usize) -> Ask {
        let variant = usize::from(rng.once_in(6));
        let sample = &SAMPLES[&(name, version, variant)];
        let head = format!(
            "PUT /{} HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            NAMES[name].replace('/', "%2f"),
            sample.body.len()
        );
        let model = Publish { registry: Arc::clone(&self.registry), id: (name, version, variant), whole: false };
        // A store that fails may say so before the body is there.
        Ask { may_close: true, ..ask(head, &sample.body, Box::new(model)) }
    }

    fn read(&self, rng: &mut Rng, name: usize) -> Ask {
        let path = rng.pick(&[NAMES[name].to_owned(), NAMES[name].replace('/', "%2f")]).clone();
        let accept = rng.pick(&["", "Accept: application/vnd.npm.install-v1+json\r\n"]);
        let query = if rng.once_in(5) { "?write=true" } else { "" };
        let model = Read { registry: Arc::clone(&self.registry), name, floor: Vec::new() };
        ask(format!("GET /{path}{query} HTTP/1.1\r\nHost: sim\r\n{accept}\r\n"), b"", Box::new(model))
    }

    fn manifest(&self, name: usize, version: usize) -> Ask {
        let model = One { registry: Arc::clone(&self.registry), id: (name, version), told: None, is_tarball: false };
        let path = format!("{}/{}", NAMES[name], VERSIONS[version]);
        ask(format!("GET /{path} HTTP/1.1\r\nHost: sim\r\n\r\n"), b"", Box::new(model))
    }

    fn tarball(&self, name: usize, version: usize) -> Ask {
        let model = One { registry: Arc::clone(&self.registry), id: (name, version), told: None, is_tarball: true };
        let path = format!("{}/-/thing-{}.tgz", NAMES[name], VERSIONS[version]);
        ask(format!("GET /{path} HTTP/1.1\r\nHost: sim\r\n\r\n"), b"", Box::new(model))
    }
}

fn ask(head: String, body: &[u8], model: Box<dyn Model>) -> Ask {
    Ask {
        head: head.len(),
        needs: head.len(),
        bytes: [head.as_bytes(), body].concat(),
        asks_first: false,
        refused: false,
        may_close: false,
        head_only: false,
        is_open: false,
        breaks: false,
        expect: Expect::Model(model),
    }
}

struct Publish {
    registry: Arc<Registry>,
    id: Id,
    whole: bool,
}

impl Model for Publish {
    fn arrived(&mut self) {
        let (name, version, variant) = self.id;
        self.whole = true;
        self.registry.known().versions.entry((name, version)).or_default().sent[variant] = true;
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Result<(), String> {
        let (name, version, variant) = self.id;
        if status == 500 {
            return self.registry.check_failure(status);
        }
        if !self.whole {
            return Err(format!("answered {status} before the body was there"));
        }
        let mut known = self.registry.known();
        let known = known.versions.entry((name, version)).or_default();
        let others = (0..VARIANTS).any(|other| other != variant && known.sent[other]);
        match (status, known.told) {
            (201, _) if known.created => Err("published a second time".into()),
            (200 | 201, Some(told)) if told != variant => Err("took other bytes for a version that exists".into()),
            (200 | 201, _) => {
                known.told = Some(variant);
                known.created |= status == 201;
                Ok(())
            }
            (409, Some(told)) if told == variant => Err("refused what is published already".into()),
            (409, _) if others => Ok(()),
            _ => Err(format!("unexpected {status}: {}", String::from_utf8_lossy(body))),
        }
    }
}

struct Read {
    registry: Arc<Registry>,
    name: usize,
    /// Versions somebody was told are published when the request arrived.
    floor: Vec<usize>,
}

impl Model for Read {
    fn arrived(&mut self) {
        let known = self.registry.known();
        self.floor = (0..VERSIONS.len()).filter(|version| known.of(self.name, *version).told.is_some()).collect();
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Result<(), String> {
        match status {
            500 => return self.registry.check_failure(status),
            404 if self.floor.is_empty() => return Ok(()),
            200 => {}
            _ => return Err(format!("unexpected {status}; told of before: {:?}", self.floor)),
        }
        let document: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let versions = document["versions"].as_object().ok_or("no versions")?;
        for version in &self.floor {
            if !versions.contains_key(VERSIONS[*version]) {
                return Err(format!("{} was told to be published, and is not there", VERSIONS[*version]));
            }
        }
        let known = self.registry.known();
        for (text, manifest) in versions {
            let version = VERSIONS.iter().position(|known| known == text).ok_or("a version nobody sent")?;
            check_integrity(self.name, version, &known.of(self.name, version), manifest)?;
        }
        let latest = document["dist-tags"]["latest"].as_str().unwrap_or_default();
        if versions.contains_key(latest) { Ok(()) } else { Err(format!("latest names {latest:?}")) }
    }
}

/// It is one of the variants sent, and the one published if somebody knows which.
fn check_integrity(name: usize, version: usize, known: &Known, manifest: &Value) -> Result<(), String> {
    let shown = manifest["dist"]["integrity"].as_str().unwrap_or_default();
    let fits = |variant: &usize| SAMPLES[&(name, version, *variant)].integrity == shown;
    check_variant(known, (0..VARIANTS).find(fits))
}

fn check_variant(known: &Known, shown: Option<usize>) -> Result<(), String> {
    match (shown, known.told) {
        (None, _) => Err("bytes that nobody sent".into()),
        (Some(shown), Some(told)) if shown != told => Err("other bytes than those that were published".into()),
        (Some(shown), _) if !known.sent[shown] => Err("bytes that nobody has sent yet".into()),
        _ => Ok(()),
    }
}

/// One version's manifest or tarball.
struct One {
    registry: Arc<Registry>,
    id: (usize, usize),
    told: Option<usize>,
    is_tarball: bool,
}

impl Model for One {
    fn arrived(&mut self) {
        self.told = self.registry.known().of(self.id.0, self.id.1).told;
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Result<(), String> {
        let (name, version) = self.id;
        match status {
            500 => return self.registry.check_failure(status),
            404 if self.told.is_none() => return Ok(()),
            200 => {}
            _ => return Err(format!("unexpected {status}; told of before: {:?}", self.told)),
        }
        let known = self.registry.known().of(name, version);
        if self.is_tarball {
            let fits = |variant: &usize| SAMPLES[&(name, version, *variant)].tarball == body;
            return check_variant(&known, (0..VARIANTS).find(fits));
        }
        let manifest: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        check_integrity(name, version, &known, &manifest)
    }
}
