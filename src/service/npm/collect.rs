//! Where the body of a `PUT` goes: all of it to the publisher, or a small document to its writer.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::app::{Outcome, Sink};
use crate::service::npm::answer::Answer;
use crate::service::npm::metadata::Writer;
use crate::service::npm::name::PackageName;
use crate::service::npm::publish::{Context, Receiver};

/// The body of somebody who may publish. What is sent without attachments goes to the writer.
pub(crate) enum Upload {
    /// Nothing has come yet.
    Waiting(Option<(PackageName, Writer)>),
    /// The publisher takes it.
    Receiving(Box<Receiver>),
}

impl Upload {
    /// At the beginning of a body.
    pub(crate) fn new(name: PackageName, writer: Writer) -> Self {
        Self::Waiting(Some((name, writer)))
    }

    /// The publisher, begun when it is first needed: sinks run where the store may be asked for the
    /// user's address, and the loop may not.
    fn receiver(&mut self) -> &mut Box<Receiver> {
        if let Self::Waiting(begin) = self {
            let (name, writer) = begin.take().expect("taken only when it is replaced, right below");
            *self = Self::Receiving(Box::new(receiver(name, writer)));
        }
        match self {
            Self::Receiving(receiver) => receiver,
            Self::Waiting(_) => unreachable!("replaced right above"),
        }
    }
}

fn receiver(name: PackageName, writer: Writer) -> Receiver {
    let shared = &writer.shared;
    // An address is a courtesy: a publish does not fail for want of it.
    let user = shared.users.user(&writer.actor.user).ok().flatten();
    Receiver::new(Context {
        name,
        actor: writer.actor.clone(),
        user_email: user.map(|user| user.email).unwrap_or_default(),
        blobs: Arc::clone(&shared.blobs),
        packages: Arc::clone(&shared.packages),
        tarball_bytes: shared.settings.tarball_bytes,
        metadata: Box::new(move |metadata| writer.apply(&metadata.json)),
    })
}

impl Sink for Upload {
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome> {
        self.receiver().write(bytes)
    }

    fn finish(mut self: Box<Self>) -> Outcome {
        self.receiver();
        match *self {
            Self::Receiving(receiver) => receiver.finish(),
            Self::Waiting(_) => unreachable!("replaced right above"),
        }
    }
}

/// Collects a small document and hands it to its writer: a star, or an unpublish by somebody who may
/// not publish. Held in memory, so its bound is what such a document may need and no more.
pub(crate) struct Collector {
    writer: Writer,
    json: Vec<u8>,
    bytes_max: usize,
}

impl Collector {
    /// Takes at most `bytes_max`.
    pub(crate) fn new(writer: Writer, bytes_max: usize) -> Self {
        Self { writer, json: Vec::new(), bytes_max }
    }
}

impl Sink for Collector {
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome> {
        if bytes.len() > self.bytes_max - self.json.len() {
            return ControlFlow::Break(Outcome::value(too_large()));
        }
        self.json.extend_from_slice(bytes);
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>) -> Outcome {
        self.writer.apply(&self.json)
    }
}

/// What somebody is told whose document is larger than anything they may ask for.
pub(crate) fn too_large() -> Answer {
    Answer::error(403, "you may not publish this package", None)
}
