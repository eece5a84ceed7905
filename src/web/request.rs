//! A request, as a handler sees it.

use std::any::Any;
use std::borrow::Cow;
use std::net::IpAddr;
use std::str::from_utf8;

use super::state::States;
use crate::app::router::decode;
use crate::app::{self, Moment};
use crate::wire::http1::{Method, Trailers};

/// A request: a view into what was received, valid for one call.
///
/// A handler takes it as `&Request`, alone or beside extractors; nothing is copied.
///
/// ```
/// use lattice::{App, Request};
///
/// fn greet(request: &Request) -> String {
///     format!("hello, {}", request.param("name").unwrap_or_default())
/// }
///
/// let app = App::new().get("/hello/{name}", greet).test();
/// assert_eq!(app.get("/hello/S%C3%B8ren").send().text(), "hello, Søren");
/// ```
pub struct Request<'r> {
    core: &'r app::Request<'r>,
    way: Way<'r>,
    pub(super) locals: Locals,
}

/// What the app knows about a request before it looks at it.
#[derive(Clone, Copy)]
pub(super) struct Way<'r> {
    /// The route's pattern; empty where none fits.
    pub(super) pattern: &'r str,
    /// The names of its captures.
    pub(super) names: &'r [Box<str>],
    pub(super) states: &'r States,
}

/// What middlewares leave for each other and for the handler.
#[derive(Default)]
pub(super) struct Locals(Vec<Box<dyn Any + Send>>);

impl Locals {
    /// Drops them; mostly there are none, and then no function is called to find that out.
    #[inline]
    pub(super) fn drop(self) {
        match self.0.capacity() {
            0 => std::mem::forget(self),
            _ => std::mem::drop(self),
        }
    }
}

impl<'r> Request<'r> {
    #[inline]
    pub(super) fn new(core: &'r app::Request<'r>, way: Way<'r>, locals: Locals) -> Self {
        Self { core, way, locals }
    }

    /// The method; a HEAD request is answered by the handler of GET.
    pub fn method(&self) -> Method {
        self.core.head.method
    }

    /// The path as it was sent, still percent-encoded.
    pub fn path(&self) -> &'r str {
        // Only printable ASCII is accepted in a target.
        from_utf8(self.core.head.path).unwrap_or_default()
    }

    /// What follows the question mark, as it was sent.
    pub fn query_string(&self) -> Option<&'r str> {
        self.core.head.query.map(|query| from_utf8(query).unwrap_or_default())
    }

    /// The pattern of the route, such as `/users/{id}`; empty where no route fits.
    pub fn pattern(&self) -> &'r str {
        self.way.pattern
    }

    /// A capture of the route's pattern, percent-decoded once. `None` when there is none of this name,
    /// or when it decodes to something that is not UTF-8 or has a NUL.
    pub fn param(&self, name: &str) -> Option<Cow<'r, str>> {
        let index = self.way.names.iter().position(|known| **known == *name)?;
        decode(self.core.params.at(index))
    }

    /// Names and values of the captures; the values as they were sent.
    pub(super) fn params(&self) -> impl ExactSizeIterator<Item = (&'r str, &'r [u8])> + use<'r> {
        let params = self.core.params;
        self.way.names.iter().enumerate().map(move |(index, name)| (&**name, params.at(index)))
    }

    /// The value of the first field of this name (any case), if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&'r str> {
        from_utf8(self.core.header(name)?).ok()
    }

    /// The value of the first field of this name (any case).
    pub fn header_bytes(&self, name: &str) -> Option<&'r [u8]> {
        self.core.header(name)
    }

    /// Names and values of all fields, in the order sent.
    pub fn headers(&self) -> impl Iterator<Item = (&'r str, &'r [u8])> + use<'r> {
        // A name is a token.
        self.core.head.fields.iter().map(|(name, value)| (from_utf8(name).unwrap_or_default(), value))
    }

    /// The body, whole; empty where there is none or the route is an upload.
    pub fn body(&self) -> &'r [u8] {
        self.core.body
    }

    /// The value of the first field of this name (any case) behind the body, if it is UTF-8.
    ///
    /// A client may send fields behind a chunked body, such as its digest. They are here once the body is
    /// whole: for handlers, but not for the handler of an upload, which is asked before. Those that must not
    /// come so late are left out: what frames or routes a message, says who asks, or of what format its
    /// content is (RFC 9110 §6.5.1).
    ///
    /// ```
    /// use lattice::{App, Request};
    ///
    /// fn check(request: &Request) -> String {
    ///     format!("{} bytes, {}", request.body().len(), request.trailer("X-Sum").unwrap_or("without a sum"))
    /// }
    ///
    /// let app = App::new().post("/", check).test();
    /// assert_eq!(app.post("/").body("hello").trailer("X-Sum", "532").send().text(), "5 bytes, 532");
    /// assert_eq!(app.post("/").body("hello").send().text(), "5 bytes, without a sum");
    /// ```
    pub fn trailer(&self, name: &str) -> Option<&'r str> {
        from_utf8(self.core.trailer(name)?).ok()
    }

    /// Names and values of all fields behind the body, in the order sent; see [`Self::trailer`].
    pub fn trailers(&self) -> impl Iterator<Item = (&'r str, &'r [u8])> + use<'r> {
        let fields = self.core.trailers.into_iter().flat_map(Trailers::iter);
        fields.map(|(name, value)| (from_utf8(name).unwrap_or_default(), value))
    }

    /// Who asks: whom a proxy that is believed names, or the other end's address, if it has one.
    pub fn peer(&self) -> Option<IpAddr> {
        self.core.peer
    }

    /// The client spoke TLS, as a proxy that is believed says; see
    /// [`Settings::trusted_proxies`](super::Settings::trusted_proxies).
    pub fn is_secure(&self) -> bool {
        self.core.secure
    }

    /// Now, read once for all requests of a turn of the loop.
    pub fn now(&self) -> Moment {
        self.core.now
    }

    /// The server is going away.
    pub fn is_draining(&self) -> bool {
        self.core.draining
    }

    /// The state of this type, see [`App::state`](super::App::state).
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&'r T> {
        self.way.states.find::<T>().map(|state| &**state)
    }

    /// What was left for this request under this type by [`Self::set_local`].
    pub fn local<T: Any + Send>(&self) -> Option<&T> {
        self.locals.0.iter().find_map(|local| local.downcast_ref())
    }

    /// Leaves a value for later middlewares and the handler; replaces one of the same type.
    pub fn set_local<T: Any + Send>(&mut self, value: T) {
        match self.locals.0.iter_mut().find(|local| local.is::<T>()) {
            Some(local) => *local = Box::new(value),
            None => self.locals.0.push(Box::new(value)),
        }
    }

    /// The request as the core has it.
    pub fn core(&self) -> &'r app::Request<'r> {
        self.core
    }

    pub(super) fn states(&self) -> &'r States {
        self.way.states
    }
}
