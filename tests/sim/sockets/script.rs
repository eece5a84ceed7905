//! What a client sends, and what it has to be sent for that.

use super::channel::{FRAGMENTS, MESSAGE_BYTES};
use crate::rng::Rng;

const HANDSHAKE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// All bytes of a client, and its answers.
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    /// Each answer, and how many bytes of the script it needs.
    pub(crate) answers: Vec<(usize, Frame)>,
    /// The code with which the node has to end, if the script makes it.
    pub(crate) code: Option<u16>,
    /// The client ends its half when it has said all.
    pub(crate) ends_itself: bool,
}

/// A frame of the node: its first byte and its payload.
pub(crate) type Frame = (u8, Vec<u8>);

impl Script {
    pub(crate) fn new(rng: &mut Rng, key: usize) -> Self {
        let mut script = Self { bytes: HANDSHAKE.to_vec(), answers: Vec::new(), code: None, ends_itself: false };
        for number in 0..rng.between(1, 40) {
            script.say(rng, &format!("{key}.{number}"));
        }
        match rng.below(8) {
            0..=4 => script.close(rng),
            5 => script.be_wrong(rng),
            6 => script.be_sent_away(rng),
            _ => script.ends_itself = true,
        }
        script
    }

    /// Room that a socket must have so that the largest frame does not take for ever.
    pub(crate) fn least_room(&self) -> usize {
        self.answers.iter().map(|(_, frame)| frame.1.len()).max().unwrap_or(0) / 50
    }

    fn say(&mut self, rng: &mut Rng, name: &str) {
        match rng.below(16) {
            0..=4 => {
                let length = match rng.below(12) {
                    0 => rng.between(60_000, MESSAGE_BYTES as u64),
                    1 => *rng.pick(&[125, 126, 127, 65_535, 65_536]),
                    _ => rng.below(200),
                };
                let payload = rng.bytes(length as usize);
                self.message(rng, 2, &payload);
                self.answer(0x82, payload);
            }
            5..=6 => {
                let text = format!("gr\u{fc}n {name} \u{1f680}").repeat(rng.between(1, 20) as usize);
                self.message(rng, 1, text.as_bytes());
                self.answer(0x81, text.into_bytes());
            }
            7..=9 => {
                let word = if rng.once_in(6) { "break" } else { "job" };
                self.message(rng, 1, format!("{word} {name}").as_bytes());
                self.answer(0x81, format!("job {name}").into_bytes());
            }
            10 => self.ping(rng),
            11 => self.frame(rng, 0x8a, b"unasked"),
            12 => self.message(rng, 1, b"sub"),
            13 => self.message(rng, 1, b"unsub"),
            _ => self.message(rng, 1, format!("pub {name}").as_bytes()),
        }
    }

    /// In one frame or in fragments, with pings between them.
    fn message(&mut self, rng: &mut Rng, opcode: u8, payload: &[u8]) {
        let mut left = payload;
        let mut first = opcode;
        for _ in 0..rng.below(u64::from(FRAGMENTS)) * u64::from(rng.once_in(3)) {
            let (piece, rest) = left.split_at(rng.below(left.len() as u64 + 1) as usize);
            self.frame(rng, first, piece);
            if rng.once_in(6) {
                self.ping(rng);
            }
            (left, first) = (rest, 0);
        }
        self.frame(rng, first | 0x80, left);
    }

    fn ping(&mut self, rng: &mut Rng) {
        let length = rng.below(126) as usize;
        let payload = rng.bytes(length);
        self.frame(rng, 0x89, &payload);
        self.answer(0x8a, payload);
    }

    fn close(&mut self, rng: &mut Rng) {
        let code = *rng.pick(&[1000u16, 1001, 3000, 4999]);
        self.frame(rng, 0x88, &code.to_be_bytes());
        self.code = Some(code);
        if rng.once_in(3) {
            let late = rng.bytes(50);
            self.bytes.extend_from_slice(&late);
        }
    }

    fn be_wrong(&mut self, rng: &mut Rng) {
        let (first, payload, code) = *rng.pick(&[
            (0x83u8, &b"x"[..], 1002u16),
            (0xc1, b"x", 1002),
            (0x81, b"\xff", 1007),
            (0x88, b"x", 1002),
            (0x80, b"", 1002),
        ]);
        self.frame(rng, first, payload);
        self.code = Some(code);
    }

    /// Asks to be closed, goes on for a while, and answers the close.
    fn be_sent_away(&mut self, rng: &mut Rng) {
        self.frame(rng, 0x81, b"close 4000");
        self.code = Some(4000);
        for _ in 0..rng.below(5) {
            self.frame(rng, 0x82, b"ignored");
        }
        self.frame(rng, 0x88, &4000u16.to_be_bytes());
    }

    fn answer(&mut self, first: u8, payload: Vec<u8>) {
        self.answers.push((self.bytes.len(), (first, payload)));
    }

    fn frame(&mut self, rng: &mut Rng, first: u8, payload: &[u8]) {
        let key = rng.bytes(4);
        self.bytes.push(first);
        match payload.len() {
            length @ 0..126 => self.bytes.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                self.bytes.push(0xfe);
                self.bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                self.bytes.push(0xff);
                self.bytes.extend((length as u64).to_be_bytes());
            }
        }
        self.bytes.extend(&key);
        self.bytes.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ key[index % 4]));
    }
}
