//! Chromium, on pages that may open a WebSocket and on pages that may not.

use std::sync::mpsc;
use std::time::Duration;

use lattice::{App, Response, Running, Settings};
use serde_json::Value;

use crate::support::{Node, browser};
use crate::{clients, here, node, url};

const PAGE: &str = r#"<!doctype html><title>ws</title><script type="module">
import { facts } from "/standard.mjs";
const [url, large] = location.hash.slice(1).split(",");
const told = await facts(url, Number(large)).catch((error) => ({ failed: String(error) }));
await fetch("/report", { method: "POST", body: JSON.stringify(told) });
</script>"#;

/// A server of pages, and what they report.
fn pages() -> (Running, mpsc::Receiver<String>) {
    let (report, reports) = mpsc::sync_channel(1);
    let script = std::fs::read_to_string(here("ws/standard.mjs")).expect("it is there");
    let app = App::new()
        .settings(Settings { threads: 1, pin: false, ..Settings::default() })
        .get("/", || Response::html(PAGE))
        .get("/standard.mjs", move || Response::new("text/javascript", lattice::Body::from(script.clone())))
        .post("/report", move |told: String| report.try_send(told).is_ok().to_string());
    (app.start("127.0.0.1:0").expect("a port is free"), reports)
}

/// What a page of `origin` finds at the node.
fn found(origin: &str, node: &Node, reports: &mpsc::Receiver<String>, large: usize) -> Value {
    let page = format!("{origin}/#{},{large}", url(node));
    let wait = |patience: Duration| reports.recv_timeout(patience).ok();
    serde_json::from_str(&browser::visit(&page, wait)).expect("a page reports JSON")
}

const LARGE: usize = 16 << 20;

#[test]
fn chromium_finds_no_fault_on_a_page_that_is_listed_and_no_way_in_on_another() {
    let (server, reports) = pages();
    let port = server.local_addr().port();
    let (listed, foreign) = (format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let node = node(&format!("{}origins = [\"{listed}\"]\n", clients::config("on")));
    assert_eq!(found(&listed, &node, &reports, LARGE), clients::standard(LARGE, "permessage-deflate"));
    let refused = found(&foreign, &node, &reports, LARGE);
    assert_eq!(refused, serde_json::json!({ "failed": format!("Error: no connection to {}", url(&node)) }));
    assert_eq!(node.meters().sum("panics"), 0);
}
