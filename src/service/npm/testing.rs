//! For tests: a store in memory, and a node without sockets: heads are parsed from bytes, jobs run
//! at once, answers are read back from the send buffer.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use crate::app::flow::{Change, Flow, Lane, Outcome};
use crate::app::identity::{Identity, Standing};
use crate::app::reply::Terms;
use crate::app::router::{BodyPolicy, Found, RouterBuilder};
use crate::app::store::*;
use crate::app::{App, Guard, Moment, Reply, Request, Value, Verdict};
use crate::buffer::{Front, SendBuf};
use crate::service::npm::settings::Settings;
use crate::service::npm::{Npm, Shared};
use crate::wire::http1::{Limits, parse_head, slots};

/// A version published at `revision` seconds past 1970 by ann.
pub(crate) fn version(name: &str, revision: u64) -> Version {
    let manifest: Arc<str> = format!(r#"{{"name":"n","version":"{name}"}}"#).into();
    Version {
        version: name.into(),
        revision,
        created_ms: revision * 1000,
        publisher: "ann".into(),
        manifest: Arc::clone(&manifest),
        abbreviated: manifest,
        tarball: Tarball {
            blob: BlobId(std::array::from_fn(|index| index as u8 ^ name.len() as u8 ^ name.as_bytes()[0])),
            sha1: [7; 20],
            length: 10,
            files: 3,
            unpacked: 4096,
        },
        deprecated: None,
    }
}

/// A package of ann's with these versions; `latest` is the last.
pub(crate) fn package(name: &str, versions: Vec<Version>) -> Package {
    let revision = versions.iter().map(|version| version.revision).max().unwrap_or(1);
    Package {
        name: name.into(),
        revision,
        created_ms: 0,
        modified_ms: revision * 1000,
        maintainers: vec![Maintainer { name: "ann".into(), email: "ann@example.org".into() }],
        tags: versions.last().map(|last| ("latest".into(), last.version.clone())).into_iter().collect(),
        versions,
        stars: Vec::new(),
        readme: None,
        unpublished: None,
    }
}

/// A store in memory.
#[derive(Default)]
pub(crate) struct FakeStore {
    pub(crate) packages: Mutex<BTreeMap<String, Package>>,
    pub(crate) users: Mutex<BTreeMap<String, (User, String)>>,
    pub(crate) tokens: Mutex<BTreeMap<String, String>>,
    pub(crate) blobs: Mutex<BTreeMap<[u8; 64], Vec<u8>>>,
    /// Calls of `load`.
    pub(crate) loads: Mutex<usize>,
    /// Published by somebody else right before the next write: name and version.
    pub(crate) intruder: Mutex<Option<(String, Version)>>,
    /// Every call fails: true when the disk is full.
    pub(crate) broken: Mutex<Option<bool>>,
}

fn take<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl FakeStore {
    pub(crate) fn put(&self, package: Package) {
        for version in &package.versions {
            let bytes = format!("tar {}", version.version).into_bytes();
            take(&self.blobs).insert(version.tarball.blob.0, bytes);
        }
        take(&self.packages).insert(package.name.to_string(), package);
    }

    pub(crate) fn add_user(&self, name: &str, password: &str) {
        let user = User { name: name.into(), email: format!("{name}@example.org"), admin: false, created_ms: 0 };
        take(&self.users).insert(name.into(), (user, password.into()));
    }

    /// What somebody else publishes.
    pub(crate) fn add_version(&self, name: &str, version: Version) {
        let mut packages = take(&self.packages);
        let package = packages.get_mut(name).unwrap();
        package.revision += 1;
        package.modified_ms += 1000;
        package.versions.push(Version { revision: package.revision, ..version });
    }

    pub(crate) fn get(&self, name: &str) -> Package {
        take(&self.packages)[name].clone()
    }

    fn check(&self) -> Result<()> {
        match *take(&self.broken) {
            None => Ok(()),
            Some(full) => Err(StoreError { full, message: "secret detail".into() }),
        }
    }

    fn change(
        &self,
        name: &str,
        seen: Option<u64>,
        actor: Option<&Actor>,
        change: impl FnOnce(&mut Package) -> Written,
    ) -> Result<Written> {
        self.check()?;
        if let Some((name, version)) = take(&self.intruder).take() {
            self.add_version(&name, version);
        }
        let mut packages = take(&self.packages);
        let Some(package) = packages.get_mut(name) else { return Ok(Written::Missing) };
        let maintains = |actor: &Actor| package.maintainers.iter().any(|one| one.name == *actor.user);
        if actor.is_some_and(|actor| actor.must_maintain && !maintains(actor)) {
            return Ok(Written::NotMaintainer);
        }
        if seen.is_some_and(|seen| seen != package.revision) {
            return Ok(Written::Stale { revision: package.revision });
        }
        let written = change(package);
        if let Written::Done { .. } = written {
            package.revision += 1;
            package.modified_ms += 1000;
        }
        Ok(written)
    }
}

const DONE: Written = Written::Done { revision: 0 };

impl Packages for FakeStore {
    fn load(&self, name: &str) -> Result<Option<Package>> {
        self.check()?;
        *take(&self.loads) += 1;
        Ok(take(&self.packages).get(name).cloned())
    }

    fn publish(&self, draft: Draft, _actor: &Actor) -> Result<Written> {
        let new = Version {
            version: draft.version.clone(),
            manifest: draft.manifest.into(),
            abbreviated: draft.abbreviated.into(),
            ..version(&draft.version, 1)
        };
        match take(&self.packages).contains_key(&*draft.name) {
            true => self.add_version(&draft.name, new),
            false => self.put(package(&draft.name, vec![new])),
        }
        Ok(DONE)
    }

    fn deprecate(
        &self,
        name: &str,
        seen: Option<u64>,
        changes: &[(String, Option<String>)],
        actor: &Actor,
    ) -> Result<Written> {
        self.change(name, seen, Some(actor), |package| {
            for (version, message) in changes {
                let found = package.versions.iter_mut().find(|one| one.version == *version);
                found.unwrap().deprecated = message.clone();
            }
            DONE
        })
    }

    fn tag(&self, name: &str, tag: &str, version: Option<&str>, actor: &Actor) -> Result<Written> {
        self.change(name, None, Some(actor), |package| {
            let known = package.tags.iter().any(|(known, _)| known == tag);
            package.tags.retain(|(known, _)| known != tag);
            match version {
                None if known => DONE,
                Some(version) if package.versions.iter().any(|one| one.version == version) => {
                    package.tags.push((tag.into(), version.into()));
                    DONE
                }
                _ => Written::Missing,
            }
        })
    }

    fn unpublish(
        &self,
        name: &str,
        versions: &[String],
        latest: Option<&str>,
        seen: u64,
        actor: &Actor,
    ) -> Result<Written> {
        self.change(name, Some(seen), Some(actor), |package| {
            package.versions.retain(|one| !versions.contains(&one.version));
            package.tags.retain(|(tag, version)| tag != "latest" && !versions.contains(version));
            package.tags.extend(latest.map(|version| ("latest".into(), version.to_owned())));
            DONE
        })
    }

    fn unpublish_all(&self, name: &str, seen: Option<u64>, actor: &Actor) -> Result<Written> {
        self.change(name, seen, Some(actor), |package| {
            let versions = package.versions.drain(..).map(|one| one.version).collect();
            package.unpublished = Some(Unpublished { time_ms: 5000, by: actor.user.to_string(), versions });
            DONE
        })
    }

    fn maintain(&self, name: &str, seen: Option<u64>, maintainers: &[String], actor: &Actor) -> Result<Written> {
        self.change(name, seen, Some(actor), |package| {
            if maintainers.is_empty() {
                return Written::Refused("a package needs a maintainer");
            }
            let named = |name: &String| Maintainer { name: name.clone(), email: String::new() };
            package.maintainers = maintainers.iter().map(named).collect();
            DONE
        })
    }

    fn star(&self, name: &str, user: &str, on: bool) -> Result<Written> {
        self.change(name, None, None, |package| {
            package.stars.retain(|one| one != user);
            package.stars.extend(on.then(|| user.to_owned()));
            DONE
        })
    }

    fn starred(&self, user: &str) -> Result<Vec<String>> {
        self.check()?;
        let packages = take(&self.packages);
        let starred = packages.values().filter(|package| package.stars.iter().any(|one| one == user));
        Ok(starred.map(|package| package.name.to_string()).collect())
    }

    fn search(&self, query: &SearchQuery) -> Result<Vec<SearchHit>> {
        self.check()?;
        let packages = take(&self.packages);
        let found = packages.values().filter(|package| query.words.iter().all(|word| package.name.contains(word)));
        Ok(found
            .map(|package| SearchHit {
                name: Arc::clone(&package.name),
                version: package.versions[0].version.clone(),
                description: "a \"thing\"".into(),
                keywords: vec!["k".into()],
                created_ms: 1000,
                publisher: package.maintainers[0].clone(),
                maintainers: package.maintainers.clone(),
                manifest: r#"{"license":"MIT","homepage":"h","repository":{"url":"r"}}"#.into(),
                score: 1.5,
            })
            .collect())
    }
}

impl Users for FakeStore {
    fn identify_token(&self, _token: &str) -> Result<Option<Identity>> {
        Ok(None)
    }

    fn identify_password(&self, _name: &str, _password: &str) -> Result<Option<Identity>> {
        Ok(None)
    }

    fn user(&self, name: &str) -> Result<Option<User>> {
        self.check()?;
        Ok(take(&self.users).get(name).map(|(user, _)| user.clone()))
    }

    fn join(&self, name: &str, password: &str, email: &str) -> Result<Joined> {
        if take(&self.users).contains_key(name) {
            return Ok(Joined::Exists);
        }
        self.add_user(name, password);
        if let Some((user, _)) = take(&self.users).get_mut(name) {
            user.email = email.into();
        }
        Ok(Joined::Done)
    }

    fn issue_token(&self, user: &str, _read_only: bool) -> Result<Option<String>> {
        let mut tokens = take(&self.tokens);
        let token = format!("token-{}-{user}", tokens.len());
        tokens.insert(token.clone(), user.into());
        Ok(Some(token))
    }

    fn revoke_token(&self, user: &str, token: &str) -> Result<bool> {
        let mut tokens = take(&self.tokens);
        let is_theirs = tokens.get(token).is_some_and(|owner| owner == user);
        if is_theirs {
            tokens.remove(token);
        }
        Ok(is_theirs)
    }
}

impl Blobs for FakeStore {
    fn stage(&self) -> Result<Box<dyn BlobWriter>> {
        Err(StoreError { full: false, message: "this store takes no uploads".into() })
    }

    fn open(&self, id: &BlobId) -> Result<Option<(Arc<std::fs::File>, u64)>> {
        let Some(bytes) = take(&self.blobs).get(&id.0).cloned() else { return Ok(None) };
        let mut file = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Some((Arc::new(file), bytes.len() as u64)))
    }
}

/// `Bearer NAME` is NAME's token, `Bearer NAME!` one that may only read, `Bearer root` an
/// administrator's, `Basic NAME` NAME's password; `bad` is nobody's.
struct Named;

impl Guard for Named {
    fn check(&mut self, request: &Request<'_>, _reply: &mut Reply<'_>) -> Verdict {
        let Some(value) = request.header("Authorization") else { return Verdict::Pass };
        let (scheme, name) = std::str::from_utf8(value).unwrap().split_once(' ').unwrap();
        if name == "bad" {
            return Verdict::Known(Arc::new(Identity::invalid()));
        }
        let user = name.trim_end_matches('!');
        Verdict::Known(Arc::new(Identity {
            standing: Standing::User(user.into()),
            read_only: name.ends_with('!'),
            admin: user == "root",
            token: (scheme == "Bearer").then_some(1),
        }))
    }

    fn resume(&mut self, _request: &Request<'_>, _value: Value, _reply: &mut Reply<'_>) -> Verdict {
        Verdict::Pass
    }
}

/// An answer, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The lanes of the jobs that ran.
    pub(crate) lanes: Vec<Lane>,
    /// The sink was fed.
    pub(crate) streamed: bool,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn jobs(&self) -> usize {
        self.lanes.len()
    }
}

/// One thread of a node.
pub(crate) struct Node {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) app: App,
    pub(crate) shared: Arc<Shared>,
    /// What was announced, in its order.
    pub(crate) changes: Vec<Change>,
}

impl Node {
    pub(crate) fn new(settings: Settings) -> Self {
        let store = Arc::new(FakeStore::default());
        let shared = Shared::new(settings, store.clone(), store.clone(), store.clone());
        let app = app(&shared);
        Self { store, app, shared, changes: Vec::new() }
    }

    /// Sends a request without a body; `lines` are request line and fields.
    pub(crate) fn ask(&mut self, lines: &[&str]) -> Response {
        self.send(lines, b"")
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.ask(&[&format!("GET {path} HTTP/1.1")])
    }

    pub(crate) fn send(&mut self, lines: &[&str], body: &[u8]) -> Response {
        self.send_and(lines, body, |_, _| {})
    }

    /// Calls `between` after each job, before its change is announced and its value handed back.
    pub(crate) fn send_and(
        &mut self,
        lines: &[&str],
        body: &[u8],
        mut between: impl FnMut(&FakeStore, &mut App),
    ) -> Response {
        let length = format!("Content-Length: {}", body.len());
        let text = [&lines[..1], &["Host: h", &length], &lines[1..], &["", ""]].concat().join("\r\n");
        let mut slots = slots();
        let head = parse_head(text.as_bytes(), &mut slots, &Limits::default());
        let (head, _) = head.unwrap_or_else(|error| panic!("{error:?}: {text}")).expect("a whole head");
        let router = Arc::clone(self.app.router());
        let (route, params) = match router.find(head.method, head.path) {
            Found::Route(route, params) => (route, params),
            other => panic!("{lines:?}: {other:?}"),
        };
        let mut progress = self.app.begin();
        let now = Moment { monotonic_ns: 0, unix_ms: 1_000_000 };
        let whole = if route.body == BodyPolicy::Buffer { body } else { b"" };
        let identity = Arc::clone(&progress.identity);
        let mut request =
            Request { head: &head, route, params, body: whole, peer: None, now, identity, draining: false };
        let mut out = SendBuf::new();
        let is_head = head.method == crate::wire::http1::Method::Head;
        let terms = Terms { date: b"", head_only: is_head, close: false, tell_keep_alive: false };
        let mut reply = Reply::new(&mut out, terms);
        let (mut lanes, mut streamed) = (Vec::new(), false);
        let mut flow = self.app.call(&mut request, &mut progress, &mut reply);
        loop {
            let outcome = match flow {
                Flow::Done => break,
                Flow::Wait(lane, job) => {
                    lanes.push(lane);
                    job()
                }
                Flow::Receive(sink) => {
                    streamed = true;
                    feed(sink, body)
                }
            };
            between(&self.store, &mut self.app);
            for change in &outcome.changes {
                self.app.on_change(change);
                self.changes.push(change.clone());
            }
            flow = self.app.resume(&mut request, &mut progress, outcome.value, &mut reply);
        }
        let status = reply.finished().expect("a whole answer");
        let bytes = drain(&mut out);
        let split = memchr::memmem::find(&bytes, b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
        Response { status, head, body: bytes[split + 4..].to_vec(), lanes, streamed }
    }
}

/// One more thread over the same store.
pub(crate) fn app(shared: &Arc<Shared>) -> App {
    let mut builder = RouterBuilder::new();
    builder.mount(&["", "/npm"], &Npm::routes(&shared.settings));
    App::new(Arc::new(builder.build()), vec![Box::new(Named)], vec![Box::new(Npm::new(Arc::clone(shared)))])
}

fn feed(mut sink: Box<dyn crate::app::Sink>, body: &[u8]) -> Outcome {
    for piece in body.chunks(7) {
        if let std::ops::ControlFlow::Break(outcome) = sink.write(piece) {
            return outcome;
        }
    }
    sink.finish()
}

fn drain(out: &mut SendBuf) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(front) = out.front() {
        let before = all.len();
        match front {
            Front::Bytes => out.slices(|slice| {
                all.extend_from_slice(slice);
                true
            }),
            Front::File(file, offset, length) => {
                all.resize(before + length as usize, 0);
                file.read_exact_at(&mut all[before..], offset).unwrap();
            }
        }
        out.advance((all.len() - before) as u64);
    }
    all
}
