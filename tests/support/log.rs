//! The output of a process while it still runs.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// What came out of one or more pipes so far. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    open_pipes: usize,
}

impl Log {
    /// Takes in what comes out of `pipe` until it ends, on a thread of its own.
    pub(crate) fn follow(&self, mut pipe: impl Read + Send + 'static) {
        let log = self.clone();
        log.change(|state| state.open_pipes += 1);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut bytes) {
                log.change(|state| state.bytes.extend_from_slice(&bytes[..count]));
            }
            log.change(|state| state.open_pipes -= 1);
        });
    }

    /// Everything so far; bytes that are not UTF-8 show as U+FFFD.
    pub(crate) fn text(&self) -> String {
        text_of(&self.shared.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What `pick` finds in the output, waiting for more until `deadline`.
    pub(crate) fn wait_for<T>(&self, deadline: Instant, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.wait(deadline, |state| pick(&text_of(state)))
    }

    /// Waits until all pipes have ended, or `deadline`.
    pub(crate) fn wait_until_ended(&self, deadline: Instant) -> bool {
        self.wait(deadline, |state| (state.open_pipes == 0).then_some(())).is_some()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.shared;
        change(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
    }

    fn wait<T>(&self, deadline: Instant, pick: impl Fn(&State) -> Option<T>) -> Option<T> {
        let (state, changed) = &*self.shared;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = pick(&state) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn text_of(state: &State) -> String {
    String::from_utf8_lossy(&state.bytes).into_owned()
}
