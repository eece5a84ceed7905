//! An event, and how it leaves.

use std::sync::Arc;

/// One message of a stream of events.
#[derive(Debug, Clone, Default)]
pub struct Event {
    name: Option<String>,
    pub(super) id: Option<String>,
    data: String,
}

impl Event {
    /// An event with this text; each of its lines becomes a `data:` line.
    pub fn data(text: impl Into<String>) -> Self {
        Self { data: text.into(), ..Self::default() }
    }

    /// An event with a value as JSON.
    ///
    /// # Errors
    /// When the value cannot be JSON, such as a map whose keys are no strings.
    pub fn json(value: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self::data)
    }

    /// The same of this kind; browsers call the kind without a name `message`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same with an id, by which a client says later what it has seen.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// As it leaves. A line end cannot stand in a name or an id: the rest of it is left out.
    pub(super) fn render(&self) -> Arc<[u8]> {
        let mut text = String::with_capacity(self.data.len() + 64);
        for (field, value) in [("event", &self.name), ("id", &self.id)] {
            if let Some(value) = value.as_ref().and_then(|value| value.split(['\r', '\n', '\0']).next()) {
                text.extend([field, ": ", value, "\n"]);
            }
        }
        for line in self.data.replace("\r\n", "\n").split(['\r', '\n']) {
            text.extend(["data: ", line, "\n"]);
        }
        text.push('\n');
        text.into_bytes().into()
    }
}
