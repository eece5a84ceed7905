//! `PUT /:pkg`: the body in, piece by piece; a version published, or a metadata document for
//! whoever knows what to do with it.
//!
//! A tarball goes straight to the store while it is decoded, so a publish needs memory for its
//! document and a few blocks. Nothing is visible before everything was checked: one tarball, one
//! version, the same name in URL, document, manifest and `package.json`, lengths and hashes as
//! promised, a tarball that is safe to unpack. The store decides whether the version is still free.

mod submission;

use std::ops::ControlFlow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::app::store::{Actor, BlobWriter, Blobs, Draft, Packages, StagedBlob, StoreError, Written};
use crate::app::{Outcome, Sink};
use crate::service::npm::answer::Answer;
use crate::service::npm::document::{self, Splitter};
use crate::service::npm::manifest::{self, Publisher, Stored, normal};
use crate::service::npm::name::PackageName;
use crate::service::npm::written::outcome;
use crate::service::npm::{archive, version};

use submission::Submission;

/// Longest description kept for search, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 4096;
/// Most keywords kept for search, and the longest of them in bytes.
const KEYWORDS_MAX: usize = 100;
const KEYWORD_BYTES_MAX: usize = 256;

/// A metadata document: a body without attachments.
#[derive(Debug, PartialEq, Eq)]
pub struct Metadata {
    /// One JSON object, checked, as the client sent it.
    pub json: Vec<u8>,
}

/// Takes a body without attachments: deprecation, stars, owners. Its value is an [`Answer`].
pub type OnMetadata = Box<dyn FnOnce(Metadata) -> Outcome + Send>;

/// What a publish is made with.
pub struct Context {
    /// The package the URL names; the caller has checked that the user may publish it.
    pub name: PackageName,
    /// Who publishes.
    pub actor: Actor,
    /// Their address, for `_npmUser`; may be empty.
    pub user_email: String,
    /// Where the tarball goes.
    pub blobs: Arc<dyn Blobs>,
    /// Where the version goes.
    pub packages: Arc<dyn Packages>,
    /// Largest tarball, in bytes.
    pub tarball_bytes: u64,
    /// What becomes of a body without attachments.
    pub metadata: OnMetadata,
}

/// Receives the body of one `PUT /:pkg`. The outcome's value is an [`Answer`].
pub struct Receiver {
    context: Context,
    splitter: Splitter,
    /// Opened by the first byte of a tarball.
    blob: Option<Box<dyn BlobWriter>>,
    blob_bytes: u64,
}

impl Receiver {
    /// At the beginning of a body.
    pub fn new(context: Context) -> Self {
        Self { context, splitter: Splitter::new(), blob: None, blob_bytes: 0 }
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Answer> {
        while !bytes.is_empty() {
            let (used, decoded) = self.splitter.on_bytes(bytes).map_err(refuse_document)?;
            bytes = &bytes[used..];
            if decoded.is_empty() {
                continue;
            }
            self.blob_bytes += decoded.len() as u64;
            if self.blob_bytes > self.context.tarball_bytes {
                return Err(refuse_size(self.context.tarball_bytes));
            }
            let blob = match &mut self.blob {
                Some(blob) => blob,
                None => self.blob.insert(self.context.blobs.stage().map_err(store_failed)?),
            };
            blob.write(decoded).map_err(store_failed)?;
        }
        Ok(())
    }
}

impl Sink for Receiver {
    fn write(&mut self, bytes: &[u8]) -> ControlFlow<Outcome> {
        match self.take(bytes) {
            Ok(()) => ControlFlow::Continue(()),
            Err(answer) => ControlFlow::Break(Outcome::value(answer)),
        }
    }

    fn finish(self: Box<Self>) -> Outcome {
        let Receiver { context, splitter, blob, .. } = *self;
        let document = match splitter.finish() {
            Ok(document) => document,
            Err(error) => return Outcome::value(refuse_document(error)),
        };
        let Some(attachment) = document.attachment else {
            return (context.metadata)(Metadata { json: document.json });
        };
        let submission = Submission::read(&context.name, &document.json, &attachment);
        drop(document.json);
        let draft =
            submission.map_err(|refusal| refusal.answer()).and_then(|submission| draft(&context, submission, blob));
        match draft {
            Ok(draft) => publish(&context, draft),
            Err(answer) => Outcome::value(answer),
        }
    }
}

/// Ends the tarball, looks into it and makes what the store will take.
fn draft(context: &Context, submission: Submission, blob: Option<Box<dyn BlobWriter>>) -> Result<Draft, Answer> {
    let blob = blob.ok_or_else(|| refuse("the attachment is empty: it must be a gzipped tarball"))?;
    let blob = blob.finish().map_err(store_failed)?;
    check_hashes(&submission, blob.as_ref())?;
    let contents = look_into(blob.as_ref())?;
    let tarball = manifest::parse(&contents.manifest).map_err(|error| refuse(&error.to_string()))?;
    let Submission { version, manifest: document, tags } = submission;
    manifest::agree(&context.name, &version, &document, &tarball).map_err(|error| {
        let way_out = "publish with an unmodified client, so that both come from the same package.json";
        Answer::error(400, &error.to_string(), Some(way_out))
    })?;
    let publisher = Publisher { name: &context.actor.user, email: &context.user_email };
    let Stored { manifest, abbreviated } =
        manifest::store(&context.name, &version, &document, &tarball, &contents, publisher);
    let mut description = normal::description(&document);
    description.truncate(description.floor_char_boundary(DESCRIPTION_BYTES_MAX));
    let mut keywords = normal::keywords(&document);
    keywords.retain(|word| word.len() <= KEYWORD_BYTES_MAX);
    keywords.truncate(KEYWORDS_MAX);
    Ok(Draft {
        name: context.name.shared(),
        version,
        manifest,
        abbreviated,
        blob,
        files: contents.files,
        unpacked: contents.unpacked,
        tags,
        description,
        keywords,
        readme: contents.readme,
    })
}

fn publish(context: &Context, draft: Draft) -> Outcome {
    let (name, version) = (context.name.as_str(), draft.version.clone());
    let answer = match context.packages.publish(draft, &context.actor) {
        written @ (Err(_) | Ok(Written::Done { .. } | Written::Same { .. } | Written::Refused(_))) => {
            return outcome(&context.name.shared(), 201, written);
        }
        Ok(Written::Exists) => Answer::error(
            409,
            &format!("{name}@{version} already exists: publish a new version"),
            Some("a version can be published once; neither its tarball nor its manifest can be replaced"),
        ),
        Ok(Written::Tombstone) => Answer::error(
            409,
            &format!("{name}@{version} was unpublished: publish a new version"),
            Some(
                "a version that was unpublished can never be used again, so that nobody gets other bytes under a name they know",
            ),
        ),
        Ok(Written::NotMaintainer) => Answer::error(
            403,
            &format!("{} is not a maintainer of {name}", context.actor.user),
            Some(&format!("a maintainer can change that: npm owner add {} {name}", context.actor.user)),
        ),
        Ok(Written::Missing | Written::Stale { .. }) => {
            Answer::error(409, &format!("{name} was changed at the same time: publish again"), None)
        }
    };
    Outcome::value(answer)
}

fn look_into(blob: &dyn StagedBlob) -> Result<archive::Contents, Answer> {
    let reader = blob.read().map_err(store_failed)?;
    archive::inspect(reader, blob.length()).map_err(|error| match error {
        archive::Error::Store(error) => store_failed(error.into()),
        other => refuse(other.sentence()),
    })
}

/// What the client promised in `dist` must be what arrived; what it left out is worked out anyway.
fn check_hashes(submission: &Submission, blob: &dyn StagedBlob) -> Result<(), Answer> {
    let Some(dist) = submission.manifest.get("dist") else { return Ok(()) };
    let field = |name: &str| match dist.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(refuse(&format!("dist.{name} must be a string"))),
    };
    for hash in field("integrity")?.split_ascii_whitespace() {
        let (algorithm, rest) = hash.split_once('-').unwrap_or((hash, ""));
        let digest = rest.split('?').next().unwrap_or_default();
        let computed = match algorithm {
            "sha512" => STANDARD.encode(blob.id().0),
            "sha1" => STANDARD.encode(blob.sha1()),
            _ => continue,
        };
        if digest != computed {
            return Err(mismatch(&format!("dist.integrity ({algorithm})"), digest, &computed));
        }
    }
    let shasum = field("shasum")?;
    let computed: String = blob.sha1().iter().map(|byte| format!("{byte:02x}")).collect();
    match shasum.is_empty() || shasum.eq_ignore_ascii_case(&computed) {
        true => Ok(()),
        false => Err(mismatch("dist.shasum", shasum, &computed)),
    }
}

fn mismatch(field: &str, promised: &str, computed: &str) -> Answer {
    let promised: String = promised.chars().take(100).collect();
    let error = format!(
        "{field} is not that of the attachment: the document says {promised}, the bytes that arrived have {computed}"
    );
    Answer::error(400, &error, Some("the tarball was damaged on its way or is not the one the document describes"))
}

fn refuse(error: &str) -> Answer {
    Answer::error(400, error, None)
}

fn refuse_document(error: document::Error) -> Answer {
    Answer::error(error.status(), error.sentence(), None)
}

fn refuse_size(limit: u64) -> Answer {
    let error = format!("the tarball is too large: at most {limit} bytes are accepted");
    Answer::error(413, &error, Some("the operator can raise tarball_bytes under [npm] in registry.toml"))
}

fn store_failed(error: StoreError) -> Answer {
    Answer::store_failed(&error)
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
