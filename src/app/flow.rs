//! What a slice asks of the node: effects as values.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::wire::http1::Trailers;

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
    /// The same; if the lane is full, `resume` at once with this value instead. It has to answer then, and
    /// the connection ends after it; one that waits again is refused.
    WaitOr(Lane, Job, Value),
    /// Give the body to the sink piece by piece, then `resume` with the sink's value.
    /// Only for routes of [`super::BodyPolicy::Stream`], and only from `call`.
    Receive(Box<dyn Sink>),
    /// The head is in the reply ([`super::Reply::stream`]); the body comes from this source.
    Send(Box<dyn Source>),
    /// [`super::ws::accept`] has written the answer; the connection is a WebSocket from now on.
    Upgrade(Box<super::ws::Upgrade>),
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
    /// Whatever is kept may be out of date: a job panicked, and what it did is not known.
    Caches,
    /// Anything: who was let in may have to come again.
    Everything,
    /// The file of the live config is another.
    Config,
    /// What this user may do: tokens, password, removal.
    Identity(Arc<str>),
    /// A package's document, by its full name.
    Package(Arc<str>),
}

impl Change {
    /// Whether it bears on who was let in.
    pub(crate) fn is_of_standing(&self) -> bool {
        matches!(self, Change::Identity(_) | Change::Everything)
    }
}

/// Takes a streamed body, on a thread of the pool, in order. Dropped when the peer goes away.
pub trait Sink: Send {
    /// Takes the next bytes. `Break` ends the body early, as a refusal does.
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome>;

    /// Takes the fields behind the body, once, after its last bytes; not called when there are none.
    /// `Break` is a refusal here too.
    fn trailers(&mut self, _trailers: &Trailers) -> ControlFlow<Outcome> {
        ControlFlow::Continue(())
    }

    /// The body is complete.
    fn finish(self: Box<Self>) -> Outcome;
}

/// Gives a body of the answer piece by piece; asked only while the peer keeps up.
///
/// Dropped when the body has ended or the peer has gone away.
pub trait Source: Send {
    /// Appends the next piece, about [`crate::limits::SOURCE_PIECE_BYTES`] at most.
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull;

    /// Where `pull` runs: on this lane of the pool, where it may block, or (`None`) on the loop,
    /// where it must not.
    fn lane(&self) -> Option<Lane> {
        None
    }

    /// Called once, before the first `pull`, for sources that may answer [`Pull::Later`].
    fn on_start(&mut self, _wake: Wake) {}

    /// The node is going away: a source without an end of its own should end at its next `pull`.
    fn on_drain(&mut self) {}

    /// Fields after the body, asked once after [`Pull::End`]. They reach only clients that said
    /// `TE: trailers`, and only behind a chunked body.
    fn trailers(&mut self) -> Vec<(&'static str, Vec<u8>)> {
        Vec::new()
    }
}

/// What a [`Source`] says about the rest of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// There is more at once.
    More,
    /// There will be more; the [`Wake`] tells when.
    Later,
    /// That was all.
    End,
    /// There is more, and it cannot be had: the connection is cut off, so that nobody takes what
    /// has left for the whole.
    Broken,
}

/// Tells a connection's loop that its [`Source`] has more. May be called from any thread.
#[derive(Clone)]
pub struct Wake(Arc<WakeState>);

struct WakeState {
    /// Told, and not yet heard.
    told: AtomicBool,
    tell: Box<dyn Fn() + Send + Sync>,
}

impl Wake {
    /// A wake that calls `tell`, once until [`Self::heard`].
    pub fn new(tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(WakeState { told: AtomicBool::new(false), tell: Box::new(tell) }))
    }

    /// There is more.
    pub fn wake(&self) {
        if !self.0.told.swap(true, Ordering::AcqRel) {
            (self.0.tell)();
        }
    }

    /// The loop is about to look: what comes from now on is told again.
    pub fn heard(&self) {
        self.0.told.store(false, Ordering::Release);
    }
}
