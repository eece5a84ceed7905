//! Requests whose answer is being made on the pool, and what becomes of them when it has no place.

use std::sync::{Arc, Mutex, PoisonError};

use super::later::{Later, guarded};
use super::request::Locals;
use super::response::Response;
use super::table::Table;
use crate::app::{self, Flow, Lane, Outcome, Value};

/// A request whose answer is being made elsewhere.
pub(super) struct Parked {
    pub(super) response: Response,
    /// How many middlewares are to see it.
    pub(super) depth: usize,
    pub(super) locals: Locals,
}

/// A request whose job found its queue full. Whichever of the two there is in the end, the job or this,
/// takes what the request has left.
struct NoPlace(Arc<Mutex<(usize, Locals)>>);

/// Has the answer made.
pub(super) fn wait(lane: Lane, later: Later, depth: usize, locals: Locals) -> Flow {
    match lane {
        Lane::Io => {
            let job = move || Outcome::value(Parked { response: guarded(later), depth, locals });
            Flow::Wait(lane, Box::new(job))
        }
        Lane::Slow => {
            let left = Arc::new(Mutex::new((depth, locals)));
            let no_place = NoPlace(Arc::clone(&left));
            let job = move || {
                let (depth, locals) = take(&left);
                Outcome::value(Parked { response: guarded(later), depth, locals })
            };
            Flow::WaitOr(lane, Box::new(job), Box::new(no_place))
        }
    }
}

/// What a job has left, or stands in its place; any other value is given back.
pub(super) fn parked(table: &Table, core: &app::Request<'_>, value: Value) -> Result<Parked, Value> {
    let value = match value.downcast::<Parked>() {
        Ok(parked) => return Ok(*parked),
        Err(value) => value,
    };
    let no_place = value.downcast::<NoPlace>()?;
    let (depth, locals) = take(&no_place.0);
    Ok(Parked { response: table.busy(core.peer), depth, locals })
}

fn take(left: &Mutex<(usize, Locals)>) -> (usize, Locals) {
    std::mem::take(&mut *left.lock().unwrap_or_else(PoisonError::into_inner))
}
