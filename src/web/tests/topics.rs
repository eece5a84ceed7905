//! Topics from outside of connections, before, while and after an app runs.

use super::*;

/// Subscribes to the topic of its path; what it says goes there too.
fn room(Path(name): Path<String>) -> WebSocket {
    let topic = Topic::new(&name);
    let own = topic.clone();
    WebSocket::on_message(move |message, link| match message.text().as_deref() {
        Some("leave") => link.unsubscribe(&topic),
        said => link.publish(&topic, Framed::text(said.unwrap_or("bytes"))),
    })
    .on_open(move |link| link.subscribe(&own))
}

fn app() -> (App, Topics) {
    let app = App::new().websocket("/{room}", room);
    let topics = app.topics();
    (app, topics)
}

fn open<'c>(app: &'c TestClient, target: &str) -> TestWebSocket<'c> {
    app.websocket(target).connect().unwrap_or_else(|answer| panic!("{answer:?}"))
}

fn all(socket: &mut TestWebSocket<'_>) -> Vec<String> {
    std::iter::from_fn(|| socket.receive())
        .map(|message| match message {
            TestMessage::Text(text) => text,
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn subscribers_have_what_is_said_inside_and_outside_in_one_order() {
    let (app, topics) = app();
    let app = app.test();
    let (mut one, mut two, mut else_where) = (open(&app, "/a"), open(&app, "/a"), open(&app, "/b"));
    topics.publish(&Topic::new("a"), Framed::text("first"));
    one.send_text("second");
    let from_afar = topics.clone();
    std::thread::spawn(move || from_afar.publish(&Topic::new("a"), Framed::binary(b"3"))).join().expect("no panic");
    for socket in [&mut one, &mut two] {
        assert_eq!(all(socket), ["first", "second", "Binary([51])"]);
    }
    two.send_text("leave");
    topics.publish(&Topic::new("a"), Framed::text("fourth"));
    assert_eq!((all(&mut one), all(&mut two), all(&mut else_where)), (vec!["fourth".into()], vec![], vec![]));
}

#[test]
fn what_is_retained_comes_first_to_who_comes_later() {
    let (app, topics) = app();
    let app = app.test();
    let mut early = open(&app, "/a");
    for said in ["old", "new"] {
        topics.retain(&Topic::new("a"), Framed::text(said));
    }
    topics.publish(&Topic::new("a"), Framed::text("passing"));
    assert_eq!(all(&mut early), ["old", "new", "passing"]);
    assert_eq!(all(&mut open(&app, "/a")), ["new"]);
    assert!(all(&mut open(&app, "/b")).is_empty());
}

#[test]
fn before_the_app_runs_only_what_is_retained_waits() {
    let (app, topics) = app();
    topics.publish(&Topic::new("a"), Framed::text("to nobody"));
    for said in ["old", "new"] {
        topics.retain(&Topic::new("a"), Framed::text(said));
    }
    topics.close(&Topic::new("a"), Code::NORMAL, "nobody to close");
    let app = app.test();
    assert_eq!(all(&mut open(&app, "/a")), ["new"]);
}

#[test]
fn a_topic_can_be_closed_for_all_who_are_there() {
    let (app, topics) = app();
    let app = app.test();
    let (mut one, mut other) = (open(&app, "/a"), open(&app, "/b"));
    topics.close(&Topic::new("a"), Code::new(4100), "the room is closed");
    assert_eq!(one.receive(), Some(TestMessage::Closed(4100, "the room is closed".into())));
    assert!(one.is_over());
    assert_eq!((other.receive(), other.is_over()), (None, false));
    assert!(all(&mut open(&app, "/a")).is_empty(), "who comes later is let in");
}

#[test]
#[should_panic(expected = "1006 may not be sent")]
fn a_code_that_may_not_be_sent_is_a_mistake_of_the_caller() {
    Topics::default().close(&Topic::new("a"), Code::new(1006), "");
}

#[test]
fn handlers_publish_by_their_state() {
    let say = |text: String, topics: State<'_, Topics>| topics.publish(&Topic::new("a"), Framed::text(&text));
    let app = App::new().websocket("/{room}", room).post("/say", say).test();
    let mut socket = open(&app, "/a");
    assert_eq!(app.post("/say").body("hello").send().status, 204);
    assert_eq!(all(&mut socket), ["hello"]);
}

#[test]
fn who_is_gone_has_no_mail() {
    let (app, topics) = app();
    let app = app.test();
    drop(open(&app, "/a"));
    let mut socket = open(&app, "/a");
    socket.close(1000, "");
    topics.publish(&Topic::new("a"), Framed::text("late"));
    assert_eq!(all(&mut socket), ["Closed(1000, \"\")"]);
}

#[test]
fn once_the_app_has_ended_nothing_goes_anywhere() {
    let (app, topics) = app();
    let settings = Settings { threads: 1, pin: false, ..Settings::default() };
    let running = app.settings(settings).start("127.0.0.1:0").expect("a free port");
    topics.retain(&Topic::new("a"), Framed::text("while it runs"));
    running.shutdown();
    running.wait().expect("an orderly end");
    topics.publish(&Topic::new("a"), Framed::text("after"));
    topics.retain(&Topic::new("a"), Framed::text("after"));
    assert_eq!(format!("{topics:?}"), "Topics { is_running: false }");
}
