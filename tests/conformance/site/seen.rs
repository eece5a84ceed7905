//! What a server has seen of its clients.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use lattice::Request;
use lattice::web::SlowRequest;

/// The fields of requests that are worth a look.
const NOTED: [&str; 3] = ["If-None-Match", "Last-Event-ID", "Range"];

/// A request, with the noted fields that it had.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    path: String,
    pub(super) fields: BTreeMap<&'static str, String>,
}

/// Requests, answers, and what the streams have given.
#[derive(Debug, Default)]
pub(super) struct Seen {
    asked: Mutex<Vec<Asked>>,
    answered: Mutex<Vec<(String, String, u16)>>,
    report: Mutex<Option<String>>,
    reported: Condvar,
    /// Bytes that were taken from the last stream.
    pub(super) pulled: AtomicU64,
    /// Streams that were dropped.
    pub(super) dropped: AtomicU64,
}

impl Seen {
    pub(super) fn note(&self, request: &Request<'_>) {
        let field = |name| Some((name, request.header(name)?.to_owned()));
        let fields = NOTED.into_iter().filter_map(field).collect();
        self.asked.lock().expect("no test panics here").push(Asked { path: request.path().to_owned(), fields });
    }

    pub(super) fn answered(&self, answer: &SlowRequest<'_>) {
        let answer = (answer.method.as_str().to_owned(), answer.path.to_owned(), answer.status);
        self.answered.lock().expect("no test panics here").push(answer);
    }

    /// The requests for a path, in order.
    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().expect("no test panics here");
        asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// Methods and statuses of the answers for a path, in order.
    pub(super) fn answers(&self, path: &str) -> Vec<String> {
        let answered = self.answered.lock().expect("no test panics here");
        let of_path = answered.iter().filter(|(_, asked, _)| asked == path);
        of_path.map(|(method, _, status)| format!("{method} {status}")).collect()
    }

    /// Bytes pulled, streams dropped.
    pub(super) fn look(&self) -> [u64; 2] {
        [self.pulled.load(Ordering::SeqCst), self.dropped.load(Ordering::SeqCst)]
    }

    /// A page tells what it found.
    pub(super) fn report(&self, facts: String) {
        *self.report.lock().expect("no test panics here") = Some(facts);
        self.reported.notify_all();
    }

    /// Waits for a page to tell.
    pub(super) fn wait_for_report(&self, patience: Duration) -> Option<String> {
        let report = self.report.lock().expect("no test panics here");
        let waited = self.reported.wait_timeout_while(report, patience, |report| report.is_none());
        waited.expect("no test panics here").0.take()
    }

    /// Waits until so many streams were dropped.
    pub(super) fn wait_for_dropped(&self, count: u64, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.dropped.load(Ordering::SeqCst) < count {
            assert!(Instant::now() < deadline, "{:?} of {count} streams were dropped", self.dropped);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
