//! From a request to the arguments of a handler.
//!
//! Each argument is asked for in turn; the first that cannot be had answers the request in the
//! handler's place. What an argument needs is known when the app starts: a route none of whose
//! arguments looks at the body has it dropped, and a state that nobody provided is refused.

mod body;
mod path;
mod peer;
mod query;
mod rejection;
mod values;

pub use body::{Bytes, Json};
pub use path::Path;
pub use peer::{Headers, Peer};
pub use query::{Form, Query};
pub use rejection::Rejection;

use std::any::TypeId;
use std::convert::Infallible;

use super::answer::IntoResponse;
use super::request::Request;

/// A type that handlers may take as an argument, made from the request.
///
/// ```
/// use lattice::{App, Error, FromRequest, Request};
///
/// struct Token(String);
///
/// impl FromRequest for Token {
///     type Rejection = Error;
///     const BODY: bool = false;
///
///     fn from_request(request: &Request) -> Result<Self, Error> {
///         let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
///         token.map(|token| Token(token.to_owned())).ok_or_else(|| Error::new(401, "show a token"))
///     }
/// }
///
/// let app = App::new().get("/", |token: Token| token.0).test();
/// assert_eq!(app.get("/").send().status, 401);
/// assert_eq!(app.get("/").header("Authorization", "Bearer x").send().text(), "x");
/// ```
pub trait FromRequest: Sized {
    /// The answer when it cannot be made.
    type Rejection: IntoResponse;

    /// Whether it looks at the body.
    const BODY: bool = true;

    /// Makes one.
    fn from_request(request: &Request<'_>) -> Result<Self, Self::Rejection>;

    /// Says which states it asks the request for.
    fn needs(_needs: &mut Needs) {}
}

/// The same for arguments that borrow from the request: `&Request`, [`State`](super::State),
/// [`Bytes`], [`Headers`]. Every [`FromRequest`] is one.
pub trait Extract {
    /// The argument itself.
    type Item<'r>;
    /// The answer when it cannot be made.
    type Rejection: IntoResponse;
    /// Whether it looks at the body.
    const BODY: bool = true;

    /// Makes one.
    fn extract<'r>(request: &'r Request<'r>) -> Result<Self::Item<'r>, Self::Rejection>;

    /// Says which states it asks the request for.
    fn needs(_needs: &mut Needs) {}
}

impl<T: FromRequest> Extract for T {
    type Item<'r> = T;
    type Rejection = T::Rejection;
    const BODY: bool = T::BODY;

    #[inline]
    fn extract<'r>(request: &'r Request<'r>) -> Result<T, T::Rejection> {
        T::from_request(request)
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }
}

impl Extract for &Request<'_> {
    type Item<'r> = &'r Request<'r>;
    type Rejection = Infallible;

    #[inline]
    fn extract<'r>(request: &'r Request<'r>) -> Result<&'r Request<'r>, Infallible> {
        Ok(request)
    }
}

/// `None` instead of a rejection.
impl<T: FromRequest> FromRequest for Option<T> {
    type Rejection = Infallible;
    const BODY: bool = T::BODY;

    fn from_request(request: &Request<'_>) -> Result<Self, Infallible> {
        Ok(T::from_request(request).ok())
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }
}

/// The rejection, for the handler to answer.
impl<T: FromRequest> FromRequest for Result<T, T::Rejection> {
    type Rejection = Infallible;
    const BODY: bool = T::BODY;

    fn from_request(request: &Request<'_>) -> Result<Self, Infallible> {
        Ok(T::from_request(request))
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }
}

/// What the arguments of a handler ask for.
#[derive(Debug, Default)]
pub struct Needs {
    pub(super) body: bool,
    pub(super) states: Vec<(TypeId, &'static str)>,
}

impl Needs {
    /// A state of this type.
    pub fn state<T: 'static>(&mut self) {
        self.states.push((TypeId::of::<T>(), std::any::type_name::<T>()));
    }

    /// What `E` needs.
    pub(super) fn of<E: Extract>(&mut self) {
        self.body |= E::BODY;
        E::needs(self);
    }
}
