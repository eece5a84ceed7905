//! Answers that are made on the pool, where they may block.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::answer::IntoResponse;
use super::error::Failure;
use super::response::{Kind, Response};
use crate::app::Lane;

/// Makes an answer, on a thread of the pool.
pub(super) type Later = Box<dyn FnOnce() -> Response + Send>;

/// Work that blocks: files, a database, another server. The closure runs on a thread of the pool;
/// what it returns is the answer.
///
/// ```
/// use lattice::{App, Blocking, Error, IntoResponse};
///
/// fn hosts() -> impl IntoResponse {
///     Blocking(|| -> Result<String, Error> { Ok(std::fs::read_to_string("/etc/hosts")?) })
/// }
///
/// assert_eq!(App::new().get("/hosts", hosts).test().get("/hosts").send().status, 200);
/// ```
pub struct Blocking<F>(
    /// The work.
    pub F,
);

/// Work that is slow on purpose, such as hashing a password. It has a thread and a short queue of its
/// own, so that it never holds up other work; when the queue is full the client is told 503 and
/// `Retry-After`.
pub struct Slow<F>(
    /// The work.
    pub F,
);

impl<F, R> IntoResponse for Blocking<F>
where
    F: FnOnce() -> R + Send + 'static,
    R: IntoResponse,
{
    fn into_response(self) -> Response {
        Response::later(self.0)
    }
}

impl<F, R> IntoResponse for Slow<F>
where
    F: FnOnce() -> R + Send + 'static,
    R: IntoResponse,
{
    fn into_response(self) -> Response {
        later(Lane::Slow, self.0)
    }
}

impl Response {
    /// An answer made on a thread of the pool, where `work` may block: see [`Blocking`].
    ///
    /// Status and fields that it is given before are lost: the answer is the one `work` returns.
    pub fn later<R: IntoResponse>(work: impl FnOnce() -> R + Send + 'static) -> Self {
        later(Lane::Io, work)
    }
}

fn later<R: IntoResponse>(lane: Lane, work: impl FnOnce() -> R + Send + 'static) -> Response {
    Response::special(b"", Kind::Later(lane, Box::new(move || work().into_response())))
}

/// Runs what may panic; a panic is an answer too.
pub(super) fn guarded(work: impl FnOnce() -> Response) -> Response {
    // What a handler shares it must keep whole itself, as everywhere where threads panic.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|payload| Response::failed(Failure::from_panic(&*payload)).with_close())
}
