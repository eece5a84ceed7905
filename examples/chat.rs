//! A chat with rooms: each room is a topic, each visitor a WebSocket. `cargo run --example chat -- 127.0.0.1:8080`

use lattice::{
    App, Channel, Closed, Code, Error, Framed, Html, Json, Link, Message, Path, Query, State, Topic, Topics, WebSocket,
};
use serde::{Deserialize, Serialize};

/// What a topic retains is kept for good, so that clients do not name them.
const ROOMS: [&str; 3] = ["lobby", "garden", "kitchen"];
const NAME_BYTES_MAX: usize = 32;
const TEXT_BYTES_MAX: usize = 2000;

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>chat</title>
<form onsubmit="socket.send(text.value); text.value = ''; return false"><input id="text" autofocus></form>
<ul id="list"></ul>
<script>
const room = location.hash.slice(1) || 'lobby';
const name = new URLSearchParams(location.search).get('name') || 'somebody';
const origin = location.origin.replace('http', 'ws');
const socket = new WebSocket(`${origin}/rooms/${room}?name=${encodeURIComponent(name)}`);
const tell = line => {
  const item = document.createElement('li');
  item.textContent = line;
  list.prepend(item);
};
socket.onmessage = event => {
  const { from, text } = JSON.parse(event.data);
  tell(from ? `${from}: ${text}` : text);
};
socket.onclose = event => tell(event.reason || 'the connection is gone');
</script>"#;

#[derive(Serialize)]
struct Said<'a> {
    /// Nobody, if the room speaks itself.
    from: Option<&'a str>,
    text: &'a str,
}

fn said(from: Option<&str>, text: &str) -> Framed {
    // Two texts can always be JSON.
    Framed::text(&serde_json::to_string(&Said { from, text }).unwrap_or_default())
}

/// One visitor of a room.
struct Visitor {
    name: String,
    room: Topic,
    topics: Topics,
}

impl Channel for Visitor {
    fn on_open(&mut self, link: &mut Link<'_>) {
        link.subscribe(&self.room);
        link.publish(&self.room, said(None, &format!("{} comes in", self.name)));
    }

    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        match message.text() {
            Some(text) => link.publish(&self.room, said(Some(&self.name), &text)),
            None => link.close(Code::UNSUPPORTED, "only text is spoken here"),
        }
    }

    fn on_close(&mut self, _: &Closed) {
        // The connection is over: its link is gone, the topics are not.
        self.topics.publish(&self.room, said(None, &format!("{} leaves", self.name)));
    }
}

fn topic(room: &str) -> Result<Topic, Error> {
    ROOMS.contains(&room).then(|| Topic::new(room)).ok_or_else(|| Error::new(404, "no such room"))
}

#[derive(Deserialize)]
struct Who {
    name: String,
}

fn enter(Path(room): Path<String>, Query(who): Query<Who>, topics: State<'_, Topics>) -> Result<WebSocket, Error> {
    if who.name.is_empty() || who.name.len() > NAME_BYTES_MAX {
        return Err(Error::new(400, "no name").because(format!("a name has 1 to {NAME_BYTES_MAX} bytes")));
    }
    let visitor = Visitor { name: who.name, room: topic(&room)?, topics: Topics::clone(&topics) };
    Ok(WebSocket::new(visitor).message_bytes(TEXT_BYTES_MAX))
}

#[derive(Deserialize)]
struct Notice {
    text: String,
}

/// What the operator says: the last of it is there for whoever comes later.
fn notice(Path(room): Path<String>, topics: State<'_, Topics>, Json(notice): Json<Notice>) -> Result<(), Error> {
    topics.retain(&topic(&room)?, said(None, &notice.text));
    Ok(())
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    App::new()
        .get("/", || Html(PAGE))
        .websocket("/rooms/{room}", enter)
        .post("/rooms/{room}", notice)
        .on_start(|address| println!("listening on http://{address}"))
        .run(address)
}
