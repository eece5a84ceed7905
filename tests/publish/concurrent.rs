//! Many publishers at once, while others install.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Registry;
use super::support::Package;

/// Reads the package and every tarball it names, again and again, until `done`; how often.
fn read_until(registry: &Registry, name: &str, done: &AtomicBool) -> usize {
    let mut rounds = 0;
    while !done.load(Ordering::Relaxed) {
        let response = registry.node.get(&format!("/{name}"));
        if response.status == 200 {
            let json = response.json();
            let versions = json["versions"].as_object().expect("an object");
            let Some((version, manifest)) = versions.iter().next_back() else { panic!("a package without versions") };
            assert_eq!(manifest["version"], **version);
            let tarball = registry.node.get(&Package::new(name, version).tarball_path());
            assert_eq!(tarball.status, 200, "a version that is visible has a tarball");
        } else {
            assert_eq!(response.status, 404, "{}", response.text());
        }
        rounds += 1;
    }
    rounds
}

fn publish_all(registry: &Registry, packages: &[Package]) -> Vec<u16> {
    let start = Barrier::new(packages.len());
    std::thread::scope(|scope| {
        let publishers: Vec<_> = packages
            .iter()
            .map(|package| {
                scope.spawn(|| {
                    let body = package.body();
                    start.wait();
                    registry.put(&package.path(), &body).status
                })
            })
            .collect();
        publishers.into_iter().map(|publisher| publisher.join().expect("no publisher panics")).collect()
    })
}

fn with_readers(registry: &Registry, name: &str, work: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| read_until(registry, name, &done))).collect();
        work();
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().expect("no reader panics") > 0);
        }
    });
}

fn distinct_versions(threads: usize) {
    let registry = Registry::start(threads);
    with_readers(&registry, "many", || {
        let packages: Vec<Package> = (0..200).map(|n| Package::new("many", &format!("1.0.{n}"))).collect();
        let statuses = publish_all(&registry, &packages);
        assert!(statuses.iter().all(|&status| status == 201), "{statuses:?}");
        // Whoever was told of success sees it at once, on every thread.
        let mut versions = registry.versions("many");
        versions.sort_unstable();
        let mut expected: Vec<String> = packages.iter().map(|package| package.version.clone()).collect();
        expected.sort_unstable();
        assert_eq!(versions, expected);
    });
}

#[test]
fn two_hundred_parallel_publishers_of_distinct_versions_lose_none_on_one_thread() {
    distinct_versions(1);
}

#[test]
fn two_hundred_parallel_publishers_of_distinct_versions_lose_none_on_two_threads() {
    distinct_versions(2);
}

#[test]
fn fifty_parallel_publishers_of_one_version_have_one_winner() {
    let registry = Registry::start(2);
    with_readers(&registry, "one", || {
        // Other bytes each, so that no retry can pass for the same publish.
        let packages: Vec<Package> = (0..50).map(|n| Package::new("one", "1.0.0").noise(100, n)).collect();
        let statuses = publish_all(&registry, &packages);
        let winners: Vec<usize> = (0..50).filter(|&n| statuses[n] == 201).collect();
        assert_eq!(winners.len(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|&&status| status == 409).count(), 49, "{statuses:?}");
        let stored = registry.node.get(&packages[0].tarball_path());
        assert!(stored.body == packages[winners[0]].tarball(), "the winner's bytes are the ones served");
    });
}

#[test]
fn a_publish_is_seen_by_the_next_request_on_every_thread() {
    let registry = Registry::start(2);
    let connections = 16;
    for n in 0..20 {
        let package = Package::new("seen", &format!("1.0.{n}"));
        assert_eq!(registry.publish(&package).status, 201);
        for _ in 0..connections {
            let latest = registry.node.get("/seen").json()["dist-tags"]["latest"].clone();
            assert_eq!(latest, *package.version);
        }
    }
}

#[test]
fn the_same_bytes_by_the_same_user_again_are_no_conflict() {
    let registry = Registry::start(1);
    let package = Package::new("again", "1.0.0");
    assert_eq!(registry.publish(&package).status, 201);
    assert_eq!(registry.publish(&package).status, 200);
    let bob = registry.node.data().token("bob", &[]);
    let by_bob = super::put(&registry.node, &bob, &package.path(), &package.body());
    assert!([403, 409].contains(&by_bob.status), "{}", by_bob.text());
    let other = Package::new("again", "1.0.0").file("more.txt", b"more");
    assert_eq!(registry.publish(&other).status, 409);
}
