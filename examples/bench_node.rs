//! What `scripts/bench` measures a program of one's own with: a fixed text, a JSON answer made for each
//! request, a WebSocket that echoes at `/ws`, and a file, if one is given, below `/file/`.
//! `bench_node 127.0.0.1:8080 [FILE [THREADS]]`

use std::path::{Path, PathBuf};

use lattice::{App, Fixed, Json, Settings, WebSocket};
use serde::Serialize;

#[derive(Serialize)]
struct User {
    id: String,
    name: &'static str,
    email: &'static str,
    roles: [&'static str; 3],
    active: bool,
    logins: u64,
    team: &'static str,
    created: &'static str,
}

fn user(lattice::Path(id): lattice::Path<String>) -> Json<User> {
    Json(User {
        id,
        name: "Ada Lovelace",
        email: "ada@example.com",
        roles: ["admin", "editor", "reviewer"],
        active: true,
        logins: 1815,
        team: "analytical-engines",
        created: "1843-10-18T09:00:00Z",
    })
}

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let file = args.next().map(PathBuf::from);
    let threads = args.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let app = match file.as_deref().and_then(Path::parent) {
        Some(folder) => App::new().files("/file", folder),
        None => App::new(),
    };
    app.settings(Settings { threads, ..Settings::default() })
        .get("/plaintext", Fixed::new(200, &[("Content-Type", "text/plain")], "Hello, World!"))
        .group("/users", |users| users.after(|_, response| response.add_header("X-Bench", "1")).get("/{id}", user))
        .websocket("/ws", || WebSocket::on_message(|message, link| link.send_back(message)))
        .on_start(|address| println!("listening on http://{address}"))
        .run(address)
}
