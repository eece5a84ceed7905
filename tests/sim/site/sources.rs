//! Sources of every kind: on the loop and on the pool, with and without an end, fed from outside,
//! honest and not.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

use lattice::app::compress::{Effort, Encoder};
use lattice::app::{Lane, Pull, Source, Wake};

use crate::rng::Rng;
use crate::site::content::Stream;
use crate::site::slice::Mistake;
use crate::wanted::LAST_LINE;

thread_local! {
    /// A job runs: blocking is allowed.
    static IN_POOL: Cell<bool> = const { Cell::new(false) };
}

/// Runs what the pool runs.
pub(crate) fn in_pool<T>(run: impl FnOnce() -> T) -> T {
    let before = IN_POOL.replace(true);
    let value = run();
    IN_POOL.set(before);
    value
}

/// What all threads of a site share.
#[derive(Default)]
pub(crate) struct Outside {
    /// Sources and sinks that exist.
    pub(crate) alive: AtomicI64,
    feeds: Mutex<Vec<Feed>>,
    complaint: Mutex<Option<String>>,
}

/// Something a source waits for.
struct Feed {
    there: Arc<AtomicUsize>,
    most: usize,
    wake: Wake,
}

impl Outside {
    fn feeds(&self) -> MutexGuard<'_, Vec<Feed>> {
        self.feeds.lock().expect("nobody panics while it is held")
    }

    pub(crate) fn complain(&self, text: String) {
        self.complaint.lock().expect("nobody panics while it is held").get_or_insert(text);
    }

    pub(crate) fn complaint(&self) -> Option<String> {
        self.complaint.lock().expect("nobody panics while it is held").take()
    }

    /// Whether there are sources that wait for more.
    pub(crate) fn is_restless(&self) -> bool {
        !self.feeds().is_empty()
    }

    /// One of the sources is given more; whether there is still one that waits.
    pub(crate) fn stir(&self, rng: &mut Rng) -> bool {
        let mut feeds = self.feeds();
        if feeds.is_empty() {
            return false;
        }
        let index = rng.below(feeds.len() as u64) as usize;
        let feed = &feeds[index];
        let there = (feed.there.load(SeqCst) + rng.between(0, 3) as usize).min(feed.most);
        feed.there.store(there, SeqCst);
        // It may be told of nothing new as well.
        feed.wake.wake();
        if there == feed.most {
            feeds.swap_remove(index);
        }
        !feeds.is_empty()
    }
}

/// A body as a [`Stream`] says.
pub(crate) struct Pieces {
    outside: Arc<Outside>,
    stream: Stream,
    mistake: Mistake,
    next: usize,
    there: Arc<AtomicUsize>,
    drained: bool,
}

impl Pieces {
    pub(crate) fn new(outside: &Arc<Outside>, stream: Stream, mistake: Mistake) -> Self {
        outside.alive.fetch_add(1, SeqCst);
        Self { outside: Arc::clone(outside), stream, mistake, next: 0, there: Arc::default(), drained: false }
    }

    fn feed(&mut self, piece: &mut Vec<u8>) -> Pull {
        if self.drained {
            piece.extend_from_slice(LAST_LINE);
            return Pull::End;
        }
        let there = self.there.load(SeqCst);
        if self.next < there {
            piece.extend_from_slice(&self.stream.piece(self.next));
            self.next += 1;
        }
        match (self.next < there, self.next == self.stream.pieces && self.stream.how == "feed") {
            (_, true) => Pull::End,
            (true, false) => Pull::More,
            (false, false) => Pull::Later,
        }
    }
}

impl Source for Pieces {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        if IN_POOL.get() != self.lane().is_some() {
            self.outside.complain("a source was asked in the wrong place".into());
        }
        if self.stream.is_fed() {
            return self.feed(piece);
        }
        if self.next == self.stream.pieces {
            return if self.stream.how == "broken" { Pull::Broken } else { Pull::End };
        }
        piece.extend_from_slice(&self.stream.piece(self.next));
        self.next += 1;
        // Some say with the last piece that it was that, and some say it later.
        let says_end = self.next == self.stream.pieces && self.stream.how != "broken" && self.next.is_multiple_of(2);
        if says_end { Pull::End } else { Pull::More }
    }

    fn lane(&self) -> Option<Lane> {
        match self.stream.lane {
            "loop" => None,
            "pool" => Some(Lane::Io),
            _ => Some(Lane::Slow),
        }
    }

    fn on_start(&mut self, wake: Wake) {
        if self.stream.is_fed() {
            let feed = Feed { there: Arc::clone(&self.there), most: self.stream.pieces, wake };
            self.outside.feeds().push(feed);
        }
    }

    fn on_drain(&mut self) {
        self.drained = true;
    }

    fn trailers(&mut self) -> Vec<(&'static str, Vec<u8>)> {
        match self.mistake {
            Mistake::ForgetsTrailers => Vec::new(),
            _ => vec![("Pieces", self.next.to_string().into_bytes())],
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if self.lane().is_some() && !IN_POOL.get() {
            self.outside.complain("a source that may block was dropped on the loop".into());
        }
        self.outside.alive.fetch_sub(1, SeqCst);
    }
}

/// A text that is compressed as it is sent.
pub(crate) struct Pressed {
    pub(crate) plain: Vec<u8>,
    pub(crate) at: usize,
    /// `None` as it is.
    pub(crate) encoder: Option<Encoder>,
}

/// Bytes that it takes of the text at once.
const STEP_BYTES: usize = 1500;

impl Pressed {
    pub(crate) fn new(plain: Vec<u8>, coding: Option<lattice::wire::http::accept::Coding>) -> Self {
        let encoder = coding.map(|coding| Encoder::new(coding, Effort::Live).expect("there is memory"));
        Self { plain, at: 0, encoder }
    }
}

impl Source for Pressed {
    fn pull(&mut self, piece: &mut Vec<u8>) -> Pull {
        let end = (self.at + STEP_BYTES).min(self.plain.len());
        let step = &self.plain[self.at..end];
        let (first, last) = (self.at == 0, end == self.plain.len());
        self.at = end;
        match &mut self.encoder {
            None => piece.extend_from_slice(step),
            Some(encoder) => {
                encoder.push(step).expect("a Vec takes everything");
                if first {
                    encoder.flush().expect("a Vec takes everything");
                }
                piece.extend_from_slice(&encoder.take());
            }
        }
        if !last {
            return Pull::More;
        }
        if let Some(encoder) = self.encoder.take() {
            piece.extend_from_slice(&encoder.finish().expect("a Vec takes everything"));
        }
        Pull::End
    }

    fn lane(&self) -> Option<Lane> {
        Some(Lane::Io)
    }
}
