//! Memory for rendering an answer, kept by each thread from one answer to the next.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use crate::limits::RENDER_KEPT_BYTES_MAX;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes whose memory goes back to the thread that drops them.
pub(super) struct Rendering(Vec<u8>);

impl Rendering {
    /// Empty, with the memory of an earlier one if there is one.
    pub(super) fn new() -> Self {
        Self(KEPT.take())
    }
}

impl Deref for Rendering {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Rendering {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Rendering {
    fn drop(&mut self) {
        if self.0.capacity() <= RENDER_KEPT_BYTES_MAX {
            self.0.clear();
            // The thread may be ending: then the memory just goes.
            let _ = KEPT.try_with(|kept| kept.set(std::mem::take(&mut self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_up_to_its_bound() {
        for (bytes, kept) in [(RENDER_KEPT_BYTES_MAX, true), (RENDER_KEPT_BYTES_MAX + 1, false)] {
            KEPT.set(Vec::new());
            let mut rendering = Rendering::new();
            rendering.reserve_exact(bytes);
            rendering.push(1);
            drop(rendering);
            let next = Rendering::new();
            assert!(next.is_empty());
            assert_eq!(next.capacity() > 0, kept, "{bytes}");
        }
    }
}
