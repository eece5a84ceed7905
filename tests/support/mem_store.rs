//! A store in memory that fails when it is told to.
//!
//! It keeps the contract of `app/store.rs` as one writer and many readers see it. A failure comes
//! before a change or after it: whoever asked cannot tell which, as with a disk.

use std::any::Any;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::digest;

use lattice::app::Identity;
use lattice::app::identity::{Shown, Standing};
use lattice::app::store::*;

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Luck {
    Good,
    /// It fails and changes nothing.
    FailsBefore,
    /// It does its work and then fails.
    FailsAfter,
}

/// Decides about each call.
pub(crate) type Fate = Box<dyn FnMut() -> Luck + Send>;

/// The store.
pub(crate) struct MemStore {
    state: Mutex<State>,
    fate: Mutex<Fate>,
}

#[derive(Default)]
struct State {
    packages: BTreeMap<String, Package>,
    tombstones: BTreeMap<String, Vec<String>>,
    blobs: BTreeMap<[u8; 64], (Arc<File>, u64)>,
    /// Name, password, tokens.
    users: BTreeMap<String, (User, String)>,
    tokens: BTreeMap<String, (String, bool)>,
    time_ms: u64,
    failures: u64,
}

impl State {
    fn tick(&mut self) -> u64 {
        self.time_ms += 1000;
        self.time_ms
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while it is held")
}

impl MemStore {
    /// An empty store.
    pub(crate) fn new(fate: Fate) -> Self {
        Self { state: Mutex::default(), fate: Mutex::new(fate) }
    }

    /// Adds a user who has this token.
    pub(crate) fn add_user(&self, name: &str, token: &str) {
        let user = User { name: name.into(), email: String::new(), admin: false, created_ms: 0 };
        let mut state = lock(&self.state);
        state.users.insert(name.into(), (user, String::new()));
        state.tokens.insert(token.into(), (name.into(), false));
    }

    /// Calls that failed so far.
    pub(crate) fn failures(&self) -> u64 {
        lock(&self.state).failures
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let luck = (lock(&self.fate))();
        let mut state = lock(&self.state);
        if luck != Luck::Good {
            state.failures += 1;
        }
        if luck == Luck::FailsBefore {
            return Err(failure());
        }
        let done = work(&mut state)?;
        if luck == Luck::FailsAfter { Err(failure()) } else { Ok(done) }
    }

    /// Changes a package that exists, if the actor may and has seen its current revision.
    fn change(
        &self,
        name: &str,
        seen: Option<u64>,
        actor: Option<&Actor>,
        change: impl FnOnce(&mut Package, u64) -> Written,
    ) -> Result<Written> {
        self.with(|state| {
            let now = state.tick();
            let Some(package) = state.packages.get_mut(name).filter(|package| package.unpublished.is_none()) else {
                return Ok(Written::Missing);
            };
            if actor.is_some_and(|actor| !may_change(package, actor)) {
                return Ok(Written::NotMaintainer);
            }
            if seen.is_some_and(|seen| seen != package.revision) {
                return Ok(Written::Stale { revision: package.revision });
            }
            let revision = package.revision + 1;
            let written = change(package, revision);
            if let Written::Done { .. } = written {
                (package.revision, package.modified_ms) = (revision, now);
            }
            Ok(written)
        })
    }
}

fn failure() -> StoreError {
    StoreError { full: false, message: "so it was decided".into() }
}

fn may_change(package: &Package, actor: &Actor) -> bool {
    !actor.must_maintain || package.maintainers.iter().any(|one| one.name == *actor.user)
}

fn named(name: &str) -> Maintainer {
    Maintainer { name: name.into(), email: String::new() }
}

fn set_tag(package: &mut Package, tag: &str, version: &str) {
    package.tags.retain(|(known, _)| known != tag);
    package.tags.push((tag.into(), version.into()));
    package.tags.sort();
}

fn publish(state: &mut State, draft: Draft, blob: Vec<u8>, actor: &Actor) -> Result<Written> {
    let now = state.tick();
    let name = draft.name.to_string();
    if state.tombstones.get(&name).is_some_and(|versions| versions.contains(&draft.version)) {
        return Ok(Written::Tombstone);
    }
    let id = draft.blob.id();
    let package = state.packages.entry(name).or_insert_with(|| Package {
        name: Arc::clone(&draft.name),
        revision: 0,
        created_ms: now,
        modified_ms: now,
        maintainers: vec![named(&actor.user)],
        tags: Vec::new(),
        versions: Vec::new(),
        stars: Vec::new(),
        readme: None,
        unpublished: None,
    });
    if !may_change(package, actor) {
        return Ok(Written::NotMaintainer);
    }
    if let Some(known) = package.versions.iter().find(|known| known.version == draft.version) {
        let same = known.tarball.blob == id && known.publisher == *actor.user;
        let revision = package.revision;
        return Ok(if same { Written::Same { revision } } else { Written::Exists });
    }
    package.revision += 1;
    package.modified_ms = now;
    package.unpublished = None;
    let (sha1, length) = (draft.blob.sha1(), draft.blob.length());
    package.versions.push(Version {
        version: draft.version.clone(),
        revision: package.revision,
        created_ms: now,
        publisher: actor.user.to_string(),
        manifest: draft.manifest.into(),
        abbreviated: draft.abbreviated.into(),
        tarball: Tarball { blob: id, sha1, length, files: draft.files, unpacked: draft.unpacked },
        deprecated: None,
    });
    for tag in &draft.tags {
        set_tag(package, tag, &draft.version);
    }
    if package.tags.iter().all(|(tag, _)| tag != "latest") {
        set_tag(package, "latest", &draft.version);
    }
    if package.tags.contains(&("latest".into(), draft.version)) {
        package.readme = draft.readme;
    }
    let revision = package.revision;
    let mut file = tempfile::tempfile()?;
    file.write_all(&blob)?;
    state.blobs.insert(id.0, (Arc::new(file), length));
    Ok(Written::Done { revision })
}

impl Packages for MemStore {
    fn load(&self, name: &str) -> Result<Option<Package>> {
        self.with(|state| Ok(state.packages.get(name).cloned()))
    }

    fn publish(&self, draft: Draft, actor: &Actor) -> Result<Written> {
        let mut bytes = Vec::new();
        draft.blob.read()?.read_to_end(&mut bytes)?;
        self.with(|state| publish(state, draft, bytes, actor))
    }

    fn deprecate(
        &self,
        name: &str,
        seen: Option<u64>,
        changes: &[(String, Option<String>)],
        actor: &Actor,
    ) -> Result<Written> {
        self.change(name, seen, Some(actor), |package, revision| {
            if changes.iter().any(|(version, _)| package.versions.iter().all(|known| known.version != *version)) {
                return Written::Missing;
            }
            for known in &mut package.versions {
                if let Some((_, message)) = changes.iter().find(|(version, _)| *version == known.version) {
                    known.deprecated.clone_from(message);
                }
            }
            Written::Done { revision }
        })
    }

    fn tag(&self, name: &str, tag: &str, version: Option<&str>, actor: &Actor) -> Result<Written> {
        self.change(name, None, Some(actor), |package, revision| {
            match version {
                Some(version) if package.versions.iter().any(|known| known.version == version) => {
                    set_tag(package, tag, version);
                }
                None if package.tags.iter().any(|(known, _)| known == tag) => {
                    package.tags.retain(|(known, _)| known != tag);
                }
                _ => return Written::Missing,
            }
            Written::Done { revision }
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
        let written = self.change(name, Some(seen), Some(actor), |package, revision| {
            package.versions.retain(|known| !versions.contains(&known.version));
            package.tags.retain(|(tag, version)| tag != "latest" && !versions.contains(version));
            if let Some(latest) = latest {
                set_tag(package, "latest", latest);
            }
            Written::Done { revision }
        })?;
        if let Written::Done { .. } = written {
            lock(&self.state).tombstones.entry(name.into()).or_default().extend_from_slice(versions);
        }
        Ok(written)
    }

    fn unpublish_all(&self, name: &str, seen: Option<u64>, actor: &Actor) -> Result<Written> {
        let mut gone = Vec::new();
        let written = self.change(name, seen, Some(actor), |package, revision| {
            gone = package.versions.drain(..).map(|known| known.version).collect();
            package.tags.clear();
            let time_ms = package.modified_ms + 1000;
            package.unpublished = Some(Unpublished { time_ms, by: actor.user.to_string(), versions: gone.clone() });
            Written::Done { revision }
        })?;
        lock(&self.state).tombstones.entry(name.into()).or_default().append(&mut gone);
        Ok(written)
    }

    fn maintain(&self, name: &str, seen: Option<u64>, maintainers: &[String], actor: &Actor) -> Result<Written> {
        self.change(name, seen, Some(actor), |package, revision| {
            if maintainers.is_empty() {
                return Written::Refused("a package needs a maintainer");
            }
            package.maintainers = maintainers.iter().map(|name| named(name)).collect();
            Written::Done { revision }
        })
    }

    fn star(&self, name: &str, user: &str, on: bool) -> Result<Written> {
        self.change(name, None, None, |package, revision| {
            package.stars.retain(|known| known != user);
            package.stars.extend(on.then(|| user.to_owned()));
            Written::Done { revision }
        })
    }

    fn starred(&self, user: &str) -> Result<Vec<String>> {
        self.with(|state| {
            let starred = state.packages.values().filter(|package| package.stars.iter().any(|known| known == user));
            Ok(starred.map(|package| package.name.to_string()).collect())
        })
    }

    fn search(&self, query: &SearchQuery, may_see: &dyn Fn(&str) -> bool) -> Result<SearchPage> {
        self.with(|state| {
            let fits = |name: &str| query.words.iter().all(|word| name.contains(word)) && may_see(name);
            let found = state.packages.values().filter(|package| fits(&package.name));
            let hits: Vec<SearchHit> = found.filter_map(hit).collect();
            let page = hits.iter().skip(query.from).take(query.size).cloned().collect();
            Ok(SearchPage { total: hits.len(), hits: page })
        })
    }
}

fn hit(package: &Package) -> Option<SearchHit> {
    let latest = package.versions.last()?;
    Some(SearchHit {
        name: Arc::clone(&package.name),
        version: latest.version.clone(),
        description: String::new(),
        keywords: Vec::new(),
        created_ms: latest.created_ms,
        publisher: named(&latest.publisher),
        maintainers: package.maintainers.clone(),
        manifest: Arc::clone(&latest.manifest),
        score: 1.0,
    })
}

impl Users for MemStore {
    fn identify_token(&self, token: &str) -> Result<Option<Identity>> {
        self.with(|state| {
            let known = state.tokens.get(token);
            Ok(known.map(|(name, read_only)| Identity {
                standing: Standing::User(name.as_str().into()),
                read_only: *read_only,
                admin: false,
                shown: Shown::Token(1),
            }))
        })
    }

    fn identify_password(&self, name: &str, password: &str) -> Result<Option<Identity>> {
        self.with(|state| {
            let known = state.users.get(name).filter(|(_, known)| known == password);
            let standing = |user: &User| Standing::User(user.name.as_str().into());
            Ok(known.map(|(user, _)| Identity {
                standing: standing(user),
                read_only: false,
                admin: false,
                shown: Shown::Password(1),
            }))
        })
    }

    fn user(&self, name: &str) -> Result<Option<User>> {
        self.with(|state| Ok(state.users.get(name).map(|(user, _)| user.clone())))
    }

    fn join(&self, name: &str, password: &str, email: &str) -> Result<Joined> {
        self.with(|state| {
            if state.users.contains_key(name) {
                return Ok(Joined::Exists);
            }
            let created_ms = state.tick();
            let user = User { name: name.into(), email: email.into(), admin: false, created_ms };
            state.users.insert(name.into(), (user, password.into()));
            Ok(Joined::Done)
        })
    }

    fn issue_token(&self, user: &str, read_only: bool) -> Result<Option<String>> {
        self.with(|state| {
            if !state.users.contains_key(user) {
                return Ok(None);
            }
            let token = format!("token-{}", state.tokens.len());
            state.tokens.insert(token.clone(), (user.into(), read_only));
            Ok(Some(token))
        })
    }

    fn revoke_token(&self, user: &str, token: &str) -> Result<bool> {
        self.with(|state| {
            let theirs = state.tokens.get(token).is_some_and(|(owner, _)| owner == user);
            Ok(theirs && state.tokens.remove(token).is_some())
        })
    }
}

impl Blobs for MemStore {
    fn stage(&self) -> Result<Box<dyn BlobWriter>> {
        self.with(|_| Ok(Box::new(Staged(Vec::new())) as Box<dyn BlobWriter>))
    }

    fn open(&self, id: &BlobId) -> Result<Option<(Arc<File>, u64)>> {
        self.with(|state| Ok(state.blobs.get(&id.0).cloned()))
    }
}

/// A blob being written, and one that is complete.
struct Staged(Vec<u8>);

impl BlobWriter for Staged {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn StagedBlob>> {
        Ok(self)
    }
}

fn hash<const N: usize>(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> [u8; N] {
    digest::digest(algorithm, bytes).as_ref().try_into().expect("the length of its digests")
}

impl StagedBlob for Staged {
    fn id(&self) -> BlobId {
        BlobId(hash(&digest::SHA512, &self.0))
    }

    fn sha1(&self) -> [u8; 20] {
        hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.0)
    }

    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.0[..]))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
