//! Tarballs: a path in, a range of a file out; the kernel copies the bytes.
//!
//! A file name is a package's own or it is nobody's: it is derived from name and version, never
//! followed. Each thread keeps a few open files, so that a hot tarball needs no job.

use std::fs::File;
use std::sync::Arc;

use crate::app::representation::{Representation, Variant};
use crate::app::store::{BlobId, Result, StoreError};
use crate::app::{Body, Reply, Request};
use crate::service::npm::access::RuleIndex;
use crate::service::npm::packument::push_hex;
use crate::service::npm::shared::Shared;

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

    /// Answers with it, parts of it, or that the client has it. In a registry that is private as a whole no
    /// cache may hand it to others, who might not be asked who they are.
    pub(crate) fn write(&self, is_private: bool, request: &Request<'_>, reply: &mut Reply<'_>) {
        let body = Body::File(&self.file, 0, self.length);
        let tarball = Representation {
            content_type: "application/octet-stream",
            cache_control: Some(if is_private { PRIVATE } else { self.cache_control }),
            modified: None,
            fields: &[("X-Content-Type-Options", b"nosniff")],
            variants: &[Variant { coding: None, etag: Some(&self.etag), body }],
        };
        tarball.answer(request, reply);
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
