//! Bodies that are taken piece by piece, on the pool, however large they are.

use std::ops::ControlFlow;

use super::answer::IntoResponse;
use super::error::Error;
use super::later::guarded;
use super::request::Locals;
use super::response::{Kind, Response};
use super::service::Parked;
use crate::app::{Outcome, Sink};

/// Takes a body piece by piece, in order, on threads of the pool: it may block.
///
/// It is dropped without `finish` when the client goes away or the body is too large: what must be
/// undone then belongs into [`Drop`].
pub trait Receive: Send + 'static {
    /// Takes the next bytes, some 256 KiB at once and fewer at the end. An error ends the body early,
    /// answers the request and closes the connection.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// The body is complete: answers.
    fn finish(self) -> impl IntoResponse;
}

/// What the handler of an [`App::upload`](super::App::upload) route returns: where the body goes. The
/// handler itself, that is, not work for the pool: by then the body would have to wait somewhere.
///
/// ```
/// use lattice::{App, Error, Upload};
/// use lattice::wire::http1::Method;
///
/// fn count() -> Upload {
///     Upload::fold(
///         0u64,
///         |count, bytes| {
///             *count += bytes.len() as u64;
///             Ok(())
///         },
///         |count| format!("{count} bytes"),
///     )
/// }
///
/// let app = App::new().upload(Method::Put, "/count", 1 << 30, count).test();
/// assert_eq!(app.put("/count").body("hello").send().text(), "5 bytes");
/// ```
pub struct Upload(Box<dyn Receiver>);

impl Upload {
    /// Into this.
    pub fn to(receive: impl Receive) -> Self {
        Self(Box::new(receive))
    }

    /// Into a value: `write` adds each piece to it, `finish` makes the answer of it.
    pub fn fold<T: Send + 'static, R: IntoResponse + 'static>(
        value: T,
        write: impl FnMut(&mut T, &[u8]) -> Result<(), Error> + Send + 'static,
        finish: impl FnOnce(T) -> R + Send + 'static,
    ) -> Self {
        Self::to(Fold { value, write, finish })
    }
}

impl IntoResponse for Upload {
    fn into_response(self) -> Response {
        Response::special(b"", Kind::Receive(self.0))
    }
}

struct Fold<T, W, F> {
    value: T,
    write: W,
    finish: F,
}

impl<T, W, F, R> Receive for Fold<T, W, F>
where
    T: Send + 'static,
    W: FnMut(&mut T, &[u8]) -> Result<(), Error> + Send + 'static,
    F: FnOnce(T) -> R + Send + 'static,
    R: IntoResponse + 'static,
{
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        (self.write)(&mut self.value, bytes)
    }

    fn finish(self) -> impl IntoResponse {
        (self.finish)(self.value)
    }
}

/// Any [`Receive`].
pub(super) trait Receiver: Send {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;
    fn finish(self: Box<Self>) -> Response;
}

impl<T: Receive> Receiver for T {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Receive::write(self, bytes)
    }

    fn finish(self: Box<Self>) -> Response {
        Receive::finish(*self).into_response()
    }
}

/// A receiver as the core's sink, with what its request left.
pub(super) struct ToSink {
    pub(super) receiver: Box<dyn Receiver>,
    pub(super) depth: usize,
    pub(super) locals: Locals,
}

impl Sink for ToSink {
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome> {
        let mut refused = false;
        let response = guarded(|| {
            // Should it panic, that ends the body too.
            refused = true;
            match self.receiver.write(bytes) {
                Ok(()) => refused = false,
                Err(error) => return error.into_response(),
            }
            Response::empty(204)
        });
        if !refused {
            return ControlFlow::Continue(());
        }
        let locals = std::mem::take(&mut self.locals);
        ControlFlow::Break(Outcome::value(Parked { response, depth: self.depth, locals }))
    }

    fn finish(self: Box<Self>) -> Outcome {
        let ToSink { receiver, depth, locals } = *self;
        Outcome::value(Parked { response: guarded(|| receiver.finish()), depth, locals })
    }
}
