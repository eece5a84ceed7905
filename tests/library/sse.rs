use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::example::Example;

/// A stream of events, as a browser reads it.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(sse: &Example, headers: &str) -> Events {
        let mut stream = TcpStream::connect(sse.address()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        write!(stream, "GET /events HTTP/1.1\r\nHost: x\r\n{headers}\r\n").expect("it reads");
        let mut events = Events(BufReader::new(stream));
        let head = events.until_blank();
        assert!(head.iter().any(|line| line == "Content-Type: text/event-stream"), "{head:?}");
        events
    }

    /// The lines up to the next empty one; those of the chunks' framing are not told apart.
    fn until_blank(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let count = self.0.read_line(&mut line).expect("an event within its time");
            if count == 0 || line.trim_end().is_empty() {
                return lines;
            }
            lines.push(line.trim_end().to_owned());
        }
    }

    /// The lines of the next event, without framing.
    fn next(&mut self) -> Vec<String> {
        loop {
            let lines: Vec<String> = self.until_blank().into_iter().filter(|line| line.contains(": ")).collect();
            if !lines.is_empty() {
                return lines;
            }
        }
    }
}

#[test]
fn what_one_client_says_others_hear_also_later() {
    let sse = Example::start("sse", &[]);
    assert!(sse.get("/").text().contains("EventSource"));
    let (mut one, mut two) = (Events::open(&sse, ""), Events::open(&sse, ""));
    let say = |text: &str| sse.ask("POST", "/say", &[], text.as_bytes()).text();
    assert_eq!(say("first"), "2");
    assert_eq!(one.next(), ["event: said", "id: 1", "data: first"]);
    drop(one);
    say("second\nline");
    assert_eq!(two.next(), ["event: said", "id: 1", "data: first"]);
    assert_eq!(two.next(), ["event: said", "id: 2", "data: second", "data: line"]);
    let mut back = Events::open(&sse, "Last-Event-ID: 1\r\n");
    assert_eq!(back.next(), ["event: said", "id: 2", "data: second", "data: line"]);
    // Streams without an end of their own end with the server, whole.
    sse.stop();
    assert_eq!(back.until_blank(), Vec::<String>::new());
}
