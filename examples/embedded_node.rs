//! The whole registry inside a program, beside a server of one's own.
//! `cargo run --example embedded_node -- 127.0.0.1:4873 DATA`

use std::io::Error;

use lattice::node::Node;
use lattice::settings::{Listen, Settings};
use lattice::{App, Fixed};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:4873".into());
    let mut settings = Settings::default();
    let address = address.parse().map_err(|error| Error::other(format!("{address}: {error}")))?;
    settings.node.listen = vec![Listen::Tcp(address)];
    settings.node.data = args.next().unwrap_or_else(|| "lattice-data".into()).into();
    settings.node.threads = 1;

    let node = Node::start(settings).map_err(Error::other)?;
    println!("registry on {}", node.public_url());
    // Until SIGTERM or SIGINT; then the registry ends too.
    App::new()
        .get("/", Fixed::json(&format!(r#"{{"registry":"{}"}}"#, node.public_url())))
        .on_start(|address| println!("listening on http://{address}"))
        .run("127.0.0.1:0")?;
    node.shutdown();
    if node.wait() { Ok(()) } else { Err(Error::other("the registry did not end well")) }
}
