//! The site: everything an HTTP server of documents, files, streams and bodies has to do, asked for in
//! every way that [`requests`] can think of, and compared with a naive server.

pub(crate) mod content;
mod directory;
pub(crate) mod requests;
mod slice;
pub(crate) mod sources;

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};

use lattice::app::App;
use lattice::service::files;
use lattice::session::Settings;
use lattice::wire::http1::Limits;

use crate::naive::{Rules, Served, serve};
use crate::rng::Rng;
use crate::scenario::{Ask, Expect, Scenario};
use crate::wanted::Expected;

pub(crate) use slice::Mistake;
use sources::Outside;

/// `[http] body_bytes` of the simulated node.
pub(crate) const BODY_BYTES: u64 = 4096;
/// `[http] head_bytes` of the simulated node.
pub(crate) const HEAD_BYTES: usize = 2048;
/// `[http] headers` of the simulated node.
pub(crate) const FIELDS: usize = 20;

/// The requests of one connection, each as it is sent.
pub(crate) type Session = Vec<Vec<u8>>;

/// The site and what is asked of it.
pub(crate) struct Site {
    outside: Arc<Outside>,
    files: Arc<files::Shared>,
    mistake: Mistake,
    sessions: Mutex<std::vec::IntoIter<Session>>,
    cut: Option<usize>,
}

impl Site {
    /// What a seed asks.
    pub(crate) fn new(seed: u64, mistake: Mistake) -> Self {
        Self::of(sessions(seed), mistake)
    }

    /// These requests.
    pub(crate) fn of(sessions: Vec<Session>, mistake: Mistake) -> Self {
        let (outside, files) = (Arc::default(), slice::files());
        Self { outside, files, mistake, sessions: Mutex::new(sessions.into_iter()), cut: None }
    }

    /// The same in two pieces.
    pub(crate) fn cut_at(self, at: usize) -> Self {
        Self { cut: Some(at), ..self }
    }
}

/// The numbers that bound a request of the site; `requests` of one connection.
pub(crate) fn rules(requests: u64) -> Rules {
    Rules { head_bytes: HEAD_BYTES, fields: FIELDS, body_bytes: BODY_BYTES, requests: requests as usize }
}

/// The requests of a seed, for each connection.
pub(crate) fn sessions(seed: u64) -> Vec<Session> {
    let mut rng = Rng::new(seed ^ 0x517e);
    (0..rng.between(1, 3)).map(|_| requests::session(&mut rng)).collect()
}

impl Scenario for Site {
    fn app(&self) -> App {
        slice::app(&self.outside, &self.files, self.mistake)
    }

    /// Nobody asks it: the naive server says what is right.
    fn reference(&self) -> App {
        self.app()
    }

    fn settings(&self, rng: &mut Rng) -> Settings {
        Settings {
            head: Limits { head_bytes: HEAD_BYTES, headers: FIELDS },
            body_bytes: BODY_BYTES,
            requests: *rng.pick(&[0, 0, 0, 0, 0, 2, 5]),
            ..Settings::default()
        }
    }

    fn connections(&self, _rng: &mut Rng) -> u64 {
        self.sessions.lock().expect("nobody panics while it is held").len() as u64
    }

    fn script(&self, settings: &Settings, _reference: &mut App, _rng: &mut Rng) -> (Vec<Ask>, Vec<Expected>) {
        let session = self.sessions.lock().expect("nobody panics while it is held").next().unwrap_or_default();
        let bytes = session.concat();
        let rules = rules(settings.requests);
        let mut at = 0;
        let answers = serve(&bytes, &rules).into_iter().map(|served| {
            let start = at;
            at += served.length;
            (ask(&bytes[start..at], &served), served.expected)
        });
        answers.unzip()
    }

    fn stir(&self, rng: &mut Rng) -> bool {
        self.outside.stir(rng)
    }

    fn is_restless(&self) -> bool {
        self.outside.is_restless()
    }

    fn cut(&self) -> Option<usize> {
        self.cut
    }

    fn ended(&self) -> Result<(), String> {
        match (self.outside.complaint(), self.outside.alive.load(SeqCst)) {
            (Some(complaint), _) => Err(complaint),
            (None, 0) => Ok(()),
            (None, left) => Err(format!("{left} sinks are left, or sources")),
        }
    }
}

fn ask(bytes: &[u8], served: &Served) -> Ask {
    Ask {
        bytes: bytes.to_vec(),
        head: served.head,
        needs: served.needs,
        asks_first: served.asks_first,
        refused: served.refused,
        may_close: served.may_close,
        is_open: served.is_open,
        head_only: served.head_only,
        breaks: false,
        expect: Expect::Reference,
    }
}
