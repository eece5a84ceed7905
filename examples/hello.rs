//! The smallest server: two routes. `cargo run --example hello -- 127.0.0.1:8080`

use lattice::{App, Path};

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    App::new()
        .get("/", || "Hello, World!")
        .get("/hello/{name}", |Path(name): Path<String>| format!("Hello, {name}!"))
        .on_start(|address| println!("listening on http://{address}"))
        .run(address)
}
