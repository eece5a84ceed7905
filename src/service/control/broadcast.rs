//! What everybody is told who is connected: the config, as soon as it is another one.
//!
//! Those who are logged in and those who are not have a topic each. Both retain what is to be said to who
//! comes: the state, or that nobody may stay. So whoever a flag shuts out is not sent the state that
//! shuts him out, not even if he was let in a moment before.
//!
//! | BINARY_PROTOCOL | PRIVATE_REGISTRY | who is logged in | everybody else |
//! |---|---|---|---|
//! | on | off | the state | the state |
//! | on | on | the state | is closed |
//! | off | off | the state, then is closed | the state, then is closed |
//! | off | on | the state, then is closed | is closed |

use crate::app::Identity;
use crate::app::ws::{Act, Framed, Publication, Topic};
use crate::config::frame::{FRAME_BYTES, Frame};
use crate::config::{CONFIG_BYTES, Flags, Slot};
use crate::wire::ws::{Code, Kind};

const USERS: &str = "lattice.config.v1/users";
const ANYBODY: &str = "lattice.config.v1/anybody";

/// Bytes of the message that is the state.
pub(super) const STATE_BYTES: usize = FRAME_BYTES + CONFIG_BYTES;

/// What is published when this is the config. The node sees to it that each comes after the one before.
pub fn publications(slot: &Slot) -> Vec<Publication> {
    let flags = slot.config.flags();
    let state = Act::Message(Framed::new(Kind::Binary, &state(slot)));
    let mut all = to(USERS, &state, flags);
    all.extend(match flags.contains(Flags::PRIVATE_REGISTRY) {
        true => vec![publication(ANYBODY, end("the registry is private now: connect again with a token"), true)],
        false => to(ANYBODY, &state, flags),
    });
    all
}

/// To those who may read.
fn to(topic: &str, state: &Act, flags: Flags) -> Vec<Publication> {
    if flags.contains(Flags::BINARY_PROTOCOL) {
        return vec![publication(topic, state.clone(), true)];
    }
    let end = end("BINARY_PROTOCOL was switched off");
    vec![publication(topic, state.clone(), false), publication(topic, end, true)]
}

fn publication(topic: &str, act: Act, retain: bool) -> Publication {
    Publication { topic: Topic::new(topic), act, retain }
}

fn end(reason: &str) -> Act {
    Act::close(Code::POLICY, reason)
}

/// The message that is the state: a broadcast frame with the sequence, then the 13 bytes.
pub(super) fn state(slot: &Slot) -> [u8; STATE_BYTES] {
    let mut message = [0; STATE_BYTES];
    let (head, config) = message.split_at_mut(FRAME_BYTES);
    head.copy_from_slice(&Frame::Broadcast { payload_bytes: CONFIG_BYTES as u32, value: slot.sequence }.encode());
    config.copy_from_slice(&slot.config.to_bytes());
    message
}

/// Where somebody is told.
pub(super) fn topic(identity: &Identity) -> Topic {
    Topic::new(if identity.user().is_some() { USERS } else { ANYBODY })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::live::first;

    fn slot(flags: Flags) -> Slot {
        Slot { config: first("http://h").with_flags(flags), sequence: 0x0102_0304_0506_0708 }
    }

    /// `state` or `close`, with an exclamation mark if it is retained.
    fn told(topic: &str, slot: &Slot) -> Vec<&'static str> {
        let state = Act::Message(Framed::new(Kind::Binary, &state(slot)));
        let all = publications(slot).into_iter().filter(|publication| publication.topic.name() == topic);
        all.map(|publication| match (publication.act, publication.retain) {
            (act @ Act::Message(_), retain) => {
                assert_eq!(act, state);
                if retain { "state!" } else { "state" }
            }
            (Act::Close(code, _), retain) => {
                assert_eq!(code, Code::POLICY);
                if retain { "close!" } else { "close" }
            }
        })
        .collect()
    }

    #[test]
    fn who_is_told_what_follows_the_table() {
        let (open, private) = (Flags::BINARY_PROTOCOL, Flags::PRIVATE_REGISTRY);
        for (flags, users, anybody) in [
            (open, &["state!"][..], &["state!"][..]),
            (open.with(private, true), &["state!"], &["close!"]),
            (Flags(0), &["state", "close!"], &["state", "close!"]),
            (private, &["state", "close!"], &["close!"]),
        ] {
            let slot = slot(flags);
            assert_eq!((told(USERS, &slot), told(ANYBODY, &slot)), (users.to_vec(), anybody.to_vec()), "{flags:?}");
        }
    }

    #[test]
    fn the_state_is_a_frame_and_the_13_bytes() {
        let slot = slot(Flags::DEBUG);
        let message = state(&slot);
        assert_eq!(message[..14], [5, 13, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, message[13]]);
        assert_eq!(message[14..], slot.config.to_bytes());
        let frame = Frame::decode(message[..14].try_into().unwrap());
        assert_eq!(frame, Ok(Frame::Broadcast { payload_bytes: 13, value: slot.sequence }));
    }
}
