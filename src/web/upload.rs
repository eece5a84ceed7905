//! Bodies that are taken piece by piece, on the pool, however large they are.

use std::ops::ControlFlow;

use super::answer::IntoResponse;
use super::error::Error;
use super::later::guarded;
use super::parked::Parked;
use super::request::Locals;
use super::response::{Kind, Response};
use crate::app::{Outcome, Sink};
use crate::wire::http1::Trailers;

/// Takes a body piece by piece, in order, on threads of the pool: it may block.
///
/// It is dropped without `finish` when the client goes away or the body is too large: what must be
/// undone then belongs into [`Drop`].
pub trait Receive: Send + 'static {
    /// Takes the next bytes, some 256 KiB at once and fewer at the end. An error ends the body early,
    /// answers the request and closes the connection.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// Takes the fields behind the body, if there are any, before `finish`: a digest that is wrong is an
    /// error here. See [`Request::trailer`](super::Request::trailer).
    fn trailers(&mut self, _trailers: &Trailers) -> Result<(), Error> {
        Ok(())
    }

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
    fn trailers(&mut self, trailers: &Trailers) -> Result<(), Error>;
    fn finish(self: Box<Self>) -> Response;
}

impl<T: Receive> Receiver for T {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Receive::write(self, bytes)
    }

    fn trailers(&mut self, trailers: &Trailers) -> Result<(), Error> {
        Receive::trailers(self, trailers)
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

impl ToSink {
    /// Lets the receiver take something; its error, or its panic, ends the body.
    fn give(&mut self, take: impl FnOnce(&mut dyn Receiver) -> Result<(), Error>) -> ControlFlow<Outcome> {
        let mut refused = false;
        let response = guarded(|| {
            // Should it panic, that ends the body too.
            refused = true;
            match take(&mut *self.receiver) {
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
}

impl Sink for ToSink {
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome> {
        self.give(|receiver| receiver.write(bytes))
    }

    fn trailers(&mut self, trailers: &Trailers) -> ControlFlow<Outcome> {
        self.give(|receiver| receiver.trailers(trailers))
    }

    fn finish(self: Box<Self>) -> Outcome {
        let ToSink { receiver, depth, locals } = *self;
        Outcome::value(Parked { response: guarded(|| receiver.finish()), depth, locals })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::{App, Method, Request, TestClient};

    /// Answers what it was given; breaks or panics if the fields behind it say so.
    struct Both(String);

    impl Receive for Both {
        fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
            self.0.push_str(&String::from_utf8_lossy(bytes));
            Ok(())
        }

        fn trailers(&mut self, trailers: &Trailers) -> Result<(), Error> {
            match trailers.get("X-Sum") {
                Some(b"wrong") => Err(Error::new(422, "another sum")),
                Some(b"panic") => panic!("it breaks"),
                sum => {
                    self.0.push_str(&format!(" {sum:?}"));
                    Ok(())
                }
            }
        }

        fn finish(self) -> impl IntoResponse {
            self.0
        }
    }

    fn client() -> TestClient {
        let told = |request: &Request<'_>, response: &mut Response| {
            response.set_header("X-Told", request.trailer("x-sum").unwrap_or("none"));
        };
        App::new().after(told).upload(Method::Put, "/", 100, || Upload::to(Both(String::new()))).test()
    }

    #[test]
    fn a_receiver_is_given_the_fields_behind_a_body_before_its_end() {
        let app = client();
        for (sum, status, text) in
            [("1", 200, "hello Some([49])"), ("wrong", 422, r#"{"error":"another sum"}"#), ("panic", 500, "")]
        {
            let answer = app.put("/").body("hello").trailer("X-Sum", sum).send();
            assert_eq!((answer.status, answer.header("x-told")), (status, Some(sum)));
            assert!(answer.text() == text || status == 500, "{}", answer.text());
        }
        let others = app.put("/").body("hello").trailer("X-Other", "1").send();
        assert_eq!((others.text(), others.header("x-told")), ("hello None", Some("none")));
        for without in [app.put("/").body("hello").send(), app.put("/").body("hello").trailer("Host", "x").send()] {
            assert_eq!((without.text(), without.header("x-told")), ("hello", Some("none")));
        }
    }
}
