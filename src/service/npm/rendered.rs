//! Documents as they leave: rendered once per change, kept for all threads, bounded.
//!
//! [`Renderings`] is shared by the process and touched only inside jobs. Several jobs that miss the
//! same document wait for the one that renders it. Whoever changes a package calls
//! [`Renderings::forget`] after the change is durable and before anybody is told: what is kept then
//! is never older than what a client was promised, and a rendering that was under way is handed to
//! those who waited for it (they asked before the change ended) but not kept.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::HashMap;

use crate::app::Rendered;
use crate::app::cache::Cache;
use crate::app::store::{BlobId, Package, Result};
use crate::service::npm::access::RuleIndex;
use crate::service::npm::negotiate::Form;
use crate::service::npm::packument::{Renderer, push_hex};
use crate::wire::date::http_date;
use crate::wire::http::accept::Coding;

/// Level of compression: 9 takes several times as long for about a hundredth less.
const GZIP_LEVEL: u32 = 6;
/// How often a job waits for another one's rendering before it renders for itself.
const WAITS_MAX: usize = 3;
/// What the bookkeeping of one document weighs beside its bytes, about.
const DOCUMENT_OVERHEAD_BYTES: usize = 2048;
/// What one version weighs in the table of tarballs, about.
const VERSION_OVERHEAD_BYTES: usize = 160;

/// Kept by caches that many share, but asked about before each use: a client that saw a publish
/// succeed must see the version at once, so no answer may be used unasked for any time at all. The
/// question costs us a 304 from memory.
const PUBLIC: &str = "public, no-cache";
/// The same for what not everybody may read.
const PRIVATE: &str = "private, no-cache";
/// The coding that documents are kept in beside the plain one.
const GZIP: Option<Coding> = Some(Coding::Gzip);
/// `Vary` of everything that is negotiated.
pub(crate) const VARY: &str = "Accept, Accept-Encoding";

/// One representation and its strong tag.
#[derive(Debug)]
pub(crate) struct Representation {
    /// The answer.
    pub(crate) rendered: Rendered,
    /// Its tag, with quotes.
    pub(crate) etag: String,
}

/// A package's documents, and what is needed to answer for it without the store.
#[derive(Debug)]
pub(crate) struct Document {
    /// Full name.
    pub(crate) name: Arc<str>,
    /// The rule that decides about it.
    pub(crate) rule: RuleIndex,
    /// `Last-Modified`, in seconds.
    pub(crate) modified_s: u64,
    /// `Cache-Control`.
    pub(crate) cache_control: &'static str,
    representations: [Representation; 4],
    tarballs: HashMap<Box<str>, BlobId>,
    /// Memory it takes.
    pub(crate) bytes: usize,
}

impl Document {
    /// Renders a package. Slow for large ones.
    pub(crate) fn render(package: &Package, public_url: &str, rule: RuleIndex, is_public: bool) -> Self {
        let renderer = Renderer::new(package, public_url);
        let modified_s = package.modified_ms / 1000;
        let cache_control = if is_public { PUBLIC } else { PRIVATE };
        let represent = |form, coding, bytes: Vec<u8>| represent(form, coding, bytes, modified_s, cache_control);
        let [full, abbreviated] = [renderer.full().into_bytes(), renderer.abbreviated().into_bytes()];
        let representations = [
            represent(Form::Full, GZIP, gzip(&full)),
            represent(Form::Full, None, full),
            represent(Form::Abbreviated, GZIP, gzip(&abbreviated)),
            represent(Form::Abbreviated, None, abbreviated),
        ];
        let bodies: usize = representations.iter().map(|one| one.rendered.body().len()).sum();
        let tarballs = package.versions.iter().map(|one| (one.version.as_str().into(), one.tarball.blob)).collect();
        let bytes = bodies + DOCUMENT_OVERHEAD_BYTES + package.versions.len() * VERSION_OVERHEAD_BYTES;
        let name = Arc::clone(&package.name);
        Self { name, rule, modified_s, cache_control, representations, tarballs, bytes }
    }

    /// The representation of this form, with gzip or as it is.
    pub(crate) fn representation(&self, form: Form, coding: Option<Coding>) -> &Representation {
        let form = match form {
            Form::Full => 0,
            Form::Abbreviated => 2,
        };
        &self.representations[form + usize::from(coding.is_none())]
    }

    /// The tarball of a version.
    pub(crate) fn tarball(&self, version: &str) -> Option<BlobId> {
        self.tarballs.get(version).copied()
    }
}

fn represent(
    form: Form,
    coding: Option<Coding>,
    bytes: Vec<u8>,
    modified_s: u64,
    cache_control: &str,
) -> Representation {
    let etag = etag_of(&bytes);
    let modified = http_date(modified_s);
    let fields: [(&str, &[u8]); 6] = [
        ("Content-Type", form.media_type().as_bytes()),
        ("Cache-Control", cache_control.as_bytes()),
        ("ETag", etag.as_bytes()),
        ("Last-Modified", &modified),
        ("Vary", VARY.as_bytes()),
        ("Content-Encoding", b"gzip"),
    ];
    let fields = if coding.is_some() { &fields[..] } else { &fields[..5] };
    Representation { rendered: Rendered::new(200, fields, bytes.into()), etag }
}

/// A strong entity tag, with its quotes.
pub(crate) fn etag_of(bytes: &[u8]) -> String {
    let mut etag = String::from("\"");
    push_hex(&mut etag, &digest::digest(&digest::SHA256, bytes).as_ref()[..16]);
    etag.push('"');
    etag
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4 + 64), Compression::new(GZIP_LEVEL));
    // A Vec takes everything, so neither call can fail.
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("compressing into memory")
}

/// What is known of a package.
#[derive(Debug, Clone)]
pub(crate) enum Fetched {
    /// Its documents.
    Document(Arc<Document>),
    /// There never was one.
    Missing,
    /// It was unpublished, at this moment in milliseconds since 1970.
    Unpublished(u64),
}

/// The documents of the process.
pub(crate) struct Renderings {
    state: Mutex<State>,
    bytes_max: usize,
}

struct State {
    documents: Cache<Arc<str>, Arc<Document>>,
    flights: HashMap<Arc<str>, Arc<Flight>>,
}

/// A rendering under way.
#[derive(Default)]
struct Flight {
    landing: Mutex<Landing>,
    landed: Condvar,
}

#[derive(Default, Clone)]
enum Landing {
    #[default]
    UnderWay,
    Done(Fetched),
    /// It failed: whoever waited tries for itself.
    Failed,
}

/// What a job that misses a document does about it.
enum Role {
    Found(Fetched),
    Waits(Arc<Flight>),
    Renders(Arc<Flight>),
}

impl Renderings {
    /// Keeps at most `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let state = State { documents: Cache::new(), flights: HashMap::new() };
        Self { state: Mutex::new(state), bytes_max }
    }

    /// What is kept of a package, without rendering it.
    pub(crate) fn peek(&self, name: &str) -> Option<Arc<Document>> {
        lock(&self.state).documents.get(name).cloned()
    }

    /// A package's documents: kept ones, or those that `load` makes. Several callers share one load.
    pub(crate) fn fetch(&self, name: &Arc<str>, load: impl Fn() -> Result<Fetched>) -> Result<Fetched> {
        for _ in 0..WAITS_MAX {
            match self.role(name) {
                Role::Found(fetched) => return Ok(fetched),
                Role::Renders(flight) => return self.lead(name, &flight, load),
                Role::Waits(flight) => {
                    if let Landing::Done(fetched) = flight.wait() {
                        return Ok(fetched);
                    }
                }
            }
        }
        load()
    }

    /// Forgets a package that has changed, and lets no rendering that is under way be kept.
    pub(crate) fn forget(&self, name: &str) {
        let mut state = lock(&self.state);
        state.documents.remove(name);
        state.flights.remove(name);
    }

    /// Forgets everything that is kept.
    pub(crate) fn clear(&self) {
        lock(&self.state).documents.clear();
    }

    fn role(&self, name: &Arc<str>) -> Role {
        let mut state = lock(&self.state);
        if let Some(document) = state.documents.get(&**name) {
            return Role::Found(Fetched::Document(Arc::clone(document)));
        }
        if let Some(flight) = state.flights.get(name) {
            return Role::Waits(Arc::clone(flight));
        }
        let flight = Arc::new(Flight::default());
        state.flights.insert(Arc::clone(name), Arc::clone(&flight));
        Role::Renders(flight)
    }

    fn lead(&self, name: &Arc<str>, flight: &Arc<Flight>, load: impl Fn() -> Result<Fetched>) -> Result<Fetched> {
        // Lands on every way out, a panic included, so that nobody waits for ever.
        let mut lead = Lead { renderings: self, name, flight, landing: Landing::Failed };
        let fetched = load()?;
        lead.landing = Landing::Done(fetched.clone());
        Ok(fetched)
    }

    /// Keeps what a flight brought, unless the package has changed meanwhile.
    fn land(&self, name: &Arc<str>, flight: &Arc<Flight>, landing: &Landing) {
        let mut state = lock(&self.state);
        if !state.flights.get(name).is_some_and(|current| Arc::ptr_eq(current, flight)) {
            return;
        }
        state.flights.remove(name);
        if let Landing::Done(Fetched::Document(document)) = landing {
            state.documents.insert(Arc::clone(name), Arc::clone(document), document.bytes, self.bytes_max);
        }
    }
}

/// The job that renders, and how its flight ends.
struct Lead<'a> {
    renderings: &'a Renderings,
    name: &'a Arc<str>,
    flight: &'a Arc<Flight>,
    landing: Landing,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.renderings.land(self.name, self.flight, &self.landing);
        *lock(&self.flight.landing) = self.landing.clone();
        self.flight.landed.notify_all();
    }
}

impl Flight {
    fn wait(&self) -> Landing {
        let landing = lock(&self.landing);
        let landed = self.landed.wait_while(landing, |landing| matches!(landing, Landing::UnderWay));
        landed.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// No lock here is held while anything can panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::store::StoreError;
    use crate::service::npm::testing::{package, version};
    use std::cell::Cell;
    use std::io::Read;

    fn document(versions: &[&str]) -> Arc<Document> {
        let versions = versions.iter().map(|name| version(name, 1)).collect();
        Arc::new(Document::render(&package("n", versions), "http://h", None, true))
    }

    fn found(fetched: Result<Fetched>) -> Arc<Document> {
        match fetched {
            Ok(Fetched::Document(document)) => document,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_four_representations_have_four_tags_and_gzip_unfolds_to_identity() {
        let document = document(&["1.0.0"]);
        let mut tags: Vec<&str> = Vec::new();
        for form in [Form::Full, Form::Abbreviated] {
            let [plain, packed] = [None, GZIP].map(|coding| document.representation(form, coding));
            let mut unpacked = Vec::new();
            let read = flate2::read::GzDecoder::new(&packed.rendered.body()[..]).read_to_end(&mut unpacked);
            assert!(read.is_ok());
            assert_eq!(unpacked, plain.rendered.body()[..], "{form:?}");
            tags.extend([plain.etag.as_str(), packed.etag.as_str()]);
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 4);
        assert!(document.tarball("1.0.0").is_some() && document.tarball("1.0.1").is_none());
    }

    #[test]
    fn a_document_is_rendered_once_until_it_is_forgotten() {
        let renderings = Renderings::new(1 << 20);
        let loads = Cell::new(0);
        let name: Arc<str> = "n".into();
        let fetch = || {
            renderings.fetch(&name, || {
                loads.set(loads.get() + 1);
                Ok(Fetched::Document(document(&["1.0.0"])))
            })
        };
        assert!(Arc::ptr_eq(&found(fetch()), &found(fetch())));
        assert_eq!(loads.get(), 1);
        renderings.forget("n");
        assert!(renderings.peek("n").is_none());
        found(fetch());
        assert_eq!(loads.get(), 2);
    }

    #[test]
    fn a_rendering_that_a_change_overtakes_is_not_kept() {
        let renderings = Renderings::new(1 << 20);
        let fetched = renderings.fetch(&"n".into(), || {
            renderings.forget("n");
            Ok(Fetched::Document(document(&["1.0.0"])))
        });
        found(fetched);
        assert!(renderings.peek("n").is_none());
    }

    #[test]
    fn after_a_change_nobody_joins_a_rendering_from_before_it() {
        let renderings = Renderings::new(1 << 20);
        let name: Arc<str> = "n".into();
        let new = document(&["1.0.0", "2.0.0"]);
        let old = renderings.fetch(&name, || {
            renderings.forget("n");
            let fresh = renderings.fetch(&name, || Ok(Fetched::Document(Arc::clone(&new))));
            assert!(Arc::ptr_eq(&found(fresh), &new));
            Ok(Fetched::Document(document(&["1.0.0"])))
        });
        assert!(found(old).tarball("2.0.0").is_none());
        assert!(renderings.peek("n").is_some_and(|kept| Arc::ptr_eq(&kept, &new)), "the newer one stays");
    }

    #[test]
    fn many_readers_of_a_cold_document_cost_one_rendering() {
        let renderings = Renderings::new(1 << 20);
        let loads = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    found(renderings.fetch(&"n".into(), || {
                        loads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        Ok(Fetched::Document(document(&["1.0.0"])))
                    }))
                });
            }
        });
        assert_eq!(loads.into_inner(), 1);
    }

    #[test]
    fn a_rendering_that_fails_or_panics_leaves_the_next_one_free() {
        let renderings = Renderings::new(1 << 20);
        let name: Arc<str> = "n".into();
        let failed = renderings.fetch(&name, || Err(StoreError { full: false, message: "disk".into() }));
        assert!(failed.is_err());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            renderings.fetch(&name, || panic!("a mistake")).map(|_| ())
        }));
        assert!(panicked.is_err());
        found(renderings.fetch(&name, || Ok(Fetched::Document(document(&["1.0.0"])))));
        assert!(renderings.peek("n").is_some());
    }

    #[test]
    fn the_bound_holds_over_all_packages() {
        let one = document(&["1.0.0"]);
        let renderings = Renderings::new(one.bytes * 2);
        for name in ["a", "b", "c"] {
            found(renderings.fetch(&name.into(), || Ok(Fetched::Document(Arc::clone(&one)))));
        }
        let kept = ["a", "b", "c"].map(|name| renderings.peek(name).is_some());
        assert_eq!(kept, [false, true, true]);
        let tight = Renderings::new(one.bytes - 1);
        found(tight.fetch(&"a".into(), || Ok(Fetched::Document(Arc::clone(&one)))));
        assert!(tight.peek("a").is_none(), "larger than the whole bound: used once, not kept");
    }
}
