//! A WebSocket as a test speaks it: real frames through the real session, without sockets.

use std::fmt;

use super::{TestResponse, TestStream};
use crate::limits::WS_FRAGMENTS_MAX;
use crate::wire::ws::{Code, Decoder, Event, Kind, Limits, Opcode, Role, mask, put_close, put_masked_header};

/// Any client has another one for each frame (RFC 6455 §5.3); here nobody is in between.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What came from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestMessage {
    /// Bytes.
    Binary(Vec<u8>),
    /// The end: its code, 1005 if it has none, and the reason.
    Closed(u16, String),
    /// To be answered by [`TestWebSocket::pong`].
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong(Vec<u8>),
    /// UTF-8.
    Text(String),
}

/// An open WebSocket: what [`TestRequest::connect`](super::TestRequest::connect) gives. Dropped without
/// [`Self::close`], it is gone without a word.
pub struct TestWebSocket<'c> {
    stream: TestStream<'c>,
    answer: TestResponse,
    decoder: Decoder,
    /// A close frame was sent.
    closed: bool,
}

impl<'c> TestWebSocket<'c> {
    pub(super) fn open(mut stream: TestStream<'c>) -> Result<Self, TestResponse> {
        let answer = stream.response();
        if answer.status != 101 {
            return Err(answer);
        }
        let said = answer.header("Sec-WebSocket-Accept");
        assert_eq!(said, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "the answer to the key of RFC 6455 §1.3");
        assert_eq!(answer.header("Sec-WebSocket-Extensions"), None, "this client speaks none: offer none");
        let head = memchr::memmem::find(&stream.received, b"\r\n\r\n").expect("a head has an end");
        stream.received.drain(..head + 4);
        Ok(Self { stream, answer, decoder: Decoder::new(Role::Client, false), closed: false })
    }

    /// The 101 that opened it.
    pub fn response(&self) -> &TestResponse {
        &self.answer
    }

    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> Option<&str> {
        self.answer.header("Sec-WebSocket-Protocol")
    }

    /// Sends a text.
    pub fn send_text(&mut self, text: &str) {
        self.send(Opcode::Text, text.as_bytes());
    }

    /// Sends bytes.
    pub fn send_binary(&mut self, bytes: &[u8]) {
        self.send(Opcode::Binary, bytes);
    }

    /// Sends one message in these frames.
    pub fn send_fragments(&mut self, kind: Kind, fragments: &[&[u8]]) {
        for (index, fragment) in fragments.iter().enumerate() {
            let opcode = if index == 0 { Opcode::from(kind) } else { Opcode::Continuation };
            self.put(opcode, index + 1 == fragments.len(), fragment);
        }
        self.stream.advance();
    }

    /// Sends a ping of at most 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) {
        self.send(Opcode::Ping, payload);
    }

    /// Sends a pong of at most 125 bytes.
    pub fn pong(&mut self, payload: &[u8]) {
        self.send(Opcode::Pong, payload);
    }

    /// Sends a close frame.
    ///
    /// # Panics
    /// When the code may not be sent (RFC 6455 §7.4).
    pub fn close(&mut self, code: u16, reason: &str) {
        let (payload, length) = put_close(Code::new(code), reason);
        self.end(&payload[..length]);
    }

    /// What came next, if anything did. A close frame is answered.
    ///
    /// # Panics
    /// When what came is no frame of a server.
    pub fn receive(&mut self) -> Option<TestMessage> {
        self.stream.advance();
        let mut used = 0;
        let limits = Limits { message_bytes: isize::MAX as usize, fragments: WS_FRAGMENTS_MAX };
        let event = self.decoder.next(&mut self.stream.received, &mut used, &limits);
        let message = event.expect("the server sends what RFC 6455 allows").map(message);
        self.stream.received.drain(..used);
        if let Some(TestMessage::Closed(..)) = message {
            self.end(&[]);
        }
        message
    }

    /// Whether the connection has ended.
    pub fn is_over(&self) -> bool {
        self.stream.is_over()
    }

    fn end(&mut self, payload: &[u8]) {
        if !std::mem::replace(&mut self.closed, true) {
            self.send(Opcode::Close, payload);
        }
    }

    fn send(&mut self, opcode: Opcode, payload: &[u8]) {
        self.put(opcode, true, payload);
        self.stream.advance();
    }

    fn put(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) {
        let (header, length) = put_masked_header(opcode, fin, false, payload.len(), MASK);
        self.stream.unsent.extend_from_slice(&header[..length]);
        let begun = self.stream.unsent.len();
        self.stream.unsent.extend_from_slice(payload);
        mask(&mut self.stream.unsent[begun..], MASK);
    }
}

impl fmt::Debug for TestWebSocket<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TestWebSocket").field("is_over", &self.is_over()).finish_non_exhaustive()
    }
}

fn message(event: Event<'_>) -> TestMessage {
    match event {
        Event::Close(said) => {
            let (code, reason) = said.map_or((1005, String::new()), |(code, reason)| (code.number(), reason.into()));
            TestMessage::Closed(code, reason)
        }
        Event::Message(Kind::Binary, _, payload) => TestMessage::Binary(payload.to_vec()),
        Event::Message(Kind::Text, _, payload) => TestMessage::Text(String::from_utf8_lossy(&payload).into_owned()),
        Event::Ping(payload) => TestMessage::Ping(payload.into()),
        Event::Pong(payload) => TestMessage::Pong(payload.into()),
    }
}
