//! Clients that are scripts: each says "done" when everything was as it should be.

use std::path::Path;

use super::Site;
use super::files::{BLOB_BYTES, MODIFIED};
use crate::{client, here, run_in};

fn assert_done(program: &Path, script: &str, more: &[&str]) {
    let site = Site::start();
    let script = here(script);
    let (port, length) = (site.port().to_string(), BLOB_BYTES.to_string());
    let files = site.file("files");
    let args = [
        &[script.to_str().expect("a path is UTF-8"), &port, files.to_str().expect("a path is UTF-8")],
        &[length.as_str(), MODIFIED][..],
        more,
    ];
    let told = run_in(site.root(), program, &args.concat());
    assert_eq!(told.stdout.lines().next_back(), Some("done"), "{}", told.report());
    // Two streams of each script were given up.
    site.seen.wait_for_dropped(2, crate::LONG);
}

#[test]
fn h11_finds_no_fault_with_the_site() {
    assert_done(&here("conformance/venv/bin/python"), "conformance/site/h11_client.py", &[]);
}

#[test]
fn undici_finds_no_fault_with_the_site() {
    let modules = here("clients/node_modules");
    assert_done(
        &client::node_js(),
        "conformance/site/undici_client.cjs",
        &[modules.to_str().expect("a path is UTF-8")],
    );
}
