//! `lattice.config.v1` at `/_dashboard/ws`: many who listen, on every thread, and everybody who may change
//! the 13 bytes meanwhile.

use std::ffi::CString;
use std::fs::{OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lattice::config::{Config, ConfigFile, Flags, Image, Slot};

use super::{Site, ask, open};
use crate::support::{Came, Response, Setup, WebSocket};

const PATH: &str = "/_dashboard/ws";
const PROTOCOL: &str = "lattice.config.v1";
/// On each thread.
const SUBSCRIBERS: u64 = 3;
/// More than any connection may send at once.
const TOO_MANY: usize = 300;

const POLICY: u16 = 1008;
/// Within 10 seconds, as is said, on a machine that does other things too. A ping comes after 30.
const NOTICED: Duration = Duration::from_secs(20);

/// CRC-8/SMBUS, bit by bit.
fn crc(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 != 0 { (crc << 1) ^ 7 } else { crc << 1 })
    })
}

fn frame(kind: u8, offset: u32, value: u64) -> Vec<u8> {
    let mut frame = [&[kind][..], &offset.to_le_bytes(), &value.to_le_bytes()].concat();
    frame.push(crc(&frame));
    frame
}

fn byte(offset: u32, value: u8) -> Vec<u8> {
    frame(1, offset, value.into())
}

fn feature(flag: Flags, on: bool) -> Vec<u8> {
    frame(2, flag.0.trailing_zeros(), on.into())
}

/// A broadcast: its sequence and the 13 bytes.
fn state_of(message: &[u8]) -> (u64, [u8; 13]) {
    assert_eq!((message.len(), message[0], &message[1..5]), (27, 5, &[13, 0, 0, 0][..]), "{message:?}");
    assert_eq!(crc(&message[..13]), message[13]);
    (u64::from_le_bytes(message[5..13].try_into().expect("8")), message[14..].try_into().expect("13"))
}

/// The code of an error, which has a sentence.
fn error_of(message: &[u8]) -> u64 {
    let sentence = u32::from_le_bytes(message[1..5].try_into().expect("4")) as usize;
    assert_eq!((message[0], message.len()), (4, 14 + sentence), "{message:?}");
    assert!(sentence > 0 && crc(&message[..13]) == message[13]);
    u64::from_le_bytes(message[5..13].try_into().expect("8"))
}

fn message(socket: &mut WebSocket) -> Vec<u8> {
    match socket.next() {
        Came::Binary(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

fn state(socket: &mut WebSocket) -> (u64, [u8; 13]) {
    state_of(&message(socket))
}

/// What a message is refused with.
fn refused(socket: &mut WebSocket, bytes: &[u8]) -> u64 {
    socket.send_binary(bytes);
    error_of(&message(socket))
}

/// Nothing waits to be read: what is asked next is answered next.
fn is_quiet(socket: &mut WebSocket) -> bool {
    let beat = frame(3, 7, 0x0102_0304_0506_0708);
    socket.send_binary(&beat);
    message(socket) == beat
}

impl Site {
    fn try_socket(&self, protocols: &str, fields: &[(&str, &str)]) -> Result<WebSocket, Response> {
        let fields = [&[("Sec-WebSocket-Protocol", protocols)], fields].concat();
        WebSocket::open(self.node.address(), PATH, &fields)
    }

    /// Of nobody in particular, that has read the current state.
    fn socket(&self) -> (WebSocket, (u64, [u8; 13])) {
        let mut socket = self.try_socket(PROTOCOL, &[]).expect("everybody may read");
        let first = state(&mut socket);
        (socket, first)
    }

    /// Of this token, that has read the current state.
    fn socket_of(&self, token: &str) -> WebSocket {
        let mut socket = self.try_socket(PROTOCOL, &[("Authorization", &self.bearer(token))]).expect("a user may read");
        state(&mut socket);
        socket
    }

    /// Some on each thread, each with the current state.
    fn subscribers(&self) -> Vec<WebSocket> {
        let mut all = Vec::new();
        while self.node.meters().of_each_thread("upgraded").iter().any(|count| *count < SUBSCRIBERS) {
            all.extend((0..SUBSCRIBERS).map(|_| self.socket().0));
            assert!(all.len() < 200, "one thread gets no connection");
        }
        all
    }

    /// Read without a trace: the node is told when a file that may be written is closed.
    fn current(&self) -> Slot {
        let name = CString::new(self.file().as_os_str().as_bytes()).expect("no zero byte");
        ConfigFile::open(&name).and_then(|file| file.snapshot()).expect("a config")
    }
}

/// Writes the slot that is not the config, as a program without this library would.
fn write_bare(site: &Site, config: Config) {
    let slot = Slot { config, sequence: site.current().sequence + 1 };
    let file = OpenOptions::new().read(true).write(true).open(site.file()).expect("ours");
    let mut first = [0; 8];
    file.read_exact_at(&mut first, 16).expect("64 bytes");
    let at = if u64::from_le_bytes(first) == slot.sequence - 1 { 32 } else { 0 };
    file.write_all_at(&slot.encode(), at).expect("ours");
}

type Way<'s> = Box<dyn FnMut(u8) + 's>;

#[test]
fn everybody_on_every_thread_is_told_each_change_whoever_made_it() {
    let site = Site::start();
    let (mut by_byte, mut by_feature) = (site.socket_of(&site.root), site.socket_of(&site.root));
    let mut all = site.subscribers();
    let mut ways: [Way<'_>; 6] = [
        Box::new(|value| by_byte.send_binary(&byte(10, value))),
        Box::new(|value| by_feature.send_binary(&feature(Flags::DEBUG, value % 2 == 1))),
        Box::new(|value| {
            let changed = site.post(&format!(r#"{{"byte": {{"offset": 11, "value": {value}}}}}"#));
            assert_eq!(changed.status, 200, "{changed:?}");
        }),
        Box::new(|value| drop(site.config(&["flag", "LOGGING", if value % 2 == 0 { "on" } else { "off" }]))),
        Box::new(|value| {
            open(&site.file()).set_byte(12, value).expect("it is written");
        }),
        Box::new(|value| write_bare(&site, site.current().config.with_size(value, value))),
    ];
    let mut last = site.current().sequence;
    for round in 101..104 {
        for (way, change) in ways.iter_mut().enumerate() {
            change(round);
            let told: Vec<(u64, [u8; 13])> = all.iter_mut().map(state).collect();
            let now = site.current();
            assert_eq!(now.sequence, last + 1, "way {way}, round {round}");
            last = now.sequence;
            assert!(told.iter().all(|told| *told == (now.sequence, now.config.to_bytes())), "way {way}: {told:?}");
        }
    }
    assert!(all.iter_mut().all(is_quiet), "once each");
}

#[test]
fn a_store_into_the_mapping_is_told_when_the_writer_says_so_or_with_the_next_message() {
    let site = Site::start();
    let mut connection = site.node.connect();
    let mut all = site.subscribers();
    // It stays open: the kernel reports that a file is closed that may be written.
    let mut file = open(&site.file());
    let mut locked = file.lock(1000).expect("nobody else writes");
    let mut publisher = locked.publisher().expect("a second mapping");
    for rows in 1..6 {
        let config = publisher.slot().expect("a config").config;
        let slot = publisher.publish(config.with_size(rows, 80)).expect("it is stored");
        publisher.wake_watchers().expect("it is ours");
        assert!(all.iter_mut().all(|socket| state(socket).0 == slot.sequence), "the writer says so");

        let slot = publisher.publish(config.with_size(rows, 81)).expect("it is stored");
        assert_eq!(all[0].next_within(Duration::from_millis(100)), None, "nothing has happened that the node sees");
        if rows % 2 == 0 {
            assert_eq!(ask(&mut connection, "/-/ping").status, 200);
        } else {
            let beat = frame(3, 0, 1);
            all[1].send_binary(&beat);
            assert_eq!(message(&mut all[1]), beat, "before it is told: it has woken the node");
        }
        assert!(all.iter_mut().all(|socket| state(socket) == (slot.sequence, slot.config.to_bytes())));
    }
}

#[test]
fn of_changes_that_follow_each_other_closely_the_last_is_told_and_none_goes_back() {
    let site = Site::start();
    let mut all = site.subscribers();
    let mut roots = [site.socket_of(&site.root), site.socket_of(&site.root)];
    let writers: Vec<std::thread::JoinHandle<()>> = (0..2u8)
        .map(|writer| {
            let path = site.file();
            std::thread::spawn(move || {
                let mut file = open(&path);
                for value in 0..100 {
                    file.set_byte(u32::from(10 + writer), value).expect("it is written");
                    std::thread::sleep(Duration::from_millis(1));
                }
            })
        })
        .collect();
    for value in 1..40 {
        // Different bytes: none of these changes may be lost, whoever is faster.
        roots[0].send_binary(&byte(12, value));
        roots[1].send_binary(&byte(8, value));
    }
    writers.into_iter().for_each(|writer| writer.join().expect("it ends"));
    for root in &mut roots {
        let (mut last, mut bytes) = (0, [0; 13]);
        while (bytes[12], bytes[8], bytes[10], bytes[11]) != (39, 39, 99, 99) {
            let (sequence, told) = state(root);
            assert!(sequence > last, "{sequence} after {last}");
            (last, bytes) = (sequence, told);
        }
    }
    let end = site.current();
    assert_eq!(end.sequence, 1 + 2 * 100 + 2 * 39, "each change was made");
    for socket in &mut all {
        let mut last = 0;
        while last != end.sequence {
            let (sequence, bytes) = state(socket);
            assert!(sequence > last, "{sequence} after {last}");
            last = sequence;
            assert!(sequence != end.sequence || bytes == end.config.to_bytes());
        }
        assert!(is_quiet(socket));
    }
}

#[test]
fn who_comes_is_told_the_current_state_first() {
    let site = Site::start();
    for rows in 1..8 {
        open(&site.file()).set_byte(10, rows).expect("it is written");
        // The kernel needs a moment to say that; whoever asks does not.
        assert_eq!(site.node.get("/_dashboard/api/config").status, 200);
        let now = site.current();
        for _ in 0..4 {
            let (mut socket, first) = site.socket();
            assert_eq!(first, (now.sequence, now.config.to_bytes()));
            assert!(is_quiet(&mut socket), "once");
        }
    }
}

#[test]
fn who_may_not_change_it_is_told_why_and_stays() {
    let site = Site::start();
    let reader = site.node.data().token("ann", &["--read-only"]);
    let before = site.current();
    let (nobody, _) = site.socket();
    for (mut socket, code) in [(nobody, 16), (site.socket_of(&reader), 17), (site.socket_of(&site.user), 18)] {
        assert_eq!(refused(&mut socket, &byte(10, 1)), code);
        assert_eq!(refused(&mut socket, &feature(Flags::DEBUG, true)), code);
        assert!(is_quiet(&mut socket));
    }
    assert_eq!(site.current(), before);
}

#[test]
fn what_is_no_frame_is_refused_and_the_connection_stays() {
    let site = Site::start();
    let mut root = site.socket_of(&site.root);
    let mut broken = byte(10, 1);
    broken[13] ^= 0x40;
    for (bytes, code) in [
        (vec![], 2),
        ([byte(10, 1), byte(11, 1)].concat(), 2),
        (broken, 3),
        (frame(9, 0, 0), 4),
        (byte(13, 0), 5),
        (frame(2, 32, 1), 5),
        (frame(1, 10, 256), 6),
        (byte(9, 3), 6),
        (byte(0, 2), 6),
        (frame(5, 0, 1), 7),
    ] {
        assert_eq!(refused(&mut root, &bytes), code, "{bytes:?}");
    }
    root.send_text("{\"rows\": 1}");
    assert_eq!(error_of(&message(&mut root)), 1);
    assert!(is_quiet(&mut root));
    let long = [frame(3, 0, 0), vec![0; 4096 - 14]].concat();
    assert_eq!(refused(&mut root, &long), 2);
    root.send_binary(&[&long[..], &[0]].concat());
    assert!(matches!(root.next(), Came::Closed(1009, _)), "no message is so long");
}

#[test]
fn what_changes_nothing_is_answered_to_who_asked() {
    let site = Site::start();
    let (mut other, _) = site.socket();
    let mut root = site.socket_of(&site.root);
    let before = site.current();
    for same in [feature(Flags::LOGGING, true), byte(0, 1), byte(10, before.config.rows())] {
        root.send_binary(&same);
        assert_eq!(state(&mut root), (before.sequence, before.config.to_bytes()));
    }
    assert!(is_quiet(&mut root) && is_quiet(&mut other));
    assert_eq!(site.current(), before, "nothing was written");
}

#[test]
fn who_sends_too_much_is_told_so() {
    let site = Site::start();
    let (mut socket, _) = site.socket();
    let beat = frame(3, 1, 2);
    (0..TOO_MANY).for_each(|_| socket.send_binary(&beat));
    let answers: Vec<Vec<u8>> = (0..TOO_MANY).map(|_| message(&mut socket)).collect();
    let taken = answers.iter().filter(|answer| **answer == beat).count();
    assert!((100..TOO_MANY).contains(&taken), "{taken}");
    assert!(answers[..100].iter().all(|answer| *answer == beat), "so many at once are no more than are allowed");
    assert!(answers[100..].iter().all(|answer| *answer == beat || error_of(answer) == 8));
    let (mut other, _) = site.socket();
    assert!(is_quiet(&mut other), "nobody else is held up");
}

#[test]
fn without_the_flag_nobody_stays_and_nobody_comes() {
    let site = Site::start();
    let mut all = site.subscribers();
    all.push(site.socket_of(&site.root));
    site.config(&["flag", "BINARY_PROTOCOL", "off"]);
    let now = site.current();
    for socket in &mut all {
        assert_eq!(state(socket), (now.sequence, now.config.to_bytes()), "why, comes first");
        assert_eq!(socket.next(), Came::Closed(POLICY, "BINARY_PROTOCOL was switched off".into()));
    }
    for _ in 0..4 {
        let refused = site.try_socket(PROTOCOL, &[]).err().expect("it is off");
        assert_eq!((refused.status, &refused.json()["error"]), (403, &"BINARY_PROTOCOL is off".into()));
    }
    site.config(&["flag", "BINARY_PROTOCOL", "on"]);
    for _ in 0..4 {
        let now = site.current();
        assert_eq!(site.socket().1, (now.sequence, now.config.to_bytes()));
    }
    // It may switch itself off.
    let mut root = site.socket_of(&site.root);
    root.send_binary(&feature(Flags::BINARY_PROTOCOL, false));
    state(&mut root);
    assert!(matches!(root.next(), Came::Closed(POLICY, _)));
}

#[test]
fn what_becomes_private_is_told_to_users_alone() {
    let site = Site::start();
    let mut strangers = site.subscribers();
    let mut users: Vec<WebSocket> = (0..6).map(|_| site.socket_of(&site.user)).collect();
    site.config(&["flag", "PRIVATE_REGISTRY", "on"]);
    let now = site.current();
    for stranger in &mut strangers {
        let Came::Closed(POLICY, reason) = stranger.next() else { panic!("told or left open") };
        assert!(reason.contains("private"), "{reason}");
    }
    assert!(users.iter_mut().all(|user| state(user) == (now.sequence, now.config.to_bytes())));
    for _ in 0..4 {
        let refused = site.try_socket(PROTOCOL, &[]).err().expect("it is private");
        assert_eq!((refused.status, refused.header("WWW-Authenticate")), (401, Some("Bearer")));
    }
    let mut root = site.socket_of(&site.root);
    root.send_binary(&feature(Flags::PRIVATE_REGISTRY, false));
    state(&mut root);
    for _ in 0..4 {
        let now = site.current();
        assert_eq!(site.socket().1, (now.sequence, now.config.to_bytes()), "open again");
    }
}

#[test]
fn a_browser_shows_its_token_as_a_protocol_or_in_a_cookie() {
    let site = Site::start();
    site.config(&["flag", "PRIVATE_REGISTRY", "on"]);
    let offered = format!("{PROTOCOL}, lattice.token.{}", site.root);
    let cookie = format!("lattice_token={}", site.root);
    let bad = format!("{PROTOCOL}, lattice.token.{}x", site.root);
    let page = format!("http://{}", site.node.address());
    for (protocols, fields, admitted) in [
        (offered.as_str(), &[][..], true),
        (offered.as_str(), &[("Origin", page.as_str())], true),
        (PROTOCOL, &[("Cookie", cookie.as_str())], true),
        (PROTOCOL, &[("Cookie", cookie.as_str()), ("Origin", page.as_str())], true),
        (PROTOCOL, &[("Cookie", cookie.as_str()), ("Origin", "https://evil.example")], false),
        (offered.as_str(), &[("Origin", "https://evil.example")], false),
        (bad.as_str(), &[], false),
    ] {
        let opened = site.try_socket(protocols, fields);
        assert_eq!(opened.is_ok(), admitted, "{protocols} {fields:?}");
        if let Ok(mut socket) = opened {
            state(&mut socket);
            socket.send_binary(&byte(10, site.current().config.rows() + 1));
            assert_eq!(state(&mut socket).0, site.current().sequence, "it is the administrator's");
        }
    }
}

#[test]
fn a_token_that_is_revoked_ends_its_connections_and_changes_nothing_any_more() {
    let site = Site::start();
    let mut roots: Vec<WebSocket> = (0..8).map(|_| site.socket_of(&site.root)).collect();
    let (mut stranger, _) = site.socket();
    let before = site.current();
    let path = format!("/-/user/token/{}", site.root);
    let revoked = site.node.http("DELETE", &path, &[("Authorization", &site.bearer(&site.root))], b"");
    assert_eq!(revoked.status, 200, "{revoked:?}");
    for (number, root) in roots.iter_mut().enumerate() {
        if number % 2 == 0 {
            // A thread hears of it before it looks at what it receives.
            root.send_binary(&byte(10, before.config.rows() + 1));
        }
        assert!(matches!(root.next_within(NOTICED), Some(Came::Closed(POLICY, _))));
    }
    assert!(is_quiet(&mut stranger));
    assert_eq!(site.current(), before);
}

#[test]
fn a_token_that_another_process_revokes_ends_its_connections_though_nothing_happens_on_them() {
    let site = Site::start();
    let (mut roots, mut others): (Vec<_>, Vec<_>) =
        (0..8).map(|_| (site.socket_of(&site.root), site.socket_of(&site.user))).unzip();
    let (mut stranger, before) = (site.socket().0, site.current());
    let listed = site.node.data().run(&["token", "list", "--user", "root"], b"");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let id = listed.split_whitespace().find(|word| word.parse::<u64>().is_ok()).expect("an id");
    site.node.data().run(&["token", "revoke", id], b"");
    for root in &mut roots {
        // They send nothing, and nobody publishes.
        assert!(matches!(root.next_within(NOTICED), Some(Came::Closed(POLICY, _))));
    }
    assert!(others.iter_mut().all(is_quiet) && is_quiet(&mut stranger), "they are who they were");
    assert!(site.try_socket(PROTOCOL, &[("Authorization", &site.bearer(&site.root))]).is_err());
    assert_eq!(site.current(), before);
}

#[test]
fn a_password_that_another_process_sets_ends_the_connections_of_the_one_before() {
    let site = Site::start();
    let set =
        |password: &str| site.node.data().run(&["user", "passwd", "ann", "--password-stdin"], password.as_bytes());
    let try_with = |password: &str| {
        let basic = format!("Basic {}", STANDARD.encode(format!("ann:{password}")));
        site.try_socket(PROTOCOL, &[("Authorization", &basic)])
    };
    set("the first one\n");
    let mut anns: Vec<_> = (0..4).map(|_| try_with("the first one").expect("it is hers")).collect();
    for ann in &mut anns {
        state(ann);
    }
    let (mut root, mut stranger) = (site.socket_of(&site.root), site.socket().0);
    set("the second one\n");
    for ann in &mut anns {
        assert!(matches!(ann.next_within(NOTICED), Some(Came::Closed(POLICY, _))));
    }
    assert!(is_quiet(&mut root) && is_quiet(&mut stranger), "they are who they were");
    assert!(try_with("the first one").is_err());
    state(&mut try_with("the second one").expect("it is hers now"));
}

#[test]
fn a_file_that_takes_the_place_of_another_is_told_and_then_its_changes_are() {
    let site = Site::start();
    let mut all = site.subscribers();
    for rows in 1..4 {
        let path = site.node.data().path().join("other.bin");
        let config = site.current().config.with_size(rows, 40);
        std::fs::write(&path, Image::new(config).to_bytes()).expect("the temp dir is writable");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
        std::fs::rename(&path, site.file()).expect("the same directory");
        assert!(all.iter_mut().all(|socket| state(socket) == (1, config.to_bytes())), "its sequences begin anew");
        write_bare(&site, config.with_size(rows, 41));
        assert!(all.iter_mut().all(|socket| state(socket).0 == 2), "the file is watched that has the name");
    }
}

#[test]
fn a_config_of_a_version_to_come_is_told_and_not_written() {
    let site = Site::start();
    let mut root = site.socket_of(&site.root);
    let mut bytes = site.current().config.to_bytes();
    bytes[0] = 2;
    write_bare(&site, Config::from_bytes(bytes));
    assert_eq!(state(&mut root).1, bytes);
    assert_eq!(refused(&mut root, &byte(10, 9)), 32);
    assert_eq!(refused(&mut root, &byte(0, 1)), 32);
    assert_eq!(site.current().config.to_bytes(), bytes);
}

#[test]
fn what_registry_toml_closes_is_closed_here_too() {
    let site = Site::with(Setup::new().config("[npm]\nanonymous_reads = false\n"));
    assert_eq!(site.try_socket(PROTOCOL, &[]).err().expect("closed").status, 401);
    assert!(is_quiet(&mut site.socket_of(&site.user)));
}
