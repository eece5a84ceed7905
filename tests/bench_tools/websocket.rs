//! The WebSocket bench: the clients count what is right, and notice what is not, wherever a wire breaks it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

use lattice::config::Config;
use lattice::config::frame::{FRAME_BYTES, Frame};
use tempfile::TempDir;

use super::{Floor, ROOT, build_in, client, has, run};

/// The floor, and the programs that talk to it.
struct Bench {
    floor: Floor,
    place: TempDir,
}

impl Bench {
    fn new() -> Self {
        let place = TempDir::new().expect("a directory");
        Self { floor: Floor::run(&build_in("bench/ws", "floor", &place), &[]), place }
    }

    /// `load` or `fan`, built the first time.
    fn program(&self, name: &str) -> PathBuf {
        let built = self.place.path().join(name);
        if built.exists() { built } else { build_in("bench/ws", name, &self.place) }
    }

    fn echo(&self, port: u16, options: &str) -> (bool, String) {
        client(&self.program("load"), port, options, &["/echo"])
    }

    fn broadcast(&self, port: u16, options: &str) -> (bool, String) {
        client(&self.program("fan"), port, options, &["/subscribe", "/publish"])
    }

    /// A port in front of the floor. `alter` is given what the floor says behind its handshake, from where on.
    fn behind(&self, alter: fn(&mut Vec<u8>, usize)) -> u16 {
        self.between(|request| request, alter)
    }

    /// The same; `ask` makes of what the client says what the floor hears.
    fn between(&self, ask: fn(Vec<u8>) -> Vec<u8>, alter: fn(&mut Vec<u8>, usize)) -> u16 {
        let (listener, floor) = (TcpListener::bind("127.0.0.1:0").expect("a free port"), self.floor.port);
        let port = listener.local_addr().expect("bound").port();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a client");
                let server = TcpStream::connect(("127.0.0.1", floor)).expect("the floor");
                for stream in [&client, &server] {
                    stream.set_nodelay(true).expect("a socket");
                }
                let (from, to) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
                thread::spawn(move || pass(from, to, ask));
                thread::spawn(move || answer(server, client, alter));
            }
        });
        port
    }
}

/// Hands bytes on until one side ends.
fn pass(mut from: TcpStream, mut to: TcpStream, ask: fn(Vec<u8>) -> Vec<u8>) {
    let mut bytes = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&ask(bytes[..count].to_vec())).is_err() {
            break;
        }
    }
    // The other side may be gone already.
    let _ = to.shutdown(Shutdown::Both);
}

/// Hands the floor's answers on, altered behind the handshake.
fn answer(mut from: TcpStream, mut to: TcpStream, alter: fn(&mut Vec<u8>, usize)) {
    let (mut head, mut bytes, mut told) = (Vec::new(), [0; 65536], None);
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let mut said = bytes[..count].to_vec();
        if let Some(told) = &mut told {
            alter(&mut said, *told);
            *told += count;
        } else {
            head.extend_from_slice(&said);
            told = head.ends_with(b"\r\n\r\n").then_some(0);
        }
        // In small pieces: nothing may depend on how an answer is cut.
        if said.chunks(1.max(said.len() / 50)).any(|piece| to.write_all(piece).is_err()) {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Changes the byte that the floor says at `at`.
fn flip(said: &mut [u8], told: usize, at: usize) {
    if let Some(byte) = at.checked_sub(told).and_then(|at| said.get_mut(at)) {
        *byte ^= 1;
    }
}

#[test]
fn every_echo_of_the_floor_is_right() {
    let bench = Bench::new();
    for (bytes, header) in [(16, 2), (125, 2), (126, 4), (16_384, 4), (65_535, 4), (65_536, 10)] {
        // 203 is no multiple of the depth: the last ones go by fewer.
        for depth in [1, 16] {
            let (success, report) = bench.echo(bench.floor.port, &format!("-c 4 -d {depth} -n 203 -b {bytes}"));
            assert!(success, "{bytes} bytes, {depth} deep: {report}");
            let all = 203 * (bytes + header);
            has(&report, &[("requests", 203), ("bytes", all), ("wrong", 0), ("unanswered", 0), ("lost", 0)]);
        }
    }
}

#[test]
fn an_echo_means_the_same_however_it_is_cut() {
    let bench = Bench::new();
    let port = bench.behind(|_, _| {});
    let (success, report) = bench.echo(port, "-c 2 -d 16 -n 100 -b 130");
    assert!(success, "{report}");
    has(&report, &[("requests", 100), ("wrong", 0), ("unanswered", 0), ("lost", 0)]);
}

#[test]
fn an_echo_with_one_wrong_byte_is_wrong() {
    let bench = Bench::new();
    // Messages of 130 bytes behind 4 of a header. The first and last 8 bytes of each are looked at, of the
    // first the whole.
    let alters: [fn(&mut Vec<u8>, usize); 6] = [
        |said, told| flip(said, told, 0),             // text instead of binary
        |said, told| flip(said, told, 4),             // the first byte
        |said, told| flip(said, told, 4 + 60),        // the middle of the first one
        |said, told| flip(said, told, 4 + 129),       // the last byte
        |said, told| flip(said, told, 134 + 4 + 7),   // of the second one
        |said, told| flip(said, told, 134 + 4 + 122), // and its end
    ];
    for (index, alter) in alters.into_iter().enumerate() {
        let (success, report) = bench.echo(bench.behind(alter), "-c 1 -n 10 -b 130");
        assert!(!success, "{index}: {report}");
        has(&report, &[("requests", 10), ("wrong", 1), ("unanswered", 0), ("lost", 0)]);
    }
}

#[test]
fn a_stream_that_nobody_can_read_is_lost() {
    let bench = Bench::new();
    let alters: [fn(&mut Vec<u8>, usize); 3] = [
        |said, _| said[1] |= 0x80,               // masked
        |said, _| said[0] = 0x88,                // closed
        |said, _| said.truncate(said.len() - 1), // cut, and nothing comes behind it
    ];
    for (index, alter) in alters.into_iter().enumerate() {
        let (success, report) = bench.echo(bench.behind(alter), "-c 1 -s 0.2");
        assert!(!success, "{index}: {report}");
        has(&report, &[("requests", 0), ("wrong", 0), ("unanswered", 1)]);
    }
}

#[test]
fn a_change_reaches_every_subscriber_once() {
    let bench = Bench::new();
    for (subscribers, deliveries) in [(1, 20), (100, 2000)] {
        let (success, report) = bench.broadcast(bench.floor.port, &format!("-c {subscribers} -n 20 -w 2 -p 0"));
        assert!(success, "{report}");
        has(&report, &[("requests", deliveries), ("broadcasts", 20), ("wrong", 0), ("unanswered", 0), ("lost", 0)]);
    }
}

#[test]
fn a_change_that_comes_twice_or_wrongly_is_counted() {
    let bench = Bench::new();
    // One subscriber, to whom a broadcast is 29 bytes.
    let twice = bench.behind(|said, told| {
        if told == 29 {
            said.extend_from_within(..);
        }
    });
    let (success, report) = bench.broadcast(twice, "-c 1 -n 3 -w 0");
    assert!(!success, "{report}");
    has(&report, &[("requests", 3), ("wrong", 1), ("unanswered", 0), ("lost", 0)]);
}

#[test]
fn a_change_of_the_config_is_a_frame_of_the_subprotocol() {
    let bench = Bench::new();
    let port = bench.between(as_a_config_would, |_, _| {});
    let (success, report) = bench.broadcast(port, "-m config -c 5 -n 20 -w 2");
    assert!(success, "{report}");
    has(&report, &[("requests", 100), ("wrong", 0), ("unanswered", 0), ("lost", 0)]);
}

/// Makes of a publisher's change what a node tells of it; the floor hands that on. A handshake stays.
fn as_a_config_would(said: Vec<u8>) -> Vec<u8> {
    let [0x82, 0x8e, k0, k1, k2, k3, masked @ ..] = &said[..] else { return said };
    let key = [k0, k1, k2, k3];
    let mut change: [u8; FRAME_BYTES] = masked.try_into().expect("one frame");
    change.iter_mut().zip(key.into_iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    let Frame::Byte { offset: 10, value } = Frame::decode(&change).expect("a frame") else {
        panic!("not the byte of the rows: {change:?}");
    };
    let config = Config::from_bytes([7; 13]).with_size(value, 80).to_bytes();
    let told = Frame::Broadcast { payload_bytes: 13, value: 12345 }.encode();
    // Masked with zeros.
    [&[0x82, 0x80 | 27, 0, 0, 0, 0], &told[..], &config].concat()
}

#[test]
fn frames_and_the_handshake_are_those_of_the_standard() {
    let place = TempDir::new().expect("a directory");
    run(&build_in("tests/bench_tools", "frames", &place).to_string_lossy(), &[]);
}

/// What a line of Python prints that has the bench's modules.
fn python(line: &str) -> String {
    let program = format!("import sys; sys.path[:0] = ['{ROOT}/bench/peers', '{ROOT}/bench/ws']\n{line}");
    run("python3", &["-B", "-c", &program])
}

#[test]
fn the_check_before_a_round_passes_the_floor_and_notices_a_wrong_byte() {
    let bench = Bench::new();
    let check = |port: u16| {
        python(&format!(
            "import answers, websocket\n\
             try:\n \
                 websocket.check_echo({port}, '/echo')\n \
                 print('right')\n\
             except answers.Wrong as wrong:\n \
                 print(wrong)"
        ))
    };
    assert_eq!(check(bench.floor.port), "right\n");
    assert_eq!(check(bench.behind(|_, _| {})), "right\n");
    let wrong = check(bench.behind(|said, told| flip(said, told, 3)));
    assert!(wrong.contains("came back as"), "{wrong}");
}

#[test]
fn the_tables_tell_medians_and_spread() {
    let told = python(
        "import figures, tables\n\
         from client import Sample\n\
         rounds = [Sample(1000, 0.001 * n, 0.002 * n, 5000.0 * n, 50.0, 90.0 * n) for n in (1, 2, 4)]\n\
         summary = tables.summary(rounds) | {'instructions': 1234.4, 'syscalls': 2.0}\n\
         print(figures.echo_table({'dear': summary | {'cpu_us': 9.0}, 'cheap': summary}))\n\
         print(figures.broadcast_table({'one': summary | {'instructions': None}}))\n\
         print(figures.memory_table({'one': {'opened': 64.0, 'after_16_b': 1064.4, 'after_16_kib': 0.0}}))",
    );
    let rows: Vec<&str> = told.lines().collect();
    let cheap = "| cheap | 6.00 (3.00–12.00) | 2.333 | 4.667 | 1,234 | 2.000 | 10,000 | 50 | 180 (90–360) |";
    assert_eq!(rows[2], cheap, "{told}");
    assert!(rows[3].starts_with("| dear | 9.00"), "{told}");
    assert!(told.contains("| – | 2.000 | 10,000 | 0.05 | 0.18 (0.09–0.36) |"), "{told}");
    assert!(told.contains("| one | 64 | 1,064 | 0 |"), "{told}");
}
