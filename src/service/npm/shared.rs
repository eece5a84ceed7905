//! What the slices of all threads share: settings, rules, the store, and the rendered documents.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::app::Identity;
use crate::app::store::{Actor, Blobs, Draft, Package, Packages, Result, SearchPage, SearchQuery, Users, Written};
use crate::service::npm::access::AccessRules;
use crate::service::npm::rendered::{Document, Fetched, Renderings};
use crate::service::npm::settings::Settings;

/// One for the process.
pub struct Shared {
    pub(crate) settings: Settings,
    pub(crate) access: AccessRules,
    pub(crate) packages: Arc<dyn Packages>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) users: Arc<dyn Users>,
    pub(crate) renderings: Arc<Renderings>,
    threads: AtomicUsize,
}

impl Shared {
    /// Puts them together. Changes of packages must be made through the slice from here on: that is
    /// how rendered documents learn of them.
    pub fn new(
        settings: Settings,
        packages: Arc<dyn Packages>,
        blobs: Arc<dyn Blobs>,
        users: Arc<dyn Users>,
    ) -> Arc<Self> {
        let renderings = Arc::new(Renderings::new(settings.cache_bytes));
        let packages = Arc::new(Watched { packages, renderings: Arc::clone(&renderings) });
        let access = AccessRules::new(&settings.rules);
        Arc::new(Self { settings, access, packages, blobs, users, renderings, threads: AtomicUsize::new(0) })
    }

    /// Counts one more thread that keeps documents of its own.
    pub(crate) fn join(&self) {
        self.threads.fetch_add(1, Ordering::Relaxed);
    }

    /// What each thread may keep, so that all together keep no more than the process does.
    pub(crate) fn thread_bytes_max(&self) -> usize {
        self.settings.cache_bytes / self.threads.load(Ordering::Relaxed).max(1)
    }

    /// The documents of a package. Blocks.
    pub(crate) fn fetch(&self, name: &Arc<str>) -> Result<Fetched> {
        self.renderings.fetch(name, || Ok(self.render(self.packages.load(name)?)))
    }

    /// The documents of a package, past the cache, which is emptied: nothing is to be kept. Blocks.
    pub(crate) fn render_anew(&self, name: &Arc<str>) -> Result<Fetched> {
        self.renderings.clear();
        Ok(self.render(self.packages.load(name)?))
    }

    fn render(&self, package: Option<Package>) -> Fetched {
        match package {
            None => Fetched::Missing,
            Some(Package { unpublished: Some(tombstone), .. }) => Fetched::Unpublished(tombstone.time_ms),
            Some(package) => {
                let rule = self.access.find(&package.name);
                let is_public = self.access.is_public(rule);
                let document = Document::render(&package, &self.settings.public_url, rule, is_public);
                Fetched::Document(Arc::new(document))
            }
        }
    }

    /// `identity` as the store knows whoever writes; `None` for nobody.
    pub(crate) fn actor(&self, identity: &Identity) -> Option<Actor> {
        let user = Arc::clone(identity.user()?);
        Some(Actor { user, must_maintain: self.settings.check_owners && !identity.admin })
    }
}

/// The packages, with an eye on what changes: a rendered document is forgotten after its package's
/// change is durable and before whoever made it is told.
struct Watched {
    packages: Arc<dyn Packages>,
    renderings: Arc<Renderings>,
}

/// Forgets a package when it is dropped: whether the change succeeded, failed or panicked, for what
/// a transaction that failed has left is the store's to say.
struct Forget<'a>(&'a Renderings, &'a str);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.forget(self.1);
    }
}

impl Packages for Watched {
    fn load(&self, name: &str) -> Result<Option<Package>> {
        self.packages.load(name)
    }

    fn publish(&self, draft: Draft, actor: &Actor) -> Result<Written> {
        let name = Arc::clone(&draft.name);
        let _after = Forget(&self.renderings, &name);
        self.packages.publish(draft, actor)
    }

    fn deprecate(
        &self,
        name: &str,
        seen: Option<u64>,
        changes: &[(String, Option<String>)],
        actor: &Actor,
    ) -> Result<Written> {
        let _after = Forget(&self.renderings, name);
        self.packages.deprecate(name, seen, changes, actor)
    }

    fn tag(&self, name: &str, tag: &str, version: Option<&str>, actor: &Actor) -> Result<Written> {
        let _after = Forget(&self.renderings, name);
        self.packages.tag(name, tag, version, actor)
    }

    fn unpublish(
        &self,
        name: &str,
        versions: &[String],
        latest: Option<&str>,
        seen: u64,
        actor: &Actor,
    ) -> Result<Written> {
        let _after = Forget(&self.renderings, name);
        self.packages.unpublish(name, versions, latest, seen, actor)
    }

    fn unpublish_all(&self, name: &str, seen: Option<u64>, actor: &Actor) -> Result<Written> {
        let _after = Forget(&self.renderings, name);
        self.packages.unpublish_all(name, seen, actor)
    }

    fn maintain(&self, name: &str, seen: Option<u64>, maintainers: &[String], actor: &Actor) -> Result<Written> {
        let _after = Forget(&self.renderings, name);
        self.packages.maintain(name, seen, maintainers, actor)
    }

    fn star(&self, name: &str, user: &str, on: bool) -> Result<Written> {
        let _after = Forget(&self.renderings, name);
        self.packages.star(name, user, on)
    }

    fn starred(&self, user: &str) -> Result<Vec<String>> {
        self.packages.starred(user)
    }

    fn search(&self, query: &SearchQuery, may_see: &dyn Fn(&str) -> bool) -> Result<SearchPage> {
        self.packages.search(query, may_see)
    }
}
