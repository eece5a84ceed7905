//! What slices need kept: one small interface per need, implemented in `store/` (and, for tests, in
//! memory). Every call may block; slices make them only inside jobs and sinks.
//!
//! The store gives each change its time and its order. Rules that must hold against races (a
//! version exists once, a tombstone stays, only a maintainer may write) are checked in here, inside
//! the transaction that changes something; rules about form are the slice's.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::app::identity::Identity;

/// The world failed: the disk, the database. Told to the operator; the client sees 500 or 507.
#[derive(Debug)]
pub struct StoreError {
    /// No space or quota is left: the client sees 507.
    pub full: bool,
    /// For the operator.
    pub message: String,
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        Self { full, message: error.to_string() }
    }
}

/// The result of a call to the store.
pub type Result<T> = std::result::Result<T, StoreError>;

// Blobs.

/// The name of a blob: the SHA-512 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobId(pub [u8; 64]);

impl std::fmt::Debug for BlobId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Immutable files, named by their content.
pub trait Blobs: Send + Sync {
    /// Begins a new one, invisible until [`Packages::publish`] takes it.
    fn stage(&self) -> Result<Box<dyn BlobWriter>>;

    /// Opens one: its handle and length in bytes.
    fn open(&self, id: &BlobId) -> Result<Option<(Arc<File>, u64)>>;
}

/// Writes a new blob and hashes it on the way. Dropped: nothing is left of it.
pub trait BlobWriter: Send {
    /// Appends bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Ends it: durable, though still invisible.
    fn finish(self: Box<Self>) -> Result<Box<dyn StagedBlob>>;
}

/// A blob that is complete and durable but belongs to nothing yet. Dropped: nothing is left of it.
pub trait StagedBlob: Send {
    /// Its name.
    fn id(&self) -> BlobId;
    /// The SHA-1 of its bytes, which npm still calls `shasum`.
    fn sha1(&self) -> [u8; 20];
    /// Its length in bytes.
    fn length(&self) -> u64;
    /// Reads it from the start.
    fn read(&self) -> Result<Box<dyn io::Read + '_>>;
    /// Lets the store take it apart.
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send>;
}

// Packages.

/// A package with all that a packument is rendered from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Full name, with scope.
    pub name: Arc<str>,
    /// Rises with every change; the number in `_rev`.
    pub revision: u64,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    /// Milliseconds since 1970.
    pub modified_ms: u64,
    /// Who may write.
    pub maintainers: Vec<Maintainer>,
    /// Tag and version, by tag.
    pub tags: Vec<(String, String)>,
    /// In the order of their publication.
    pub versions: Vec<Version>,
    /// Who starred it.
    pub stars: Vec<String>,
    /// Readme of the version that `latest` names.
    pub readme: Option<Readme>,
    /// Set when the whole package was unpublished: when, by whom, and its versions then.
    pub unpublished: Option<Unpublished>,
}

/// A maintainer as packuments name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintainer {
    /// The user's name.
    pub name: String,
    /// May be empty.
    pub email: String,
}

/// A readme and the name of the file it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readme {
    /// Markdown, at most `README_BYTES_MAX` bytes.
    pub text: String,
    /// As in the tarball, without directories.
    pub file: String,
}

/// The tombstone of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// The user.
    pub by: String,
    /// What there was.
    pub versions: Vec<String>,
}

/// One version, with its JSON split where mutable parts are spliced in when it is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// As in its manifest.
    pub version: String,
    /// The package's revision that its publication made.
    pub revision: u64,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    /// Who published it.
    pub publisher: String,
    /// The manifest as a JSON object, without `dist` and `deprecated`.
    pub manifest: Arc<str>,
    /// The fields an abbreviated packument shows, likewise.
    pub abbreviated: Arc<str>,
    /// The tarball.
    pub tarball: Tarball,
    /// The deprecation message, if it is deprecated.
    pub deprecated: Option<String>,
}

/// A tarball as `dist` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tarball {
    /// Its content.
    pub blob: BlobId,
    /// SHA-1.
    pub sha1: [u8; 20],
    /// Bytes, packed.
    pub length: u64,
    /// Files in it.
    pub files: u64,
    /// Bytes, unpacked.
    pub unpacked: u64,
}

/// A version about to be published. Everything in it was checked.
pub struct Draft {
    /// Full name, with scope.
    pub name: Arc<str>,
    /// The version.
    pub version: String,
    /// See [`Version::manifest`].
    pub manifest: String,
    /// See [`Version::abbreviated`].
    pub abbreviated: String,
    /// The tarball's bytes.
    pub blob: Box<dyn StagedBlob>,
    /// Files in the tarball.
    pub files: u64,
    /// Bytes of the tarball, unpacked.
    pub unpacked: u64,
    /// Tags to set to this version. Without one, `latest` is set if the package has none.
    pub tags: Vec<String>,
    /// What search finds it by.
    pub description: String,
    /// What search finds it by.
    pub keywords: Vec<String>,
    /// Kept if `latest` comes to name this version.
    pub readme: Option<Readme>,
}

/// Who writes, and what the configuration lets them.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user.
    pub user: Arc<str>,
    /// Must be among the maintainers of a package that exists.
    pub must_maintain: bool,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is durable; the revision after it.
    Done {
        /// The number in `_rev`.
        revision: u64,
    },
    /// It was so already: nothing changed. For a publish: the same bytes by the same user.
    Same {
        /// The number in `_rev`.
        revision: u64,
    },
    /// There is no such package, version or tag.
    Missing,
    /// The version exists, with other bytes or by another user.
    Exists,
    /// The version existed once and was unpublished: its name stays taken.
    Tombstone,
    /// The actor is not among the maintainers.
    NotMaintainer,
    /// The document the client changed is not the current one.
    Stale {
        /// The number in the current `_rev`.
        revision: u64,
    },
    /// It would leave the package without a maintainer, or name a user that does not exist.
    Refused(&'static str),
}

/// Words that search looks for, all of which must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Prefixes of words in name, description and keywords.
    pub words: Vec<String>,
    /// `keywords:` qualifiers; each must be among the keywords.
    pub keywords: Vec<String>,
    /// `scope:` qualifier, without the `@`.
    pub scope: Option<String>,
    /// `author:` and `maintainer:` qualifiers.
    pub maintainer: Option<String>,
    /// How many of the best are passed over.
    pub from: usize,
    /// How many of those after them are wanted.
    pub size: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchPage {
    /// How many there are in all.
    pub total: usize,
    /// Those that were wanted, best first.
    pub hits: Vec<SearchHit>,
}

/// A package found, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchHit {
    /// Full name.
    pub name: Arc<str>,
    /// What `latest` names.
    pub version: String,
    /// Of that version.
    pub description: String,
    /// Of that version.
    pub keywords: Vec<String>,
    /// When that version was published: milliseconds since 1970.
    pub created_ms: u64,
    /// Who published that version.
    pub publisher: Maintainer,
    /// Who may write.
    pub maintainers: Vec<Maintainer>,
    /// The manifest of that version, as a JSON object.
    pub manifest: Arc<str>,
    /// Higher is better; positive.
    pub score: f64,
}

/// The packages.
pub trait Packages: Send + Sync {
    /// A package, its versions and tags, as of one moment.
    fn load(&self, name: &str) -> Result<Option<Package>>;

    /// Publishes a version. The package is created if need be, with the actor as its maintainer.
    fn publish(&self, draft: Draft, actor: &Actor) -> Result<Written>;

    /// Sets or (with `None`) clears the deprecation of versions, if `seen` is still the revision.
    fn deprecate(
        &self,
        name: &str,
        seen: Option<u64>,
        changes: &[(String, Option<String>)],
        actor: &Actor,
    ) -> Result<Written>;

    /// Points a tag at a version, or (with `None`) removes it.
    fn tag(&self, name: &str, tag: &str, version: Option<&str>, actor: &Actor) -> Result<Written>;

    /// Removes these versions, for ever: their names stay taken. Tags that named them go; `latest`
    /// moves to the version given, which is one of those left, or goes. `seen` is the revision the
    /// client decided on; versions published since are not in `versions` and so stay.
    fn unpublish(
        &self,
        name: &str,
        versions: &[String],
        latest: Option<&str>,
        seen: u64,
        actor: &Actor,
    ) -> Result<Written>;

    /// Removes the package; its versions stay taken.
    fn unpublish_all(&self, name: &str, seen: Option<u64>, actor: &Actor) -> Result<Written>;

    /// Replaces the maintainers, if `seen` is still the revision.
    fn maintain(&self, name: &str, seen: Option<u64>, maintainers: &[String], actor: &Actor) -> Result<Written>;

    /// Sets or removes a user's star.
    fn star(&self, name: &str, user: &str, on: bool) -> Result<Written>;

    /// Names of the packages a user starred, sorted.
    fn starred(&self, user: &str) -> Result<Vec<String>>;

    /// The packages that match and whose names `may_see` lets through, before anything is counted.
    /// Manifests are read of those on the page alone.
    fn search(&self, query: &SearchQuery, may_see: &dyn Fn(&str) -> bool) -> Result<SearchPage>;
}

// Users.

/// A user, as others may know one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// May be empty.
    pub email: String,
    /// May do everything.
    pub admin: bool,
    /// Milliseconds since 1970.
    pub created_ms: u64,
}

/// What became of a new user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// There is one more.
    Done,
    /// The name is taken.
    Exists,
}

/// Users, passwords and tokens. Secrets go in and never come out: a password is kept as an argon2id
/// hash, a token as the SHA-256 of its characters.
pub trait Users: Send + Sync {
    /// Who a bearer token belongs to.
    fn identify_token(&self, token: &str) -> Result<Option<Identity>>;

    /// Who a name and password belong to. Takes as long for a name that does not exist. Slow.
    fn identify_password(&self, name: &str, password: &str) -> Result<Option<Identity>>;

    /// A user.
    fn user(&self, name: &str) -> Result<Option<User>>;

    /// A new user. Slow.
    fn join(&self, name: &str, password: &str, email: &str) -> Result<Joined>;

    /// A new token of a user, returned this once.
    fn issue_token(&self, user: &str, read_only: bool) -> Result<Option<String>>;

    /// Ends a token if it belongs to `user`; whether it did.
    fn revoke_token(&self, user: &str, token: &str) -> Result<bool>;
}

/// Whether those who were let in would still be let in, and as the same.
pub trait Standings: Send + Sync {
    /// The users among these of whom something else holds now: a token that was ended, a user who was removed, other
    /// rights, another password if one was shown. Nobody is asked about twice, so many of one may be named.
    fn changed(&self, identities: &[Arc<Identity>]) -> Result<Vec<Arc<str>>>;
}

impl std::fmt::Debug for dyn Standings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Standings").finish_non_exhaustive()
    }
}
