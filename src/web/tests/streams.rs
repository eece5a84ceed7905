//! Bodies of answers that leave piece by piece, events among them.

use std::io::Read;

use super::*;

#[test]
fn bodies_leave_piece_by_piece() {
    let app = App::new()
        .get("/items", || Stream::of((0..100_000).map(|number| format!("{number}\n"))).content_type("text/plain"))
        .get("/read", || Stream::blocking(std::io::repeat(b'x').take(200_000)).length(200_000))
        .get("/short", || Stream::blocking(&b"short"[..]).length(9))
        .get("/broken", || Stream::blocking(Broken))
        .test();
    let answer = app.get("/items").send();
    assert!(answer.is_complete && answer.header("transfer-encoding") == Some("chunked"));
    assert_eq!(answer.text().lines().count(), 100_000);
    let answer = app.get("/read").send();
    assert_eq!((answer.body.len(), answer.header("content-length")), (200_000, Some("200000")));
    assert!(!app.get("/short").send().is_complete, "nobody may take it for the whole");
    assert!(!app.get("/broken").send().is_complete);
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("broken"))
    }
}

#[test]
fn events_reach_who_subscribes_until_the_node_goes() {
    let hub = Broadcast::with(8, Overflow::DropOldest, 8);
    let resume = |hub: State<'_, Broadcast>, request: &Request<'_>| hub.resume(request);
    let app = App::new().state(hub.clone()).get("/events", resume).test();
    let mut first = app.get("/events").open();
    assert_eq!(first.read(), "");
    hub.send(&Event::data("one").id("1"));
    hub.beat();
    assert_eq!(first.read(), "id: 1\ndata: one\n\n:\n\n");
    hub.send(&Event::data("two").id("2"));
    let mut second = app.get("/events").header("Last-Event-ID", "1").open();
    assert_eq!(second.read(), "id: 2\ndata: two\n\n");
    assert_eq!(hub.subscribers(), 2);
    drop(first);
    assert_eq!(hub.subscribers(), 1);
    app.drain();
    hub.send(&Event::data("three"));
    assert_eq!(second.read(), "data: three\n\n");
    assert!(second.into_response().is_complete);
}

#[test]
fn a_body_that_comes_later_is_asked_for_when_somebody_says_so() {
    use std::sync::{Mutex, mpsc};
    let (sender, lines) = mpsc::channel::<&str>();
    let (lines, wakes) = (Arc::new(Mutex::new(lines)), Arc::new(Mutex::new(Vec::<Wake>::new())));
    let told = Arc::clone(&wakes);
    let app = App::new().get("/", move || {
        let (lines, told) = (Arc::clone(&lines), Arc::clone(&told));
        Stream::waking(move |wake| {
            told.lock().unwrap().push(wake);
            move |piece: &mut Vec<u8>| match lines.lock().unwrap().try_recv() {
                Ok(line) => {
                    piece.extend_from_slice(line.as_bytes());
                    Pull::More
                }
                Err(mpsc::TryRecvError::Empty) => Pull::Later,
                Err(mpsc::TryRecvError::Disconnected) => Pull::End,
            }
        })
    });
    let app = app.test();
    let mut stream = app.get("/").open();
    let wake = || wakes.lock().unwrap()[0].wake();
    assert_eq!(stream.read(), "");
    sender.send("one").unwrap();
    assert_eq!(stream.read(), "", "nobody has said so");
    wake();
    sender.send(" two").unwrap();
    assert_eq!(stream.read(), "one two");
    drop(sender);
    wake();
    assert_eq!(stream.read(), "");
    assert!(stream.into_response().is_complete);
}

#[test]
fn a_body_that_nobody_could_wake_is_cut_off() {
    let later = |piece: &mut Vec<u8>| {
        piece.extend_from_slice(b"some");
        Pull::Later
    };
    let app = App::new().get("/", move || Stream::from_fn(later)).test();
    let stream = app.get("/").open();
    assert!(stream.is_over());
    assert!(!stream.into_response().is_complete);
}
