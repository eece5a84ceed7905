//! A file that can be sent at once: its media type, and its content in one coding or several.

use std::fs::File;
use std::sync::Arc;

use crate::app::files::Stat;
use crate::app::representation::{Representation, Variant};
use crate::app::{Body, Reply, Request};
use crate::limits::FILES_OPEN_MAX;
use crate::service::files::settings::Settings;
use crate::wire::http::accept::Coding;
use crate::wire::http::conditional::Modified;

/// What the bookkeeping of one file weighs beside its bytes, about.
const OVERHEAD_BYTES: usize = 1024;

/// What every answer with content says; the last where only a part of the forms is there.
static FIELDS: [(&str, &[u8]); 2] = [("X-Content-Type-Options", b"nosniff"), ("Vary", b"Accept-Encoding")];

/// A file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) content_type: &'static str,
    /// First as it is.
    pub(crate) contents: Vec<Content>,
    /// It is being compressed by somebody else: this is for one answer.
    pub(crate) is_partial: bool,
}

/// A file's content in one coding.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) coding: Option<Coding>,
    /// The state it is of: its own, or that of the file it was compressed from.
    pub(crate) stat: Stat,
    /// `None` while the file keeps changing.
    pub(crate) etag: Option<String>,
    pub(crate) source: Source,
}

/// Where the bytes are.
#[derive(Debug)]
pub(crate) enum Source {
    Memory(Arc<[u8]>),
    Handle(Arc<File>),
}

impl Content {
    fn variant(&self) -> Variant<'_> {
        let body = match &self.source {
            Source::Memory(bytes) => Body::Shared(bytes, 0..bytes.len()),
            Source::Handle(file) => Body::File(file, 0, self.stat.length),
        };
        Variant { coding: self.coding, etag: self.etag.as_deref(), body }
    }
}

impl Entry {
    /// Answers with it.
    pub(crate) fn write(&self, settings: &Settings, request: &Request<'_>, reply: &mut Reply<'_>) {
        let plain = &self.contents[0];
        let variants: Vec<Variant<'_>> = self.contents.iter().map(Content::variant).collect();
        // With other forms on their way, the date does not tell the bytes of one from those of another.
        let is_strong = plain.stat.is_settled && !self.is_partial;
        let modified = Modified { unix_s: plain.stat.modified_ns / 1_000_000_000, is_strong };
        let representation = Representation {
            content_type: self.content_type,
            cache_control: settings.cache_control.as_deref(),
            modified: plain.etag.is_some().then_some(modified),
            fields: &FIELDS[..1 + usize::from(self.is_partial)],
            variants: &variants,
        };
        representation.answer(request, reply);
    }

    /// Whether it may be sent again later: not while its file keeps changing, or is being compressed.
    pub(crate) fn is_keepable(&self) -> bool {
        self.contents[0].etag.is_some() && !self.is_partial
    }

    /// Whether a file stays open for it.
    pub(crate) fn holds_handle(&self) -> bool {
        self.contents.iter().any(|content| matches!(content.source, Source::Handle(_)))
    }

    /// What it weighs where `bytes_max` is kept: its bytes, and for each open file so much that only
    /// [`FILES_OPEN_MAX`] of them fit.
    pub(crate) fn weight(&self, bytes_max: usize) -> usize {
        let weigh = |content: &Content| match &content.source {
            Source::Memory(bytes) => bytes.len(),
            Source::Handle(_) => bytes_max / FILES_OPEN_MAX,
        };
        OVERHEAD_BYTES + self.contents.iter().map(weigh).sum::<usize>()
    }
}

/// The strong tag of a state of a file: which file it is, how long, and when it was modified to the
/// nanosecond. Two changes within one tick of the file system's clock that leave the length as it was
/// share a tag; replacing a file by renaming another one never does, for that changes the inode.
pub(crate) fn etag(stat: &Stat, coding: Option<Coding>) -> String {
    let Stat { inode, length, modified_ns, .. } = stat;
    match coding {
        None => format!("\"{inode:x}-{length:x}-{modified_ns:x}\""),
        Some(coding) => format!("\"{inode:x}-{length:x}-{modified_ns:x}-{}\"", coding.token()),
    }
}
