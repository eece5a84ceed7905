//! A package's tarball, read through once and never unpacked: gzip and tar in, what a registry must
//! know about it out.
//!
//! Everything that unpackers disagree on is refused: names that climb or are not plain, two
//! manifests, extension headers that contradict, data after the end. Every length is bounded before
//! memory is taken for it, and the ratio of the whole is bounded while it unfolds.

mod path;

use std::fmt;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType, PaxExtensions};

use crate::app::store::Readme;
use crate::limits::{MANIFEST_BYTES_MAX, README_BYTES_MAX, TAR_ENTRIES_MAX, TAR_RATIO_MAX, TAR_UNPACKED_BYTES_MAX};

/// Bytes that any tarball may unfold to, however small it is.
const UNPACKED_FREE_BYTES: u64 = 16 * 1024 * 1024;
/// Longest extension header read: it holds one or two paths.
const EXTENSION_BYTES_MAX: u64 = 64 * 1024;

/// What a registry must know about a tarball.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The bytes of `package.json`.
    pub manifest: Vec<u8>,
    /// The readme beside it.
    pub readme: Option<Readme>,
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub unpacked: u64,
    /// `npm-shrinkwrap.json` is in it.
    pub has_shrinkwrap: bool,
    /// A `.gyp` file is in it: npm would build it when it is installed.
    pub has_gyp: bool,
}

/// What is wrong with a tarball.
#[derive(Debug)]
pub enum Error {
    /// An absolute path.
    AbsolutePath,
    /// A path with a component that unpackers disagree on.
    BadPath,
    /// It unfolds to too much.
    Bomb,
    /// A device or a pipe.
    Device,
    /// Two of `package.json`.
    DuplicateManifest,
    /// Extension headers that contradict each other or the file they are for, or are too long.
    Extension,
    /// A link that leads out of the package.
    LinkEscapes,
    /// `package.json` is a link or a directory, or spelt in another case.
    ManifestKind,
    /// `package.json` is too large.
    ManifestTooLarge,
    /// There is no `package.json`.
    NoManifest,
    /// A file beside the package's directory.
    OutsideRoot,
    /// A path that climbs.
    ParentPath,
    /// The store failed to give it back.
    Store(io::Error),
    /// Not a gzipped tar.
    Tar,
    /// Too many entries.
    TooManyEntries,
    /// Bytes after its end.
    Trailing,
    /// A kind of entry that packages do not have.
    UnknownKind,
}

impl Error {
    /// What is wrong and what is allowed.
    pub fn sentence(&self) -> &'static str {
        match self {
            Self::AbsolutePath => "the tarball has an entry with an absolute path",
            Self::BadPath => {
                "the tarball has an entry whose path is not plain: no backslash, control character, empty or . component is accepted"
            }
            Self::Bomb => {
                "the tarball unfolds to too much: at most 4 GiB, and at most 200 times its own size beyond 16 MiB"
            }
            Self::Device => "the tarball has a device or a pipe: only files, directories and links are accepted",
            Self::DuplicateManifest => "the tarball has two of package.json",
            Self::Extension => "the tarball has an extension header that is too long or contradicts its entry",
            Self::LinkEscapes => "the tarball has a link that leads out of the package",
            Self::ManifestKind => "the tarball's package.json must be a file of exactly that name",
            Self::ManifestTooLarge => "the tarball's package.json is too large: at most 1 MiB",
            Self::NoManifest => "the tarball has no package/package.json",
            Self::OutsideRoot => "the tarball has a file that is not in a directory: everything belongs under package/",
            Self::ParentPath => "the tarball has an entry whose path contains ..",
            Self::Store(_) => "the registry's store failed",
            Self::Tar => "the attachment is not a gzipped tarball",
            Self::TooManyEntries => "the tarball has too many entries: at most 100000",
            Self::Trailing => "the tarball has data after its end",
            Self::UnknownKind => {
                "the tarball has an entry of a kind that is not accepted: only files, directories and links are"
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sentence())
    }
}

impl std::error::Error for Error {}

/// Reads a tarball of `length` bytes through.
pub fn inspect(tarball: impl Read, length: u64) -> Result<Contents, Error> {
    let mut source = Source { inner: tarball, failed: None };
    let (result, bomb) = {
        let left = length.saturating_mul(TAR_RATIO_MAX).clamp(UNPACKED_FREE_BYTES, TAR_UNPACKED_BYTES_MAX);
        let mut unfolded = Unfolded { inner: MultiGzDecoder::new(&mut source), left, bomb: false };
        (walk(&mut unfolded), unfolded.bomb)
    };
    match (source.failed, bomb) {
        (Some(error), _) => Err(Error::Store(error)),
        (None, true) => Err(Error::Bomb),
        (None, false) => result,
    }
}

/// Remembers that the store failed, which is not the tarball's fault.
struct Source<R> {
    inner: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failed = Some(error);
            }
            kind.into()
        })
    }
}

/// Ends a bomb while it unfolds.
struct Unfolded<R> {
    inner: R,
    left: u64,
    bomb: bool,
}

impl<R: Read> Read for Unfolded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                self.bomb = true;
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(count)
    }
}

fn walk(unfolded: &mut impl Read) -> Result<Contents, Error> {
    let mut archive = Archive::new(unfolded);
    let mut walker = Walker::default();
    for (index, entry) in archive.entries().map_err(|_| Error::Tar)?.raw(true).enumerate() {
        if index == TAR_ENTRIES_MAX {
            return Err(Error::TooManyEntries);
        }
        walker.on_entry(&mut entry.map_err(|_| Error::Tar)?)?;
    }
    expect_zeros(archive.into_inner())?;
    walker.finish()
}

/// An unpacker that skips one block of zeros would read on: what follows must be padding.
fn expect_zeros(rest: &mut impl Read) -> Result<(), Error> {
    let mut block = [0; 4096];
    loop {
        match rest.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) if block[..count].iter().all(|&byte| byte == 0) => {}
            Ok(_) => return Err(Error::Trailing),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Error::Tar),
        }
    }
}

/// What extension headers say about the entry that follows.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

#[derive(Default)]
struct Walker {
    extensions: Extensions,
    /// Extension headers were read and their entry is still to come.
    expecting: bool,
    manifest: Option<Vec<u8>>,
    readme: Option<(u8, Readme)>,
    files: u64,
    unpacked: u64,
    has_shrinkwrap: bool,
    has_gyp: bool,
}

impl Walker {
    fn on_entry(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), Error> {
        match entry.header().entry_type() {
            EntryType::XHeader => return self.on_pax(entry),
            EntryType::XGlobalHeader => return check_global(entry),
            EntryType::GNULongName => {
                let path = read_name(entry)?;
                self.expecting = true;
                return set_once(&mut self.extensions.path, path);
            }
            EntryType::GNULongLink => {
                let link = read_name(entry)?;
                self.expecting = true;
                return set_once(&mut self.extensions.link, link);
            }
            _ => {}
        }
        self.expecting = false;
        let extensions = std::mem::take(&mut self.extensions);
        if extensions.size.is_some_and(|size| size != entry.size()) {
            return Err(Error::Extension);
        }
        let path = extensions.path.unwrap_or_else(|| entry.header().path_bytes().into_owned());
        self.on_member(entry, path::check(&path)?, extensions.link)
    }

    fn on_pax(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), Error> {
        let bytes = read_extension(entry)?;
        self.expecting = true;
        for record in PaxExtensions::new(&bytes) {
            let record = record.map_err(|_| Error::Extension)?;
            match record.key_bytes() {
                b"path" => set_once(&mut self.extensions.path, record.value_bytes().to_vec())?,
                b"linkpath" => set_once(&mut self.extensions.link, record.value_bytes().to_vec())?,
                b"size" => {
                    let size = record.value().ok().and_then(|value| value.parse().ok()).ok_or(Error::Extension)?;
                    set_once(&mut self.extensions.size, size)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn on_member(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        path: path::Checked<'_>,
        link: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let kind = entry.header().entry_type();
        let is_file = matches!(kind, EntryType::Regular | EntryType::Continuous) && !path.is_directory;
        if path.is_like_manifest() && !(is_file && path.inner == "package.json") {
            return Err(Error::ManifestKind);
        }
        if is_file {
            return self.on_file(entry, path.inner);
        }
        match kind {
            // Unpackers disagree on whether these have contents.
            _ if entry.size() != 0 => Err(Error::UnknownKind),
            EntryType::Directory | EntryType::Regular | EntryType::Continuous => Ok(()),
            EntryType::Symlink | EntryType::Link => {
                let target = link.or_else(|| entry.header().link_name_bytes().map(|name| name.into_owned()));
                path::check_link(&path, &target.unwrap_or_default(), kind == EntryType::Link)
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => Err(Error::Device),
            _ => Err(Error::UnknownKind),
        }
    }

    fn on_file(&mut self, entry: &mut Entry<'_, impl Read>, inner: &str) -> Result<(), Error> {
        if inner.is_empty() {
            return Err(Error::OutsideRoot);
        }
        self.files += 1;
        self.unpacked = self.unpacked.saturating_add(entry.size());
        match inner {
            "package.json" => self.on_manifest(entry)?,
            "npm-shrinkwrap.json" => self.has_shrinkwrap = true,
            _ if inner.contains('/') => {}
            _ => {
                self.has_gyp |= inner.ends_with(".gyp");
                self.on_readme(entry, inner)?;
            }
        }
        Ok(())
    }

    fn on_manifest(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), Error> {
        if self.manifest.is_some() {
            return Err(Error::DuplicateManifest);
        }
        if entry.size() > MANIFEST_BYTES_MAX as u64 {
            return Err(Error::ManifestTooLarge);
        }
        self.manifest = Some(read_whole(entry, MANIFEST_BYTES_MAX)?);
        Ok(())
    }

    fn on_readme(&mut self, entry: &mut Entry<'_, impl Read>, file: &str) -> Result<(), Error> {
        let rank = readme_rank(file);
        if rank == 0 || self.readme.as_ref().is_some_and(|(best, _)| *best >= rank) {
            return Ok(());
        }
        let bytes = read_whole(entry, README_BYTES_MAX + 1)?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        // One byte more than is kept was read, so a character that it cut is cut away with it.
        text.truncate(text.floor_char_boundary(README_BYTES_MAX));
        self.readme = Some((rank, Readme { text, file: file.to_string() }));
        Ok(())
    }

    fn finish(self) -> Result<Contents, Error> {
        if self.expecting {
            return Err(Error::Extension);
        }
        Ok(Contents {
            manifest: self.manifest.ok_or(Error::NoManifest)?,
            readme: self.readme.map(|(_, readme)| readme),
            files: self.files,
            unpacked: self.unpacked,
            has_shrinkwrap: self.has_shrinkwrap,
            has_gyp: self.has_gyp,
        })
    }
}

/// Which readme is shown when there are several; 0 for what is none.
fn readme_rank(file: &str) -> u8 {
    match file.to_ascii_lowercase().as_str() {
        "readme.md" => 4,
        "readme.markdown" => 3,
        "readme" => 2,
        other if other.starts_with("readme.") => 1,
        _ => 0,
    }
}

fn set_once<T>(slot: &mut Option<T>, value: T) -> Result<(), Error> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::Extension),
    }
}

/// A header for all entries may carry a comment, but nothing that renames or resizes them.
fn check_global(entry: &mut Entry<'_, impl Read>) -> Result<(), Error> {
    let bytes = read_extension(entry)?;
    for record in PaxExtensions::new(&bytes) {
        let record = record.map_err(|_| Error::Extension)?;
        if matches!(record.key_bytes(), b"path" | b"linkpath" | b"size") {
            return Err(Error::Extension);
        }
    }
    Ok(())
}

/// A GNU long name, without the NUL that ends it.
fn read_name(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, Error> {
    let mut name = read_extension(entry)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn read_extension(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, Error> {
    match entry.size() {
        0..=EXTENSION_BYTES_MAX => read_whole(entry, EXTENSION_BYTES_MAX as usize),
        _ => Err(Error::Extension),
    }
}

/// The first `bytes_max` bytes of an entry.
fn read_whole(entry: &mut Entry<'_, impl Read>, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let wanted = entry.size().min(bytes_max as u64);
    let mut bytes = Vec::with_capacity(wanted as usize);
    entry.take(wanted).read_to_end(&mut bytes).map_err(|_| Error::Tar)?;
    match bytes.len() as u64 == wanted {
        true => Ok(bytes),
        false => Err(Error::Tar),
    }
}

#[cfg(test)]
pub(crate) mod tests;
