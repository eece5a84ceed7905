//! What handlers may return.

use std::borrow::Cow;
use std::convert::Infallible;

use serde::Serialize;

use super::error::Error;
use super::extract::{Json, Rejection};
use super::render::Rendering;
use super::response::{BYTES, Body, HTML, JSON, Kind, Response, TEXT};

/// Something that is an answer, or can be made one.
///
/// | type | answer |
/// |---|---|
/// | `&'static str`, `String`, `Cow<'static, str>` | 200, plain text |
/// | `&'static [u8]`, `Vec<u8>` | 200, `application/octet-stream` |
/// | [`Json<T>`], [`Html<T>`] | 200, that type |
/// | [`Redirect`](super::Redirect) | 303, 307 or 308 |
/// | [`Stream`](super::Stream), [`Sse`](super::Sse) | 200, piece by piece |
/// | [`WebSocket`](super::WebSocket) | 101, or why not |
/// | [`Blocking<F>`](super::Blocking), [`Slow<F>`](super::Slow) | what the closure returns, on the pool |
/// | `(u16, T)` | `T` with that status |
/// | `(u16, [(&str, V); N], T)`, `([(&str, V); N], T)` | the same with fields |
/// | `Option<T>` | 404 for `None` |
/// | `Result<T, E>` | whichever it is |
/// | `()` | 204 |
pub trait IntoResponse {
    /// The answer.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    #[inline]
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for &'static str {
    #[inline]
    fn into_response(self) -> Response {
        Response::raw(200, TEXT, Body::Static(self.as_bytes()))
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for &'static [u8] {
    fn into_response(self) -> Response {
        Response::raw(200, BYTES, Body::Static(self))
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        Response::raw(200, BYTES, Body::Bytes(self))
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::empty(204)
    }
}

impl IntoResponse for Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    #[inline]
    fn into_response(self) -> Response {
        let mut rendering = Rendering::new();
        match serde_json::to_writer(&mut *rendering, &self.0) {
            Ok(()) => Response::special(JSON, Kind::Rendered(rendering)),
            Err(error) => Error::from(error).into_response(),
        }
    }
}

/// HTML, in UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct Html<T>(pub T);

impl<T: Into<Cow<'static, str>>> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        Response::raw(200, HTML, self.0.into().into())
    }
}

/// An answer that sends the client elsewhere.
#[derive(Debug, Clone)]
pub struct Redirect {
    status: u16,
    location: String,
}

impl Redirect {
    /// 303: look there, with GET. After a form was taken.
    pub fn to(location: impl Into<String>) -> Self {
        Self { status: 303, location: location.into() }
    }

    /// 307: ask there, this time, with the same method and body.
    pub fn temporary(location: impl Into<String>) -> Self {
        Self { status: 307, location: location.into() }
    }

    /// 308: ask there from now on, with the same method and body.
    pub fn permanent(location: impl Into<String>) -> Self {
        Self { status: 308, location: location.into() }
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        Response::empty(self.status).with_header("Location", self.location)
    }
}

impl<T: IntoResponse> IntoResponse for (u16, T) {
    fn into_response(self) -> Response {
        self.1.into_response().with_status(self.0)
    }
}

impl<V: AsRef<[u8]>, T: IntoResponse, const N: usize> IntoResponse for ([(&str, V); N], T) {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        for (name, value) in self.0 {
            response.set_header(name, value);
        }
        response
    }
}

impl<V: AsRef<[u8]>, T: IntoResponse, const N: usize> IntoResponse for (u16, [(&str, V); N], T) {
    fn into_response(self) -> Response {
        (self.1, self.2).into_response().with_status(self.0)
    }
}

impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        self.map_or_else(|| Response::error(404, "not found", None), IntoResponse::into_response)
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    #[inline]
    fn into_response(self) -> Response {
        match self {
            Ok(answer) => answer.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        Response::error(self.status(), self.error(), Some(&self.reason()))
    }
}
