//! Static files: a path below a prefix in, a file of a directory out.
//!
//! ```text
//! path ─▶ decoded once ─▶ this thread's files (kept) ─▶ 200, 206, 304, …
//!                               │ not there, or due
//!                               ▼
//!                         a job: open, compare, read (load) ─▶ the directory
//! ```
//!
//! Small files are sent from memory that all threads share, larger ones by the kernel from their file.
//! A change is seen by every request that comes more than [`Settings::fresh_ns`] after it, one second
//! unless told otherwise. Replace files by renaming: one that is written to in place may be sent half
//! old, half new, as with any server. A file that was deleted is closed once it is not believed any more
//! and its thread next looks at any file of the directory.
//!
//! Refused with 404: what is not there, names that begin with a dot, `.` and `..`, empty names, slashes
//! and backslashes that were escaped, and whatever leads out of the directory. Directories are shown as
//! their index or not at all. Nothing is remembered of what is not there.

mod entry;
mod kept;
mod load;
mod settings;
mod shared;
#[cfg(test)]
mod tests;
mod types;

use std::borrow::Cow;
use std::sync::Arc;

use crate::app::files::{FilePath, PathError};
use crate::app::store::Result;
use crate::app::{BodyPolicy, Flow, Reply, Request, RouteSpec, Service, Value};
use crate::wire::http1::Method;

use kept::{Kept, Known};
use load::{Resolved, resolve};

pub use settings::Settings;
pub use shared::Shared;

const ROOT: u16 = 0;
const BELOW: u16 = 1;

/// The files of a directory, as one thread serves them.
pub struct StaticFiles {
    shared: Arc<Shared>,
    kept: Kept,
}

/// What a job brings.
struct Brought {
    key: Box<[u8]>,
    looked_ns: u64,
    resolved: Result<Resolved>,
}

impl StaticFiles {
    /// The files on one more thread.
    pub fn new(shared: Arc<Shared>) -> Self {
        shared.join();
        Self { shared, kept: Kept::new() }
    }

    /// Their routes, to be mounted under the prefix they are to have, such as `/static`; `open` to
    /// everybody, or behind the guards.
    pub fn routes(open: bool) -> Vec<RouteSpec> {
        let route = |pattern, id| RouteSpec { method: Method::Get, pattern, id, body: BodyPolicy::Discard, open };
        vec![route("/", ROOT), route("/{path:rest}", BELOW)]
    }

    fn look(
        &mut self,
        key: &[u8],
        known: Option<Arc<entry::Entry>>,
        request: &Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Flow {
        let (path, slash) = match key.strip_suffix(b"/") {
            Some(path) => (path, true),
            None => (key, false),
        };
        let path = match FilePath::new(path, self.shared.settings.dotfiles) {
            Ok(path) => path,
            Err(error) => return refuse(error, reply),
        };
        let (shared, key, looked_ns) = (Arc::clone(&self.shared), key.into(), request.now.monotonic_ns);
        let stale = self.kept.take_stale(looked_ns, self.shared.settings.fresh_ns);
        Flow::wait(move || {
            // Closing the last handle of a large file that was deleted takes its time.
            drop(stale);
            Brought { key, looked_ns, resolved: resolve(&shared, &path, slash, known) }
        })
    }
}

impl Service for StaticFiles {
    fn call(&mut self, request: &Request<'_>, reply: &mut Reply<'_>) -> Flow {
        let key = match decode(asked(request)) {
            Ok(key) => key,
            Err(error) => return refuse(error, reply),
        };
        let settings = &self.shared.settings;
        let known = match self.kept.find(&key, request.now.monotonic_ns, settings.fresh_ns) {
            Known::Fresh(entry) => {
                entry.write(settings, request, reply);
                return Flow::Done;
            }
            Known::Due(entry) => Some(entry),
            Known::Nothing => None,
        };
        self.look(&key, known, request, reply)
    }

    fn resume(&mut self, request: &Request<'_>, value: Value, reply: &mut Reply<'_>) -> Flow {
        let Brought { key, looked_ns, resolved } =
            *value.downcast::<Brought>().expect("the jobs of this slice bring nothing else");
        match resolved {
            Ok(Resolved::File(entry)) => {
                match (entry.is_keepable(), entry.is_partial) {
                    (true, _) => self.kept.keep(&key, &entry, looked_ns, self.shared.thread_bytes_max()),
                    (false, false) => self.kept.forget(&key),
                    // Whoever compresses it may have brought it already.
                    (false, true) => {}
                }
                entry.write(&self.shared.settings, request, reply);
                return Flow::Done;
            }
            Ok(Resolved::Redirect) => redirect(request, reply),
            Ok(Resolved::Missing) => missing(reply),
            Err(error) => {
                log::error!("files: {error}");
                reply.error(500, "the file cannot be read", Some("the operator's log says why"));
            }
        }
        self.kept.forget(&key);
        Flow::Done
    }
}

/// What was asked for below the prefix: with the slash at its end if one was sent.
fn asked<'b>(request: &Request<'b>) -> &'b [u8] {
    let path = request.head.path;
    let slash = usize::from(path.ends_with(b"/"));
    let length = if request.route.id == BELOW { request.params.at(0).len() } else { 0 };
    &path[path.len() - slash - length..]
}

/// Decodes percent-escapes, once. A slash that was escaped is refused: proxies disagree on what it
/// means.
fn decode(encoded: &[u8]) -> std::result::Result<Cow<'_, [u8]>, PathError> {
    if memchr::memchr(b'%', encoded).is_none() {
        return Ok(Cow::Borrowed(encoded));
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter();
    let hex = |digit: Option<&u8>| digit.and_then(|&digit| char::from(digit).to_digit(16)).ok_or(PathError::Malformed);
    while let Some(&byte) = bytes.next() {
        let byte = match byte {
            b'%' => match (hex(bytes.next())? << 4 | hex(bytes.next())?) as u8 {
                b'/' => return Err(PathError::Refused),
                0 => return Err(PathError::Malformed),
                byte => byte,
            },
            byte => byte,
        };
        decoded.push(byte);
    }
    Ok(Cow::Owned(decoded))
}

fn refuse(error: PathError, reply: &mut Reply<'_>) -> Flow {
    match error {
        PathError::Malformed => {
            reply.error(400, "malformed path", Some("a percent sign begins two hexadecimal digits"))
        }
        PathError::Refused => missing(reply),
    }
    Flow::Done
}

fn missing(reply: &mut Reply<'_>) {
    reply.error_with(404, &[("Cache-Control", b"no-store")], "not found", None);
}

/// To the same path with a slash, so that what the index names relatively is found. The path has led to
/// a directory, so it does not begin with two slashes, which would name another host.
fn redirect(request: &Request<'_>, reply: &mut Reply<'_>) {
    let mut location = [request.head.path, b"/"].concat();
    if let Some(query) = request.head.query {
        location.push(b'?');
        location.extend_from_slice(query);
    }
    reply.status(301).header("Location", &location).header("Cache-Control", b"no-cache").empty();
}
