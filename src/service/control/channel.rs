//! One connection of `lattice.config.v1`: 14-byte frames in, the config out, to everybody at once.
//!
//! A message is one frame (`config/frame.rs` has the table). Whoever is connected is sent the state first,
//! and then each state that comes after ([`broadcast`]).
//!
//! | a client sends | answer |
//! |---|---|
//! | 0x01, a byte; 0x02, a feature | the new state, as everybody is sent it; if nothing changes, the state to this client |
//! | 0x03, heartbeat | the same frame |
//! | anything else, or what it may not | 0x04 with a code ([`refused`]) and a sentence; the connection stays |
//!
//! A change is made to whatever is the config at that moment: nobody's change is lost by it, and none has
//! to be sent again because somebody else was faster. States that follow each other closely may be told as
//! the last of them. Only administrators change the config, as with `POST`.

use std::sync::Arc;

use super::broadcast;
use super::change::Change;
use super::pace::Pace;
use super::refused::{Code, Refused};
use crate::app::identity::{Identity, Standing};
use crate::app::live::LiveConfig;
use crate::app::ws::{Channel, Failed, Link, Message};
use crate::app::{Value, ws};
use crate::config::frame::{FRAME_BYTES, Frame, decode_parts};
use crate::config::{Error, Flags};
use crate::limits::CONFIG_ATTEMPTS_MAX;
use crate::wire::ws::{Code as Close, Kind};

/// The subprotocol.
pub(super) const PROTOCOL: &str = "lattice.config.v1";

/// Serves one connection.
pub(super) struct Wire {
    config: Arc<dyn LiveConfig>,
    topic: ws::Topic,
    pace: Pace,
}

/// What the job of a change brings.
enum Made {
    /// Everybody is told, this client too.
    Changed,
    /// It was so already.
    Nothing,
    Refused(Refused),
}

impl Wire {
    /// For somebody who may read.
    pub(super) fn new(config: Arc<dyn LiveConfig>, identity: &Identity) -> Self {
        Self { config, topic: broadcast::topic(identity), pace: Pace::default() }
    }

    fn answer(&mut self, message: Message<'_>, link: &mut Link<'_>) -> Result<(), Refused> {
        if !self.pace.admits(link.now().monotonic_ns) {
            return Err(Refused::new(Code::TooFast, "too many messages: wait a second"));
        }
        if !link.flags().contains(Flags::BINARY_PROTOCOL) {
            return Err(Refused::new(Code::Off, "BINARY_PROTOCOL is off"));
        }
        let change = match parse(message.kind(), &message)? {
            Frame::Heartbeat { .. } => {
                link.send_back(message);
                return Ok(());
            }
            Frame::Broadcast { .. } | Frame::Error { .. } => {
                return Err(Refused::new(Code::Direction, "only the node sends frames of this type"));
            }
            Frame::Byte { offset, value } => Change::Byte(offset.into(), value.into()),
            Frame::Feature { bit, on } => Change::Flag(Flags(1 << bit), on),
        };
        may_change(link.identity())?;
        let config = Arc::clone(&self.config);
        link.wait_for(move || make(&*config, &change));
        Ok(())
    }

    fn refuse(refused: &Refused, link: &mut Link<'_>) {
        if refused.is_operators() {
            log::error!("live config: {}", refused.sentence);
        }
        link.send(Kind::Binary, &refused.message());
    }
}

impl Channel for Wire {
    fn on_open(&mut self, link: &mut Link<'_>) {
        link.subscribe(&self.topic);
    }

    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        if let Err(refused) = self.answer(message, link) {
            Self::refuse(&refused, link);
        }
    }

    fn on_done(&mut self, value: Value, link: &mut Link<'_>) {
        match *value.downcast::<Made>().expect("the jobs of this channel bring nothing else") {
            Made::Changed => {}
            Made::Nothing => {
                // Who comes is sent what the topic retains: never an older state than the last one sent.
                link.unsubscribe(&self.topic);
                link.subscribe(&self.topic);
            }
            Made::Refused(refused) => Self::refuse(&refused, link),
        }
    }

    fn on_failed(&mut self, failed: Failed, link: &mut Link<'_>) {
        match failed {
            Failed::Busy => Self::refuse(&Refused::new(Code::Busy, "the node is too busy: try again later"), link),
            Failed::Panicked => link.close(Close::INTERNAL, "the node made a mistake"),
        }
    }
}

/// The frame that a message is.
fn parse(kind: Kind, message: &[u8]) -> Result<Frame, Refused> {
    if kind == Kind::Text {
        return Err(Refused::new(Code::Text, "the message is text: allowed are binary messages of 14 bytes"));
    }
    let wrong_length = || Refused::new(Code::Length, "the message has not 14 bytes: one frame is one message");
    let head = message.first_chunk::<FRAME_BYTES>().ok_or_else(wrong_length)?;
    let (kind, offset, value) = decode_parts(head)?;
    let frame = Frame::from_parts(kind, offset, value)?;
    // Frames that only the node sends have a payload.
    let is_whole = message.len() == FRAME_BYTES || frame.payload_bytes() > 0;
    if is_whole { Ok(frame) } else { Err(wrong_length()) }
}

/// Whether somebody may change the config.
fn may_change(identity: &Identity) -> Result<(), Refused> {
    match identity.standing {
        Standing::Anonymous | Standing::Invalid => {
            Err(Refused::new(Code::NotLoggedIn, "connect with a token of an administrator to change the config"))
        }
        Standing::User(_) if identity.read_only => {
            Err(Refused::new(Code::ReadOnlyToken, "this token may only read: `lattice token create --admin`"))
        }
        Standing::User(_) if !identity.admin => Err(Refused::new(
            Code::NotAdmin,
            "only administrators may change the config: `lattice token create --admin` makes a token that may",
        )),
        Standing::User(_) => Ok(()),
    }
}

/// Makes the change to whatever is the config. Blocks.
fn make(config: &dyn LiveConfig, change: &Change) -> Made {
    let mut made = Err(Error::Conflict.into());
    for _ in 0..CONFIG_ATTEMPTS_MAX {
        made = attempt(config, change);
        if !matches!(&made, Err(Refused { code: Code::Conflict, .. })) {
            break;
        }
    }
    made.unwrap_or_else(Made::Refused)
}

fn attempt(config: &dyn LiveConfig, change: &Change) -> Result<Made, Refused> {
    let now = config.read()?;
    if !now.config.is_known() {
        return Err(Error::Refused(crate::config::Refusal::UnknownVersion).into());
    }
    let changed = change.apply(now.config)?;
    if changed == now.config {
        return Ok(Made::Nothing);
    }
    config.replace(changed, now.sequence, false)?;
    Ok(Made::Changed)
}
