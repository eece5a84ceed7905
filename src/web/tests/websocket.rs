//! WebSockets as programs open them: through the test client.

use std::sync::Mutex;

use super::*;
use crate::limits::{WS_CALL_BYTES, WS_MESSAGE_BYTES};

fn echo() -> WebSocket {
    WebSocket::on_message(|message, link| link.send_back(message))
}

fn open<'c>(app: &'c TestClient, target: &str) -> TestWebSocket<'c> {
    app.websocket(target).connect().unwrap_or_else(|answer| panic!("{answer:?}"))
}

fn text(text: &str) -> Option<TestMessage> {
    Some(TestMessage::Text(text.to_owned()))
}

fn closed(code: u16, reason: &str) -> Option<TestMessage> {
    Some(TestMessage::Closed(code, reason.to_owned()))
}

/// That messages go there and back.
fn assert_echoes(socket: &mut TestWebSocket<'_>) {
    for length in [0, 1, 125, 126, 65_536, 200_000] {
        socket.send_binary(&vec![7; length]);
        assert_eq!(socket.receive(), Some(TestMessage::Binary(vec![7; length])), "{length}");
    }
    socket.send_text("grüße");
    assert_eq!(socket.receive(), text("grüße"));
    assert_eq!(socket.receive(), None);
}

#[test]
fn a_route_opens_websockets_below_groups_with_captures_and_state() {
    struct Greeting(&'static str);
    let talk = |Path(name): Path<String>, greeting: State<'_, Greeting>, Query(query): Query<Vec<(String, String)>>| {
        let first = format!("{} {name} {}", greeting.0, query.len());
        WebSocket::on_message(|message, link| link.send_back(message)).on_open(move |link| link.send_text(&first))
    };
    let app = App::new().state(Greeting("hello")).group("/v1", |group| group.websocket("/talk/{name}", talk)).test();
    let mut socket = open(&app, "/v1/talk/S%C3%B8ren?a=1");
    assert_eq!(socket.receive(), text("hello Søren 1"));
    assert_echoes(&mut socket);
    socket.ping(b"there?");
    assert_eq!(socket.receive(), Some(TestMessage::Pong(b"there?".to_vec())));
    socket.send_fragments(Kind::Text, &[b"a", b"", b"bc"]);
    assert_eq!(socket.receive(), text("abc"));
    assert_eq!(app.failures(), 0);
}

#[test]
fn a_request_for_no_websocket_is_refused_and_its_handler_not_asked() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let talk = move || {
        count.fetch_add(1, Ordering::Relaxed);
        echo()
    };
    let app = App::new().websocket("/ws", talk).test();
    let plain = app.get("/ws").send();
    assert_eq!(
        (plain.status, plain.header("upgrade"), plain.header("connection")),
        (426, Some("websocket"), Some("upgrade"))
    );
    assert!(plain.text().contains("Only WebSockets are spoken here"), "{}", plain.text());
    assert_eq!(app.request(Method::Head, "/ws").send().status, 426);
    for method in [Method::Post, Method::Put, Method::Delete] {
        let wrong = app.request(method, "/ws").send();
        assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    }
    assert_eq!(app.request(Method::Options, "/ws").send().status, 204);
    for (name, value, status) in [
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", 400),
        ("Sec-WebSocket-Version", "13", 400),
        ("Sec-WebSocket-Protocol", "a b", 400),
    ] {
        assert_eq!(app.websocket("/ws").header(name, value).send().status, status, "{name}");
    }
    assert_eq!(app.websocket("/ws").body("x").send().status, 400, "a body");
    let old = app.get("/ws").header("Upgrade", "websocket").header("Connection", "upgrade");
    let old = old.header("Sec-WebSocket-Version", "8").send();
    assert_eq!((old.status, old.header("sec-websocket-version")), (426, Some("13")));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    open(&app, "/ws");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_page_may_be_at_the_path_of_its_websocket() {
    let either = |request: &Request<'_>| match request.header("upgrade") {
        Some(_) => echo().into_response(),
        None => Html("<p>").into_response(),
    };
    let app = App::new().get("/", either).post("/", echo).test();
    assert_eq!(app.get("/").send().text(), "<p>");
    assert_echoes(&mut open(&app, "/"));
    let posted = app.post("/").header("Upgrade", "websocket").send();
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET")), "only GET opens one");
}

#[test]
fn a_handler_may_answer_otherwise_and_ask_on_the_pool_first() {
    let known = |Path(name): Path<String>| {
        Blocking(move || match &*name {
            "ada" => Ok(echo()),
            "break" => Err(Error::failure("the database is gone")),
            _ => Err(Error::new(403, "nobody knows you")),
        })
    };
    let app = App::new().websocket("/{name}", known).test();
    assert_echoes(&mut open(&app, "/ada"));
    for (target, status) in [("/eve", 403), ("/break", 500)] {
        assert_eq!(app.websocket(target).connect().err().map(|answer| answer.status), Some(status), "{target}");
    }
    assert_eq!(app.failures(), 1);
}

#[test]
fn middlewares_refuse_and_leave_what_the_handler_needs() {
    struct User(String);
    let guard = |request: &mut Request<'_>| {
        let Some(name) = request.header("x-user").map(str::to_owned) else {
            return Some(Response::error(401, "who are you?", None));
        };
        request.set_local(User(name));
        None
    };
    let talk = |request: &Request<'_>| {
        let name = request.local::<User>().map(|user| user.0.clone()).unwrap_or_default();
        echo().on_open(move |link| link.send_text(&name))
    };
    let app = App::new().before(guard).websocket("/ws", talk).test();
    assert_eq!(app.websocket("/ws").connect().err().map(|answer| answer.status), Some(401));
    assert_eq!(app.get("/ws").send().status, 401, "before it is told what is spoken here");
    let mut socket = app.websocket("/ws").header("X-User", "ada").connect().expect("a WebSocket");
    assert_eq!(socket.receive(), text("ada"));
}

/// How often a field is there.
fn count(answer: &TestResponse, name: &str) -> usize {
    answer.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).count()
}

#[test]
fn middlewares_add_to_a_101_and_spoil_none() {
    let meddle = |_: &Request<'_>, response: &mut Response| {
        assert_eq!(response.status(), 101);
        for name in ["Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"] {
            response.set_header(name, "spoilt");
        }
        for (name, value) in [("Content-Length", "5"), ("Connection", "close"), ("Transfer-Encoding", "chunked")] {
            response.add_header(name, value);
        }
    };
    let talk = || ([("X-Own", "1")], echo().protocols(["a"]));
    let app = App::new()
        .middleware(SecurityHeaders::new())
        .middleware(Compress::default())
        .middleware(RequestId)
        .middleware(ServerTiming)
        .middleware(Cors::origins(["http://localhost"]))
        .after(meddle)
        .websocket("/ws", talk)
        .test();
    let asked = app.websocket("/ws").header("Accept-Encoding", "gzip, br");
    let mut socket = asked.protocols(&["b", "a"]).connect().expect("a WebSocket");
    let answer = socket.response().clone();
    for name in ["Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "X-Own"] {
        assert_eq!(count(&answer, name), 1, "{name}: {answer:?}");
    }
    for name in ["X-Request-Id", "Server-Timing", "X-Content-Type-Options", "Referrer-Policy", "Vary"] {
        assert_eq!(count(&answer, name), 1, "{name}: {answer:?}");
    }
    for name in ["Content-Length", "Transfer-Encoding", "Content-Encoding", "Sec-WebSocket-Extensions"] {
        assert_eq!(count(&answer, name), 0, "{name}: {answer:?}");
    }
    assert_eq!((answer.header("upgrade"), socket.protocol()), (Some("websocket"), Some("a")));
    assert_echoes(&mut socket);
}

#[test]
fn a_middleware_may_still_end_it() {
    let told = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&told);
    let talk = move || {
        let count = Arc::clone(&count);
        echo().on_open(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        })
    };
    let refuse = |_: &Request<'_>, response: &mut Response| *response = Response::text("no").with_status(409);
    let relabel = |_: &Request<'_>, response: &mut Response| response.set_status(418);
    let gut = |_: &Request<'_>, response: &mut Response| response.set_body("x");
    let app = App::new()
        .group("/a", |group| group.after(refuse).websocket("/", talk.clone()))
        .group("/b", |group| group.after(relabel).websocket("/", talk.clone()))
        .group("/c", |group| group.after(gut).websocket("/", talk))
        .test();
    for (target, status, failures) in [("/a", 409, 0), ("/b", 418, 0), ("/c", 500, 1)] {
        let answer = app.websocket(target).connect().expect_err("no WebSocket");
        assert_eq!((answer.status, answer.header("upgrade"), app.failures()), (status, None, failures), "{target}");
        assert!(answer.is_complete);
    }
    assert_eq!(told.load(Ordering::Relaxed), 0);
}

/// What is answered to a message of this length.
fn sized(app: &TestClient, length: usize) -> Option<TestMessage> {
    let mut socket = open(app, "/ws");
    socket.send_binary(&vec![1; length]);
    match socket.receive() {
        Some(TestMessage::Binary(bytes)) => text(&bytes.len().to_string()),
        other => other,
    }
}

#[test]
fn messages_are_taken_up_to_their_bound() {
    for bound in [0, 1, 125, 65_536] {
        let app = App::new().websocket("/ws", move || echo().message_bytes(bound)).test();
        for length in [bound.saturating_sub(1), bound] {
            assert_eq!(sized(&app, length), text(&length.to_string()));
        }
        let above = sized(&app, bound + 1);
        assert!(matches!(above, Some(TestMessage::Closed(1009, _))), "{bound}: {above:?}");
    }
    let app = App::new().websocket("/ws", echo).test();
    assert_eq!(sized(&app, WS_MESSAGE_BYTES), text(&WS_MESSAGE_BYTES.to_string()));
    assert!(matches!(sized(&app, WS_MESSAGE_BYTES + 1), Some(TestMessage::Closed(1009, _))));
}

#[test]
fn so_many_frames_may_make_a_message() {
    let app = App::new().websocket("/ws", || echo().fragments(3)).test();
    for (frames, code) in [(2, None), (3, None), (4, Some(1008))] {
        let mut socket = open(&app, "/ws");
        socket.send_fragments(Kind::Binary, &vec![&b"x"[..]; frames]);
        match socket.receive() {
            Some(TestMessage::Binary(bytes)) => assert_eq!((bytes.len(), None), (frames, code)),
            Some(TestMessage::Closed(said, _)) => assert_eq!(Some(said), code, "{frames}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Sends as much at once as goes straight out, and then frames of 100 bytes.
fn burst(frames: usize) -> impl Fn() -> WebSocket {
    move || {
        WebSocket::on_message(move |_, link| {
            link.send_binary(&vec![0; WS_CALL_BYTES]);
            (0..frames).for_each(|number| link.send_binary(&[number as u8; 98]));
        })
    }
}

#[test]
fn what_a_peer_does_not_take_waits_up_to_its_bound() {
    // The large one is in front, as much as one call may send whatever its peer takes. Each that waits behind it
    // counts with 32 bytes more than its frame of 100.
    let bound = 5 * 132;
    for (frames, is_closed) in [(4, false), (5, false), (6, true)] {
        let app = App::new().websocket("/ws", move || burst(frames)().queue_bytes(bound)).test();
        let mut socket = open(&app, "/ws");
        socket.send_text("go");
        let came: Vec<TestMessage> = std::iter::from_fn(|| socket.receive()).collect();
        let ended = matches!(came.last(), Some(TestMessage::Closed(1013, _)));
        assert_eq!((ended, came.len()), (is_closed, if is_closed { 2 } else { 1 + frames }), "{frames}");
    }
    let app = App::new().websocket("/ws", move || burst(7)().queue_bytes(bound).drop_oldest()).test();
    let mut socket = open(&app, "/ws");
    socket.send_text("go");
    let came: Vec<TestMessage> = std::iter::from_fn(|| socket.receive()).skip(1).collect();
    let newest: Vec<TestMessage> = (2..7).map(|number| TestMessage::Binary(vec![number; 98])).collect();
    assert_eq!(came, newest);
}

#[test]
fn the_first_subprotocol_of_ours_is_spoken() {
    struct Names(&'static str);
    impl Channel for Names {
        fn on_message(&mut self, _: Message<'_>, link: &mut Link<'_>) {
            link.send_text(self.0);
        }
    }
    let app =
        App::new().websocket("/ws", || WebSocket::by_protocol(["v2", "v1"], Names)).websocket("/any", echo).test();
    for (offered, chosen) in [(&["v1"][..], "v1"), (&["v1", "v2"], "v2"), (&["x", "v1"], "v1")] {
        let mut socket = app.websocket("/ws").protocols(offered).connect().expect("a WebSocket");
        assert_eq!(socket.protocol(), Some(chosen), "{offered:?}");
        socket.send_text("");
        assert_eq!(socket.receive(), text(chosen));
    }
    for request in [app.websocket("/ws"), app.websocket("/ws").protocols(&["V1"])] {
        let answer = request.connect().expect_err("nothing in common");
        assert_eq!((answer.status, answer.text().contains("v2, v1")), (400, true));
    }
    assert_eq!(app.websocket("/any").protocols(&["x"]).connect().expect("a WebSocket").protocol(), None);
}

#[test]
fn foreign_pages_are_refused_in_words_that_fit_a_program() {
    let listed = || echo().origins(Origins::listed(["https://chat.example".to_owned()]));
    let own = || echo().origins(Origins::default().or_own_host());
    let app = App::new().websocket("/", echo).websocket("/listed", listed).websocket("/own", own).test();
    for (target, origin, status) in [
        ("/", "https://chat.example", 403),
        ("/", "http://test", 403),
        ("/listed", "https://chat.example", 101),
        ("/listed", "https://evil.example", 403),
        ("/own", "http://test", 101),
        ("/own", "https://evil.example", 403),
    ] {
        let answer = app.websocket(target).header("Origin", origin).send();
        assert_eq!(answer.status, status, "{target} {origin}");
        assert!(status == 101 || answer.text().contains("origins") && !answer.text().contains("[ws]"));
    }
}

#[test]
fn compression_is_agreed_on_where_it_is_wanted() {
    let compressed = || echo().compressed(WebSocketCompression::default());
    let app = App::new().websocket("/", echo).websocket("/compressed", compressed).test();
    let agreed = |target| {
        let asked = app.websocket(target).header("Sec-WebSocket-Extensions", "permessage-deflate");
        asked.send().header("sec-websocket-extensions").map(str::to_owned)
    };
    assert_eq!(agreed("/"), None);
    assert_eq!(agreed("/compressed").as_deref(), Some("permessage-deflate"));
}

/// What each connection was told at its end, in order.
type Ends = Arc<Mutex<Vec<(u16, bool)>>>;

fn told(ends: &Ends) -> impl Fn(WebSocket) -> WebSocket + Clone + use<> {
    let ends = Arc::clone(ends);
    move |socket| {
        let ends = Arc::clone(&ends);
        socket.on_close(move |closed| ends.lock().expect("sound").push((closed.code.number(), closed.clean)))
    }
}

#[test]
fn a_channel_is_told_how_it_ended() {
    let ends = Ends::default();
    let telling = told(&ends);
    let end = |Path(code): Path<u16>| WebSocket::on_message(move |_, link| link.close(Code::new(code), "enough"));
    let app = App::new().websocket("/{code}", move |code: Path<u16>| telling(end(code))).test();
    let mut socket = open(&app, "/4000");
    socket.send_text("");
    assert_eq!((socket.receive(), socket.is_over()), (closed(4000, "enough"), true));
    let mut socket = open(&app, "/4000");
    socket.close(3000, "bye");
    assert_eq!((socket.receive(), socket.is_over()), (closed(3000, ""), true));
    drop(open(&app, "/4000"));
    assert_eq!(*ends.lock().expect("sound"), [(4000, true), (3000, true), (1006, false)]);
    // A code that may not be sent is a mistake of the channel.
    let mut socket = open(&app, "/1006");
    socket.send_text("");
    assert!(matches!(socket.receive(), Some(TestMessage::Closed(1011, _))));
    assert_eq!(app.failures(), 1);
}

struct Fragile;

impl Channel for Fragile {
    fn on_open(&mut self, link: &mut Link<'_>) {
        link.send_text("open");
    }

    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        match &*message.text().unwrap_or_default() {
            "break" => {
                link.send_text("last words");
                panic!("the channel breaks")
            }
            "job" => link.wait_for(|| panic!("the job breaks")),
            "work" => link.wait_for(|| 42u32),
            _ => link.send_back(message),
        }
    }

    fn on_done(&mut self, value: Value, link: &mut Link<'_>) {
        link.send_text(&value.downcast::<u32>().expect("what the job left").to_string());
    }

    fn on_close(&mut self, closed: &Closed) {
        assert_ne!(closed.code.number(), 4001, "it breaks at the end, too");
    }
}

#[test]
fn a_panic_ends_its_own_connection_and_is_counted() {
    let ends = Ends::default();
    let telling = told(&ends);
    let app = App::new().websocket("/ws", move || telling(WebSocket::new(Fragile))).test();
    let mut other = open(&app, "/ws");
    for (number, (message, first)) in [("break", Some("last words")), ("job", None)].into_iter().enumerate() {
        let mut socket = open(&app, "/ws");
        assert_eq!(socket.receive(), text("open"));
        socket.send_text(message);
        socket.send_text("unheard");
        if let Some(first) = first {
            assert_eq!(socket.receive(), text(first));
        }
        assert!(matches!(socket.receive(), Some(TestMessage::Closed(1011, _))), "{message}");
        assert_eq!((socket.receive(), socket.is_over()), (None, true));
        assert_eq!(app.failures(), number as u64 + 1);
    }
    open(&app, "/ws").close(4001, "");
    assert_eq!(app.failures(), 3);
    assert_eq!(*ends.lock().expect("sound"), [(1011, true), (1011, true), (4001, true)], "told once each");
    assert_eq!(other.receive(), text("open"));
    other.send_text("work");
    other.send_text("after");
    assert_eq!((other.receive(), other.receive()), (text("42"), text("after")), "in order");
}

#[test]
fn a_job_that_finds_no_place_says_so() {
    let hash = || {
        WebSocket::on_message(|_, link| link.wait(Lane::Slow, Box::new(|| Outcome::value("hashed"))))
            .on_open(|link| link.send_text("open"))
    };
    let app = App::new().websocket("/", hash).test();
    let (mut one, mut two) = (open(&app, "/"), open(&app, "/"));
    one.send_text("");
    assert_eq!((one.receive(), one.receive()), (text("open"), None), "done, and nobody asks for the value");
    app.fill_slow_queue();
    two.send_text("");
    assert_eq!(two.receive(), text("open"));
    assert!(matches!(two.receive(), Some(TestMessage::Closed(1013, _))));
    assert_eq!(app.failures(), 0);
}

#[test]
fn a_channel_that_cannot_be_made_is_a_failure() {
    let app = App::new()
        .websocket("/make", || WebSocket::by_protocol(["a"], |_| -> Fragile { panic!("it cannot be made") }))
        .websocket("/open", || echo().on_open(|_| panic!("the hook breaks")))
        .test();
    let answer = app.websocket("/make").protocols(&["a"]).connect().expect_err("no WebSocket");
    assert_eq!((answer.status, app.failures()), (500, 1));
    assert!(matches!(open(&app, "/open").receive(), Some(TestMessage::Closed(1011, _))));
    assert_eq!(app.failures(), 2);
}

#[test]
fn who_is_there_is_told_that_the_server_goes_away() {
    struct Lasting;
    impl Channel for Lasting {
        fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
            link.send_back(message);
        }

        fn on_drain(&mut self, link: &mut Link<'_>) {
            link.send_text("soon");
        }
    }
    let app = App::new().websocket("/", echo).websocket("/lasting", || WebSocket::new(Lasting)).test();
    let (mut socket, mut lasting) = (open(&app, "/"), open(&app, "/lasting"));
    app.drain();
    assert!(matches!(socket.receive(), Some(TestMessage::Closed(1001, _))));
    assert!(socket.is_over());
    assert_eq!(lasting.receive(), text("soon"));
    lasting.send_text("still");
    assert_eq!((lasting.receive(), lasting.receive()), (text("still"), None));
    assert!(matches!(open(&app, "/").receive(), Some(TestMessage::Closed(1001, _))), "who comes so late");
    let mut late = open(&app, "/lasting");
    assert_eq!((late.receive(), late.receive()), (text("soon"), None), "told once");
}

#[test]
fn a_sender_reaches_its_connection_from_elsewhere_while_that_is_there() {
    let senders: Arc<Mutex<Vec<Sender>>> = Arc::default();
    let kept = Arc::clone(&senders);
    let talk = move || {
        let kept = Arc::clone(&kept);
        echo().on_open(move |link| kept.lock().expect("sound").push(link.sender()))
    };
    let app = App::new().websocket("/", talk).test();
    let (mut one, mut two) = (open(&app, "/"), open(&app, "/"));
    let senders = std::mem::take(&mut *senders.lock().expect("sound"));
    std::thread::spawn(move || {
        senders[0].send(Framed::text("for one"));
        senders[1].send(Framed::binary(b"2"));
        senders[1].close(Code::RESTART, "come back");
        senders[1].send(Framed::text("too late"));
    })
    .join()
    .expect("no panic");
    assert_eq!((one.receive(), one.receive()), (text("for one"), None));
    assert_eq!(two.receive(), Some(TestMessage::Binary(b"2".to_vec())));
    assert_eq!((two.receive(), two.receive(), two.is_over()), (closed(1012, "come back"), None, true));
}
