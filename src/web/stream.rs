//! Answers that leave piece by piece.

use std::io::{ErrorKind, Read};

use super::answer::IntoResponse;
use super::response::{Body, Response};
use crate::app::{Lane, Pull, Source, Wake};
use crate::limits::SOURCE_PIECE_BYTES;

/// An answer whose body is made while it leaves, only as fast as the client takes it. Its type is
/// `application/octet-stream` unless told; without a length it is sent in chunks.
///
/// ```
/// use lattice::{App, Stream};
///
/// fn countdown() -> Stream {
///     Stream::of((1..=3).rev().map(|number| format!("{number}\n"))).content_type("text/plain")
/// }
///
/// let app = App::new().get("/", countdown).test();
/// assert_eq!(app.get("/").send().text(), "3\n2\n1\n");
/// ```
pub struct Stream {
    source: Box<dyn Source>,
    length: Option<u64>,
    content_type: String,
}

impl Stream {
    /// From a source, which says itself where it runs.
    pub fn new(source: impl Source + 'static) -> Self {
        Self { source: Box::new(source), length: None, content_type: "application/octet-stream".into() }
    }

    /// The items of an iterator, which runs on the loop and must not block.
    pub fn of<T: AsRef<[u8]>>(items: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Self {
        Self::new(Items(items.into_iter()))
    }

    /// What `read` gives until its end, read on the pool: files, pipes, other servers. Should it fail,
    /// the connection is cut off, so that nobody takes what has left for the whole.
    pub fn blocking(read: impl Read + Send + 'static) -> Self {
        Self::new(Reader(read))
    }

    /// What `fill` appends to the piece it is given, called on the loop, where it must not block,
    /// until it says [`Pull::End`]. With [`Pull::Later`] the connection is cut off, for nobody could tell
    /// it when: that is for [`Self::waking`].
    pub fn from_fn(mut fill: impl FnMut(&mut Vec<u8>) -> Pull + Send + 'static) -> Self {
        Self::new(Fill(move |piece: &mut Vec<u8>| match fill(piece) {
            Pull::Later => {
                log::error!("a body of Stream::from_fn is to come later, and nobody can say when");
                Pull::Broken
            }
            pull => pull,
        }))
    }

    /// The same for a body that comes when it comes: `make` is given the [`Wake`] of its connection and
    /// makes `fill`, which may say [`Pull::Later`] and is called again once somebody, on whatever thread,
    /// calls [`Wake::wake`].
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use lattice::{App, Stream};
    /// use lattice::web::Pull;
    ///
    /// fn slow() -> Stream {
    ///     Stream::waking(|wake| {
    ///         let (sender, lines) = mpsc::channel();
    ///         std::thread::spawn(move || {
    ///             for line in ["one\n", "two\n"] {
    ///                 let _ = sender.send(line);
    ///                 wake.wake();
    ///             }
    ///             drop(sender);
    ///             wake.wake();
    ///         });
    ///         move |piece: &mut Vec<u8>| match lines.try_recv() {
    ///             Ok(line) => {
    ///                 piece.extend_from_slice(line.as_bytes());
    ///                 Pull::More
    ///             }
    ///             Err(mpsc::TryRecvError::Empty) => Pull::Later,
    ///             Err(mpsc::TryRecvError::Disconnected) => Pull::End,
    ///         }
    ///     })
    /// }
    ///
    /// let app = App::new().get("/", slow);
    /// # drop(app);
    /// ```
    pub fn waking<F: FnMut(&mut Vec<u8>) -> Pull + Send + 'static>(
        make: impl FnOnce(Wake) -> F + Send + 'static,
    ) -> Self {
        Self::new(Waking::Waits(Some(make)))
    }

    /// Of this length, in bytes: it is sent as `Content-Length`. A body of another length is cut off.
    pub fn length(mut self, bytes: u64) -> Self {
        self.length = Some(bytes);
        self
    }

    /// Of this media type.
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.content_type = media_type.into();
        self
    }
}

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        Response::new(&self.content_type, Body::Stream(self.source, self.length))
    }
}

struct Items<I>(I);

impl<I: Iterator<Item: AsRef<[u8]>> + Send> Source for Items<I> {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        while piece.len() < SOURCE_PIECE_BYTES {
            match self.0.next() {
                Some(item) => piece.extend_from_slice(item.as_ref()),
                None => return Pull::End,
            }
        }
        Pull::More
    }
}

struct Fill<F>(F);

impl<F: FnMut(&mut Vec<u8>) -> Pull + Send> Source for Fill<F> {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        (self.0)(piece)
    }
}

/// What fills the pieces, or what makes it.
enum Waking<M, F> {
    Waits(Option<M>),
    Fills(F),
}

impl<M: FnOnce(Wake) -> F + Send, F: FnMut(&mut Vec<u8>) -> Pull + Send> Source for Waking<M, F> {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        match self {
            Self::Fills(fill) => fill(piece),
            // It is started before it is asked.
            Self::Waits(_) => Pull::Broken,
        }
    }

    fn on_start(&mut self, wake: Wake) {
        if let Self::Waits(make) = self
            && let Some(make) = make.take()
        {
            *self = Self::Fills(make(wake));
        }
    }
}

struct Reader<R>(R);

impl<R: Read + Send> Source for Reader<R> {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        let begun = piece.len();
        piece.resize(begun + SOURCE_PIECE_BYTES, 0);
        let outcome = loop {
            match self.0.read(&mut piece[begun..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        piece.truncate(begun + outcome.as_ref().copied().unwrap_or(0));
        match outcome {
            Ok(0) => Pull::End,
            Ok(_) => Pull::More,
            Err(error) => {
                log::warn!("a body could not be read to its end: {error}");
                Pull::Broken
            }
        }
    }

    fn lane(&self) -> Option<Lane> {
        Some(Lane::Io)
    }
}
