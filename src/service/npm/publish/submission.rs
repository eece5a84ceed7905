//! What a publish document says, checked for form: one version, its manifest, its tags, and an
//! attachment that is what the document says it is.

use std::fmt;

use serde_json::{Map, Value};

use super::{Answer, PackageName, version};
use crate::service::npm::document::Attachment;
use crate::service::npm::manifest::{Manifest, text_of};
use crate::service::npm::version::TagError;

/// A publish document that is well-formed.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) version: String,
    /// The document's manifest of that version.
    pub(super) manifest: Manifest,
    /// Tags that name it.
    pub(super) tags: Vec<String>,
}

/// Why a publish document is not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    AttachmentKey { key: String, expected: String },
    AttachmentLength { declared: String, bytes: u64 },
    Json,
    Manifest,
    Name { field: &'static str, value: String, expected: String },
    Tag { tag: String, error: TagError },
    TagTarget { tag: String, version: String },
    Tags,
    Version(String),
    VersionKey { key: String, value: String },
    Versions(usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AttachmentKey { key, expected } => {
                write!(formatter, "the attachment is named {key:?}, but this package and version call it {expected}")
            }
            Self::AttachmentLength { declared, bytes } => {
                write!(formatter, "the attachment's length is {declared} in the document, but {bytes} bytes arrived")
            }
            Self::Json => {
                formatter.write_str("the document is not valid JSON: a number or an escape in it cannot be read")
            }
            Self::Manifest => formatter.write_str("the version's manifest is not a JSON object"),
            Self::Name { field, value, expected } => {
                write!(formatter, "{field} is {value}, but the URL names the package {expected}")
            }
            Self::Tag { tag, error } => write!(formatter, "dist-tags: {tag:?}: {error}"),
            Self::TagTarget { tag, version } => {
                write!(formatter, "dist-tags: {tag:?} must name the version that is published, {version}")
            }
            Self::Tags => formatter.write_str("dist-tags is not a JSON object"),
            Self::Version(version) => {
                write!(
                    formatter,
                    "invalid version {version:?}: it must be exactly major.minor.patch with an optional -prerelease"
                )?;
                match version::clean(version) {
                    Some(clean) => write!(formatter, "; write {clean} into package.json"),
                    None => Ok(()),
                }
            }
            Self::VersionKey { key, value } => {
                write!(formatter, "the manifest under version {key} says its version is {value}")
            }
            Self::Versions(count) => write!(formatter, "a publish has exactly one version, this document has {count}"),
        }
    }
}

impl Refusal {
    pub(super) fn answer(&self) -> Answer {
        Answer::error(400, &self.to_string(), None)
    }
}

impl Submission {
    /// Reads a document whose JSON was checked and whose attachment was taken out.
    pub(super) fn read(name: &PackageName, json: &[u8], attachment: &Attachment) -> Result<Self, Refusal> {
        let mut document: Map<String, Value> = serde_json::from_slice(json).map_err(|_| Refusal::Json)?;
        check_name(name, "name", document.get("name"))?;
        if document.contains_key("_id") {
            check_name(name, "_id", document.get("_id"))?;
        }
        let (version, manifest) = only_version(document.remove("versions"))?;
        check_manifest(name, &version, &manifest)?;
        check_attachment(name, &version, attachment, document.get("_attachments"))?;
        let tags = read_tags(&version, document.get("dist-tags"))?;
        Ok(Self { version, manifest, tags })
    }
}

fn check_name(name: &PackageName, field: &'static str, value: Option<&Value>) -> Result<(), Refusal> {
    match value.and_then(Value::as_str) {
        Some(text) if text == name.as_str() => Ok(()),
        _ => Err(Refusal::Name { field, value: show(value), expected: name.to_string() }),
    }
}

fn only_version(versions: Option<Value>) -> Result<(String, Manifest), Refusal> {
    let Some(Value::Object(versions)) = versions else { return Err(Refusal::Versions(0)) };
    let count = versions.len();
    let mut versions = versions.into_iter();
    let (Some((key, manifest)), None) = (versions.next(), versions.next()) else {
        return Err(Refusal::Versions(count));
    };
    if !version::is_exact(&key) {
        return Err(Refusal::Version(cut(&key)));
    }
    match manifest {
        Value::Object(manifest) => Ok((key, manifest)),
        _ => Err(Refusal::Manifest),
    }
}

fn check_manifest(name: &PackageName, version: &str, manifest: &Manifest) -> Result<(), Refusal> {
    check_name(name, "the manifest's name", manifest.get("name"))?;
    if text_of(manifest, "version") != Some(version) {
        return Err(Refusal::VersionKey { key: version.into(), value: show(manifest.get("version")) });
    }
    let id = format!("{name}@{version}");
    match manifest.get("_id").is_none_or(|value| value == &id) {
        true => Ok(()),
        false => Err(Refusal::Name { field: "the manifest's _id", value: show(manifest.get("_id")), expected: id }),
    }
}

/// The key is compared and thrown away; clients write it with the scope or without, and some with
/// the version as `package.json` spells it.
fn check_attachment(
    name: &PackageName,
    version: &str,
    attachment: &Attachment,
    all: Option<&Value>,
) -> Result<(), Refusal> {
    let key = attachment.key.as_str();
    let scope = &name.as_str()[..name.as_str().len() - name.base().len()];
    let spelt = key.strip_prefix(scope).unwrap_or(key).strip_prefix(name.base());
    let spelt = spelt.and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".tgz"));
    if spelt.and_then(version::clean).as_deref() != Some(version) {
        return Err(Refusal::AttachmentKey { key: cut(key), expected: name.file_name(version) });
    }
    let declared = all.and_then(|all| all.get(key)?.get("length"));
    match declared.is_none_or(|length| length.as_u64() == Some(attachment.bytes)) {
        true => Ok(()),
        false => Err(Refusal::AttachmentLength { declared: show(declared), bytes: attachment.bytes }),
    }
}

fn read_tags(version: &str, tags: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let tags = match tags {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(tags)) => tags,
        Some(_) => return Err(Refusal::Tags),
    };
    for (tag, target) in tags {
        version::check_tag(tag).map_err(|error| Refusal::Tag { tag: cut(tag), error })?;
        if target != version {
            return Err(Refusal::TagTarget { tag: tag.clone(), version: version.into() });
        }
    }
    Ok(tags.keys().cloned().collect())
}

fn show(value: Option<&Value>) -> String {
    value.map_or("missing".into(), |value| cut(&value.to_string()))
}

fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}
