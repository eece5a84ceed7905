//! From a path to what is sent for it: looks, reads and compresses inside jobs.

use std::sync::Arc;

use crate::app::compress::{Effort, compress, is_compressible};
use crate::app::files::{FilePath, Found, OpenFile};
use crate::app::store::{Result, StoreError};
use crate::service::files::entry::{Content, Entry, Source, etag};
use crate::service::files::shared::Shared;
use crate::service::files::types::media_type;
use crate::wire::http::accept::Coding;

/// What a path leads to.
#[derive(Debug, Clone)]
pub(crate) enum Resolved {
    /// A file, or the one that stands for a directory.
    File(Arc<Entry>),
    /// A directory that was asked for without its slash.
    Redirect,
    /// Nothing that is shown.
    Missing,
}

/// Finds out what `path` leads to. `known` is what it led to before: kept as it is if nothing changed.
pub(crate) fn resolve(shared: &Shared, path: &FilePath, slash: bool, known: Option<Arc<Entry>>) -> Result<Resolved> {
    let index = || path.join(&shared.settings.index);
    if slash || path.as_bytes().is_empty() {
        let Some(index) = index() else { return Ok(Resolved::Missing) };
        return Ok(match shared.files.open(&index)? {
            Some(Found::File(_)) if !slash => Resolved::Redirect,
            Some(Found::File(file)) => Resolved::File(load(shared, &index, file, known)?),
            Some(Found::Directory) | None => Resolved::Missing,
        });
    }
    Ok(match shared.files.open(path)? {
        Some(Found::File(file)) => Resolved::File(load(shared, path, file, known)?),
        Some(Found::Directory) => match index().map(|index| shared.files.open(&index)).transpose()? {
            Some(Some(Found::File(_))) => Resolved::Redirect,
            _ => Resolved::Missing,
        },
        None => Resolved::Missing,
    })
}

fn load(shared: &Shared, path: &FilePath, plain: OpenFile, known: Option<Arc<Entry>>) -> Result<Arc<Entry>> {
    let content_type = media_type(path.extension());
    let siblings = if is_compressible(content_type.as_bytes()) { siblings(shared, path, &plain)? } else { Vec::new() };
    let known = known.or_else(|| shared.peek(path));
    if let Some(known) = known.filter(|known| is_current(known, &plain, &siblings)) {
        return Ok(known);
    }
    let mut contents = vec![content(shared, None, plain)?];
    for (coding, file) in siblings {
        contents.push(content(shared, Some(coding), file)?);
    }
    if contents[0].etag.is_none() {
        // A sibling of a file that is being written is of some other state of it.
        contents.truncate(1);
    } else if contents.len() == 1 && is_packable(shared, content_type, &contents[0]) {
        return pack(shared, path, content_type, contents);
    }
    let entry = Arc::new(Entry { content_type, contents, is_partial: false });
    shared.keep(path, &entry);
    Ok(entry)
}

/// Whether compressed forms are wished for it.
fn is_packable(shared: &Shared, content_type: &str, plain: &Content) -> bool {
    let (Some(policy), Source::Memory(bytes)) = (&shared.settings.compress, &plain.source) else { return false };
    let cache_control = shared.settings.cache_control.as_deref().map(str::as_bytes);
    policy.admits(content_type.as_bytes(), cache_control, Some(bytes.len() as u64))
}

/// The file with its compressed forms. Compressing takes long: who comes while somebody is at it gets the
/// file as it is.
fn pack(shared: &Shared, path: &FilePath, content_type: &'static str, contents: Vec<Content>) -> Result<Arc<Entry>> {
    let mut entry = Entry { content_type, contents, is_partial: true };
    let Some(_packing) = shared.begin_packing(path) else { return Ok(Arc::new(entry)) };
    // Somebody may have got done between our looking and our beginning.
    if let Some(packed) = shared.peek(path).filter(|known| is_same_plain(known, &entry)) {
        return Ok(packed);
    }
    add_compressed(shared, &mut entry.contents)?;
    entry.is_partial = false;
    let entry = Arc::new(entry);
    shared.keep(path, &entry);
    Ok(entry)
}

/// Whether both are of one state of a file, and only that file.
fn is_same_plain(known: &Entry, entry: &Entry) -> bool {
    let (known, fresh) = (&known.contents, &entry.contents[0]);
    fresh.stat.is_settled && known.iter().all(|content| content.stat.is_settled && content.stat.is_same(&fresh.stat))
}

/// The compressed files beside a file that are as new as it is.
fn siblings(shared: &Shared, path: &FilePath, plain: &OpenFile) -> Result<Vec<(Coding, OpenFile)>> {
    let mut found = Vec::new();
    for &coding in &shared.settings.siblings {
        let Some(path) = path.with_extension(extension(coding)) else { continue };
        if let Some(Found::File(file)) = shared.files.open(&path)?
            && file.stat.modified_ns >= plain.stat.modified_ns
            && file.stat.length > 0
        {
            found.push((coding, file));
        }
    }
    Ok(found)
}

const fn extension(coding: Coding) -> &'static str {
    match coding {
        Coding::Brotli => "br",
        Coding::Gzip => "gz",
        Coding::Zstd => "zst",
    }
}

/// Whether an entry is what would be loaded now. One from a second that was not over could hide a
/// second change in it: it is loaded once more.
fn is_current(entry: &Entry, plain: &OpenFile, siblings: &[(Coding, OpenFile)]) -> bool {
    let is_same = |content: &Content, file: &OpenFile| content.stat.is_settled && content.stat.is_same(&file.stat);
    let (first, others) = (&entry.contents[0], &entry.contents[1..]);
    // What was compressed here has the state of its file, and goes when there are siblings.
    let made_here = |content: &Content| content.stat.is_same(&first.stat);
    let matches = |(content, (coding, file)): (&Content, &(Coding, OpenFile))| {
        content.coding == Some(*coding) && is_same(content, file)
    };
    let same_siblings = others.len() == siblings.len() && others.iter().zip(siblings).all(matches);
    is_same(first, plain) && (same_siblings || siblings.is_empty() && others.iter().all(made_here))
}

fn content(shared: &Shared, coding: Option<Coding>, open: OpenFile) -> Result<Content> {
    if open.stat.length > shared.settings.memory_bytes_max {
        let etag = Some(etag(&open.stat, coding));
        return Ok(Content { coding, stat: open.stat, etag, source: Source::Handle(open.file) });
    }
    Ok(match shared.files.read(&open, shared.settings.memory_bytes_max)? {
        Some(read) => {
            let etag = Some(etag(&read.stat, coding));
            Content { coding, stat: read.stat, etag, source: Source::Memory(read.bytes) }
        }
        None => Content { coding, stat: open.stat, etag: None, source: Source::Handle(open.file) },
    })
}

/// Adds compressed forms of a file in memory, those that are smaller than it.
fn add_compressed(shared: &Shared, contents: &mut Vec<Content>) -> Result<()> {
    let plain = &contents[0];
    let (Some(policy), Source::Memory(bytes)) = (&shared.settings.compress, &plain.source) else { return Ok(()) };
    let (stat, bytes) = (plain.stat, Arc::clone(bytes));
    for &coding in &policy.codings {
        let packed = compress(coding, Effort::Kept, &bytes).map_err(StoreError::from)?;
        if packed.len() < bytes.len() {
            let etag = Some(etag(&stat, Some(coding)));
            contents.push(Content { coding: Some(coding), stat, etag, source: Source::Memory(packed.into()) });
        }
    }
    Ok(())
}
