//! A directory of one's own among the temporary ones; it goes when it is dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::output::Failure;

pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Self, Failure> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lattice-bench-{}-{count}", std::process::id()));
        // Fails if it is there: whoever made it may not be a friend.
        let made = fs::create_dir(&path);
        made.map_err(|error| Failure::Failed(format!("the directory {} cannot be made: {error}", path.display())))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left in the system's own place for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_directory_goes_with_its_owner() {
        let scratch = Scratch::new().expect("the temp dir is writable");
        let path = scratch.path().to_owned();
        fs::write(path.join("file"), "x").expect("it is ours");
        drop(scratch);
        assert!(!path.exists());
    }
}
