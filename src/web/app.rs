//! The app as a program puts it together.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::client::TestClient;
use super::error::Failure;
use super::extract::Needs;
use super::group::{Call, Closed, Group, Scope, Spec};
use super::handler::Handler;
use super::middleware::Middleware;
use super::mount::Mount;
use super::refusal::OnRefusal;
use super::request::Request;
use super::response::Response;
use super::run::{Hooks, Running};
use super::service::{OnSlow, SlowObserver, SlowRequest, Web};
use super::settings::Settings;
use super::state::States;
use super::table::{OnError, Route, Table};
use super::ws::Topics;
use crate::app::refusal::Refusal;
use crate::app::{self, Observer, RouteSpec, Router, RouterBuilder, Service, Stopwatch};
use crate::limits::ROUTES_MAX;
use crate::service::files::Settings as FileSettings;
use crate::wire::http1::Method;

/// The number of what no route fits.
const MISSED: u16 = u16::MAX;
const _: () = assert!(ROUTES_MAX <= MISSED as usize);

/// A server of one's own: routes, what stands around them, and how it runs.
///
/// What is wrong with it, such as two routes for one path or a state that nobody provided, is a panic
/// when it starts, with a text that says what and where. See the [room's page](crate::web).
pub struct App {
    root: Group,
    states: States,
    not_found: Option<Call>,
    method_not_allowed: Option<Call>,
    /// Of the handlers of what no route fits: which of them, and what it needs.
    needs: Vec<(&'static str, Needs)>,
    on_error: Option<OnError>,
    on_refusal: Option<OnRefusal>,
    on_slow: Option<(Duration, OnSlow)>,
    topics: Topics,
    settings: Settings,
    hooks: Hooks,
}

/// An app whose routes are in place, for any number of threads.
pub(super) struct Built {
    router: Arc<Router>,
    mounts: Vec<Mount>,
    pub(super) table: Arc<Table>,
    on_slow: Option<(Duration, OnSlow)>,
    pub(super) topics: Topics,
    pub(super) settings: Settings,
    pub(super) hooks: Hooks,
}

impl App {
    /// An app that answers 404 to everything.
    pub fn new() -> Self {
        let (topics, mut states) = (Topics::default(), States::default());
        states.add(Arc::new(topics.clone()));
        Self {
            root: Group::new(String::new()),
            states,
            not_found: None,
            method_not_allowed: None,
            needs: Vec::new(),
            on_error: None,
            on_refusal: None,
            on_slow: None,
            topics,
            settings: Settings::default(),
            hooks: Hooks::default(),
        }
    }

    /// Shares a value with all handlers, which take it as [`State<T>`](super::State).
    ///
    /// # Panics
    /// When there is one of this type already.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.shared_state(Arc::new(state))
    }

    /// The same with a value that others hold too.
    ///
    /// # Panics
    /// When there is one of this type already.
    pub fn shared_state<T: Send + Sync + 'static>(mut self, state: Arc<T>) -> Self {
        self.states.add(state);
        self
    }

    /// Answers GET, and HEAD with the same head.
    ///
    /// A pattern is made of segments: a literal, `{name}` for one segment, or at the end `{*name}` for
    /// all that is left. Literals win over captures, those over `{*name}`. One slash at the end of a
    /// path is forgiven. At most four captures.
    ///
    /// # Panics
    /// On a pattern that is none.
    pub fn get<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.with(|root| root.get(pattern, handler))
    }

    /// Answers POST.
    pub fn post<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.with(|root| root.post(pattern, handler))
    }

    /// Answers PUT.
    pub fn put<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.with(|root| root.put(pattern, handler))
    }

    /// Answers PATCH.
    pub fn patch<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.with(|root| root.patch(pattern, handler))
    }

    /// Answers DELETE.
    pub fn delete<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.with(|root| root.delete(pattern, handler))
    }

    /// Answers a method.
    ///
    /// # Panics
    /// On HEAD and OPTIONS, which are answered from the other routes, on CONNECT and TRACE.
    pub fn route<Args>(self, method: Method, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.with(|root| root.route(method, pattern, handler))
    }

    /// Takes bodies of up to `bytes_max` bytes piece by piece, see [`Upload`](super::Upload). A larger
    /// one is answered 413, one without a length and not in chunks 411.
    pub fn upload<Args>(self, method: Method, pattern: &str, bytes_max: u64, handler: impl Handler<Args>) -> Self {
        self.with(|root| root.upload(method, pattern, bytes_max, handler))
    }

    /// Opens WebSockets: the handler is asked for each request that could open one, and returns a
    /// [`WebSocket`](super::WebSocket) or any other answer. Path, extractors, state and middlewares are those of
    /// every route, so who may not is told so in plain HTTP.
    ///
    /// A GET that asks for no WebSocket is answered 426 with `Upgrade: websocket`, after the middlewares and
    /// before the handler, a handshake that is malformed 400 (RFC 6455 §4.2), other methods 405. Where one path
    /// has a page too, a handler of [`Self::get`] may return either.
    ///
    /// ```
    /// use lattice::{App, Error, Request, TestMessage, WebSocket};
    ///
    /// fn echo(request: &Request) -> Result<WebSocket, Error> {
    ///     let Some(_key) = request.header("x-key") else { return Err(Error::new(401, "show a key")) };
    ///     Ok(WebSocket::on_message(|message, link| link.send_back(message)))
    /// }
    ///
    /// let app = App::new().websocket("/echo", echo).test();
    /// assert_eq!(app.websocket("/echo").connect().expect_err("an answer").status, 401);
    /// let mut socket = app.websocket("/echo").header("X-Key", "k").connect().expect("a WebSocket");
    /// socket.send_text("hello");
    /// assert_eq!(socket.receive(), Some(TestMessage::Text("hello".into())));
    /// ```
    pub fn websocket<Args>(self, pattern: &str, handler: impl Handler<Args>) -> Self {
        self.with(|root| root.websocket(pattern, handler))
    }

    /// Speaks to WebSockets that subscribe to topics, from any thread and at any time; handlers have it as
    /// [`State<Topics>`](super::Topics).
    pub fn topics(&self) -> Topics {
        self.topics.clone()
    }

    /// Routes below a prefix, with middlewares of their own.
    ///
    /// ```
    /// use lattice::{App, Request, Response};
    ///
    /// fn guard(request: &mut Request) -> Option<Response> {
    ///     request.header("x-key").is_none().then(|| Response::error(401, "show a key", None))
    /// }
    ///
    /// let app = App::new()
    ///     .get("/", || "open to all")
    ///     .group("/api", |api| api.before(guard).get("/secret", || "42"))
    ///     .test();
    /// assert_eq!(app.get("/").send().status, 200);
    /// assert_eq!(app.get("/api/secret").send().status, 401);
    /// assert_eq!(app.get("/api/secret").header("X-Key", "k").send().text(), "42");
    /// ```
    pub fn group(self, prefix: &str, routes: impl FnOnce(Group) -> Group) -> Self {
        self.with(|root| root.group(prefix, routes))
    }

    /// Serves the files of a directory below a prefix: with validators, ranges and compressed siblings
    /// (`a.js.br`), a directory as its `index.html`. Names that begin with a dot, and whatever leads out
    /// of the directory, are not there.
    ///
    /// Middlewares stand before them as before a [`Self::mount`]ed service.
    ///
    /// # Panics
    /// When the directory cannot be opened.
    pub fn files(self, prefix: &str, directory: impl AsRef<Path>) -> Self {
        self.with(|root| root.files(prefix, directory))
    }

    /// The same with settings of its own: caching, index, memory.
    ///
    /// # Panics
    /// When the directory cannot be opened.
    pub fn files_with(self, prefix: &str, directory: impl AsRef<Path>, settings: FileSettings) -> Self {
        self.with(|root| root.files_with(prefix, directory, settings))
    }

    /// Puts a service of the core below a prefix, one for each thread; its routes come with it. Should
    /// the prefix have captures, the service is not told of them.
    ///
    /// Middlewares stand before it, with one difference: it writes its answers itself, so what `after`
    /// is shown is an empty answer of status 200, and the fields added to that are added to its own. Where
    /// both have a field of one name, that of the middleware leaves: its `Cache-Control` replaces the one of
    /// mounted files. Of `Vary`, `Set-Cookie` and other lists both leave. The service's leaves where it knows
    /// better: in its errors, in what tells what the bytes are (`ETag`, `Last-Modified`, `Content-Encoding`,
    /// ranges), and in what a page may do (`Content-Security-Policy` and the others of
    /// [`SecurityHeaders`](super::SecurityHeaders)).
    ///
    /// ```
    /// use lattice::App;
    /// use lattice::service::ping::Ping;
    ///
    /// let app = App::new().mount("/node", Ping::routes(), Ping::new).test();
    /// assert_eq!(app.get("/node/healthz").send().text(), r#"{"status":"live"}"#);
    /// ```
    pub fn mount<S: Service + 'static>(
        self,
        prefix: &str,
        routes: Vec<RouteSpec>,
        make: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        self.with(|root| root.mount(prefix, routes, make))
    }

    /// Puts a middleware before everything, also before what no route fits, inside of those added
    /// before.
    pub fn middleware(self, middleware: impl Middleware) -> Self {
        self.with(|root| root.middleware(middleware))
    }

    /// Puts a function before everything: with `Some` it answers in the handler's place.
    pub fn before(self, before: impl Fn(&mut Request<'_>) -> Option<Response> + Send + Sync + 'static) -> Self {
        self.with(|root| root.before(before))
    }

    /// Puts a function behind everything: it sees each answer and may change it.
    pub fn after(self, after: impl Fn(&Request<'_>, &mut Response) + Send + Sync + 'static) -> Self {
        self.with(|root| root.after(after))
    }

    /// Answers requests for paths that no route fits; 404 and JSON otherwise. A handler says its status
    /// itself.
    pub fn not_found<Args>(mut self, handler: impl Handler<Args>) -> Self {
        self.needs.push(("App::not_found", handler.needs()));
        self.not_found = Some(Box::new(move |request| handler.call(request)));
        self
    }

    /// Answers requests for a path with a method it has no route for; 405 and JSON otherwise. `Allow`
    /// is added.
    pub fn method_not_allowed<Args>(mut self, handler: impl Handler<Args>) -> Self {
        self.needs.push(("App::method_not_allowed", handler.needs()));
        self.method_not_allowed = Some(Box::new(move |request| handler.call(request)));
        self
    }

    /// Is told of each failure, a panic or an [`Error`](super::Error) made of another, and makes the
    /// answer; otherwise it is logged and answered 500 and JSON. After a panic the connection closes. The
    /// answer must be at hand: work for the pool, an upload or a WebSocket is logged and answered 500.
    pub fn on_error(mut self, hook: impl Fn(&Request<'_>, &Failure) -> Response + Send + Sync + 'static) -> Self {
        self.on_error = Some(Box::new(hook));
        self
    }

    /// Is told of each request that the server refuses itself, because it is malformed, too large, too slow
    /// or too much, and words the answer; `{"error": …, "reason": …}` otherwise.
    ///
    /// Its fields and body leave, its status does not: that is the refusal's, and but for 411 the connection
    /// ends. There is no request to be shown and no middleware is asked, as most refusals are those of
    /// requests that could not be read; only where [`Slow`](super::Slow) finds its queue full are there both.
    /// A panic, a body that is not at hand, or more than
    /// [`REFUSAL_BYTES_MAX`](crate::limits::REFUSAL_BYTES_MAX) bytes are a failure, and the client is told
    /// in the server's words.
    ///
    /// ```
    /// use lattice::{App, Method, Response, Upload};
    ///
    /// let app = App::new()
    ///     .upload(Method::Put, "/log", 1000, || Upload::fold((), |_, _| Ok(()), |_| ()))
    ///     .on_refusal(|refusal| {
    ///         let problem = format!(r#"{{"type":"/{}","title":"{}"}}"#, refusal.name(), refusal.error());
    ///         Response::new("application/problem+json", problem)
    ///     })
    ///     .test();
    /// let answer = app.put("/log").body([0; 1001]).send();
    /// assert_eq!(answer.status, 413);
    /// assert_eq!(answer.text(), r#"{"type":"/body_too_large","title":"request body too large"}"#);
    /// ```
    pub fn on_refusal(mut self, hook: impl Fn(&Refusal) -> Response + Send + Sync + 'static) -> Self {
        self.on_refusal = Some(Box::new(hook));
        self
    }

    /// Is told of each request that took `above` or longer.
    pub fn on_slow(mut self, above: Duration, hook: impl Fn(&SlowRequest<'_>) + Send + Sync + 'static) -> Self {
        self.on_slow = Some((above, Arc::new(hook)));
        self
    }

    /// Is called once the server listens, with its address.
    pub fn on_start(mut self, hook: impl FnOnce(SocketAddr) + Send + 'static) -> Self {
        self.hooks.start.push(Box::new(hook));
        self
    }

    /// Is called when the server begins to end: it accepts no more and finishes what is under way.
    pub fn on_drain(mut self, hook: impl FnOnce() + Send + 'static) -> Self {
        self.hooks.drain.push(Box::new(hook));
        self
    }

    /// Is called when everything has ended.
    pub fn on_stop(mut self, hook: impl FnOnce() + Send + 'static) -> Self {
        self.hooks.stop.push(Box::new(hook));
        self
    }

    /// Is called again and again while the server runs, on a thread of its own, with `pause` between.
    pub fn every(mut self, pause: Duration, task: impl FnMut() + Send + 'static) -> Self {
        self.hooks.tasks.push((pause, Box::new(task)));
        self
    }

    /// Replaces the settings.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Serves at `address` until SIGTERM or SIGINT, then finishes what is under way. A second signal
    /// ends the process at once. Once this has returned, both do nothing any more unless the program
    /// handles them itself: what goes on afterwards should be short.
    ///
    /// # Errors
    /// When the address cannot be had, or the machine gives no threads.
    ///
    /// # Panics
    /// When the app is wrong in itself, see [`App`].
    pub fn run(self, address: impl ToSocketAddrs) -> io::Result<()> {
        Running::run(self.build(), address)
    }

    /// Serves at `address` in the background. Port 0 takes a free one.
    ///
    /// # Errors
    /// As [`Self::run`].
    ///
    /// # Panics
    /// As [`Self::run`].
    pub fn start(self, address: impl ToSocketAddrs) -> io::Result<Running> {
        Running::start(self.build(), address)
    }

    /// A client that asks the app without sockets and threads.
    ///
    /// # Panics
    /// As [`Self::run`].
    pub fn test(self) -> TestClient {
        TestClient::new(self.build())
    }

    fn with(mut self, change: impl FnOnce(Group) -> Group) -> Self {
        let root = std::mem::replace(&mut self.root, Group::new(String::new()));
        self.root = change(root);
        self
    }

    fn build(self) -> Built {
        let Closed { specs, mounts, mut scopes } = self.root.close();
        assert!(specs.len() <= ROUTES_MAX, "{} routes are more than {ROUTES_MAX}", specs.len());
        specs.iter().for_each(|spec| demand(&spec.name(), &spec.needs, &self.states));
        self.needs.iter().for_each(|(name, needs)| demand(name, needs, &self.states));
        // The longest prefix first: it is the innermost group.
        scopes.sort_by_key(|scope: &Scope| std::cmp::Reverse(scope.prefix.len()));
        let router = Arc::new(router(&specs, &mounts));
        let table = Table {
            routes: specs.into_iter().map(Route::new).collect(),
            scopes,
            states: self.states,
            not_found: self.not_found,
            method_not_allowed: self.method_not_allowed,
            on_error: self.on_error,
            on_refusal: self.on_refusal,
            ..Table::default()
        };
        let (table, on_slow) = (Arc::new(table), self.on_slow);
        Built { router, mounts, table, on_slow, topics: self.topics, settings: self.settings, hooks: self.hooks }
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// # Panics
/// When a handler needs a state that is not there.
fn demand(handler: &str, needs: &Needs, states: &States) {
    for (id, name) in &needs.states {
        assert!(states.has(*id), "{handler} needs a state of the type {name}: give it to App::state");
    }
}

/// Its own routes come last: misses are for the last service.
fn router(specs: &[Spec], mounts: &[Mount]) -> Router {
    let mut router = RouterBuilder::new();
    for mount in mounts {
        router.mount(&[&mount.prefix], &mount.routes);
    }
    router.mount(&[""], &[]);
    for (id, spec) in specs.iter().enumerate() {
        router.route(spec.method, &spec.pattern.routed, id as u16, spec.body);
    }
    router.fall_back(MISSED);
    router.build()
}

impl Built {
    /// The app of one thread, which measures with `stopwatch` if it has to.
    pub(super) fn app(&self, stopwatch: Stopwatch) -> app::App {
        let mut services: Vec<Box<dyn Service>> = self.mounts.iter().map(|mount| mount.service(&self.table)).collect();
        let service = services.len();
        services.push(Box::new(Web(Arc::clone(&self.table))));
        let mut app = app::App::new(Arc::clone(&self.router), Vec::new(), services);
        if self.table.on_refusal.is_some() {
            let table = Arc::clone(&self.table);
            app = app.reworded(Arc::new(move |refusal| table.words(refusal)));
        }
        let Some((above, on_slow)) = &self.on_slow else { return app };
        let above_ns = u64::try_from(above.as_nanos()).unwrap_or(u64::MAX);
        let observer = SlowObserver { table: Arc::clone(&self.table), service, above_ns, on_slow: Arc::clone(on_slow) };
        let observers: Vec<Box<dyn Observer>> = vec![Box::new(observer)];
        app.observed_by(observers, stopwatch)
    }
}
