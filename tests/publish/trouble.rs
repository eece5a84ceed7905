//! When the disk fails, the client is told that nothing changed and the operator is told why.

use std::time::Duration;

use super::Registry;
use super::support::Package;

#[test]
fn a_store_that_fails_says_so_to_both_sides_and_goes_on_when_it_can() {
    let registry = Registry::start(1);
    let tmp = registry.node.data().path().join("tmp");
    let aside = registry.node.data().path().join("tmp-aside");
    std::fs::rename(&tmp, &aside).expect("both are in the data directory");
    let package = Package::new("trouble", "1.0.0");
    let answer = registry.publish(&package);
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("nothing was changed"), "{}", answer.text());
    let log = "ERROR store: ";
    assert!(registry.node.wait_for_output(log, Duration::from_secs(5)), "{}", registry.node.output());
    assert_eq!(registry.node.get("/trouble").status, 404);
    std::fs::rename(&aside, &tmp).expect("both are in the data directory");
    assert_eq!(registry.publish(&package).status, 201, "no restart is needed");
}
