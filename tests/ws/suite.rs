//! The conformance suite of the field. A case that fails, or passes not as strictly as it should, is a fault.

use crate::{here, node, run};

/// What the cases of the suite ask for: messages of 16 MiB, some in fragments of 64 bytes.
const CONFIG: &str = "[ws]\nmessage_bytes = \"16 MiB\"\nfragments = 300000\n";

/// Runs the cases that fit these patterns and none of those: how many passed.
fn passed(config: &str, cases: &str, but: &str) -> usize {
    let node = node(config);
    let python = here("conformance/venv/bin/python");
    let told = run(&node, &python, "ws/suite.py", &[cases, but]);
    told.strip_prefix("passed ").and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{told}"))
}

#[test]
fn every_case_of_the_protocol_passes() {
    assert_eq!(passed(CONFIG, "*", "12.*,13.*"), 301);
}

#[test]
fn every_case_of_compression_passes() {
    let config = format!("{CONFIG}compression = \"on\"\n");
    assert_eq!(passed(&config, "12.*,13.*", "none"), 216);
}

#[test]
fn messages_that_keep_nothing_pass_too() {
    let config = format!("{CONFIG}compression = \"stateless\"\n");
    assert_eq!(passed(&config, "12.1.*,13.*", "none"), 144);
}
