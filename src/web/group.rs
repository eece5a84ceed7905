//! Routes that share a prefix and middlewares.

use std::sync::Arc;

use super::extract::Needs;
use super::handler::{Fixed, Handler};
use super::middleware::{After, Before, Chain, Middleware};
use super::mount::Mount;
use super::pattern::Pattern;
use super::request::Request;
use super::response::Response;
use super::ws::refusal;
use crate::app::{BodyPolicy, RouteSpec, Service};
use crate::service::files::{self, Settings as FileSettings, StaticFiles};
use crate::store::files::Directory;
use crate::wire::http1::Method;

/// What answers the requests of a route.
pub(super) type Call = Box<dyn Fn(&Request<'_>) -> Response + Send + Sync>;

/// A route as it was declared.
pub(super) struct Spec {
    pub(super) method: Method,
    pub(super) pattern: Pattern,
    pub(super) body: BodyPolicy,
    pub(super) needs: Needs,
    pub(super) call: Call,
    pub(super) fixed: Option<Fixed>,
    pub(super) chain: Chain,
}

impl Spec {
    /// For whoever has to correct it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method.as_str(), self.pattern.text)
    }
}

/// Where the middlewares of a group reach: also to what no route fits below its prefix.
pub(super) struct Scope {
    pub(super) prefix: String,
    pub(super) chain: Chain,
}

/// Routes below a prefix, see [`App::group`](super::App::group).
///
/// A group's middlewares stand before all of its routes, wherever among them they were added; those
/// of the group around it come first.
pub struct Group {
    prefix: String,
    specs: Vec<Spec>,
    mounts: Vec<Mount>,
    /// Of the groups inside.
    scopes: Vec<Scope>,
    chain: Chain,
}

impl Group {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix, specs: Vec::new(), mounts: Vec::new(), scopes: Vec::new(), chain: Chain::new() }
    }

    /// Answers GET, and HEAD with the same head. See [`App::get`](super::App::get).
    pub fn get<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.route(Method::Get, pattern, handler)
    }

    /// Answers POST.
    pub fn post<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.route(Method::Post, pattern, handler)
    }

    /// Answers PUT.
    pub fn put<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.route(Method::Put, pattern, handler)
    }

    /// Answers PATCH.
    pub fn patch<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.route(Method::Patch, pattern, handler)
    }

    /// Answers DELETE.
    pub fn delete<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.route(Method::Delete, pattern, handler)
    }

    /// Answers a method.
    ///
    /// # Panics
    /// On HEAD and OPTIONS, which are answered from the other routes, on CONNECT and TRACE, and on a
    /// pattern that is none.
    pub fn route<Args>(self, method: Method, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.add(method, pattern, body_of(&handler.needs()), handler)
    }

    /// Takes bodies of up to `bytes_max` bytes piece by piece, see [`Upload`](super::Upload).
    pub fn upload<Args>(self, method: Method, pattern: &str, bytes_max: u64, handler: impl Handler<Args>) -> Self {
        self.add(method, pattern, BodyPolicy::Stream { max: bytes_max }, handler)
    }

    /// Opens WebSockets, see [`App::websocket`](super::App::websocket).
    pub fn websocket<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        let needs = handler.needs();
        let call: Call = Box::new(move |request| refusal(request).unwrap_or_else(|| handler.call(request)));
        self.declare(Method::Get, pattern, body_of(&needs), needs, call)
    }

    /// Routes below a further prefix.
    pub fn group(mut self, prefix: &str, routes: impl FnOnce(Group) -> Group) -> Self {
        let inner = routes(Group::new(self.full(prefix)));
        let Closed { specs, mounts, scopes } = inner.close();
        self.specs.extend(specs);
        self.mounts.extend(mounts);
        self.scopes.extend(scopes);
        self
    }

    /// Puts a service of the core below a prefix, see [`App::mount`](super::App::mount).
    pub fn mount<S: Service + 'static>(
        mut self,
        prefix: &str,
        routes: Vec<RouteSpec>,
        make: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        let prefix = self.full(prefix).trim_end_matches('/').to_owned();
        self.mounts.push(Mount { prefix, routes, make: Arc::new(move || Box::new(make())), chain: Chain::new() });
        self
    }

    /// Serves the files of a directory, see [`App::files`](super::App::files).
    pub fn files(self, prefix: &str, directory: impl AsRef<std::path::Path>) -> Self {
        self.files_with(prefix, directory, FileSettings::default())
    }

    /// The same with settings of its own.
    pub fn files_with(self, prefix: &str, directory: impl AsRef<std::path::Path>, settings: FileSettings) -> Self {
        let directory = directory.as_ref();
        let opened = Directory::open(directory).unwrap_or_else(|error| {
            panic!("{prefix}: the directory {} cannot be served: {error}", directory.display())
        });
        let shared = files::Shared::new(settings, Arc::new(opened));
        self.mount(prefix, StaticFiles::routes(true), move || StaticFiles::new(Arc::clone(&shared)))
    }

    /// Puts a middleware before all routes of this group, inside of those added before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.chain.push(Arc::new(middleware));
        self
    }

    /// Puts a function before all routes of this group: with `Some` it answers in their place.
    pub fn before(self, before: impl Fn(&mut Request<'_>) -> Option<Response> + Send + Sync + 'static) -> Self {
        self.middleware(Before(before))
    }

    /// Puts a function behind all routes of this group.
    pub fn after(self, after: impl Fn(&Request<'_>, &mut Response) + Send + Sync + 'static) -> Self {
        self.middleware(After(after))
    }

    fn add<Args>(self, method: Method, pattern: &str, body: BodyPolicy, handler: impl Handler<Args>) -> Self {
        let (needs, fixed) = (handler.needs(), handler.fixed());
        let mut group = self.declare(method, pattern, body, needs, Box::new(move |request| handler.call(request)));
        if let Some(spec) = group.specs.last_mut() {
            spec.fixed = fixed;
        }
        group
    }

    fn declare(mut self, method: Method, pattern: &str, body: BodyPolicy, needs: Needs, call: Call) -> Self {
        let pattern = Pattern::new(self.full(pattern));
        let is_routed = !matches!(method, Method::Head | Method::Options | Method::Connect | Method::Trace);
        assert!(is_routed, "{}: {} has no routes of its own", pattern.text, method.as_str());
        self.specs.push(Spec { method, pattern, body, needs, call, fixed: None, chain: Chain::new() });
        self
    }

    fn full(&self, pattern: &str) -> String {
        assert!(pattern.is_empty() || pattern.starts_with('/'), "{pattern:?}: a pattern begins with a slash");
        let full = format!("{}{pattern}", self.prefix.trim_end_matches('/'));
        if full.is_empty() { "/".into() } else { full }
    }

    /// What it declares, with its own middlewares before theirs.
    pub(super) fn close(self) -> Closed {
        let outer = self.chain;
        let compose = |inner: Chain| outer.iter().cloned().chain(inner).collect::<Chain>();
        let specs = self.specs.into_iter().map(|spec| Spec { chain: compose(spec.chain), ..spec }).collect();
        let mounts = self.mounts.into_iter().map(|mount| Mount { chain: compose(mount.chain), ..mount }).collect();
        let inner = self.scopes.into_iter().map(|scope| Scope { chain: compose(scope.chain), ..scope });
        let mut scopes: Vec<Scope> = inner.collect();
        scopes.push(Scope { prefix: self.prefix, chain: outer });
        Closed { specs, mounts, scopes }
    }
}

/// A body that nobody asks for is not kept.
fn body_of(needs: &Needs) -> BodyPolicy {
    if needs.body { BodyPolicy::Buffer } else { BodyPolicy::Discard }
}

/// What a group declares.
pub(super) struct Closed {
    pub(super) specs: Vec<Spec>,
    pub(super) mounts: Vec<Mount>,
    pub(super) scopes: Vec<Scope>,
}
