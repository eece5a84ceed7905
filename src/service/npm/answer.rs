//! An answer that a job worked out on another thread, written by the slice when it is resumed.

use crate::app::reply::{error_json, push_json_string};
use crate::app::store::StoreError;
use crate::app::{Body, Reply};

/// A small JSON answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Fields beside Content-Type and the framing.
    pub fields: Vec<(&'static str, String)>,
    /// The body, encoded.
    pub json: String,
}

impl Answer {
    /// An answer with this JSON.
    pub fn json(status: u16, json: impl Into<String>) -> Self {
        Self { status, fields: Vec::new(), json: json.into() }
    }

    /// `{"ok":true,"success":true}`, which is what writers look for.
    pub fn ok(status: u16) -> Self {
        Self::json(status, r#"{"ok":true,"success":true}"#)
    }

    /// An error: what is wrong, and if it helps, why or what to do.
    pub fn error(status: u16, error: &str, reason: Option<&str>) -> Self {
        Self::json(status, error_json(error, reason))
    }

    /// A failure of the store: 507 when the disk is full, else 500; details go to the operator.
    pub fn store_failed(error: &StoreError) -> Self {
        log::error!("store: {error}");
        match error.full {
            true => Self::error(
                507,
                "the registry's disk is full",
                Some("nothing was changed; the operator must free space"),
            ),
            false => Self::error(
                500,
                "the registry's store failed",
                Some("nothing was changed; the operator's log says why"),
            ),
        }
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Writes it.
    pub fn write(&self, reply: &mut Reply<'_>) {
        reply.status(self.status);
        for (name, value) in &self.fields {
            reply.header(name, value.as_bytes());
        }
        reply.header("Content-Type", b"application/json").body(Body::Bytes(self.json.as_bytes()));
    }
}

/// `text` as a JSON string.
pub fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_json_string(&mut json, text);
    json
}
