//! A power cut in the midst of publishing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::{Package, Raw};
use super::{Registry, verify};

/// Publishes `package` on a connection of its own; the status, or `None` if the node went away.
fn try_publish(registry: &Registry, package: &Package) -> Option<u16> {
    let body = package.body();
    let mut raw = Raw::try_connect(registry.node.address()).ok()?;
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        package.path(),
        registry.token,
        body.len(),
    );
    raw.send(head.as_bytes());
    raw.send(&body);
    raw.try_response("PUT").map(|response| response.status)
}

/// Publishes a hundred packages from eight threads and kills the node after `kill_after` answers.
/// The packages whose success was acknowledged.
fn publish_until_killed(registry: &Registry, kill_after: usize) -> Vec<Package> {
    let next = AtomicUsize::new(0);
    let acknowledged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= 100 {
                        return;
                    }
                    let name = format!("p{}", n % 10);
                    let package = Package::new(&name, &format!("1.0.{n}")).noise(50_000, n as u64);
                    if let Some(201) = try_publish(registry, &package) {
                        let mut list = acknowledged.lock().expect("no holder panics");
                        list.push(package);
                        if list.len() == kill_after {
                            registry.node.kill();
                        }
                    }
                }
            });
        }
    });
    registry.node.kill();
    acknowledged.into_inner().expect("no holder panics")
}

fn temp_files(registry: &Registry) -> usize {
    std::fs::read_dir(registry.node.data().path().join("tmp")).expect("the store made it").count()
}

fn survives(kill_after: usize) {
    let registry = Registry::start(2);
    let acknowledged = publish_until_killed(&registry, kill_after);
    assert!(acknowledged.len() >= kill_after.min(100), "only {} were acknowledged", acknowledged.len());
    let restarted = registry.node.setup().start();
    let registry = Registry { node: restarted, token: registry.token.clone() };
    assert_eq!(temp_files(&registry), 0, "nothing temporary is left after the start");
    for package in &acknowledged {
        let tarball = registry.node.get(&package.tarball_path());
        assert!(tarball.status == 200 && tarball.body == package.tarball(), "{} is whole", package.version);
    }
    for name in (0..10).map(|n| format!("p{n}")) {
        let response = registry.node.get(&format!("/{name}"));
        if response.status == 404 {
            continue;
        }
        for version in response.json()["versions"].as_object().expect("an object").keys() {
            let path = Package::new(&name, version).tarball_path();
            assert_eq!(registry.node.get(&path).status, 200, "{name}@{version} is not half there");
        }
    }
    let report = verify(registry.node.data());
    assert!(!report.contains("orphan"), "{report}");
}

#[test]
fn a_kill_early_loses_no_acknowledged_publish() {
    survives(3);
}

#[test]
fn a_kill_midway_loses_no_acknowledged_publish() {
    survives(37);
}

#[test]
fn a_kill_late_loses_no_acknowledged_publish() {
    survives(80);
}
