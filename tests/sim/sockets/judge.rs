//! What a client was sent, and whether it was right.

use super::node::Node;
use super::script::{Frame, Script};

/// What came, frame by frame.
pub(crate) struct Judge {
    bytes: Vec<u8>,
    upgraded: bool,
    /// Answers to its own frames.
    own: Vec<Frame>,
    /// What others have published.
    news: Vec<Vec<u8>>,
    /// The code of the close frame; 1005 for one without.
    code: Option<u16>,
}

const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n";

impl Judge {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), upgraded: false, own: Vec::new(), news: Vec::new(), code: None }
    }

    pub(crate) fn frames(&self) -> u64 {
        (self.own.len() + self.news.len()) as u64
    }

    /// More bytes have come.
    pub(crate) fn came(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.bytes.extend_from_slice(bytes);
        if !self.upgraded {
            let Some(end) = self.bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(()) };
            if !self.bytes.starts_with(HEAD) {
                return Err("no WebSocket was opened".into());
            }
            self.bytes.drain(..end + 4);
            self.upgraded = true;
        }
        while let Some(((first, payload), used)) = split(&self.bytes) {
            self.bytes.drain(..used);
            if self.code.is_some() {
                return Err(format!("{first:#x} behind the close frame"));
            }
            match first {
                0x88 => self.code = Some(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
                0x81 if payload.starts_with(b"news ") => self.news.push(payload),
                _ => self.own.push((first, payload)),
            }
        }
        Ok(())
    }

    /// Whether all that came was right, now that nothing happens any more; the code it ended with, or 1006.
    pub(crate) fn finish(&self, script: &Script, node: &Node, key: usize, sent: usize) -> Result<u16, String> {
        let due = script.answers.iter().take_while(|(needs, _)| *needs <= sent).count();
        for (index, (own, (_, wanted))) in self.own.iter().zip(&script.answers).enumerate() {
            if own != wanted {
                return Err(format!("answer {index} is not the one expected: {own:?} for {wanted:?}"));
            }
        }
        if self.own.len() > due {
            return Err(format!("{} answers, though {due} were asked for", self.own.len()));
        }
        let pushed = node.pushed_to(key);
        if !pushed.starts_with(&self.news) {
            return Err(format!("news that were not sent, or not so: {:?} of {pushed:?}", self.news));
        }
        // Whoever comes to a node that goes away may find nobody.
        if node.was_reset(key) || !self.upgraded && node.is_draining() {
            return Ok(self.code.unwrap_or(1006));
        }
        if !self.bytes.is_empty() {
            return Err(format!("half a frame at the end: {} bytes", self.bytes.len()));
        }
        let is_all = sent == script.bytes.len();
        match (self.code, script.code.filter(|_| is_all)) {
            (Some(1001), wanted) if wanted == Some(1001) || node.is_draining() => return Ok(1001),
            (code, wanted) if code != wanted => return Err(format!("closed with {code:?}, not with {wanted:?}")),
            _ => {}
        }
        if self.own.len() < due {
            return Err(format!("{} answers, though {due} were asked for", self.own.len()));
        }
        if self.news.len() < pushed.len() && script.code.is_none() {
            return Err(format!("{} news of {}", self.news.len(), pushed.len()));
        }
        Ok(self.code.unwrap_or(1006))
    }
}

fn split(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, start) = match second {
        126 => (usize::from(u16::from_be_bytes(*bytes.get(2..4)?.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*bytes.get(2..10)?.first_chunk()?) as usize, 10),
        length => (usize::from(length), 2),
    };
    Some(((first, bytes.get(start..start + length)?.to_vec()), start + length))
}
