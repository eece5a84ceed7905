//! What goes wrong in a handler, and what the client and the operator are told of it.

use std::any::Any;
use std::fmt::{self, Debug, Display, Formatter};

use super::answer::IntoResponse;
use super::response::Response;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What a handler returns when it cannot do what was asked.
///
/// Any error becomes one with `?` and is answered 500: [`App::on_error`](super::App::on_error) is
/// told the cause, the client is not. [`Error::new`] is an answer of one's own.
///
/// ```
/// use lattice::{App, Error, Path};
///
/// fn half(Path(number): Path<String>) -> Result<String, Error> {
///     let number: u32 = number.parse()?;
///     if number % 2 != 0 {
///         return Err(Error::new(422, "that number is odd"));
///     }
///     Ok((number / 2).to_string())
/// }
///
/// let app = App::new().get("/half/{number}", half).test();
/// assert_eq!(app.get("/half/8").send().text(), "4");
/// assert_eq!(app.get("/half/7").send().status, 422);
/// assert_eq!(app.get("/half/x").send().status, 500);
/// ```
pub struct Error(Kind);

enum Kind {
    Told { status: u16, error: String, reason: Option<String> },
    Broken(Cause),
}

impl Error {
    /// An answer of this status (400 to 599) with `{"error": …}`.
    pub fn new(status: u16, error: impl Into<String>) -> Self {
        assert!((400..=599).contains(&status), "{status} is no status of an error");
        Self(Kind::Told { status, error: error.into(), reason: None })
    }

    /// The same with `"reason"` beside it.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        if let Kind::Told { reason, .. } = &mut self.0 {
            *reason = Some(why.into());
        }
        self
    }

    /// A failure with this text for the operator; the client is told 500 and no more.
    pub fn failure(text: impl Into<String>) -> Self {
        Self(Kind::Broken(text.into().into()))
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(cause: E) -> Self {
        Self(Kind::Broken(Box::new(cause)))
    }
}

impl Debug for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Told { status, error, .. } => write!(formatter, "{status} {error}"),
            Kind::Broken(cause) => Debug::fmt(cause, formatter),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self.0 {
            Kind::Told { status, error, reason } => Response::error(status, &error, reason.as_deref()),
            Kind::Broken(cause) => Response::failed(Failure::Error(cause)),
        }
    }
}

/// Why a request was answered 500.
#[derive(Debug)]
pub enum Failure {
    /// A handler returned this error.
    Error(Cause),
    /// A handler or a middleware panicked with this message.
    Panic(String),
}

impl Failure {
    /// What `catch_unwind` caught.
    pub(super) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Failure::Panic(text.unwrap_or_else(|| "a panic without a message".to_owned()))
    }

    /// What the client is told unless the app says otherwise.
    pub(super) fn answer(&self) -> Response {
        Response::error(500, "the server failed on this request", None)
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error(cause) => write!(formatter, "{cause}"),
            Failure::Panic(text) => write!(formatter, "panicked: {text}"),
        }
    }
}
