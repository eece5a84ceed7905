//! Tarballs: a path in, a range of a file out; the kernel copies the bytes.
//!
//! A file name is a package's own or it is nobody's: it is derived from name and version, never
//! followed. Each thread keeps a few open files, so that a hot tarball needs no job.

use std::fs::File;
use std::sync::Arc;

use crate::app::store::{BlobId, Result, StoreError};
use crate::app::{Body, Reply, Request};
use crate::service::npm::access::RuleIndex;
use crate::service::npm::conditional::{Part, is_fresh, part};
use crate::service::npm::packument::push_hex;
use crate::service::npm::shared::Shared;
use crate::wire::http1::Method;

/// Tarballs never change under their name, so whoever has one need not ask again for a year.
const PUBLIC: &str = "public, max-age=31536000, immutable";
/// The same for what not everybody may read.
const PRIVATE: &str = "private, max-age=31536000, immutable";

/// A tarball that can be sent at once.
#[derive(Debug)]
pub(crate) struct Tarball {
    /// The package it is of.
    pub(crate) name: Arc<str>,
    /// The rule that decides about it.
    pub(crate) rule: RuleIndex,
    file: Arc<File>,
    length: u64,
    etag: String,
    cache_control: &'static str,
}

impl Tarball {
    /// Finds and opens the tarball of a version. Blocks.
    pub(crate) fn open(shared: &Shared, name: &Arc<str>, rule: RuleIndex, version: &str) -> Result<Option<Arc<Self>>> {
        let Some(blob) = find(shared, name, version)? else { return Ok(None) };
        let Some((file, length)) = shared.blobs.open(&blob)? else {
            let message = format!("the blob of {name}@{version} is missing; `lattice verify` says what to do");
            return Err(StoreError { full: false, message });
        };
        let cache_control = if shared.access.is_public(rule) { PUBLIC } else { PRIVATE };
        let mut etag = String::from("\"");
        push_hex(&mut etag, &blob.0[..16]);
        etag.push('"');
        Ok(Some(Arc::new(Self { name: Arc::clone(name), rule, file, length, etag, cache_control })))
    }

    /// Answers with it, a part of it, or that the client has it.
    pub(crate) fn write(&self, request: &Request<'_>, reply: &mut Reply<'_>) {
        if is_fresh(request.header("If-None-Match"), || None, &self.etag, 0) {
            self.begin(reply, 304).empty();
            return;
        }
        // A range is defined for GET alone (RFC 9110 §14.2).
        let range = request.header("Range").filter(|_| request.head.method == Method::Get);
        match part(range, request.header("If-Range"), &self.etag, self.length) {
            Part::Whole => self.content(reply, 200).body(Body::File(&self.file, 0, self.length)),
            Part::Bytes(range) => {
                let told = format!("bytes {}-{}/{}", range.start, range.end - 1, self.length);
                let body = Body::File(&self.file, range.start, range.end - range.start);
                self.content(reply, 206).header("Content-Range", told.as_bytes()).body(body);
            }
            Part::Unsatisfiable => {
                let told = format!("bytes */{}", self.length);
                let fields = [("Content-Range", told.as_bytes())];
                reply.error_with(416, &fields, "the range is not within the tarball", None);
            }
        }
    }

    fn content<'r, 'a>(&self, reply: &'r mut Reply<'a>, status: u16) -> &'r mut Reply<'a> {
        self.begin(reply, status)
            .header("Content-Type", b"application/octet-stream")
            .header("Accept-Ranges", b"bytes")
            .header("X-Content-Type-Options", b"nosniff")
    }

    fn begin<'r, 'a>(&self, reply: &'r mut Reply<'a>, status: u16) -> &'r mut Reply<'a> {
        reply.status(status).header("ETag", self.etag.as_bytes()).header("Cache-Control", self.cache_control.as_bytes())
    }
}

/// The blob of a version: from the document if it is rendered, else from the store, without rendering.
fn find(shared: &Shared, name: &Arc<str>, version: &str) -> Result<Option<BlobId>> {
    if let Some(document) = shared.renderings.peek(name) {
        return Ok(document.tarball(version));
    }
    let package = shared.packages.load(name)?;
    let versions = package.map(|package| package.versions).unwrap_or_default();
    Ok(versions.into_iter().find(|one| one.version == version).map(|one| one.tarball.blob))
}
