//! A client's frames, a server's frames read by hand, and a channel that does what messages tell it.

use std::sync::{Arc, Mutex};

use crate::app::Value;
use crate::app::ws::{Act, Address, Channel, Closed, Failed, Framed, Link, Message, Outlet, Publication, Topic};
use crate::wire::ws::{Code, Kind};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client's frame; `first` is its first byte.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => frame.extend([&[0xfe][..], &(length as u16).to_be_bytes()].concat()),
        length => frame.extend([&[0xff][..], &(length as u64).to_be_bytes()].concat()),
    }
    frame.extend(KEY);
    frame.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ KEY[index % 4]));
    frame
}

pub(super) fn text(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

pub(super) fn binary(payload: &[u8]) -> Vec<u8> {
    frame(0x82, payload)
}

/// A client's close frame.
pub(super) fn closing(code: u16, reason: &str) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

/// A server's frame: its first byte and its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent(pub(super) u8, pub(super) Vec<u8>);

impl Sent {
    pub(super) fn text(text: &str) -> Self {
        Self(0x81, text.into())
    }

    pub(super) fn binary(payload: &[u8]) -> Self {
        Self(0x82, payload.into())
    }

    pub(super) fn pong(payload: &[u8]) -> Self {
        Self(0x8a, payload.into())
    }

    pub(super) fn ping() -> Self {
        Self(0x89, Vec::new())
    }

    /// The code of a close frame.
    pub(super) fn code(&self) -> Option<u16> {
        (self.0 == 0x88 && self.1.len() >= 2).then(|| u16::from_be_bytes([self.1[0], self.1[1]]))
    }
}

/// The only frame, which is a close frame: its code.
pub(super) fn only_code(sent: &[Sent]) -> u16 {
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent[0].code().unwrap_or_else(|| panic!("no close frame: {sent:?}"))
}

/// Whole frames of a server: not masked.
pub(super) fn frames_of(mut bytes: &[u8]) -> Vec<Sent> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (length, start) = match second {
            126 => (u16::from_be_bytes([rest[0], rest[1]]) as usize, 2),
            127 => (u64::from_be_bytes(rest[..8].try_into().expect("8 bytes")) as usize, 8),
            length => (usize::from(*length), 0),
        };
        frames.push(Sent(*first, rest[start..start + length].to_vec()));
        bytes = &rest[start + length..];
    }
    assert!(bytes.is_empty(), "half a header: {bytes:?}");
    frames
}

/// What a channel was told.
#[derive(Clone, Default)]
pub(super) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }

    fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("no panic").push(what.into());
    }
}

/// What was said to the outside.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) pushed: Mutex<Vec<(Address, Act)>>,
}

impl Outlet for Outside {
    fn publish(&self, _publication: Publication) {
        panic!("channels publish by what they ask of the loop")
    }

    fn push(&self, to: Address, act: Act) {
        self.pushed.lock().expect("no panic").push((to, act));
    }
}

/// Text tells it what to do, word by word; what is no command comes back as it was sent.
#[derive(Default)]
pub(super) struct Scripted {
    pub(super) journal: Journal,
    /// What to do when a job is done, and when the node goes away.
    when_done: String,
    when_drained: Option<String>,
}

impl Scripted {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, ..Self::default() }
    }

    fn perform(&mut self, words: &[&str], link: &mut Link<'_>) -> bool {
        match words {
            ["job"] => link.wait_for(|| 7u32),
            ["job", number] => {
                let number: u32 = number.parse().expect("a number");
                link.wait_for(move || number);
            }
            ["when-done", words @ ..] => self.when_done = words.join(" "),
            ["when-drained", words @ ..] => self.when_drained = Some(words.join(" ")),
            ["broken-job"] => link.wait_for(|| -> u32 { panic!("the job breaks") }),
            ["close", code, reason] => link.close(Code::new(code.parse().expect("a code")), reason),
            ["sub", topic] => link.subscribe(&Topic::new(topic)),
            ["unsub", topic] => link.unsubscribe(&Topic::new(topic)),
            ["pub", topic] => link.publish(&Topic::new(topic), Framed::new(Kind::Text, topic.as_bytes())),
            ["later"] => link.sender().send(Framed::new(Kind::Text, b"later")),
            ["send", count, bytes] => {
                let payload = vec![b'x'; bytes.parse().expect("a length")];
                (0..count.parse::<usize>().expect("a count")).for_each(|_| link.send(Kind::Binary, &payload));
            }
            ["framed", count, bytes] => {
                let framed = Framed::new(Kind::Binary, &vec![b'x'; bytes.parse().expect("a length")]);
                (0..count.parse::<usize>().expect("a count")).for_each(|_| link.send_framed(&framed));
            }
            _ => return false,
        }
        true
    }
}

impl Channel for Scripted {
    fn on_open(&mut self, _link: &mut Link<'_>) {
        self.journal.note("open");
    }

    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        let text = message.text().map(|text| text.into_owned());
        self.journal.note(match &text {
            Some(text) => format!("text {text}"),
            None => format!("{} bytes", message.len()),
        });
        let words: Vec<&str> = text.as_deref().unwrap_or("").split(' ').collect();
        if !self.perform(&words, link) {
            link.send_back(message);
        }
    }

    fn on_done(&mut self, value: Value, link: &mut Link<'_>) {
        self.journal.note("done");
        let value = value.downcast::<u32>().expect("its jobs leave a number");
        link.send(Kind::Text, format!("done {value}").as_bytes());
        let what = self.when_done.clone();
        self.perform(&what.split(' ').collect::<Vec<_>>(), link);
    }

    fn on_failed(&mut self, failed: Failed, link: &mut Link<'_>) {
        self.journal.note(format!("{failed:?}"));
        match failed {
            Failed::Busy => link.close(Code::TRY_LATER, "busy"),
            Failed::Panicked => link.close(Code::INTERNAL, "panicked"),
        }
    }

    fn on_drain(&mut self, link: &mut Link<'_>) {
        self.journal.note("drain");
        if let Some(what) = self.when_drained.clone() {
            assert!(self.perform(&what.split(' ').collect::<Vec<_>>(), link), "{what}");
            return;
        }
        link.close(Code::GOING_AWAY, "going away");
    }

    fn on_close(&mut self, closed: &Closed) {
        self.journal.note(format!(
            "closed {} {}",
            closed.code.number(),
            if closed.clean { "clean" } else { "unclean" }
        ));
    }
}
