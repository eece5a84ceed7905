//! Clients as scripts, each with all that its interface can do.

use std::path::Path;

use serde_json::{Value, json};

use crate::{ROOMY, client, here, node, run};

/// For roomy messages, with this compression.
pub(crate) fn config(compression: &str) -> String {
    format!("{ROOMY}compression = \"{compression}\"\n")
}

const COMPRESSIONS: [&str; 3] = ["off", "on", "stateless"];

#[test]
fn websockets_for_python_finds_no_fault() {
    let python = here("conformance/venv/bin/python");
    for compression in COMPRESSIONS {
        let told = run(&node(&config(compression)), &python, "ws/websockets_client.py", &[compression]);
        assert_eq!(told, "done", "{compression}");
    }
}

#[test]
fn ws_for_node_finds_no_fault() {
    let modules = here("clients/node_modules");
    let modules = modules.to_str().expect("a path is UTF-8");
    for compression in COMPRESSIONS {
        let node = node(&config(compression));
        let told = run(&node, &client::node_js(), "ws/ws_client.cjs", &[modules, compression]);
        assert_eq!(told, "done", "{compression}");
    }
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

/// What a program with the interface of browsers finds, without compression and with it.
fn finds_no_fault(program: &Path) {
    for compression in COMPRESSIONS {
        let told = run(&node(&config(compression)), program, "ws/standard_run.mjs", &[&LARGE.to_string()]);
        let found: Value = serde_json::from_str(&told).expect("JSON");
        let extensions = found["extensions"].as_str().expect("a text");
        assert_eq!(extensions.starts_with("permessage-deflate"), compression != "off", "{extensions}");
        assert_eq!(found, standard(LARGE, extensions), "{compression}");
    }
}

#[test]
fn what_node_has_built_in_finds_no_fault() {
    finds_no_fault(&client::node_js());
}

#[test]
fn bun_finds_no_fault() {
    finds_no_fault(&client::bun());
}
