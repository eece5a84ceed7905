//! Server-sent events: what one client posts, all others see.
//! `cargo run --example sse -- 127.0.0.1:8080`

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lattice::{App, Broadcast, Event, Html, Json, Overflow, Request, Sse, State};

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>events</title>
<form onsubmit="fetch('/say', { method: 'POST', body: text.value }); text.value = ''; return false"><input id="text"></form>
<ul id="list"></ul>
<script>
new EventSource('/events').addEventListener('said', event => {
  const item = document.createElement('li');
  item.textContent = event.data;
  list.prepend(item);
});
</script>"#;

#[derive(Default)]
struct Count(AtomicU64);

fn say(text: String, hub: State<'_, Broadcast>, count: State<'_, Count>) -> Json<usize> {
    let id = count.0.fetch_add(1, Ordering::Relaxed) + 1;
    Json(hub.send(&Event::data(text).name("said").id(id.to_string())))
}

fn events(hub: State<'_, Broadcast>, request: &Request<'_>) -> Sse {
    hub.resume(request)
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    // A client may be 64 events late; one that comes back is given up to 100 that it missed.
    let hub = Broadcast::with(64, Overflow::DropOldest, 100);
    let heart = hub.clone();
    App::new()
        .state(hub)
        .state(Count::default())
        .get("/", || Html(PAGE))
        .post("/say", say)
        .get("/events", events)
        .every(Duration::from_secs(15), move || {
            heart.beat();
        })
        .on_start(|address| println!("listening on http://{address}"))
        .run(address)
}
