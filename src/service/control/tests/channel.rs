//! One connection without a socket: each kind of message, by whom it may be sent, and what comes of it.

use std::sync::Arc;

use super::super::broadcast::{publications, state};
use super::super::channel::Wire;
use super::super::refused::Code;
use super::Memory;
use crate::app::identity::{Identity, Shown, Standing};
use crate::app::live::LiveConfig;
use crate::app::testing::drain;
use crate::app::ws::{
    Act, Address, Ask, Channel, Failed, Link, Message, Outgoing, Outlet, Overflow, Publication, Sender, Topic, Way,
};
use crate::app::{Caller, Moment};
use crate::buffer::SendBuf;
use crate::config::frame::{FRAME_BYTES, Frame, encode_parts};
use crate::config::{Config, Error, Flags, Refusal, Slot};
use crate::limits::{CONFIG_ATTEMPTS_MAX, CONFIG_MESSAGES_BURST, CONFIG_MESSAGES_PER_S, SECOND_NS};
use crate::wire::ws::{Kind, Payload};

/// Nobody else is there.
struct Nowhere;

impl Outlet for Nowhere {
    fn publish(&self, _publication: Publication) {}
    fn push(&self, _to: Address, _act: Act) {}
}

fn user(admin: bool, read_only: bool) -> Caller {
    let standing = Standing::User("ann".into());
    Arc::new(Identity { standing, read_only, admin, shown: Shown::Nothing }).into()
}

struct Connection {
    wire: Wire,
    outgoing: Outgoing,
    out: SendBuf,
    now_ns: u64,
    flags: Flags,
}

impl Connection {
    fn new(config: &Arc<Memory>, caller: Caller) -> Self {
        let wire = Wire::new(config.clone(), &caller);
        let outgoing = Outgoing::new(1 << 20, Overflow::DropOldest).to(caller, None);
        let flags = Flags::BINARY_PROTOCOL;
        let mut connection = Self { wire, outgoing, out: SendBuf::new(), now_ns: 5, flags };
        connection.call(|wire, link| wire.on_open(link));
        connection
    }

    /// Of an administrator.
    fn root(config: &Arc<Memory>) -> Self {
        let mut connection = Self::new(config, user(true, false));
        connection.outgoing.take_asks();
        connection
    }

    fn call(&mut self, call: impl FnOnce(&mut Wire, &mut Link<'_>)) {
        let sender = Sender::new(Arc::new(Nowhere), Address { thread: 0, key: 0 });
        let now = Moment { monotonic_ns: self.now_ns, unix_ms: 0 };
        let way = Way { out: &mut self.out, compress: None };
        call(&mut self.wire, &mut Link::new(&mut self.outgoing, way, now, self.flags, &sender));
    }

    /// What a message is answered with, at once or after its job.
    fn send(&mut self, kind: Kind, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut bytes = bytes.to_vec();
        self.call(|wire, link| wire.on_message(Message::new(kind, Payload::Here(&mut bytes)), link));
        if let Some((_, job)) = self.outgoing.take_work() {
            let value = job().value;
            assert!(self.outgoing.end_work(), "it was under way");
            self.call(|wire, link| wire.on_done(value, link));
        }
        self.sent()
    }

    /// The payloads of the frames that left.
    fn sent(&mut self) -> Vec<Vec<u8>> {
        let bytes = drain(&mut self.out);
        let (mut rest, mut sent) = (bytes.as_slice(), Vec::new());
        while let [first, length, payload @ ..] = rest {
            assert!(*first == 0x82 && *length < 126, "a short binary message, whole: {first:x} {length}");
            let (payload, after) = payload.split_at(usize::from(*length));
            sent.push(payload.to_vec());
            rest = after;
        }
        sent
    }

    /// The code and the sentence it is refused with.
    fn refused(&mut self, kind: Kind, bytes: &[u8]) -> (u64, String) {
        let sent = self.send(kind, bytes);
        let [message] = sent.as_slice() else { panic!("not one message: {sent:?}") };
        refusal(message)
    }

    /// The code it is refused with.
    fn code(&mut self, bytes: &[u8]) -> u64 {
        self.refused(Kind::Binary, bytes).0
    }
}

fn refusal(message: &[u8]) -> (u64, String) {
    let (head, sentence) = message.split_at(FRAME_BYTES);
    let Ok(Frame::Error { payload_bytes, code }) = Frame::decode(head.try_into().unwrap()) else {
        panic!("no error: {message:?}")
    };
    assert_eq!(payload_bytes as usize, sentence.len());
    assert!(!sentence.is_empty());
    (code, String::from_utf8(sentence.to_vec()).expect("a sentence is UTF-8"))
}

fn byte(offset: u8, value: u8) -> [u8; FRAME_BYTES] {
    Frame::Byte { offset, value }.encode()
}

fn feature(bit: u8, on: bool) -> [u8; FRAME_BYTES] {
    Frame::Feature { bit, on }.encode()
}

const HEARTBEAT: Frame = Frame::Heartbeat { offset: 0xa1b2_c3d4, value: 0x1122_3344_5566_7788 };

#[test]
fn who_comes_subscribes_as_whom_one_is() {
    let config = Memory::new();
    let topic_of = |caller: Caller| match Connection::new(&config, caller).outgoing.take_asks().as_slice() {
        [Ask::Subscribe(topic)] => topic.clone(),
        other => panic!("{other:?}"),
    };
    let (users, anybody) = (topic_of(user(false, true)), topic_of(Caller::default()));
    assert_ne!(users, anybody);
    let told: Vec<Topic> = publications(&config.slot()).into_iter().map(|publication| publication.topic).collect();
    assert_eq!(told, [users, anybody], "both are told");
}

#[test]
fn an_administrator_changes_bytes_and_features() {
    let config = Memory::new();
    let mut root = Connection::root(&config);
    let first = config.slot().config;
    assert_eq!(root.send(Kind::Binary, &byte(10, 24)), [[0; 0]; 0], "the broadcast is the answer");
    assert_eq!(config.slot(), Slot { config: first.with_byte(10, 24).unwrap(), sequence: 2 });
    for (bit, sequence) in [(2, 3), (31, 4)] {
        assert_eq!(root.send(Kind::Binary, &feature(bit, true)), [[0; 0]; 0]);
        assert_eq!(config.slot().sequence, sequence);
        assert!(config.slot().config.flags().contains(Flags(1 << bit)));
    }
    root.send(Kind::Binary, &feature(31, false));
    assert!(!config.slot().config.flags().contains(Flags(1 << 31)));
    assert!(root.outgoing.take_asks().is_empty());
}

#[test]
fn every_byte_in_its_range_is_taken_and_no_other() {
    let config = Memory::new();
    let mut root = Connection::root(&config);
    for offset in 0..13 {
        for value in [0, 1, 2, 3, 254, 255] {
            root.now_ns += SECOND_NS;
            let sent = root.send(Kind::Binary, &byte(offset, value));
            let allowed = match offset {
                0 => value == 1,
                9 => value <= 2,
                _ => true,
            };
            assert_eq!(sent.is_empty(), allowed, "{offset} {value}");
            if allowed {
                assert_eq!(config.slot().config.to_bytes()[usize::from(offset)], value);
            } else {
                assert_eq!(refusal(&sent[0]).0, Code::Value as u64);
            }
        }
    }
    let (_, sentence) = root.refused(Kind::Binary, &byte(9, 3));
    assert_eq!(sentence, "terminal_mode may not be 3: allowed is 0, 1 or 2");
}

#[test]
fn what_changes_nothing_is_answered_by_what_the_topic_retains() {
    let config = Memory::new();
    let mut root = Connection::root(&config);
    let value = config.slot().config.to_bytes()[1];
    for same in [byte(1, value), feature(4, true), feature(2, false)] {
        assert_eq!(root.send(Kind::Binary, &same), [[0; 0]; 0]);
        let asks = root.outgoing.take_asks();
        assert!(
            matches!(asks.as_slice(), [Ask::Unsubscribe(left), Ask::Subscribe(joined)] if left == joined),
            "{asks:?}"
        );
    }
    assert_eq!(config.slot().sequence, 1, "nothing was written");
}

#[test]
fn a_heartbeat_comes_back_as_it_is_to_everybody() {
    let config = Memory::new();
    for caller in [Caller::default(), user(false, false), user(true, false)] {
        let mut connection = Connection::new(&config, caller);
        assert_eq!(connection.send(Kind::Binary, &HEARTBEAT.encode()), [HEARTBEAT.encode()]);
    }
}

#[test]
fn what_is_no_frame_is_refused_with_its_code() {
    let config = Memory::new();
    let mut root = Connection::root(&config);
    let mut broken = byte(10, 1);
    broken[13] ^= 1;
    for (bytes, code) in [
        (&[][..], Code::Length),
        (&byte(10, 1)[..13], Code::Length),
        (&[&byte(10, 1)[..], &[0]].concat(), Code::Length),
        (&[byte(10, 1), byte(11, 1)].concat(), Code::Length),
        (&broken, Code::Checksum),
        (&[&broken[..], &[0]].concat(), Code::Checksum),
        (&encode_parts(0, 0, 0), Code::Type),
        (&encode_parts(6, 0, 0), Code::Type),
        (&encode_parts(255, 0, 0), Code::Type),
        (&encode_parts(1, 13, 0), Code::Offset),
        (&encode_parts(2, 32, 0), Code::Offset),
        (&encode_parts(1, 0, 256), Code::Value),
        (&encode_parts(2, 0, 2), Code::Value),
        (&encode_parts(4, 0, 1), Code::Direction),
        (&[&encode_parts(4, 1, 1)[..], b"x"].concat(), Code::Direction),
        (&encode_parts(5, 13, 1), Code::Direction),
        (&state(&config.slot()), Code::Direction),
    ] {
        assert_eq!(root.code(bytes), code as u64, "{bytes:?}");
    }
    assert_eq!(root.refused(Kind::Text, b"{}").0, Code::Text as u64);
    assert_eq!(root.refused(Kind::Text, &HEARTBEAT.encode().map(|byte| byte & 0x7f)).0, Code::Text as u64);
    assert_eq!(config.slot().sequence, 1);
    assert_eq!(root.send(Kind::Binary, &HEARTBEAT.encode()).len(), 1, "the connection stays");
}

#[test]
fn who_may_not_change_the_config_is_told_why() {
    let config = Memory::new();
    for (caller, code) in [
        (Caller::default(), Code::NotLoggedIn),
        (Arc::new(Identity::invalid()).into(), Code::NotLoggedIn),
        (user(false, false), Code::NotAdmin),
        (user(false, true), Code::ReadOnlyToken),
        (user(true, true), Code::ReadOnlyToken),
    ] {
        let mut connection = Connection::new(&config, caller);
        for frame in [byte(10, 1), feature(2, true), byte(0, 1)] {
            assert_eq!(connection.code(&frame), code as u64);
        }
    }
    assert_eq!(config.slot().sequence, 1);
}

#[test]
fn nothing_is_done_once_the_protocol_is_off() {
    let config = Memory::new();
    let mut root = Connection::root(&config);
    root.flags = Flags(!Flags::BINARY_PROTOCOL.0);
    for frame in [byte(10, 1), feature(4, true), HEARTBEAT.encode()] {
        assert_eq!(root.code(&frame), Code::Off as u64);
    }
    assert_eq!(config.slot().sequence, 1);
}

#[test]
fn a_burst_is_taken_and_then_so_many_a_second() {
    let config = Memory::new();
    let mut connection = Connection::new(&config, Caller::default());
    let beat = HEARTBEAT.encode();
    for _ in 0..CONFIG_MESSAGES_BURST {
        assert_eq!(connection.send(Kind::Binary, &beat), [beat]);
    }
    assert_eq!(connection.code(&beat), Code::TooFast as u64);
    assert_eq!(connection.refused(Kind::Text, b"any message counts").0, Code::TooFast as u64);
    connection.now_ns += SECOND_NS;
    for _ in 0..CONFIG_MESSAGES_PER_S {
        assert_eq!(connection.send(Kind::Binary, &beat), [beat]);
    }
    assert_eq!(connection.code(&beat), Code::TooFast as u64);
    let mut other = Connection::new(&config, Caller::default());
    assert_eq!(other.send(Kind::Binary, &beat), [beat], "each connection has its own bound");
}

#[test]
fn a_change_is_made_to_what_is_there_even_if_somebody_else_was_faster() {
    let config = Memory::new();
    *config.overtaken.lock().unwrap() = true;
    assert_eq!(Connection::root(&config).send(Kind::Binary, &byte(10, 9)), [[0; 0]; 0]);
    assert_eq!((config.slot().sequence, config.slot().config.rows()), (3, 9));
}

/// Somebody else is always faster.
struct Contended(std::sync::atomic::AtomicUsize);

impl LiveConfig for Contended {
    fn read(&self) -> Result<Slot, Error> {
        Ok(Slot { config: Config::new(), sequence: 1 })
    }

    fn replace(&self, _config: Config, _expected: u64, _durable: bool) -> Result<Slot, Error> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err(Error::Conflict)
    }
}

#[test]
fn a_change_is_tried_so_often_and_no_more() {
    let contended = Arc::new(Contended(0.into()));
    let mut root = Connection::root(&Memory::new());
    root.wire = Wire::new(contended.clone(), &user(true, false));
    assert_eq!(root.code(&byte(10, 9)), Code::Conflict as u64);
    assert_eq!(contended.0.load(std::sync::atomic::Ordering::Relaxed), CONFIG_ATTEMPTS_MAX);
}

#[test]
fn what_the_file_does_not_take_is_told_with_its_code() {
    let config = Memory::new();
    let mut root = Connection::root(&config);
    for (error, code) in [
        (Error::Busy, Code::Busy),
        (Error::Locked, Code::Busy),
        (Error::DiskFull, Code::DiskFull),
        (Error::ReadOnly, Code::Unwritable),
        (Error::Denied, Code::Unwritable),
        (Error::Mode, Code::Unwritable),
        (Error::Owner, Code::Unwritable),
        (Error::Refused(Refusal::UnknownVersion), Code::Version),
        (Error::Refused(Refusal::Value), Code::Value),
        (Error::Refused(Refusal::Offset), Code::Offset),
        (Error::Refused(Refusal::SequenceExhausted), Code::Unusable),
        (Error::Conflict, Code::Conflict),
        (Error::Cut, Code::Unusable),
        (Error::Damaged, Code::Unusable),
        (Error::NotFound, Code::Unusable),
        (Error::Io(5), Code::Unusable),
    ] {
        *config.unwritable.lock().unwrap() = Some(error);
        let (told, sentence) = root.refused(Kind::Binary, &byte(10, 9));
        assert_eq!((told, sentence.as_str()), (code as u64, error.sentence()), "{error:?}");
    }
    *config.unreadable.lock().unwrap() = Some(Error::Damaged);
    assert_eq!(root.code(&byte(10, 9)), Code::Unusable as u64);
    assert_eq!(config.slot().sequence, 1);
}

#[test]
fn a_config_of_another_version_is_never_written() {
    let config = Memory::new();
    let mut bytes = config.slot().config.to_bytes();
    bytes[0] = 2;
    config.state.lock().unwrap().0.config = Config::from_bytes(bytes);
    let mut root = Connection::root(&config);
    for frame in [byte(0, 1), byte(10, 1), byte(1, bytes[1]), feature(2, true)] {
        assert_eq!(root.code(&frame), Code::Version as u64);
    }
    assert_eq!(config.slot(), Slot { config: Config::from_bytes(bytes), sequence: 1 });
}

#[test]
fn a_node_that_is_too_busy_says_so_and_the_connection_stays() {
    let config = Memory::new();
    let mut root = Connection::root(&config);
    root.call(|wire, link| wire.on_failed(Failed::Busy, link));
    let sent = root.sent();
    assert_eq!(refusal(&sent[0]).0, Code::Busy as u64);
    assert_eq!(root.outgoing.closed(), None);
    root.call(|wire, link| wire.on_failed(Failed::Panicked, link));
    assert!(root.outgoing.closed().is_some());
}

#[test]
fn the_codes_are_those_of_the_table() {
    let page = include_str!("../refused.rs");
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | ")?.split(' ').next()?.parse().ok());
    let table: Vec<u64> = rows.collect();
    assert_eq!(table, [1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 18, 19, 32, 33, 34, 35, 36, 37]);
    let all = [
        Code::Text,
        Code::Length,
        Code::Checksum,
        Code::Type,
        Code::Offset,
        Code::Value,
        Code::Direction,
        Code::TooFast,
        Code::NotLoggedIn,
        Code::ReadOnlyToken,
        Code::NotAdmin,
        Code::Off,
        Code::Version,
        Code::Conflict,
        Code::Busy,
        Code::DiskFull,
        Code::Unwritable,
        Code::Unusable,
    ];
    assert_eq!(all.map(|code| code as u64).to_vec(), table);
}
