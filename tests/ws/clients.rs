//! Clients as scripts, each with all that its interface can do.

use crate::{ROOMY, client, here, node, run};
use serde_json::{Value, json};

fn config(compression: &str) -> String {
    format!("{ROOMY}compression = \"{compression}\"\n")
}

#[test]
fn websockets_for_python_finds_no_fault() {
    let python = here("conformance/venv/bin/python");
    assert_eq!(run(&node(ROOMY), &python, "ws/websockets_client.py", &["off"]), "done");
}

#[test]
fn ws_for_node_finds_no_fault() {
    let modules = here("clients/node_modules");
    let modules = modules.to_str().expect("a path is UTF-8");
    assert_eq!(run(&node(ROOMY), &client::node_js(), "ws/ws_client.cjs", &[modules, "off"]), "done");
}

/// What every client with the interface of browsers finds; `large` bytes went there and back.
pub(crate) fn standard(large: usize, extensions: &str) -> Value {
    json!({
        "text": true, "binary": true, "order": true, "large": large, "extensions": extensions, "protocol": "",
        "closed": [[1000, "", true], [4000, "", true], [1005, "", true]],
        "tooLarge": 1009,
    })
}

const LARGE: usize = 64 << 20;

#[test]
fn what_node_has_built_in_finds_no_fault() {
    let told = run(&node(ROOMY), &client::node_js(), "ws/standard_run.mjs", &[&LARGE.to_string()]);
    let found: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(found, standard(LARGE, ""));
}

#[test]
fn bun_finds_no_fault() {
    let told = run(&node(ROOMY), &client::bun(), "ws/standard_run.mjs", &[&LARGE.to_string()]);
    let found: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(found, standard(LARGE, ""));
}
