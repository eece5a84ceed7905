use std::time::Instant;

use crate::example::{Example, line_after};
use crate::support::{Package, get, http, lattice};

#[test]
fn the_registry_runs_inside_of_a_program() {
    let folder = tempfile::tempdir().expect("the temp dir is writable");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a temporary path is UTF-8");
    let made = lattice(&["token", "create", "--user", "ann", "--data", data], b"");
    let token = String::from_utf8_lossy(&made.stdout).trim_end().lines().next_back().unwrap_or("").to_owned();
    let example = Example::start("embedded_node", &[data]);
    let registry = line_after(&example.stdout(), "registry on ").expect("it says where");
    let beside = example.get("/").json();
    assert_eq!(beside["registry"].as_str(), Some(registry.as_str()));
    assert_eq!(get(&format!("{registry}/-/ping")).status, 200);

    let package = Package::new("inside", "1.0.0");
    let authorization = format!("Bearer {token}");
    let fields = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let published = http("PUT", &format!("{registry}/inside"), &fields, package.document().to_string().as_bytes());
    assert_eq!(published.status, 201, "{published:?}");
    assert_eq!(get(&format!("{registry}/inside")).json()["versions"]["1.0.0"]["name"], "inside");
    let begun = Instant::now();
    example.stop();
    assert!(begun.elapsed().as_secs() < 20);
}
