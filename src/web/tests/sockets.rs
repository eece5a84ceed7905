//! WebSockets of a program over real sockets and several threads, with a client of others.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the server: it has sockets and waits")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;

use super::*;
use tungstenite::handshake::client::Response as Answered;
use tungstenite::protocol::CloseFrame;
use tungstenite::{Bytes as Sent, Message as Came};

type Socket = tungstenite::WebSocket<TcpStream>;

const LONG: Duration = Duration::from_secs(30);
const THREADS: usize = 3;

fn start(app: App) -> Running {
    start_with(app, Settings::default())
}

fn start_with(app: App, settings: Settings) -> Running {
    let settings = Settings { threads: THREADS, pin: false, ..settings };
    app.settings(settings).start("127.0.0.1:0").expect("a free port")
}

fn open(address: SocketAddr, path: &str) -> Socket {
    connect(address, path).0
}

fn connect(address: SocketAddr, path: &str) -> (Socket, Answered) {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(LONG)).expect("a socket takes this option");
    tungstenite::client(format!("ws://{address}{path}"), stream).unwrap_or_else(|error| panic!("{error}"))
}

/// With which code it ends; what comes before is passed over.
fn code(socket: &mut Socket) -> u16 {
    loop {
        match socket.read() {
            Ok(Came::Close(Some(CloseFrame { code, .. }))) => return code.into(),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn say(socket: &mut Socket, text: &str) {
    socket.send(Came::text(text)).expect("it is open");
}

fn hear(socket: &mut Socket) -> String {
    socket.read().expect("a message in time").into_text().expect("text").to_string()
}

/// Says that it is there, so that who waits for that knows it has subscribed.
fn listens() -> WebSocket {
    let topic = Topic::new("all");
    WebSocket::on_message(|message, link| link.send_back(message)).on_open(move |link| {
        link.subscribe(&topic);
        link.send_text("open");
    })
}

#[test]
fn what_is_published_from_outside_reaches_every_thread_in_order() {
    let app = App::new().websocket("/", listens);
    let topics = app.topics();
    topics.retain(&Topic::new("all"), Framed::text("from before"));
    let running = start(app);
    // So many that no thread is without any.
    let mut sockets: Vec<Socket> = (0..8 * THREADS).map(|_| open(running.local_addr(), "/")).collect();
    for socket in &mut sockets {
        let mut first = [hear(socket), hear(socket)];
        first.sort();
        assert_eq!(first, ["from before", "open"]);
    }
    for round in 0..100 {
        topics.publish(&Topic::new("all"), Framed::text(&round.to_string()));
    }
    for socket in &mut sockets {
        (0..100).for_each(|round| assert_eq!(hear(socket), round.to_string()));
    }
    topics.close(&Topic::new("all"), Code::new(4200), "that was all");
    assert!(sockets.iter_mut().all(|socket| code(socket) == 4200));
}

#[test]
fn a_panic_ends_one_connection_of_many() {
    struct Fragile;
    impl Channel for Fragile {
        fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
            match message.text().as_deref() {
                Some("break") => panic!("the channel breaks"),
                Some("break the job") => link.wait_for(|| panic!("the job breaks")),
                _ => link.send_back(message),
            }
        }
    }
    let running = start(App::new().websocket("/", || WebSocket::new(Fragile)));
    let mut sockets: Vec<Socket> = (0..4 * THREADS).map(|_| open(running.local_addr(), "/")).collect();
    for number in 0..sockets.len() / 2 {
        say(&mut sockets[number], ["break", "break the job"][number % 2]);
        assert_eq!(code(&mut sockets[number]), 1011);
        assert_eq!(running.failures(), number as u64 + 1);
    }
    for socket in sockets.iter_mut().skip(2 * THREADS) {
        say(socket, "still here");
        assert_eq!(hear(socket), "still here");
    }
}

#[test]
fn a_panic_at_the_end_of_a_channel_ends_nobody_else() {
    struct Fragile(Arc<Barrier>);
    impl Channel for Fragile {
        fn on_message(&mut self, _message: Message<'_>, link: &mut Link<'_>) {
            let gate = Arc::clone(&self.0);
            link.wait_for(move || gate.wait().is_leader());
        }
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("the channel breaks as it is dropped");
        }
    }
    let gate = Arc::new(Barrier::new(2));
    let fragile = Arc::clone(&gate);
    let running = start(
        App::new().websocket("/", listens).websocket("/fragile", move || WebSocket::new(Fragile(Arc::clone(&fragile)))),
    );
    let mut sockets: Vec<Socket> = (0..4 * THREADS).map(|_| open(running.local_addr(), "/")).collect();
    sockets.iter_mut().for_each(|socket| assert_eq!(hear(socket), "open"));
    // One goes while it rests, one while a job is away: then it ends as the result comes.
    drop(open(running.local_addr(), "/fragile"));
    let mut working = open(running.local_addr(), "/fragile");
    say(&mut working, "job");
    drop(working);
    gate.wait();
    for socket in &mut sockets {
        say(socket, "still here");
        assert_eq!(hear(socket), "still here");
    }
    drop(sockets);
    running.shutdown();
    running.wait().expect("no thread was lost");
}

#[test]
fn all_are_told_that_the_server_goes_away_and_it_waits_for_no_one_else() {
    let running = start(App::new().websocket("/", listens));
    let mut sockets: Vec<Socket> = (0..2 * THREADS).map(|_| open(running.local_addr(), "/")).collect();
    sockets.iter_mut().for_each(|socket| assert_eq!(hear(socket), "open"));
    running.shutdown();
    assert!(sockets.iter_mut().all(|socket| code(socket) == 1001));
    for mut socket in sockets {
        // Our answer to their end.
        while socket.read().is_ok() {}
    }
    running.wait().expect("an orderly end");
}

#[test]
fn a_websocket_may_be_decided_on_by_the_pool_behind_middlewares() {
    let decide = || Blocking(|| WebSocket::on_message(|message, link| link.send_back(message)));
    let app = App::new().middleware(RequestId).middleware(SecurityHeaders::new()).websocket("/", decide);
    let running = start(app);
    let (mut socket, answer) = connect(running.local_addr(), "/");
    assert_eq!(answer.headers().get_all("x-request-id").iter().count(), 1);
    for length in [0, 1, 70_000, 1 << 20] {
        socket.send(Came::Binary(Sent::from(vec![3; length]))).expect("it is open");
        assert_eq!(socket.read().expect("a message in time").into_data(), vec![3; length]);
    }
    assert!(matches!(socket.close(None), Ok(())));
    assert!(matches!(socket.read(), Ok(Came::Close(_))));
}

/// A connection that sends this behind its handshake and then nothing.
fn only_sends(address: SocketAddr, path: &str, frames: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(LONG)).expect("a socket takes this option");
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), frames].concat()).expect("it reads");
    stream
}

/// All that came until the end.
fn all(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it ends");
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{answer:?}");
    answer
}

#[test]
fn who_is_silent_is_asked_and_stays_as_long_as_it_answers() {
    let settings = Settings { websocket_ping: Duration::from_millis(500), ..Settings::default() };
    let running = start_with(App::new().websocket("/", listens), settings);
    let (silent, mut answers) = (only_sends(running.local_addr(), "/", b""), open(running.local_addr(), "/"));
    assert_eq!(hear(&mut answers), "open");
    for _ in 0..3 {
        // To be read is to be answered with a pong, which leaves with the next call.
        assert!(matches!(answers.read(), Ok(Came::Ping(_))));
        answers.flush().expect("it is open");
    }
    let answer = all(silent);
    assert!(answer.ends_with(b"\r\n\r\n\x81\x04open\x89\x00"), "asked once: {answer:?}");
    say(&mut answers, "still here");
    while !matches!(answers.read().expect("it is open"), Came::Text(_)) {}
}

#[test]
fn messages_that_come_with_the_handshake_are_heard() {
    let decide = || Blocking(|| WebSocket::on_message(|message, link| link.send_back(message)));
    let running = start(App::new().websocket("/pool", decide).websocket("/loop", listens));
    for path in ["/pool", "/loop"] {
        // A text of two bytes under a mask of zeros, and a close frame without a code.
        let frames = b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0";
        let answer = all(only_sends(running.local_addr(), path, frames));
        assert!(answer.ends_with(b"\x81\x02hi\x88\x00"), "{path}: {answer:?}");
    }
}
