//! A directory as a site. `cargo run --example static_site -- 127.0.0.1:8080 DIRECTORY`

use lattice::web::{CompressPolicy, FileSettings};
use lattice::{App, SecurityHeaders};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let directory = args.next().unwrap_or_else(|| ".".into());
    // The files are the same for everybody, so compressing them gives nothing away.
    let settings = FileSettings { compress: Some(CompressPolicy::default()), ..FileSettings::default() };
    App::new()
        .middleware(SecurityHeaders::new())
        .files_with("/", directory, settings)
        .on_start(|address| println!("listening on http://{address}"))
        .run(address)
}
