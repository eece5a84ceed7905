//! Packages: reads go to a reader's connection, writes to the writer's thread.
//!
//! The rules are in the rooms below; each checks inside the transaction that changes something.

mod change;
mod load;
mod publish;
mod row;
mod search;
mod unpublish;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::app::store::{Actor, Draft, Package, Packages, Result, SearchPage, SearchQuery, Written};
use crate::store::Inner;
use crate::store::error::broken;
use crate::store::staging::StagedFile;

/// What [`Packages`] is here.
pub(crate) struct PackageStore(pub(crate) Arc<Inner>);

impl PackageStore {
    /// What may remove blobs is left to the process that knows which of them are being published.
    fn must_be_exclusive(&self) -> Result<()> {
        if self.0.exclusive { Ok(()) } else { Err(broken("versions are removed through the node, not beside it")) }
    }
}

impl Packages for PackageStore {
    fn load(&self, name: &str) -> Result<Option<Package>> {
        self.0.readers.read(|db| Ok(load::load(db, name)?))
    }

    fn publish(&self, draft: Draft, actor: &Actor) -> Result<Written> {
        let (publication, blob) = publish::take_apart(draft);
        let staged = blob.into_any().downcast::<StagedFile>();
        let staged = staged.map_err(|_| broken("the blob was not staged in this store"))?;
        let actor = actor.clone();
        self.0.writer.write(move |work| publish::publish(work, &publication, *staged, &actor))
    }

    fn deprecate(
        &self,
        name: &str,
        seen: Option<u64>,
        changes: &[(String, Option<String>)],
        actor: &Actor,
    ) -> Result<Written> {
        let (name, changes, actor) = (name.to_owned(), changes.to_vec(), actor.clone());
        self.0.writer.write(move |work| Ok(change::deprecate(work, &name, seen, &changes, &actor)?))
    }

    fn tag(&self, name: &str, tag: &str, version: Option<&str>, actor: &Actor) -> Result<Written> {
        let (name, tag, version) = (name.to_owned(), tag.to_owned(), version.map(str::to_owned));
        let actor = actor.clone();
        self.0.writer.write(move |work| Ok(change::tag(work, &name, &tag, version.as_deref(), &actor)?))
    }

    fn unpublish(
        &self,
        name: &str,
        versions: &[String],
        latest: Option<&str>,
        seen: u64,
        actor: &Actor,
    ) -> Result<Written> {
        self.must_be_exclusive()?;
        let (name, versions, latest) = (name.to_owned(), versions.to_vec(), latest.map(str::to_owned));
        let actor = actor.clone();
        self.0.writer.write(move |work| unpublish::some(work, &name, &versions, latest.as_deref(), seen, &actor))
    }

    fn unpublish_all(&self, name: &str, seen: Option<u64>, actor: &Actor) -> Result<Written> {
        self.must_be_exclusive()?;
        let (name, actor) = (name.to_owned(), actor.clone());
        self.0.writer.write(move |work| unpublish::all(work, &name, seen, &actor))
    }

    fn maintain(&self, name: &str, seen: Option<u64>, maintainers: &[String], actor: &Actor) -> Result<Written> {
        let (name, maintainers, actor) = (name.to_owned(), maintainers.to_vec(), actor.clone());
        self.0.writer.write(move |work| Ok(change::maintain(work, &name, seen, &maintainers, &actor)?))
    }

    fn star(&self, name: &str, user: &str, on: bool) -> Result<Written> {
        let (name, user) = (name.to_owned(), user.to_owned());
        self.0.writer.write(move |work| Ok(change::star(work, &name, &user, on)?))
    }

    fn starred(&self, user: &str) -> Result<Vec<String>> {
        self.0.readers.read(|db| Ok(load::starred(db, user)?))
    }

    fn search(&self, query: &SearchQuery, may_see: &dyn Fn(&str) -> bool) -> Result<SearchPage> {
        self.0.readers.read(|db| Ok(search::search(db, query, may_see)?))
    }
}
