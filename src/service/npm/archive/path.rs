//! Paths and links inside a tarball: which are plain enough that every unpacker puts them in the
//! same place, inside the package.

use super::Error;

/// A path that was checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checked<'p> {
    /// What follows the first component, which unpackers take off; empty if nothing does.
    pub(super) inner: &'p str,
    /// It ends in a slash.
    pub(super) is_directory: bool,
}

impl Checked<'_> {
    /// Whether some file system would take it for the package's manifest.
    pub(super) fn is_like_manifest(&self) -> bool {
        // Windows drops dots and spaces at the end, and a colon begins the name of a stream.
        let name = self.inner.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
        // Through both cases: the Kelvin sign is a k only below, the long s an S only above.
        name.to_lowercase().to_uppercase() == "PACKAGE.JSON"
    }
}

/// Checks an entry's path.
pub(super) fn check(path: &[u8]) -> Result<Checked<'_>, Error> {
    let text = plain(path)?;
    let trimmed = text.strip_suffix('/').unwrap_or(text);
    for component in trimmed.split('/') {
        match component {
            ".." => return Err(Error::ParentPath),
            "" | "." => return Err(Error::BadPath),
            _ => {}
        }
    }
    let inner = trimmed.split_once('/').map_or("", |(_, inner)| inner);
    Ok(Checked { inner, is_directory: trimmed.len() < text.len() })
}

/// Checks where a link leads: a symbolic link from its own directory, a hard one from the root.
pub(super) fn check_link(from: &Checked<'_>, target: &[u8], hard: bool) -> Result<(), Error> {
    if hard {
        return check(target).map(|_| ());
    }
    let mut depth = from.inner.matches('/').count();
    for component in plain(target)?.split('/') {
        match component {
            ".." => depth = depth.checked_sub(1).ok_or(Error::LinkEscapes)?,
            "" | "." => {}
            _ => depth += 1,
        }
    }
    Ok(())
}

fn plain(path: &[u8]) -> Result<&str, Error> {
    let text = std::str::from_utf8(path).map_err(|_| Error::BadPath)?;
    if text.is_empty() || text.chars().any(|character| character == '\\' || character.is_control()) {
        return Err(Error::BadPath);
    }
    let has_drive = text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic();
    match text.starts_with('/') || has_drive {
        true => Err(Error::AbsolutePath),
        false => Ok(text),
    }
}
