//! What a slice asks of the node: effects as values.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a job leaves for the slice that asked for it; the slice knows the type.
pub type Value = Box<dyn Any + Send>;

/// Blocking work, run once on a thread of the pool.
pub type Job = Box<dyn FnOnce() -> Outcome + Send>;

/// Which queue of the pool a job belongs to, so that slow ones never hold up quick ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Reads and writes of the store, rendering, bodies.
    Io,
    /// Work that is slow on purpose, such as hashing a password. Short queue: beyond its bound the
    /// node answers 503.
    Slow,
}

/// What a slice decided about a request.
pub enum Flow {
    /// The answer is in the reply.
    Done,
    /// Run the job, then `resume` with its value.
    Wait(Lane, Job),
    /// Give the body to the sink piece by piece, then `resume` with the sink's value.
    /// Only for routes of [`super::BodyPolicy::Stream`], and only from `call`.
    Receive(Box<dyn Sink>),
}

impl Flow {
    /// A job on the [`Lane::Io`] whose value is what `work` returns.
    pub fn wait<T: Any + Send>(work: impl FnOnce() -> T + Send + 'static) -> Self {
        Flow::Wait(Lane::Io, Box::new(move || Outcome::value(work())))
    }
}

/// What came of a job or a sink.
pub struct Outcome {
    /// For the slice.
    pub value: Value,
    /// For every thread, told before the slice is resumed.
    pub changes: Vec<Change>,
}

impl Outcome {
    /// A value that changed nothing others may have cached.
    pub fn value<T: Any + Send>(value: T) -> Self {
        Self { value: Box::new(value), changes: Vec::new() }
    }

    /// The same with things that changed.
    pub fn changed<T: Any + Send>(value: T, changes: Vec<Change>) -> Self {
        Self { value: Box::new(value), changes }
    }
}

/// Something that every thread may have cached and must forget.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// Anything.
    Everything,
    /// What this user may do: tokens, password, removal.
    Identity(Arc<str>),
    /// A package's document, by its full name.
    Package(Arc<str>),
}

/// Takes a streamed body, on a thread of the pool, in order. Dropped when the peer goes away.
pub trait Sink: Send {
    /// Takes the next bytes. `Break` ends the body early, as a refusal does.
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome>;

    /// The body is complete.
    fn finish(self: Box<Self>) -> Outcome;
}
