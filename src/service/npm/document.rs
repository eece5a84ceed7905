//! A publish document taken apart while it arrives: bytes in any cuts in; out come the decoded
//! bytes of its attachment, and at the end the document without them.
//!
//! The document is checked as it goes (see [`super::scan`]), so what is left at the end is one JSON
//! object. An attachment may stand before or after the versions; its data never stays in memory.
//! Refused: a second attachment, provenance bundles, keys that occur twice in an object that
//! matters, and keys that reach into a JavaScript object's insides, however they are escaped.

use std::collections::HashSet;
use std::fmt;

use crate::limits::{
    JSON_KEYS_MAX, JSON_NODES_MAX, METADATA_DOCUMENT_BYTES_MAX, PUBLISH_DOCUMENT_BYTES_MAX, PUBLISH_NODES_MAX,
};
use crate::service::npm::base64::Decoder;
use crate::service::npm::scan::{self, Scanner, Token};
use crate::service::npm::version::is_poison;

/// A document whose attachment has been taken out.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// One JSON object, checked; the attachment's `data` is an empty string.
    pub json: Vec<u8>,
    /// What was taken out.
    pub attachment: Option<Attachment>,
}

/// An attachment that was taken out of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its key: what the client calls the file. Never a path.
    pub key: String,
    /// Bytes it decoded to.
    pub bytes: u64,
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// An attachment's data is not standard base64.
    Base64,
    /// An attachment's data is not a string, or not there.
    Data,
    /// A key occurs twice where it must not.
    DuplicateKey,
    /// Not JSON, or beyond what is read of JSON.
    Json(scan::Error),
    /// More than one attachment.
    ManyAttachments,
    /// Not an object.
    NotAnObject,
    /// A key such as `__proto__` among the versions, tags or attachments.
    PoisonKey,
    /// A provenance bundle.
    Provenance,
    /// Longer than it may be, its attachment not counted.
    TooLarge,
    /// One object with more keys than are compared.
    TooManyKeys,
}

impl Error {
    /// The status to answer with.
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Provenance => 501,
            _ => 400,
        }
    }

    /// What is wrong and what is allowed.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Base64 => {
                "the attachment's data is not valid base64: only the standard alphabet with its padding is accepted"
            }
            Self::Data => "the attachment has no data: it must be a base64 string",
            Self::DuplicateKey => "the document has the same key twice in one object",
            Self::Json(scan::Error::Depth) => "the document is nested deeper than 64 levels",
            Self::Json(scan::Error::Incomplete) => "the document ends too early: it is not complete JSON",
            Self::Json(scan::Error::Nodes) => "the document has too many keys and elements",
            Self::Json(scan::Error::Number) => "the document has a number of more than 64 bytes",
            Self::Json(scan::Error::ReservedKey) => "the document has a key that begins with $serde_json::private::",
            Self::Json(scan::Error::Syntax) => "the document is not valid JSON",
            Self::Json(scan::Error::Utf8) => "the document is not valid UTF-8",
            Self::ManyAttachments => "the document has more than one attachment: exactly one tarball is accepted",
            Self::NotAnObject => "the document is not a JSON object",
            Self::PoisonKey => {
                "the document has a version, tag or attachment named __proto__, constructor or prototype"
            }
            Self::Provenance => "provenance is not supported yet: publish without --provenance",
            Self::TooLarge => "the document is too large: at most 8 MiB beside the tarball, or 64 MiB without one",
            Self::TooManyKeys => "the document has an object of more than 100000 keys",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sentence())
    }
}

impl std::error::Error for Error {}

impl From<scan::Error> for Error {
    fn from(error: scan::Error) -> Self {
        Self::Json(error)
    }
}

/// Where in the document a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Versions,
    Manifest,
    Tags,
    Attachments,
    Attachment,
    Data,
    Elsewhere,
}

#[derive(Debug)]
struct Level {
    place: Place,
    /// Keys so far, where they must differ.
    keys: HashSet<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Json,
    /// Inside an attachment's data.
    Data,
    /// After a backslash in there.
    Escape,
}

/// Takes one document apart.
#[derive(Debug)]
pub struct Splitter {
    scanner: Scanner,
    mode: Mode,
    levels: Vec<Level>,
    /// Where the next value stands.
    next: Place,
    kept: Vec<u8>,
    kept_max: usize,
    decoder: Decoder,
    attachment: Option<Attachment>,
    data_seen: bool,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// At the beginning of a document.
    pub fn new() -> Self {
        Self {
            scanner: Scanner::new(JSON_NODES_MAX),
            mode: Mode::Json,
            levels: Vec::new(),
            next: Place::Top,
            kept: Vec::new(),
            kept_max: METADATA_DOCUMENT_BYTES_MAX,
            decoder: Decoder::default(),
            attachment: None,
            data_seen: false,
        }
    }

    /// Takes bytes: how many were taken (at least one, if there are any), and what of the
    /// attachment they decode to.
    pub fn on_bytes(&mut self, bytes: &[u8]) -> Result<(usize, &[u8]), Error> {
        if bytes.is_empty() {
            return Ok((0, &[]));
        }
        match self.mode {
            Mode::Json => Ok((self.json(bytes)?, &[])),
            Mode::Data => self.data(bytes),
            Mode::Escape => self.escape(bytes),
        }
    }

    /// The attachment, once its key was read; its bytes are counted as they come.
    pub fn attachment(&self) -> Option<&Attachment> {
        self.attachment.as_ref()
    }

    /// The document has ended.
    pub fn finish(self) -> Result<Document, Error> {
        self.scanner.finish()?;
        if self.next == Place::Top {
            return Err(Error::NotAnObject);
        }
        if self.attachment.is_some() && !self.data_seen {
            return Err(Error::Data);
        }
        Ok(Document { json: self.kept, attachment: self.attachment })
    }

    fn json(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let (used, token) = self.scanner.step(bytes)?;
        if self.kept.len() + used > self.kept_max {
            return Err(Error::TooLarge);
        }
        self.kept.extend_from_slice(&bytes[..used]);
        if let Some(token) = token {
            self.on_token(token)?;
        }
        Ok(used)
    }

    fn on_token(&mut self, token: Token) -> Result<(), Error> {
        if self.levels.is_empty() && self.next == Place::Top && token != Token::ObjectStart {
            return Err(Error::NotAnObject);
        }
        match token {
            Token::Key => return self.on_key(),
            Token::StringStart if self.next == Place::Data => {
                self.mode = Mode::Data;
                self.data_seen = true;
            }
            Token::ObjectStart | Token::ArrayStart | Token::Scalar if self.next == Place::Data => {
                return Err(Error::Data);
            }
            Token::ObjectStart => self.open(self.next),
            Token::ArrayStart => self.open(Place::Elsewhere),
            Token::ObjectEnd | Token::ArrayEnd => {
                self.levels.pop();
            }
            Token::Scalar | Token::StringStart | Token::StringEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, place: Place) {
        self.levels.push(Level { place, keys: HashSet::new() });
        self.next = Place::Elsewhere;
    }

    fn on_key(&mut self) -> Result<(), Error> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if level.place == Place::Elsewhere {
            self.next = Place::Elsewhere;
            return Ok(());
        }
        let key = scan::decode_key(self.scanner.key())?;
        if matches!(level.place, Place::Versions | Place::Tags | Place::Attachments) && is_poison(&key) {
            return Err(Error::PoisonKey);
        }
        if level.keys.len() == JSON_KEYS_MAX {
            return Err(Error::TooManyKeys);
        }
        if !level.keys.insert(key.as_ref().into()) {
            return Err(Error::DuplicateKey);
        }
        self.next = place_of(level.place, &key);
        if self.next == Place::Attachment {
            let key = key.into_owned();
            self.begin_attachment(key)?;
        }
        Ok(())
    }

    fn begin_attachment(&mut self, key: String) -> Result<(), Error> {
        if key.ends_with(".sigstore") {
            return Err(Error::Provenance);
        }
        if self.attachment.is_some() {
            return Err(Error::ManyAttachments);
        }
        self.attachment = Some(Attachment { key, bytes: 0 });
        self.kept_max = PUBLISH_DOCUMENT_BYTES_MAX;
        self.scanner.limit_nodes(PUBLISH_NODES_MAX);
        match self.kept.len() > self.kept_max {
            true => Err(Error::TooLarge),
            false => Ok(()),
        }
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(usize, &[u8]), Error> {
        match bytes[0] {
            b'"' => {
                self.decoder.finish().map_err(|_| Error::Base64)?;
                self.mode = Mode::Json;
                Ok((self.json(bytes)?, &[]))
            }
            b'\\' => {
                self.mode = Mode::Escape;
                Ok((1, &[]))
            }
            _ => {
                // Looked through in windows, so that no byte is looked at often.
                let window = &bytes[..bytes.len().min(DATA_WINDOW_BYTES)];
                let end = memchr::memchr2(b'"', b'\\', window).unwrap_or(window.len());
                self.decode(&bytes[..end])
            }
        }
    }

    /// `\/` is how some write a slash; nothing else needs an escape in base64.
    fn escape(&mut self, bytes: &[u8]) -> Result<(usize, &[u8]), Error> {
        if bytes[0] != b'/' {
            return Err(Error::Base64);
        }
        self.mode = Mode::Data;
        self.decode(b"/")
    }

    fn decode(&mut self, text: &[u8]) -> Result<(usize, &[u8]), Error> {
        let (used, decoded) = self.decoder.decode(text).map_err(|_| Error::Base64)?;
        if let Some(attachment) = &mut self.attachment {
            attachment.bytes += decoded.len() as u64;
        }
        Ok((used, decoded))
    }
}

/// Bytes looked at for the end of the data at once; about what is decoded at once.
const DATA_WINDOW_BYTES: usize = 32 * 1024;

fn place_of(parent: Place, key: &str) -> Place {
    match (parent, key) {
        (Place::Top, "versions") => Place::Versions,
        (Place::Top, "dist-tags") => Place::Tags,
        (Place::Top, "_attachments") => Place::Attachments,
        (Place::Versions, _) => Place::Manifest,
        (Place::Attachments, _) => Place::Attachment,
        (Place::Attachment, "data") => Place::Data,
        _ => Place::Elsewhere,
    }
}

/// Takes a whole document apart, in pieces of `piece` bytes.
fn split(bytes: &[u8], piece: usize) -> Result<(Document, Vec<u8>), Error> {
    let mut splitter = Splitter::new();
    let mut data = Vec::new();
    for mut rest in bytes.chunks(piece.max(1)) {
        while !rest.is_empty() {
            let (used, decoded) = splitter.on_bytes(rest)?;
            data.extend_from_slice(decoded);
            rest = &rest[used..];
        }
    }
    Ok((splitter.finish()?, data))
}

/// The property that fuzzing checks: a document comes apart the same in any cuts, and what is left
/// is the JSON it was.
pub fn fuzz(data: &[u8]) {
    let whole = split(data, data.len());
    assert_eq!(whole.is_ok(), split(data, 1).is_ok());
    assert_eq!(
        split(data, 7).ok(),
        whole.as_ref().ok().map(|(document, data)| {
            (Document { json: document.json.clone(), attachment: document.attachment.clone() }, data.clone())
        })
    );
    let Ok((document, decoded)) = whole else { return };
    assert_eq!(document.attachment.as_ref().map_or(0, |attachment| attachment.bytes), decoded.len() as u64);
    assert!(scan::check(&document.json, JSON_NODES_MAX).is_ok());
    assert!(document.attachment.is_some() || document.json == data);
}

#[cfg(test)]
mod tests;
