//! A store in memory that behaves as the contract says, as far as the slice can see.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest;

use crate::app::identity::Identity;
use crate::app::store::*;

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

    fn publish(&self, draft: Draft, actor: &Actor) -> Result<Written> {
        self.check()?;
        let mut bytes = Vec::new();
        draft.blob.read()?.read_to_end(&mut bytes)?;
        let blob = draft.blob.id();
        let (sha1, length) = (draft.blob.sha1(), draft.blob.length());
        let new = Version {
            publisher: actor.user.to_string(),
            manifest: draft.manifest.into(),
            abbreviated: draft.abbreviated.into(),
            tarball: Tarball { blob, sha1, length, files: draft.files, unpacked: draft.unpacked },
            ..version(&draft.version, 1)
        };
        let exists = take(&self.packages).contains_key(&*draft.name);
        match exists {
            true => self.add_version(&draft.name, new),
            false => self.put(package(&draft.name, vec![new])),
        }
        take(&self.blobs).insert(blob.0, bytes);
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
            let known = match version {
                None => package.tags.iter().any(|(known, _)| known == tag),
                Some(version) => package.versions.iter().any(|one| one.version == version),
            };
            if !known {
                return Written::Missing;
            }
            package.tags.retain(|(known, _)| known != tag);
            package.tags.extend(version.map(|version| (tag.to_owned(), version.to_owned())));
            DONE
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

    fn search(&self, query: &SearchQuery, may_see: &dyn Fn(&str) -> bool) -> Result<SearchPage> {
        self.check()?;
        let packages = take(&self.packages);
        let fits = |package: &&Package| query.words.iter().all(|word| package.name.contains(word));
        let found: Vec<&Package> = packages.values().filter(fits).filter(|package| may_see(&package.name)).collect();
        let hits = found.iter().skip(query.from).take(query.size);
        let hits = hits
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
            .collect();
        Ok(SearchPage { total: found.len(), hits })
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
        Ok(Box::new(Upload(Vec::new())))
    }

    fn open(&self, id: &BlobId) -> Result<Option<(Arc<std::fs::File>, u64)>> {
        let Some(bytes) = take(&self.blobs).get(&id.0).cloned() else { return Ok(None) };
        let mut file = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Some((Arc::new(file), bytes.len() as u64)))
    }
}

/// A blob being written, and one that is complete.
struct Upload(Vec<u8>);

impl BlobWriter for Upload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn StagedBlob>> {
        Ok(self)
    }
}

impl StagedBlob for Upload {
    fn id(&self) -> BlobId {
        BlobId(digest::digest(&digest::SHA512, &self.0).as_ref().try_into().unwrap())
    }

    fn sha1(&self) -> [u8; 20] {
        digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.0).as_ref().try_into().unwrap()
    }

    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.0[..]))
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send> {
        self
    }
}
