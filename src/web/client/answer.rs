//! An answer as a test looks at it.

use serde::de::DeserializeOwned;

use crate::limits::HEADERS_MAX;
use crate::wire::http1::{BodyDecoder, Framing};

/// An answer.
#[derive(Debug, Clone)]
pub struct TestResponse {
    /// The status.
    pub status: u16,
    /// Names and values, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// Whether all of the body has come.
    pub is_complete: bool,
}

impl TestResponse {
    /// The value of the first field of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is no such value.
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The first answer in `bytes` that is final; `over` says that no more will come.
    pub(super) fn parse(bytes: &[u8], head_only: bool, over: bool) -> Option<Self> {
        let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(length) = head.parse(bytes).ok()? else { return None };
        let status = head.code?;
        // The last answer of HTTP where a WebSocket is opened.
        if status < 200 && status != 101 {
            return Self::parse(&bytes[length..], head_only, over);
        }
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .map(|field| (field.name.to_owned(), String::from_utf8_lossy(field.value).into_owned()))
            .collect();
        let mut response = Self { status, headers, body: Vec::new(), is_complete: true };
        if !head_only && !matches!(status, 101 | 204 | 304) {
            response.take_body(&bytes[length..], over);
        }
        Some(response)
    }

    fn take_body(&mut self, mut bytes: &[u8], over: bool) {
        let length = self.header("Content-Length").and_then(|length| length.parse().ok());
        let framing = match (length, self.header("Transfer-Encoding")) {
            (Some(length), _) => Framing::Length(length),
            (None, Some(_)) => Framing::Chunked,
            (None, None) => {
                (self.body, self.is_complete) = (bytes.to_vec(), over);
                return;
            }
        };
        let mut decoder = BodyDecoder::new(framing);
        while !bytes.is_empty() && !decoder.is_done() {
            let step = decoder.decode(bytes).expect("the server frames its bodies well");
            self.body.extend_from_slice(step.data);
            bytes = &bytes[step.consumed..];
        }
        self.is_complete = decoder.is_done();
    }
}
