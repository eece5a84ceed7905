//! Large packages in bounded memory.

use super::Registry;
use super::support::{Package, Response};

const COUNT: u64 = 8;
const BYTES: usize = 60_000_000;
/// KiB; the bound the node promises for this load.
const PEAK_KIB: u64 = 150 * 1024;

#[test]
fn eight_parallel_60_mb_publishes_and_downloads_stay_under_150_mib() {
    let registry = Registry::start(2);
    // One after the other: making them is the test's own memory, not the node's.
    let paths: Vec<_> = (0..COUNT).map(|n| prepare(&registry, n)).collect();
    std::thread::scope(|scope| {
        for (n, path) in paths.iter().enumerate() {
            let registry = &registry;
            scope.spawn(move || {
                let body = std::fs::read(path).expect("it was just written");
                let response: Response = registry.put(&format!("/big{n}"), &body);
                assert_eq!(response.status, 201, "{}", response.text());
            });
        }
    });
    let after_publish = registry.node.proc_status("VmHWM");
    std::thread::scope(|scope| {
        for n in 0..COUNT {
            let registry = &registry;
            scope.spawn(move || {
                let response = registry.node.get(&format!("/big{n}/-/big{n}-1.0.0.tgz"));
                assert_eq!(response.status, 200);
                assert!(response.body.len() >= BYTES, "{} bytes", response.body.len());
            });
        }
    });
    let peak = registry.node.proc_status("VmHWM");
    println!("peak RSS: {after_publish} KiB after the publishes, {peak} KiB after the downloads");
    assert!(peak < PEAK_KIB, "peak RSS of the node: {peak} KiB, of which {after_publish} KiB publishing");
}

fn prepare(registry: &Registry, n: u64) -> std::path::PathBuf {
    let path = registry.node.data().root().join(format!("big{n}.json"));
    let package = Package::new(&format!("big{n}"), "1.0.0").noise(BYTES, n);
    std::fs::write(&path, package.body()).expect("the temp dir is writable");
    path
}

#[test]
fn a_30_mb_publish_is_an_ordinary_publish() {
    let registry = Registry::start(1);
    let package = Package::new("large", "1.0.0").noise(30_000_000, 1);
    let tarball = package.tarball();
    assert_eq!(registry.publish(&package).status, 201);
    assert!(registry.node.get(&package.tarball_path()).body == tarball);
}

#[test]
fn the_tarball_limit_holds_at_below_and_above() {
    let package = Package::new("limit", "1.0.0").noise(50_000, 1);
    let length = package.tarball().len();
    for (limit, status) in [(length + 1, 201), (length, 201), (length - 1, 413)] {
        let config = format!("[npm]\ntarball_bytes = {limit}\n");
        let registry = Registry::with(super::support::Setup::new().config(&config));
        let response = registry.publish(&package);
        assert_eq!(response.status, status, "{}", response.text());
        if status == 413 {
            assert!(response.text().contains("tarball_bytes"), "it names the key: {}", response.text());
            assert_eq!(registry.node.get("/limit").status, 404, "nothing is left of it");
        }
    }
}
